// What core's request session asks of its `Session`: the one seam between the two.
import type { Changes, Updater } from "./changes.ts";
import { type CreateOptions, createSession } from "./creation.ts";
import { StoreError } from "./errors.ts";
import { addVary, type RequestLike, type ResponseLike } from "./http-messages.ts";
import type { Deadlines } from "./lifetimes.ts";
import type { Session } from "./session.ts";
import type { SessionParts } from "./session-parts.ts";
import type { NewSession } from "./store.ts";

/** A session and the id that names it. */
export interface Opened<Data> {
  readonly id: string;
  readonly session: NewSession<Data>;
}

/** What a request's session asks of its `Session`. */
export interface SessionAccess<Data extends object> {
  /** The session that the request's cookie names. This is activity. */
  find(): Promise<Opened<Data> | undefined>;
  get(id: string): Promise<Data | undefined>;
  create(data: Data, options?: CreateOptions): Promise<Opened<Data>>;
  update(id: string, changes: Changes<Data> | Updater<Data>): Promise<boolean>;
  delete(id: string): Promise<boolean>;
  rotate(id: string): Promise<string | undefined>;
  reauthenticate(id: string): Promise<string | undefined>;
  /** Whether a renewal would change anything. */
  isRenewalDue(opened: Opened<Data>): boolean;
  renew(id: string): Promise<Opened<Data> | undefined>;
  requireFresh(id: string | undefined, maxAge: number): Promise<void>;
  deadlines(id: string): Promise<Deadlines | undefined>;
  watch(id: string | undefined, until?: AbortSignal): AbortSignal;
  /** Puts an id on a response. */
  writeId(res: ResponseLike, opened: Opened<Data>): void;
  /** Takes back what the client has. */
  eraseId(res: ResponseLike): void;
  /** Whether data is somebody's, and `next` is somebody else's. */
  isOfAnotherUser(data: Data, next: Data): boolean;
  /** Says to caches that the response depends on what named the session. */
  writeVary(res: ResponseLike): void;
  /** What the store failed with last, where it did. */
  failure(): StoreError | undefined;
}

// Browsers keep no cookie longer (RFC 6265bis 5.5).
const LONGEST_COOKIE = 400 * 86_400;

/** @param req the request whose session is asked for; none where an id is given. */
export function accessFor<Data extends object, Input extends object>(session: Session<Data, Input>, parts: SessionParts<Data, Input>, req?: RequestLike): SessionAccess<Data> {
  const { options, reader, renewals, transport, signer, clock } = parts;
  const sign = <Found extends Opened<Data>>(opened: Found): Found => (signer ? { ...opened, id: signer.sign(opened.id) } : opened);
  let failure: StoreError | undefined;
  const note = (error: unknown): void => {
    if (error instanceof StoreError) failure = error;
  };
  // Handlers may catch what a store fails with, and frameworks do.
  const noting = <T>(work: Promise<T>): Promise<T> => {
    work.catch(note);
    return work;
  };
  const create = async (data: Data, own?: CreateOptions): Promise<Opened<Data>> => {
    const device = req && options.device?.(req);
    // What came out of the schema goes through it again: see the option.
    return sign(await createSession(parts, data as unknown as Input, { ...(device && { device }), ...own }));
  };
  const renew = async (id: string): Promise<Opened<Data> | undefined> => {
    const key = reader.keyOf(id);
    const found = key === undefined ? undefined : await renewals.renew(key, reader.bare(id));
    return found && sign(found);
  };
  return {
    find: () => noting(req ? reader.visit(req) : Promise.resolve(undefined)),
    get: (id) => noting(session.get(id)),
    create: (data, own) => noting(create(data, own)),
    update: (id, changes) => noting(session.update(id, changes)),
    delete: (id) => noting(session.delete(id)),
    rotate: (id) => noting(session.rotate(id)),
    reauthenticate: (id) => noting(session.reauthenticate(id)),
    isRenewalDue: (opened) => renewals.isDue(opened.session),
    renew: (id) => noting(renew(id)),
    requireFresh: (id, maxAge) => noting(session.requireFresh(id, maxAge)),
    deadlines: (id) => noting(session.deadlines(id)),
    watch: (id, until) => session.watch(id, until),
    writeId(res, { id, session: { facts, endsAt } }) {
      const maxAge = Math.min(Math.ceil((endsAt - clock.now()) / 1000), LONGEST_COOKIE);
      transport.write(res, id, facts?.isPersistent ? { maxAge } : {});
    },
    eraseId: (res) => transport.erase(res),
    writeVary: (res) => addVary(res, transport.header),
    isOfAnotherUser: (data, next) => options.userOf(data) !== undefined && options.userOf(data) !== options.userOf(next),
    failure: () => failure,
  };
}
