// The session of one request over Next.js' cookies: core's RequestSession, and a way to the cookie
// that Next.js opens in server actions and route handlers alone. Decides when a change is refused;
// what a session is, core decides.
import type { Changes, VisitorUpdater } from "../../core/data/changes.ts";
import { HarpiaError } from "../../core/errors.ts";
import { type CookieOptions, parseSetCookieLine } from "../../core/http/cookies.ts";
import type { LoginOptions } from "../../core/lifecycle/creation.ts";
import type { Deadlines } from "../../core/lifecycle/lifetimes.ts";
import type { ListedSession } from "../../core/lifecycle/operations.ts";
import { makeCloser } from "../../core/request/closed-session.ts";
import type { RequestSession } from "../../core/request/request-session.ts";

/** What `await cookies()` of `next/headers` gives, as far as sessions need it. */
export interface NextCookies {
  get(name: string): { readonly value: string } | undefined;
  set(cookie: CookieOptions & { name: string; value: string }): unknown;
}

/**
 * This request's session in Next.js.
 *
 * Reading works everywhere, taking a flash message too. Whatever may need a cookie is refused in a
 * server component, where Next.js sets none: HarpiaError `ERR_COOKIES_READ_ONLY`, and nothing was
 * stored.
 *
 * `login`, `rotate`, `destroy` and `update` with a function act at once, the cookie included.
 * `set`, `unset`, `flash` and `update` with an object wait for {@link NextSession.commit}, which
 * has to come before `redirect()`: that throws.
 */
export class NextSession<Data extends object, Input extends object = Data> {
  readonly #session: RequestSession<Data, Input>;
  readonly #cookies: NextCookies;
  readonly #isHeld: boolean;
  #isChanged = false;

  /** @param isHeld leaves the cookie to {@link NextSession.settle}. */
  constructor(session: RequestSession<Data, Input>, cookies: NextCookies, isHeld: boolean) {
    this.#session = session;
    this.#cookies = cookies;
    this.#isHeld = isHeld;
  }

  /** Whether the session began in this request. */
  get isNew(): boolean {
    return this.#session.isNew;
  }

  /** Whether a commit would write. */
  get hasChanges(): boolean {
    return this.#session.hasChanges;
  }

  /**
   * The data of somebody who is signed in; `undefined` for a visitor, with a session or without:
   * the gate of a page. A copy: changing it changes nothing.
   */
  get user(): Promise<Readonly<Data> | undefined> {
    return this.#session.user;
  }

  /** The same for what needs a user. @throws HarpiaError `ERR_NOT_SIGNED_IN`. */
  requireUser(): Promise<Readonly<Data>> {
    return this.#session.requireUser();
  }

  /**
   * The data with this request's own changes, a visitor's too: gate with {@link NextSession.user}.
   * `undefined` when there is no session, and when it holds nothing. A copy: changing it changes
   * nothing.
   */
  get data(): Promise<Readonly<Partial<Data>> | undefined> {
    return this.#session.data;
  }

  /** The same, and no activity: for polls and prefetches, which must not keep a session alive. */
  peek(): Promise<Readonly<Partial<Data>> | undefined> {
    return this.#session.peek();
  }

  /**
   * Names the session to people and logs; it signs nobody in. `undefined` when there is none, or it
   * is not stored yet.
   */
  get handle(): Promise<string | undefined> {
    return this.#session.handle;
  }

  /**
   * Reads the session again: what other requests have changed, or that it has ended. Own changes
   * stay.
   */
  reload(): Promise<Readonly<Partial<Data>> | undefined> {
    return this.#session.reload();
  }

  /**
   * Holds up a sensitive step until the user has signed in lately.
   *
   * @throws HarpiaError `ERR_NOT_FRESH`.
   */
  requireFresh(maxAge: number): Promise<void> {
    return this.#session.requireFresh(maxAge);
  }

  /**
   * The live sessions of this session's user, oldest first, this one marked. A visitor has none.
   */
  list(): Promise<ListedSession[]> {
    return this.#session.list();
  }

  /**
   * Ends one of the user's sessions by its handle; its own, as `destroy` does.
   *
   * @returns whether it was live.
   */
  revoke(handle: string): Promise<boolean> {
    return this.#change(() => this.#session.revoke(handle));
  }

  /** Ends all other sessions of this session's user. @returns how many it ended. */
  revokeOthers(): Promise<number> {
    return this.#session.revokeOthers();
  }

  /** When the session will end; `undefined` when there is none, or when it is not stored yet. */
  get deadlines(): Promise<Deadlines | undefined> {
    return this.#session.deadlines;
  }

  /** One field of {@link data}. */
  get<Field extends keyof Data & string>(field: Field): Promise<Data[Field] | undefined> {
    return this.#session.get(field);
  }

  /**
   * A signal that fires when the session ends: `Session.watch`. Fired already where there is none.
   */
  watch(until?: AbortSignal): Promise<AbortSignal> {
    return this.#session.watch(until);
  }

  /**
   * Takes a message. Of several requests at once exactly one gets it. Needs no cookie: a server
   * component may.
   */
  takeFlash(name: string): Promise<unknown> {
    return this.#session.takeFlash(name);
  }

