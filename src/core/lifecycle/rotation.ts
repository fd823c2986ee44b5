// The id of a live session changes: rotation, whatever the reason. The data, the birth and the
// limits stay.
import { StoreError } from "../errors.ts";
import { toHeaderPort, type ResponseLike } from "../http/http-messages.ts";
import { birthOf, ID_LENGTH } from "../ids/session-id.ts";
import { changeFacts } from "./facts.ts";
import type { SessionParts } from "./session-context.ts";

/**
 * The id of a session that `id` names, under a new key. `undefined` when there is no such session.
 */
export async function rotate<Data extends object, Input extends object>(
  parts: SessionParts<Data, Input>,
  id: string | undefined,
  res?: ResponseLike,
): Promise<string | undefined> {
  const { reader, store, events, watcher, renewals } = parts;
  const key = reader.keyOf(id);
  if (id === undefined || key === undefined) return undefined;
  // An id that cannot be sent any more would be nobody's: the session would be lost.
  if (res) toHeaderPort(res);
  const bare = reader.bare(id);
  const verifier = renewals.isCertain(bare) ? "" : await renewals.verifierForRotation(key, bare);
  if (verifier === undefined) return undefined;
  const nextId = parts.ids.make(birthOf(bare.slice(0, ID_LENGTH)));
  const nextKey = store.keyOf(nextId);
  if (!(await store.move(key, nextKey))) return undefined;
  if (events.has("rotated"))
    events.emit("rotated", { handle: store.handleOf(nextKey), formerHandle: store.handleOf(key) });
  watcher.moved(key, nextKey);
  if (!renewals.isCertain(bare)) await renewals.settle(nextKey, nextId + verifier);
  return nextId + verifier;
}

/** The same, and its record says from then on that its user has just proved who they are. */
export async function reauthenticate<Data extends object, Input extends object>(
  parts: SessionParts<Data, Input>,
  id: string | undefined,
  res?: ResponseLike,
): Promise<string | undefined> {
  const { store, clock } = parts;
  if (!parts.keepsFacts) {
    // Before the rotation: a session under an id that nobody is told would be lost.
    throw new StoreError(
      "ERR_STORE_UNSUPPORTED",
      `Cannot reauthenticate: ${store.name} has only get, set and delete, a SessionStore is wanted`,
      { store: store.name, operation: "reauthenticate" },
    );
  }
  const next = await rotate(parts, id, res);
  if (next === undefined) return undefined;
  const isNoted = await changeFacts(store, store.keyOf(next.slice(0, ID_LENGTH)), ({ facts }) => ({
    ...facts,
    authenticatedAt: clock.now(),
  }));
  return isNoted ? next : undefined;
}
