// One request's session: nothing is read until it is asked for, nothing written unless something
// changed, no cookie until there is data. All save policy is here.
import {
  assertVisible,
  type Changes,
  FLASH,
  isHidden,
  merge,
  pickNamed,
  type Updater,
  type VisitorUpdater,
} from "../data/changes.ts";
import { copyJson } from "../data/json.ts";
import { HarpiaError, type StoreError } from "../errors.ts";
import type { ResponseLike } from "../http/http-messages.ts";
import { checkedLogin, type LoginOptions } from "../lifecycle/creation.ts";
import { type Deadlines, toDeadlines } from "../lifecycle/lifetimes.ts";
import type { ListedSession } from "../lifecycle/operations.ts";
import { makeCloser } from "./closed-session.ts";
import type { Opened, SessionAccess } from "./request-access.ts";
import { RequestChanges } from "./request-changes.ts";
import { RequestRecord } from "./request-record.ts";

/**
 * The session of one request. Changes are kept until {@link RequestSession.commit}, which writes
 * the changed fields and no others; `login`, `rotate`, `destroy`, `takeFlash` and `update` with a
 * function act at once.
 *
 * A session that ends elsewhere during the request stays ended: its changes are dropped and no
 * cookie is sent.
 *
 * What `Session.open` and the adapters give is closed: a property that is written or deleted is a
 * TypeError.
 *
 * @typeParam Data what the session of somebody who is signed in holds. A visitor's holds a part of
 * it.
 * @typeParam Input what `login` takes, where a schema makes `Data` of it.
 * @example
 * const user = await req.session.user;
 * if (!user) return res.status(401).send("Sign in first");
 */
export class RequestSession<Data extends object, Input extends object = Data> {
  readonly #access: SessionAccess<Data>;
  readonly #record: RequestRecord<Data>;
  readonly #changes = new RequestChanges<Data>();
  #face: RequestSession<Data, Input> | undefined;
  #cookie: "keep" | "set" | "clear" = "keep";
  // What the last response was given of it.
  #written: "keep" | "set" | "clear" = "keep";
  #isNew = false;
  #isRenamed = false;
  #isDestroyed = false;
  #isSealed = false;
  // It ended elsewhere, during this request.
  #isGone = false;

  constructor(access: SessionAccess<Data>) {
    this.#access = access;
    this.#record = new RequestRecord(access);
  }

  /** What callers get of this session: closed. */
  get face(): RequestSession<Data, Input> {
    return (this.#face ??= closeRequestSession(this));
  }

  /** Whether the session began in this request. */
  get isNew(): boolean {
    return this.#isNew;
  }

  /** Whether anything was asked of this session: then the response depends on the cookie. */
  get isUsed(): boolean {
    return this.#record.isUsed;
  }

  /** Whether a commit would write, or one still does: a response must not leave before it. */
  get hasChanges(): boolean {
    return !this.#changes.isEmpty || this.#isRenewalDue || !!this.#record.changing;
  }

  /** Whether the response owes the client an id, or its end. */
  get owesId(): boolean {
    return this.#cookie !== "keep";
  }

  /**
   * What the store failed with in this request, where it did: what is made of it must not look like
   * an answer.
   */
  get failure(): StoreError | undefined {
    return this.#access.failure;
  }

  /**
   * The data of somebody who is signed in; `undefined` for a visitor, with a session or without:
   * the gate of a page. A copy: changing it changes nothing.
   */
  get user(): Promise<Readonly<Data> | undefined> {
    return this.#after(() => (this.#userId === undefined ? undefined : this.#userData));
  }

  /**
   * The same for a handler that needs a user.
   *
   * @throws HarpiaError `ERR_NOT_SIGNED_IN`, which the adapters' error handlers answer with 401.
   */
  requireUser(): Promise<Readonly<Data>> {
    return this.#after(() => {
      if (this.#userId !== undefined) return this.#userData;
      throw new HarpiaError(
        "ERR_NOT_SIGNED_IN",
        "Cannot go on: nobody has signed in with this session",
      );
    });
  }