  /** Changes a field at the commit. Where there is no session, one begins then. */
  set<Field extends keyof Data & string>(field: Field, value: Data[Field]): void {
    this.#assertWritable();
    this.#session.set(field, value);
  }

  /** Removes a field at the commit. */
  unset(field: keyof Data & string): void {
    this.#assertWritable();
    this.#session.unset(field);
  }

  /** Leaves a message, at the commit, for the next request that takes it. */
  flash(name: string, value: unknown): void {
    this.#assertWritable();
    this.#session.flash(name, value);
  }

  /**
   * Changes fields: an object at the commit, a function at once and exactly.
   *
   * @returns whether there is a session to change.
   */
  update(changes: Changes<Data> | VisitorUpdater<Data>): Promise<boolean> {
    return this.#change(() => this.#session.update(changes));
  }

  /**
   * Begins a session for a user, under a new id, and ends the one there was (ASVS V7.2.4). Of the
   * former data only the fields in `keep` come along, and none of them if it was somebody's
   * already.
   */
  async login(data: Input, options: LoginOptions<Data> = {}): Promise<void> {
    await this.#change(() => this.#session.login(data, options));
  }

  /**
   * Gives the session a new id; the old one is dead for everybody.
   *
   * @returns whether there was a session.
   */
  rotate(): Promise<boolean> {
    return this.#change(() => this.#session.rotate());
  }

  /**
   * Notes that the user has just proved who they are once more, and gives the session a new id.
   *
   * @returns whether there was a session.
   */
  reauthenticate(): Promise<boolean> {
    return this.#change(() => this.#session.reauthenticate());
  }

  /**
   * Ends the session, everywhere and at once, and takes its cookie back. Nothing can be changed in
   * this request any more.
   */
  async destroy(): Promise<void> {
    await this.#change(() => this.#session.destroy());
  }

  /**
   * Writes what has changed, and renews the id where that is due. May be called again, after more
   * changes. In a server component there is nothing to write.
   */
  async commit(): Promise<void> {
    if (!this.hasChanges || (!this.#isChanged && this.#refusal())) return;
    await this.#change(() => this.#session.commit());
  }

  /**
   * A field of the library's own, which `data` does not show. For what builds on sessions, such as
   * `harpiats/csrf`.
   */
  getHidden(field: string): Promise<unknown> {
    return this.#session.getHidden(field);
  }

  /** Sets such a field at the commit. */
  setHidden(field: string, value: unknown): void {
    this.#assertWritable();
    this.#session.setHidden(field, value);
  }

  /** Sets such a field now, where there is a session without it. */
  async offerHidden(field: string, value: unknown): Promise<void> {
    await this.#change(() => this.#session.offerHidden(field, value));
  }

  /**
   * Ends a request whose cookie was held: commits, or drops what it did and takes back a session
   * that began in it. An id that has changed already is sent all the same, or the user would be
   * signed out.
   */
  async settle(outcome: "commit" | "discard"): Promise<void> {
    try {
      await (outcome === "discard" ? this.#session.discard() : this.#session.commit());
    } catch (error) {
      // What went wrong first is what is told.
      await this.#session.discard().catch(() => {});
      await this.#sendCookie().catch(() => {});
      throw error;
    }
    await this.#sendCookie();
  }

  async #change<T>(change: () => Promise<T>): Promise<T> {
    this.#assertWritable();
    const result = await change();
    if (!this.#isHeld) await this.#sendCookie();
    return result;
  }

  async #sendCookie(): Promise<void> {
    const cookies = this.#cookies;
    try {
      this.#session.writeTo({
        getSetCookie: () => [],
        append: (_name, line) => void cookies.set(parseSetCookieLine(line)),
        // Other headers are not Next.js' to give: its pages are `private, no-store` as soon as
        // cookies() is called.
        get: () => null,
        set: () => {},
        delete: () => {},
      });
    } catch (cause) {
      // The request was answered while this was being stored. A session that nobody has heard of is
      // taken back.
      await this.#session.discard();
      throw readOnly(cause);
    }
  }

  #assertWritable(): void {
    const refusal = this.#refusal();
    if (refusal) throw readOnly(refusal.cause);
    this.#isChanged = true;
  }

  /**
   * Next.js tells nobody in advance whether it takes a cookie, so it is offered one that has no
   * name: where it takes cookies it asks for the name, and learns that there is none, before
   * anything is set; where it takes none it refuses first.
   */
  #refusal(): { cause: unknown } | undefined {
    const unnamed = new Error("a cookie without a name");
    const cookie = {
      value: "",
      get name(): string {
        throw unnamed;
      },
    };
    try {
      this.#cookies.set(cookie);
    } catch (cause) {
      if (cause !== unnamed) return { cause };
    }
    return undefined;
  }
}

// Of which data they are, the closer does not look at.
const close = /* @__PURE__ */ makeCloser<object>(NextSession);

/** The face that callers get. */
export function closeNextSession<Data extends object, Input extends object = Data>(
  session: NextSession<Data, Input>,
): NextSession<Data, Input> {
  return close(session) as NextSession<Data, Input>;
}

function readOnly(cause: unknown): HarpiaError {
  return new HarpiaError(
    "ERR_COOKIES_READ_ONLY",
    "Cannot change this session: Next.js sets no cookie in a server component, a server action or a route handler is wanted",
    { cause },
  );
}
