// What core's request session asks of its `Session`: the one seam between the two.
import type { Changes, Updater } from "../data/changes.ts";
import { StoreError } from "../errors.ts";
import {
  addVary,
  type RequestLike,
  type ResponseLike,
  suggestCaching,
} from "../http/http-messages.ts";
import { type CreateOptions, createSession, settleReplacement } from "../lifecycle/creation.ts";
import { lifeOfCookie } from "../http/session-cookie.ts";
import { endSession } from "../lifecycle/ending.ts";
import type { Found } from "../lifecycle/found.ts";
import { assertFresh } from "../lifecycle/freshness.ts";
import type { ListedSession, Operations } from "../lifecycle/operations.ts";
import { reauthenticate, renew, rotate } from "../lifecycle/rotation.ts";
import type { SessionParts } from "../lifecycle/session-context.ts";
import { updateData } from "../lifecycle/updates.ts";
import type { NewSession } from "../store.ts";

/** A session, the id that names it, and the key that this was derived to when it was judged. */
export interface Opened<Data> {
  readonly id: string;
  readonly key: string;
  readonly session: NewSession<Data>;
}

/** How a request's session begins another one. */
interface BeginOptions<Data> {
  own?: CreateOptions | undefined;
  /** What is to be ended by `retire` as soon as the new session has begun. */
  replaced?: Opened<Data> | undefined;
  /** Fields of the library's own. */
  hidden?: object | undefined;
}

/** What a request's session asks of its `Session`, whatever that takes at creation. */
export type SessionAccess<Data extends object> = Pick<
  RequestAccess<Data>,
  keyof RequestAccess<Data>
>;

/**
 * The same for one request; so it is made of as little as possible. What the request found was
 * admitted when it began, and stays so to its end: everything below acts on the key.
 */
export class RequestAccess<Data extends object, Input extends object = Data> {
  readonly #users: Operations;
  readonly #parts: SessionParts<Data, Input>;
  readonly #req: RequestLike;
  // Where ids are renewed: an id is judged as of then.
  readonly #began: number | undefined;
  /** What the store failed with last, where it did. */
  failure: StoreError | undefined;

  constructor(users: Operations, parts: SessionParts<Data, Input>, req: RequestLike) {
    this.#users = users;
    this.#parts = parts;
    this.#req = req;
    this.#began = parts.renewals.isRenewing ? parts.clock.now() : undefined;
  }

  /**
   * The session that the request's cookie names. This is activity. At once where the store answers
   * at once, and then it throws.
   */
  find(): Opened<Data> | undefined | Promise<Opened<Data> | undefined> {
    return this.#asking((req) => this.#parts.reader.visit(req, this.#began));
  }

  /**
   * The same, and no activity.
   *
   * @param id of a session that began in this request, which no cookie names yet.
   */
  locate(id?: string): Opened<Data> | undefined | Promise<Opened<Data> | undefined> {
    return this.#asking((req) => this.#parts.reader.locate(req, { ownId: id, asOf: this.#began }));
  }

  /** Notes the activity that `locate` has not. `false`: the session has ended. */
  async see(opened: Opened<Data>): Promise<boolean> {
    return this.#noting(Promise.resolve(this.#parts.reader.see(opened)));
  }

  /** The id that the `Session` has given this request since; `null`: it has ended it. */
  currentId(): string | null | undefined {
    return this.#parts.requests.of(this.#req);
  }

  /** Remembers the id that this request's session has from now on. */
  keepId(id: string | null): void {
    this.#parts.requests.keep(this.#req, id);
  }

  get({ key }: Opened<Data>): Promise<Data | undefined> {
    return this.#noting(this.#parts.store.readNear(key).then((session) => session?.data));
  }

  create(data: Partial<Data>, options: BeginOptions<Data> = {}): Promise<Opened<Data>> {
    return this.#noting(this.#create(data, options));
  }

  /** Ends a session that another one has replaced, and whatever else the request's cookies name. */
  retire(replaced: Opened<Data> | undefined, by: Opened<Data>): Promise<void> {
    return this.#noting(this.#retire(replaced, by));
  }

  update(
    { key }: Opened<Data>,
    changes: Changes<Data> | Updater<Data>,
    hidden?: object,
  ): Promise<boolean> {
    return this.#noting(updateData(this.#parts, key, changes, { hidden }));
  }

  /** Takes a field out of the data: of several who try at once exactly one gets what was in it. */
  async takeField(opened: Opened<Data>, field: string): Promise<unknown> {
    let taken: unknown;
    const isDone = await this.updateHidden(opened, (data) => {
      taken = (data as Record<string, unknown>)[field];
      // Whose field it is, the type of the data does not know.
      return { [field]: undefined } as Changes<Data>;
    });
    return isDone ? taken : undefined;
  }

  /** Bounds several of these in time as a whole. What has begun goes on. */
  whole<T>(operation: string, work: () => Promise<T>): Promise<T> {
    return this.#noting(this.#parts.store.whole(operation, work));
  }

  /** An exact change that sees the library's own fields. */
  updateHidden({ key }: Opened<Data>, updater: Updater<Data>): Promise<boolean> {
    return this.#noting(updateData(this.#parts, key, updater, { seesHidden: true }));
  }

  /** Ends this request's session, and whatever else its cookies name. */
  end(opened: Opened<Data> | undefined): Promise<void> {
    return this.#noting(this.#end(opened).then(() => {}));
  }

  delete({ key }: Opened<Data>): Promise<boolean> {
    return this.#noting(endSession(this.#parts, key));
  }