  /**
   * The data with this request's own changes, a visitor's too: gate with
   * {@link RequestSession.user}. `undefined` when there is no session, and when it holds nothing. A
   * copy: changing it changes nothing.
   */
  get data(): Promise<Readonly<Partial<Data>> | undefined> {
    return this.#after(() => this.#changes.view(this.#record.data));
  }

  /** The same, and no activity: for polls and prefetches, which must not keep a session alive. */
  async peek(): Promise<Readonly<Partial<Data>> | undefined> {
    await this.#record.peek();
    return this.#changes.view(this.#record.data);
  }

  /**
   * Names the session to people and logs; it signs nobody in. `undefined` when there is none, or it
   * is not stored yet.
   */
  get handle(): Promise<string | undefined> {
    return this.#afterPeek(() => this.#record.opened && this.#access.handleOf(this.#record.opened));
  }

  /**
   * When the session will end; `undefined` when there is none, or when it is not stored yet. Asking
   * is no activity.
   */
  get deadlines(): Promise<Deadlines | undefined> {
    return this.#afterPeek(() => {
      const session = this.#record.opened?.session;
      return session && toDeadlines(session);
    });
  }

  /**
   * Holds up a sensitive step until the user has signed in lately: `Session.requireFresh`.
   *
   * @throws HarpiaError `ERR_NOT_FRESH`.
   */
  requireFresh(maxAge: number): Promise<void> {
    return this.#after(() => this.#access.requireFresh(this.#record.opened, maxAge));
  }

  /**
   * A signal that fires when the session ends: `Session.watch`. Fired already where there is none.
   * Watching is no activity.
   */
  watch(until?: AbortSignal): Promise<AbortSignal> {
    return this.#afterPeek(() => this.#access.watch(this.#record.opened, until));
  }

  /**
   * The live sessions of this session's user, oldest first, this one marked. A visitor has none.
   */
  list(): Promise<ListedSession[]> {
    return this.#after(() => (this.#record.opened ? this.#access.list(this.#record.opened) : []));
  }

  /**
   * Ends one of the user's sessions by its handle; its own, as `destroy` does.
   *
   * @returns whether it was live.
   */
  async revoke(handle: string): Promise<boolean> {
    await this.#record.load();
    const { opened } = this.#record;
    if (!opened) return false;
    if (handle !== this.#access.handleOf(opened)) return this.#access.revoke(handle, opened);
    await this.destroy();
    return true;
  }

  /** Ends all other sessions of this session's user (ASVS V7.4.3). @returns how many it ended. */
  revokeOthers(): Promise<number> {
    // Beside a rotation it would spare the former id, and end the session itself.
    return this.#record.change(() =>
      this.#after(() => (this.#record.opened ? this.#access.revokeOthers(this.#record.opened) : 0)),
    );
  }

  /**
   * Reads the session again: what other requests have changed, or that it has ended. Own changes
   * stay.
   */
  async reload(): Promise<Readonly<Partial<Data>> | undefined> {
    while (this.#record.changing) await this.#record.changing;
    await this.#record.load();
    if (this.#record.opened) await this.#record.reload();
    return this.#changes.view(this.#record.data);
  }

  /** One field of {@link data}. */
  async get<Field extends keyof Data & string>(field: Field): Promise<Data[Field] | undefined> {
    if (this.#record.load()) await this.#record.load();
    if (isHidden(field)) return undefined;
    // A field of the changes is one of the data.
    return copyJson(this.#changes.get(field, this.#record.data) as Data[Field] | undefined);
  }

  /**
   * Changes a field when the request commits. Where there is no session, one begins then.
   *
   * @throws TypeError for what JSON would lose, and for a field of the library's own; HarpiaError
   * `ERR_SESSION_ENDED` after `destroy`.
   */
  set<Field extends keyof Data & string>(field: Field, value: Data[Field]): void {
    assertVisible({ [field]: 0 });
    this.#put({ [field]: value });
  }

  /** Removes a field when the request commits. */
  unset(field: keyof Data & string): void {
    assertVisible({ [field]: 0 });
    this.#put({ [field]: undefined });
  }

  /**
   * Changes fields: an object when the request commits, a function at once and exactly, as
   * `Session.update`. Where there is no session, one begins.
   *
   * @returns whether there is a session that holds the changes.
   */
  async update(changes: Changes<Data> | VisitorUpdater<Data>): Promise<boolean> {
    if (typeof changes !== "function") {
      assertVisible(changes);
      this.#put(changes);
      return true;
    }
    return this.#updateExactly(async (opened) => {
      // A visitor's data is a part of Data, and the function takes a part.
      if (opened)
        return this.#refreshed(opened, await this.#access.update(opened, changes as Updater<Data>));
      const fields = await changes({});
      if (fields === undefined) return false;
      assertVisible(fields);
      this.#put(fields);
      return this.#begun();
    });
  }

  /**
   * A field of the library's own, which `data` does not show. For what builds on sessions, such as
   * `harpiats/csrf`.
   */
  async getHidden(field: string): Promise<unknown> {
    await this.#record.load();
    return this.#changes.get(field, this.#record.data);
  }

  /** Sets such a field when the request commits. */
  setHidden(field: string, value: unknown): void {
    this.#put({ [field]: value });
  }

  /**
   * Sets such a field now, where there is a session without it: of two at once exactly one stores
   * its own.
   */
  async offerHidden(field: string, value: unknown): Promise<void> {
    await this.#updateExactly(async (opened) => {
      if (!opened) {
        this.#put({ [field]: value });
        return this.#begun();
      }
      // Whose field it is, the type of the data does not know.
      const change = { [field]: value } as Changes<Data>;
      const isDone = await this.#access.updateHidden(opened, (data) =>
        field in data ? undefined : change,
      );
      return this.#refreshed(opened, isDone);
    });
  }

  /**
   * Leaves a message for the next request that takes it. A visitor's session begins with it, and it
   * signs nobody in.
   */
  flash(name: string, value: unknown): void {
    this.#put({ [FLASH + name]: value });
  }

  /** Takes a message. Of several requests at once exactly one gets it. */
  async takeFlash(name: string): Promise<unknown> {
    const field = FLASH + name;
    if (this.#record.load()) await this.#record.load();
    const own = this.#changes.get(field, undefined);
    if (own !== undefined) this.#changes.put({ [field]: undefined });
    if (own !== undefined || !this.#record.opened || !Object.hasOwn(this.#record.data ?? {}, field))
      return own;
    return this.#access.takeField(this.#record.opened, field);
  }

  /**
   * Begins a session for a user, under a new id, and ends the one there was, with whatever else the
   * request's cookies name (ASVS V7.2.4). Of the former data only the fields in `keep` come along,
   * and none of them if it was somebody's already.
   *
   * @throws what `Session.create` throws.
   */
  login(data: Input, options: LoginOptions<Data> = {}): Promise<void> {
    const work = async (): Promise<void> => {
      const { keep = [], ...own } = checkedLogin(options);
      const replaced = this.#record.opened;
      const kept = keep.length > 0 ? this.#changes.view(this.#record.data) : undefined;
      // Input is Data where there is no schema.
      const given = data as unknown as Data;
      const next = {
        ...(kept && !this.#access.isOfAnotherUser(kept, given) && pickNamed(kept, keep)),
        ...given,
      };
      const opened = await this.#access.create(next, { own, replaced });
      await this.#begin(opened);
      this.#changes.take();
      await this.#access.retire(replaced, opened).catch((error: unknown) => {
        // The cap has ended it again: no response may carry its id.
        if (!this.failure) this.#forget();
        throw error;
      });
    };
    return this.#access.whole("create", () => this.#alone(work));
  }

  /**
   * Gives the session a new id; the old one is dead for everybody.
   *
   * @returns whether there was a session.
   */
  rotate(): Promise<boolean> {
    return this.#change((opened) => this.#access.rotate(opened));
  }

  /**
   * Notes that the user has just proved who they are once more, and gives the session a new id.
   *
   * @returns whether there was a session.
   */
  reauthenticate(): Promise<boolean> {
    return this.#change((opened) => this.#access.reauthenticate(opened));
  }

  /**
   * Ends the session, everywhere and at once, with whatever else the request's cookies name, and
   * takes its cookie back. Nothing can be changed in this request any more.
   *
   * @throws TypeError at once for a callback: it would never be called. Await the promise.
   */
  async destroy(): Promise<void> {
    await this.#record.load();
    let ended = this.#record.opened;
    await this.#access.end(ended);
    // Once more where it was given another id meanwhile.
    while (this.#record.opened && this.#record.opened !== ended) {
      ended = this.#record.opened;
      await this.#access.delete(ended);
    }
    this.#access.keepId(null);
    this.#changes.take();
    this.#isDestroyed = true;
    this.#forget();
  }

  /**
   * Writes what has changed. May be called again, after more changes.
   *
   * @throws StoreError when the store fails: the response must not look like a success then.
   * HarpiaError `ERR_HEADERS_SENT` for a session that would begin too late.
   */
  async commit(): Promise<void> {
    // What failed while nobody waited must not look like a success.
    while (this.#record.changing) await this.#record.changing;
    if (this.hasChanges) await this.#record.change(() => this.#write());
  }

  async #write(): Promise<void> {
    if (this.#record.load()) await this.#record.load();
    if (this.#isRenewalDue && this.#record.opened)
      this.#follow(await this.#access.renew(this.#record.opened));
    if (this.#changes.isEmpty) return;
    const { changes, hidden } = this.#changes.take();
    if (this.#record.opened) {
      // Where it has ended meanwhile, the changes end with it: a late request brings nothing back.
      if (await this.#access.update(this.#record.opened, changes, hidden)) {
        this.#record.data = merge(this.#record.data, { ...changes, ...hidden });
      } else this.#forget();
      return;
    }
    const data = merge<Data>(undefined, changes);
    const own = hidden && merge<object>(undefined, hidden as Changes<object>);
    if (this.#isGone || Object.keys({ ...data, ...own }).length === 0) return;
    this.#assertOpen(true);
    await this.#begin(await this.#access.create(data, { hidden: own ?? {} }));
  }

  /**
   * An exact change, once nothing else of this request is under way, and what it came to read
   * again.
   */
  async #updateExactly(
    change: (opened: Opened<Data> | undefined) => Promise<boolean>,
  ): Promise<boolean> {
    this.#assertOpen();
    if (this.hasChanges) await this.commit();
    // At once if it can be: called from within such a function, this is seen to be so.
    if (this.#record.load()) await this.#record.load();
    const { opened } = this.#record;
    if (opened) return change(opened);
    return !this.#isGone && this.#record.change(() => change(this.#record.opened));
  }

  /** Reads what an exact change came to. */
  async #refreshed(opened: Opened<Data>, isDone: boolean): Promise<boolean> {
    if (isDone) this.#record.data = await this.#access.get(opened);
    return isDone;
  }

  /** Writes now what begins a session. */
  async #begun(): Promise<boolean> {
    await this.#write();
    return this.#record.opened !== undefined;
  }

  /**
   * Drops what was not committed, and ends a session that began in this request and that nobody has
   * heard of.
   */
  async discard(): Promise<void> {
    await this.#record.changing?.catch(() => {});
    this.#changes.take();
    if (this.#isNew && this.#cookie === "set" && this.#record.opened)
      await this.#access.delete(this.#record.opened);
    if (this.#isNew) this.#forget();
  }

  /**
   * Puts on a response what this request owes it: the cookie if it changed, with `no-store`;
   * `Vary: Cookie` if the session was used, and `Cache-Control: private, no-store` if it was found
   * and the application set none. To be called after `commit`, before the headers leave.
   *
   * @throws HarpiaError `ERR_HEADERS_SENT` when a cookie is owed and it is too late.
   */
  writeTo(res: ResponseLike): void {
    if (this.isUsed) this.#access.writeCaching(res, this.#record.opened !== undefined);
    if (this.#cookie === "set" && this.#record.opened)
      this.#access.writeId(res, this.#record.opened);
    if (this.#cookie === "clear") this.#access.eraseId(res);
    this.#written = this.#cookie;
    this.#cookie = "keep";
  }

  /**
   * Says that the headers have not left after all, since the server refused them: what `writeTo`
   * has written is owed to the next answer, or is dropped with a session that began in this
   * request.
   */
  unseal(): void {
    if (this.#cookie === "keep") this.#cookie = this.#written;
    this.#written = "keep";
    this.#isSealed = false;
  }

  /**
   * Says that the headers have left: what needs a cookie from now on is `ERR_HEADERS_SENT`, before
   * anything is stored. Later changes of a session that there is are written by themselves; where
   * that fails, the event `error` tells.
   */
  seal(): void {
    this.#isSealed = true;
  }

  /** Does what gives another id, once nothing else is under way. */
  #alone<T>(act: () => Promise<T>): Promise<T> {
    return this.#record.change(() => this.#after(() => (this.#assertOpen(true), act())));
  }

  async #after<T>(act: () => T | Promise<T>): Promise<T> {
    await this.#record.load();
    return act();
  }

  async #afterPeek<T>(act: () => T | Promise<T>): Promise<T> {
    await this.#record.peek();
    return act();
  }

  get #userId(): string | undefined {
    const { opened } = this.#record;
    return opened && this.#access.userIdOf(opened.session);
  }

  /**
   * What a session with a user holds was judged as such: by the schema, or by the caller's type.
   */
  get #userData(): Readonly<Data> {
    return (this.#changes.view(this.#record.data) ?? {}) as Readonly<Data>;
  }

  get #isRenewalDue(): boolean {
    return (
      !!this.#record.opened &&
      !this.#isSealed &&
      !this.#isRenamed &&
      this.#access.isRenewalDue(this.#record.opened)
    );
  }

  /** Another id for the same session. @returns whether there was one. */
  #change(toNext: (opened: Opened<Data>) => Promise<Opened<Data> | undefined>): Promise<boolean> {
    return this.#alone(async () => {
      const before = this.#record.opened;
      const next = before && (await toNext(before));
      if (before) this.#follow(next);
      if (!next) return false;
      // What was destroyed meanwhile was the former id.
      if (this.#isDestroyed) await this.#access.delete(next);
      this.#assertOpen(true);
      return true;
    });
  }

  #follow(next: Opened<Data> | undefined): void {
    if (this.#isDestroyed) return;
    if (!next) return this.#forget();
    // To renew it once more in this request would say that the client has this one.
    this.#isRenamed ||= next.id !== this.#record.opened?.id;
    if (this.#isRenamed) this.#cookie = "set";
    this.#record.opened = next;
    if (this.#isRenamed) this.#access.keepId(next.id);
  }

  #put(fields: object): void {
    this.#assertOpen();
    this.#changes.put(fields);
    // Whether there is a session is settled now, so that one that ends later is not taken for none.
    this.#record.load()?.catch(() => {});
    // The adapter has committed already, and nobody may commit again. Where it is too late, that is
    // told.
    if (this.#isSealed)
      queueMicrotask(() => void this.commit().catch((error: Error) => this.#access.tell(error)));
  }

  async #begin(opened: Opened<Data>): Promise<void> {
    // The headers left while it was stored: nobody could ever use it.
    if (this.#isSealed || this.#isDestroyed) await this.#access.delete(opened);
    this.#assertOpen(true);
    this.#isGone = false;
    this.#record.data = opened.session.data;
    this.#isNew = true;
    this.#follow(opened);
  }

  #forget(): void {
    this.#isGone = true;
    this.#record.opened = undefined;
    this.#record.data = undefined;
    this.#cookie = this.#isDestroyed ? "clear" : "keep";
  }

  #assertOpen(needsCookie = false): void {
    if (this.#isDestroyed)
      throw new HarpiaError(
        "ERR_SESSION_ENDED",
        "Cannot change this session: it was destroyed in this request",
      );
    if (needsCookie && this.#isSealed)
      throw new HarpiaError(
        "ERR_HEADERS_SENT",
        "Cannot set the session's cookie: the headers of this response have been sent, set it before the body",
      );
  }
}

// Of which data they are, the closer does not look at.
const close = /* @__PURE__ */ makeCloser<object>(RequestSession);

function closeRequestSession<Data extends object, Input extends object>(
  session: RequestSession<Data, Input>,
): RequestSession<Data, Input> {
  return close(session) as RequestSession<Data, Input>;
}
