// The id of a live session changes: at once, or by renewal. The data, the birth and the limits stay.
import { StoreError } from "../errors.ts";
import { birthOf, ID_LENGTH } from "../ids/session-id.ts";
import type { NewSession, SessionFacts } from "../store.ts";
import type { Found } from "./found.ts";
import type { SessionParts } from "./session-context.ts";

/** A session that an id may act on. Its record is not needed where the store keeps only data. */
export interface Named<Data> {
  readonly id: string;
  readonly key: string;
  readonly session?: NewSession<Data> | undefined;
}

/**
 * Gives a session a new id, under a new key, in one step of the store: whatever fails, it is under
 * the one id or the other, with the facts that belong to it.
 *
 * @returns the session as it is now; `undefined` when it has ended, or was given another id.
 */
export async function rotate<Data extends object, Input extends object, One extends Named<Data>>(
  parts: SessionParts<Data, Input>,
  found: One,
  isAuthenticated = false,
): Promise<One | undefined> {
  const { reader, store, events, watcher, clock, renewals, keepsFacts } = parts;
  const { key, session } = found;
  const birth = birthOf(reader.bare(found.id).slice(0, ID_LENGTH));
  const nextId = parts.ids.make(birth);
  const nextKey = store.keyOf(nextId, birth);
  // Between the read and this only a renewal can change the facts under the same key, and the ids
  // that it made end here.
  const facts: SessionFacts | undefined = keepsFacts
    ? {
        ...renewals.rotated(key, session?.facts),
        ...(isAuthenticated && { authenticatedAt: clock.now() }),
      }
    : undefined;
  if (!(await store.move(key, nextKey, facts))) return undefined;
  if (events.has("rotated"))
    events.emit("rotated", { handle: store.handleOf(nextKey), formerHandle: store.handleOf(key) });
  watcher.moved(key, nextKey);
  const id = parts.signer?.sign(nextId) ?? nextId;
  return {
    ...found,
    id,
    key: nextKey,
    ...(session && facts && { session: { ...session, facts } }),
  };
}

/** The same, and its record says from then on that its user has just proved who they are. */
export function reauthenticate<Data extends object, Input extends object, One extends Named<Data>>(
  parts: SessionParts<Data, Input>,
  found: One,
): Promise<One | undefined> {
  assertReauthenticates(parts);
  return rotate(parts, found, true);
}

/** @throws StoreError `ERR_STORE_UNSUPPORTED` on a three-method store. */
export function assertReauthenticates({
  store,
  keepsFacts,
}: Pick<SessionParts<object>, "store" | "keepsFacts">): void {
  if (keepsFacts) return;
  throw new StoreError(
    "ERR_STORE_UNSUPPORTED",
    `Cannot reauthenticate: ${store.name} has only get, set and delete, a SessionStore is wanted`,
    { store: store.name, operation: "reauthenticate" },
  );
}

/** A session under the id that it goes by now, renewed if that is due. */
export async function renew<Data extends object, Input extends object>(
  { reader, renewals, signer }: SessionParts<Data, Input>,
  found: Found<Data>,
): Promise<Found<Data> | undefined> {
  const next = await renewals.renew({ ...found, id: reader.bare(found.id) });
  return next && { ...next, id: signer?.sign(next.id) ?? next.id };
}
