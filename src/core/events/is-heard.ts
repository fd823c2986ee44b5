// Whether anybody listens on a diagnostics channel.
import type { Channel } from "node:diagnostics_channel";

/** Whether telling is worth the work. */
export function isHeard(channel: Channel): boolean {
  // workerd has a method where the others have a property.
  const { hasSubscribers } = channel as { hasSubscribers: unknown };
  return typeof hasSubscribers === "function"
    ? !!hasSubscribers.call(channel)
    : (hasSubscribers as boolean);
}
