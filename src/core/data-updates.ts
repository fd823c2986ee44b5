// An update of one session's data: blind where any order of such changes comes to the same, exact where it has to see the data.
import { type Changes, toPatch, type Updater } from "./changes.ts";
import type { SessionParts } from "./session-parts.ts";

/** @returns whether there was such a session. @throws as `Session.update`. */
export async function updateData<Data extends object, Input extends object>(
  { store, options, exactUpdates, events }: SessionParts<Data, Input>,
  key: string,
  changes: Changes<Data> | Updater<Data>,
): Promise<boolean> {
  exactUpdates.assertOutside(key);
  const isBlind = typeof changes !== "function" && options.isBlindChange(changes);
  const isUpdated = isBlind ? (await store.patch(key, toPatch(changes))) === "done" : await exactUpdates.run(key, changes);
  if (isUpdated && events.has("updated")) events.emit("updated", { handle: store.handleOf(key) });
  return isUpdated;
}
