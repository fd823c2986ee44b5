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
import { endSession } from "../lifecycle/ending.ts";
import type { UpdateScope } from "../lifecycle/exact-updates.ts";
import type { Deadlines } from "../lifecycle/lifetimes.ts";
import type { ListedSession, Operations } from "../lifecycle/operations.ts";
import type { SessionParts } from "../lifecycle/session-context.ts";
import { updateData } from "../lifecycle/updates.ts";
import type { NewSession } from "../store.ts";

/** A session and the id that names it. */
export interface Opened<Data> {
  readonly id: string;
  /** Where it was found under this id. To derive it once more would cost a hash. */
  readonly key?: string;
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

// Browsers keep no cookie longer (RFC 6265bis 5.5).
const LONGEST_COOKIE = 400 * 86_400;

/** What a request's session asks of its `Session`, whatever that takes at creation. */
export type SessionAccess<Data extends object> = Pick<
  RequestAccess<Data>,
  keyof RequestAccess<Data>
>;

/** The same for one request; so it is made of as little as possible. */
export class RequestAccess<Data extends object, Input extends object = Data> {
  readonly #session: Operations;
  readonly #parts: SessionParts<Data, Input>;
  readonly #req: RequestLike | undefined;
  /** What the store failed with last, where it did. */
  failure: StoreError | undefined;

  /** @param req the request whose session is asked for; none where an id is given. */
  constructor(session: Operations, parts: SessionParts<Data, Input>, req?: RequestLike) {
    this.#session = session;
    this.#parts = parts;
    this.#req = req;
  }

  /**
   * The session that the request's cookie names. This is activity. At once where the store answers
   * at once, and then it throws.
   */
  find(): Opened<Data> | undefined | Promise<Opened<Data> | undefined> {
    return this.#asking((req) => this.#parts.reader.visit(req));
  }

  /**
   * The same, and no activity.
   *
   * @param id of a session that began in this request, which no cookie names yet.
   */
  locate(id?: string): Opened<Data> | undefined | Promise<Opened<Data> | undefined> {
    return this.#asking((req) => this.#parts.reader.locate(req, id));
  }

  /** Notes the activity that `locate` has not. `false`: the session has ended. */
  async see(opened: Opened<Data>): Promise<boolean> {
    return this.#noting(Promise.resolve(this.#parts.reader.see(opened)));
  }

  /** The id that the `Session` has given this request since; `null`: it has ended it. */
  currentId(): string | null | undefined {
    return this.#req && this.#parts.requests.of(this.#req);
  }

  /** Remembers the id that this request's session has from now on. */
  keepId(id: string | null): void {
    this.#parts.requests.keep(this.#req, id);
  }

  get(id: string): Promise<Data | undefined> {
    return this.#noting(this.#parts.reader.find(id).then((session) => session?.data));
  }

  create(data: Partial<Data>, options: BeginOptions<Data> = {}): Promise<Opened<Data>> {
    return this.#noting(this.#create(data, options));
  }

  /** Ends a session that another one has replaced, and whatever else the request's cookies name. */
  retire(replaced: Opened<Data> | undefined, by: Opened<Data>): Promise<void> {
    return this.#noting(this.#retire(replaced, by));
  }

