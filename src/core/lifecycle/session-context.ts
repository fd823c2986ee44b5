// What a Session is made of, put together from its options. No policy is decided here.
import { type Clock, systemClock } from "../clock.ts";
import { Emitter, type SessionEvents, tellStoreChange } from "../events/events.ts";
import { SessionCookie } from "../http/session-cookie.ts";
import { BearerToken, type Transport } from "../http/transport.ts";
import { IdMaker } from "../ids/session-id.ts";
import { IdSigner } from "../ids/signed-id.ts";
import { GuardedStore } from "../store/guarded-store.ts";
import { isSessionStore, PlainStore } from "../store/three-method-store.ts";
import { ExactUpdates } from "./exact-updates.ts";
import { Lifetimes } from "./lifetimes.ts";
import { Renewals } from "./renewal.ts";
import { RequestIds } from "./request-ids.ts";
import { resolveOptions, type SessionOptions } from "./session-options.ts";
import { SessionReader } from "./session-reader.ts";
import { Watcher } from "./watcher.ts";

/** The parts of one `Session`, for the modules that do its work. */
export interface SessionParts<Data extends object, Input extends object = Data> {
  readonly options: ReturnType<typeof resolveOptions<Data, Input>>;
  readonly clock: Clock;
  readonly store: GuardedStore<Data>;
  /** Whether the store keeps more than data. */
  readonly keepsFacts: boolean;
  readonly lifetimes: Lifetimes;
  readonly events: Emitter<SessionEvents>;
  readonly watcher: Watcher<Data>;
  readonly signer: IdSigner | undefined;
  readonly renewals: Renewals<Data>;
  readonly transport: Transport;
  readonly requests: RequestIds;
  readonly reader: SessionReader<Data>;
  readonly exactUpdates: ExactUpdates<Data>;
  readonly ids: IdMaker;
}

/** @throws TypeError or RangeError that says what was given and what is wanted. */
export function assemble<Data extends object, Input extends object>(
  given: SessionOptions<Data, Input>,
): SessionParts<Data, Input> {
  const options = resolveOptions(given);
  const { clock = systemClock, cookieName, secrets } = options;
  const keepsFacts = isSessionStore(options.store) && !(options.store instanceof PlainStore);
  const lifetimes = new Lifetimes(options, keepsFacts);
  const sessionStore = isSessionStore(options.store)
    ? options.store
    : new PlainStore(options.store, { absoluteTimeout: lifetimes.absolute / 1000, clock });
  const events: Emitter<SessionEvents> = new Emitter(cookieName, (heard) =>
    store.listen(
      (change) => tellStoreChange(heard, change),
      (error) => heard.emit("error", { error }),
    ),
  );
  const onError = (error: Error): void => events.emit("error", { error });
  const store = new GuardedStore(sessionStore, {
    clock,
    timeout: options.storeTimeout * 1000,
    nearCache: options.nearCache,
    onError,
  });
  // Begin to listen to the store now: subscribers of the diagnostics channel may be waiting for
  // sessions that it ends by itself.
  events.has("ended");
  const watcher = new Watcher(store, clock);
  const signer = secrets && new IdSigner(secrets);
  const renewals = new Renewals(options, { store, watcher, events, clock, lifetimes, keepsFacts });
  const cookie = new SessionCookie(cookieName, options.cookie);
  const transport = options.transport === "bearer" ? new BearerToken() : cookie;
  const requests = new RequestIds();
  const reader = new SessionReader({
    transport,
    store,
    lifetimes,
    clock,
    events,
    signer,
    renewals,
    requests,
    userOf: options.userOf,
  });
  const exactUpdates = new ExactUpdates(store, options);
  const ids = new IdMaker(options.randomFill);
  return {
    options,
    clock,
    store,
    keepsFacts,
    lifetimes,
    events,
    watcher,
    signer,
    renewals,
    transport,
    requests,
    reader,
    exactUpdates,
    ids,
  };
}
