// An update of one session's data: blind where any order of such changes comes to the same, exact
// where it has to see the data.
import { assertVisible, type Changes, isChange, toPatch, type Updater } from "../data/changes.ts";
import type { PatchOutcome } from "../store.ts";
import type { UpdateScope } from "./exact-updates.ts";
import type { SessionParts } from "./session-context.ts";

/** @returns whether there was such a session. @throws as `Session.update`. */
export async function updateData<Data extends object, Input extends object>(
  { store, options, exactUpdates, events }: SessionParts<Data, Input>,
  key: string,
  changes: Changes<Data> | Updater<Data>,
  scope: UpdateScope = {},
): Promise<boolean> {
  exactUpdates.assertOutside(key);
  const { hidden } = scope;
  // A change of hidden fields alone needs no schema. Other changes are blind only if their fields
  // show all that they write: an object with its own toJSON does not.
  const isOwn = hidden !== undefined && !isChange(changes);
  const isBlind = typeof changes !== "function" && (isOwn || options.isBlindChange(changes));
  const isUpdated = isBlind
    ? (await patchBlindly(changes)) === "done"
    : await exactUpdates.run(key, changes, scope);
  if (isUpdated && events.has("updated")) events.emit("updated", { handle: store.handleOf(key) });
  return isUpdated;

  function patchBlindly(fields: Changes<Data>): Promise<PatchOutcome> {
    const { set, unset } = toPatch(fields);
    assertVisible({ ...fields, ...set });
    const patch = hidden ? mergePatches({ set, unset }, toPatch(hidden)) : { set, unset };
    return exactUpdates.inOrder(key, () => store.patch(key, patch));
  }
}

interface Fields {
  set: object;
  unset: string[];
}

function mergePatches<Data>(one: Fields, other: Fields): { set: Partial<Data>; unset: string[] } {
  return {
    set: { ...one.set, ...other.set } as Partial<Data>,
    unset: [...one.unset, ...other.unset],
  };
}
