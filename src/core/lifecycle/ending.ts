// A session ends because its user said so.
import type { SessionParts } from "./session-context.ts";

/** @returns whether it was live. */
export async function endSession<Data extends object, Input extends object>(
  { store, watcher, events }: Pick<SessionParts<Data, Input>, "store" | "watcher" | "events">,
  key: string,
): Promise<boolean> {
  const isEnded = await store.remove(key);
  if (!isEnded) return false;
  watcher.ended(key);
  if (events.has("ended")) events.emit("ended", { handle: store.handleOf(key), reason: "logout" });
  return true;
}
