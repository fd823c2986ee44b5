// The id of a live session changes: rotation, whatever the reason. The data, the birth and the limits stay.
import { toHeaderPort, type ResponseLike } from "./http-messages.ts";
import { birthOf, ID_LENGTH } from "./session-id.ts";
import type { SessionParts } from "./session-parts.ts";

/** The id of a session that `id` names, under a new key. `undefined` when there is no such session. */
export async function rotate<Data extends object, Input extends object>(parts: SessionParts<Data, Input>, id: string | undefined, res?: ResponseLike): Promise<string | undefined> {
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
  if (events.has("rotated")) events.emit("rotated", { handle: store.handleOf(nextKey), formerHandle: store.handleOf(key) });
  watcher.moved(key, nextKey);
  if (!renewals.isCertain(bare)) await renewals.settle(nextKey, nextId + verifier);
  return nextId + verifier;
}

/** Notes in a session's record that its user has just proved who they are. @returns whether it lives. */
export async function noteAuthentication<Data extends object, Input extends object>(parts: SessionParts<Data, Input>, id: string): Promise<boolean> {
  const { store, clock } = parts;
  const key = store.keyOf(id.slice(0, ID_LENGTH));
  for (;;) {
    const session = await store.read(key);
    if (!session) return false;
    const outcome = await store.patch(key, { facts: { ...session.facts, authenticatedAt: clock.now() }, ifRevision: session.revision });
    if (outcome !== "conflict") return outcome === "done";
  }
}
