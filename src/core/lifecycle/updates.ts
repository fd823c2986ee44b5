// An update of one session's data: blind where any order of such changes comes to the same, exact
// where it has to see the data.
import {
  assertFewFields,
  assertVisible,
  type Changes,
  isChange,
  toPatch,
  type Updater,
} from "../data/changes.ts";
import type { UpdateScope } from "./exact-updates.ts";
import type { SessionParts } from "./session-context.ts";

/** @returns whether there was such a session. @throws as `Session.update`. */
export async function updateData<Data extends object, Input extends object>(
  { store, options, exactUpdates, events }: SessionParts<Data, Input>,
  key: string,
  changes: Changes<Data> | Updater<Data>,
  scope: UpdateScope<Data> = {},
): Promise<boolean> {
  exactUpdates.assertOutside(key);
  const { hidden } = scope;
  // A change of hidden fields alone needs no schema. Other changes are blind only if their fields
  // show all that they write: an object with its own toJSON does not.
  const isOwn = hidden !== undefined && !isChange(changes);
  const isBlind = typeof changes !== "function" && (isOwn || options.isBlindChange(changes));
  const isUpdated = isBlind
    ? await patchBlindly(changes)
    : await exactUpdates.run(key, changes, scope);
  if (isUpdated && events.has("updated")) events.emit("updated", { handle: store.handleOf(key) });
  return isUpdated;

  async function patchBlindly(fields: Changes<Data>): Promise<boolean> {
    // Before anything is awaited: what the caller does to the object then is no part of the change.
    const { set, unset } = toPatch(fields);
    assertVisible({ ...fields, ...set });
    const patch = hidden ? mergePatches({ set, unset }, toPatch(hidden)) : { set, unset };
    assertFewFields(patch);
    const mayChange = scope.admission?.beforehand() ?? true;
    if (!(mayChange instanceof Promise ? await mayChange : mayChange)) return false;
    return (await exactUpdates.inOrder(key, () => store.patch(key, patch))) === "done";
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