  rotate(opened: Opened<Data>): Promise<Opened<Data> | undefined> {
    return this.#noting(rotate(this.#parts, opened));
  }

  async reauthenticate(opened: Opened<Data>): Promise<Opened<Data> | undefined> {
    return this.#noting(reauthenticate(this.#parts, opened));
  }

  handleOf({ key }: Opened<Data>): string {
    return this.#parts.store.handleOf(key);
  }

  list({ key, session }: Opened<Data>): Promise<ListedSession[]> {
    const userId = this.userIdOf(session);
    return userId === undefined ? Promise.resolve([]) : this.#noting(this.#users.list(userId, key));
  }

  revoke(handle: string, { session }: Opened<Data>): Promise<boolean> {
    const userId = this.userIdOf(session);
    return userId === undefined
      ? Promise.resolve(false)
      : this.#noting(this.#users.revoke(handle, userId));
  }

  revokeOthers({ key, session }: Opened<Data>): Promise<number> {
    const userId = this.userIdOf(session);
    return userId === undefined
      ? Promise.resolve(0)
      : this.#noting(this.#users.revokeAll(userId, [key]));
  }

  /** Whose session it is; `undefined` for a visitor's. */
  userIdOf(session: NewSession<Data>): string | undefined {
    return session.userId ?? this.#parts.options.userOf(session.data);
  }

  /** Tells of what fails while nobody waits: a warning of the process where nobody listens. */
  tell(error: Error): void {
    if (this.#parts.events.has("error")) this.#parts.events.emit("error", { error });
    else globalThis.process?.emitWarning?.(error);
  }

  /** Whether a renewal would change anything. */
  isRenewalDue(opened: Opened<Data>): boolean {
    return this.#parts.renewals.isDue(opened.session);
  }

  renew(opened: Opened<Data>): Promise<Opened<Data> | undefined> {
    // One that began in this request is not due: what is, was found, with all that a store knows.
    return this.#noting(renew(this.#parts, opened as Found<Data>));
  }

  /** Asks the store, whatever this request knows already. */
  async requireFresh(opened: Opened<Data> | undefined, maxAge: number): Promise<void> {
    const { store, clock } = this.#parts;
    const session = opened && (await this.#noting(store.read(opened.key)));
    assertFresh(session, maxAge, clock.now());
  }

  watch(opened: Opened<Data> | undefined, until?: AbortSignal): AbortSignal {
    return opened ? this.#parts.watcher.watch(opened.key, until) : AbortSignal.abort();
  }

  /** Puts an id on a response. */
  writeId(res: ResponseLike, { id, session }: Opened<Data>): void {
    this.#parts.transport.write(res, id, lifeOfCookie(session, this.#parts.clock.now()));
  }

  /** Takes back what the client has. */
  eraseId(res: ResponseLike): void {
    this.#parts.transport.erase(res);
  }

  /**
   * Says to caches that the response depends on what named the session, and with `isFound` that it
   * shows some of it.
   */
  writeCaching(res: ResponseLike, isFound: boolean): void {
    const { transport, options } = this.#parts;
    addVary(res, transport.header);
    if (isFound && options.cacheControl !== false) suggestCaching(res, options.cacheControl);
  }

  /** Whether data is somebody's, and `next` is somebody else's. */
  isOfAnotherUser(data: Data, next: Data): boolean {
    const { userOf } = this.#parts.options;
    return userOf(data) !== undefined && userOf(data) !== userOf(next);
  }

  #asking(
    ask: (req: RequestLike) => Opened<Data> | undefined | Promise<Opened<Data> | undefined>,
  ): ReturnType<typeof ask> {
    try {
      const found = ask(this.#req);
      return found instanceof Promise ? this.#noting(found) : found;
    } catch (error) {
      this.#note(error);
      throw error;
    }
  }

  async #create(
    data: Partial<Data>,
    { own, replaced, hidden }: BeginOptions<Data>,
  ): Promise<Opened<Data>> {
    const device = this.#parts.options.device?.(this.#req);
    // What came out of the schema goes through it again: see the option. A visitor's may lack
    // fields.
    const given = data as unknown as Input;
    const options = { ...(device && { device }), ...own };
    return this.#sign(
      await createSession(this.#parts, given, options, { replaced: replaced?.session, hidden }),
    );
  }

  async #retire(replaced: Opened<Data> | undefined, by: Opened<Data>): Promise<void> {
    const isEnded = await this.#end(replaced, by);
    if (replaced && !isEnded) await settleReplacement(this.#parts, replaced.session, by);
  }

  /** @returns whether `opened` was live. */
  async #end(opened: Opened<Data> | undefined, except?: Opened<Data>): Promise<boolean> {
    const ending = opened && endSession(this.#parts, opened.key);
    // What fails is seen below.
    ending?.catch(() => {});
    const keys = await this.#parts.reader.keysToEnd(this.#req, opened?.id);
    const others = keys.filter((key) => key !== opened?.key && key !== except?.key);
    await Promise.all(others.map((key) => endSession(this.#parts, key)));
    return (await ending) ?? false;
  }

  #sign(opened: Opened<Data>): Opened<Data> {
    const { signer } = this.#parts;
    return signer ? { ...opened, id: signer.sign(opened.id) } : opened;
  }

  /** Handlers may catch what a store fails with, and frameworks do. */
  async #noting<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      this.#note(error);
      throw error;
    }
  }

  #note(error: unknown): void {
    if (error instanceof StoreError) this.failure = error;
  }
}