  update(
    { id, key }: Opened<Data>,
    changes: Changes<Data> | Updater<Data>,
    hidden?: object,
  ): Promise<boolean> {
    return this.#noting(this.#update(id, key, changes, { hidden }));
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

  /** An exact change that sees the library's own fields. */
  updateHidden({ id, key }: Opened<Data>, updater: Updater<Data>): Promise<boolean> {
    return this.#noting(this.#update(id, key, updater, { seesHidden: true }));
  }

  /** Ends this request's session, and whatever else its cookies name. */
  end(opened: Opened<Data> | undefined): Promise<void> {
    return this.#noting(this.#end(opened).then(() => {}));
  }

  delete(id: string): Promise<boolean> {
    return this.#noting(this.#session.delete(id));
  }

  rotate(id: string): Promise<string | undefined> {
    return this.#noting(this.#session.rotate(id));
  }

  reauthenticate(id: string): Promise<string | undefined> {
    return this.#noting(this.#session.reauthenticate(id));
  }

  handleOf({ id, key }: Opened<Data>): string | undefined {
    const { reader, store } = this.#parts;
    const known = key ?? reader.keyOf(id);
    return known && store.handleOf(known);
  }

  list(opened: Opened<Data>): Promise<ListedSession[]> {
    const userId = this.userIdOf(opened.session);
    return userId === undefined
      ? Promise.resolve([])
      : this.#noting(this.#session.list(userId, { current: opened.id }));
  }

  revoke(handle: string, opened: Opened<Data>): Promise<boolean> {
    const userId = this.userIdOf(opened.session);
    return userId === undefined
      ? Promise.resolve(false)
      : this.#noting(this.#session.revoke(handle, { userId }));
  }

  revokeOthers(opened: Opened<Data>): Promise<number> {
    const userId = this.userIdOf(opened.session);
    if (userId === undefined) return Promise.resolve(0);
    return this.#noting(this.#session.revokeAll(userId, { except: opened.id }));
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

  renew(id: string): Promise<Opened<Data> | undefined> {
    return this.#noting(this.#renew(id));
  }

  requireFresh(id: string | undefined, maxAge: number): Promise<void> {
    return this.#noting(this.#session.requireFresh(id, maxAge));
  }

  deadlines(id: string): Promise<Deadlines | undefined> {
    return this.#noting(this.#session.deadlines(id));
  }

  watch(id: string | undefined, until?: AbortSignal): AbortSignal {
    return this.#session.watch(id, until);
  }

  /** Puts an id on a response. */
  writeId(res: ResponseLike, { id, session: { facts, endsAt } }: Opened<Data>): void {
    const maxAge = Math.min(Math.ceil((endsAt - this.#parts.clock.now()) / 1000), LONGEST_COOKIE);
    this.#parts.transport.write(res, id, facts?.isPersistent ? { maxAge } : {});
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
    if (!this.#req) return undefined;
    try {
      const found = ask(this.#req);
      return found instanceof Promise ? this.#noting(found) : found;
    } catch (error) {
      this.#note(error);
      throw error;
    }
  }

  #update(
    id: string,
    key: string | undefined,
    changes: Changes<Data> | Updater<Data>,
    scope: UpdateScope,
  ): Promise<boolean> {
    const { reader } = this.#parts;
    if (key !== undefined && reader.isCertain(id))
      return updateData(this.#parts, key, changes, scope);
    const found = reader.keyToChange(id);
    if (!(found instanceof Promise)) {
      return found === undefined
        ? Promise.resolve(false)
        : updateData(this.#parts, found, changes, scope);
    }
    const given = this.#parts.exactUpdates.copy(changes);
    return found.then(
      (known) => known !== undefined && updateData(this.#parts, known, given, scope),
    );
  }

  async #create(
    data: Partial<Data>,
    { own, replaced, hidden }: BeginOptions<Data>,
  ): Promise<Opened<Data>> {
    const device = this.#req && this.#parts.options.device?.(this.#req);
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
    const ending = opened && this.#session.delete(opened.id);
    // What fails is seen below.
    ending?.catch(() => {});
    const keys = this.#req ? await this.#parts.reader.keysToEnd(this.#req, opened?.id) : [];
    const others = keys.filter((key) => key !== opened?.key && key !== except?.key);
    await Promise.all(others.map((key) => endSession(this.#parts, key)));
    return (await ending) ?? false;
  }

  async #renew(id: string): Promise<Opened<Data> | undefined> {
    const { reader, renewals } = this.#parts;
    const key = reader.keyOf(id);
    const found = key === undefined ? undefined : await renewals.renew(key, reader.bare(id));
    return found && this.#sign(found);
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
