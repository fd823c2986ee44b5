// The time of this process as the clock has it, less what Linux says that its thread waited for a
// processor: what is left is work, and waiting for anything of its own, such as the collector's
// threads. Elsewhere than on Linux the clock's.
import { readFileSync } from "node:fs";

/** Milliseconds. */
export function ownTime() {
  if (process.platform !== "linux") return performance.now();
  // Nanoseconds at work, nanoseconds in the queue, turns.
  const [, queued] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, "utf8").split(" ");
  return performance.now() - Number(queued) / 1e6;
}

/**
 * Watches for the longest time of its own between two turns of a timer: `longest`, in milliseconds.
 * `clearInterval(timer)` ends it.
 */
export function watchOwnTime() {
  const watch = { longest: 0, timer: undefined };
  let before = ownTime();
  watch.timer = setInterval(() => {
    const now = ownTime();
    watch.longest = Math.max(watch.longest, Number((now - before - 1).toFixed(1)));
    before = now;
  }, 1);
  return watch;
}
