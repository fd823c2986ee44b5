// What core's request session asks of its `Session`: the one seam between the two.
import type { Changes, Updater } from "./changes.ts";
import { type CreateOptions, createSession, settleReplacement } from "./creation.ts";
import { updateData } from "./data-updates.ts";
import { StoreError } from "./errors.ts";
import { addVary, type RequestLike, type ResponseLike } from "./http-messages.ts";
import type { Deadlines } from "./lifetimes.ts";
import type { Session } from "./session.ts";
import type { SessionParts } from "./session-parts.ts";
import type { NewSession } from "./store.ts";

/** A session and the id that names it. */
export interface Opened<Data> {
  readonly id: string;
  /** Where it was found under this id. To derive it once more would cost a hash. */
  readonly key?: string;
  readonly session: NewSession<Data>;
}

// Browsers keep no cookie longer (RFC 6265bis 5.5).
const LONGEST_COOKIE = 400 * 86_400;

/** What a request's session asks of its `Session`, whatever that takes at creation. */
export type SessionAccess<Data extends object> = Pick<RequestAccess<Data>, keyof RequestAccess<Data>>;

/** The same for one request; so it is made of as little as possible. */
export class RequestAccess<Data extends object, Input extends object = Data> {
  readonly #session: Session<Data, Input>;
  readonly #parts: SessionParts<Data, Input>;
  readonly #req: RequestLike | undefined;
  /** What the store failed with last, where it did. */
  failure: StoreError | undefined;

  /** @param req the request whose session is asked for; none where an id is given. */
  constructor(session: Session<Data, Input>, parts: SessionParts<Data, Input>, req?: RequestLike) {
    this.#session = session;
    this.#parts = parts;
    this.#req = req;
  }

  /** The session that the request's cookie names. This is activity. At once where the store answers at once, and then it throws. */
  find(): Opened<Data> | undefined | Promise<Opened<Data> | undefined> {
    if (!this.#req) return undefined;
    try {
      const found = this.#parts.reader.visit(this.#req);
      return found instanceof Promise ? this.#noting(found) : found;
    } catch (error) {
      this.#note(error);
      throw error;
    }
  }

  get(id: string): Promise<Data | undefined> {
    return this.#noting(this.#session.get(id));
  }

  /** @param replaced what is to be ended by `retire` as soon as the new session has begun. */
  create(data: Data, own?: CreateOptions, replaced?: Opened<Data>): Promise<Opened<Data>> {
    return this.#noting(this.#create(data, own, replaced));
  }

  /** Ends a session that another one has replaced. */
  retire(replaced: Opened<Data>, by: Opened<Data>): Promise<void> {
    return this.#noting(this.#retire(replaced, by));
  }

  update({ id, key }: Opened<Data>, changes: Changes<Data> | Updater<Data>): Promise<boolean> {
    const { reader } = this.#parts;
    const isKnown = key !== undefined && reader.isCertain(id);
    return this.#noting(isKnown ? updateData(this.#parts, key, changes) : this.#session.update(id, changes));
  }

  /** Takes a field out of the data: of several who try at once exactly one gets what was in it. */
  async takeField(opened: Opened<Data>, field: string): Promise<unknown> {
    let taken: unknown;
    const isDone = await this.update(opened, (data) => {
      taken = (data as Record<string, unknown>)[field];
      // Whose field it is, the type of the data does not know.
      return { [field]: undefined } as Changes<Data>;
    });
    return isDone ? taken : undefined;
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

  /** Says to caches that the response depends on what named the session. */
  writeVary(res: ResponseLike): void {
    addVary(res, this.#parts.transport.header);
  }

  /** Whether data is somebody's, and `next` is somebody else's. */
  isOfAnotherUser(data: Data, next: Data): boolean {
    const { userOf } = this.#parts.options;
    return userOf(data) !== undefined && userOf(data) !== userOf(next);
  }

  async #create(data: Data, own?: CreateOptions, replaced?: Opened<Data>): Promise<Opened<Data>> {
    const device = this.#req && this.#parts.options.device?.(this.#req);
    // What came out of the schema goes through it again: see the option.
    return this.#sign(await createSession(this.#parts, data as unknown as Input, { ...(device && { device }), ...own }, replaced?.session));
  }

  async #retire(replaced: Opened<Data>, by: Opened<Data>): Promise<void> {
    if (!(await this.#session.delete(replaced.id))) await settleReplacement(this.#parts, replaced.session, by);
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
