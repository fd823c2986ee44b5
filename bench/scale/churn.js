// What a process with so many sessions in memory does besides, while others come, are read, change
// and end: how long its event loop stops. By the clock as perf_hooks sees it, and, as in
// bench/memory, less what Linux says that the thread waited for a processor.
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { watchOwnTime } from "../own-time.js";
import { nodeRequest } from "../read/messages.js";
import { idOf, keyOf } from "./ids.js";

// Of each kind in a turn of the event loop.
const EACH = 10;

export async function churn({ session, store, size, start, milliseconds }) {
  await sleep(500);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const before = performance.eventLoopUtilization();
  const ticker = watchOwnTime();
  const born = [];
  let operations = 0;
  const until = performance.now() + milliseconds;
  while (performance.now() < until) {
    for (let time = 0; time < EACH; time++) {
      const number = Math.floor(Math.random() * size);
      await session.fromRequest(nodeRequest(`${session.cookieName}=${idOf(number, start)}`));
      await session.update(idOf(number, start), { theme: `theme-${time}` });
      born.push(
        await session.create({
          userId: `new-${operations}`,
          role: "editor",
          name: "Ada Lovelace",
          signedInAt: start,
        }),
      );
      if (born.length > 1000) await session.delete(born.shift());
      // One of the many ends, and comes again: what was made long ago is given back, not only what
      // is new.
      await store.remove(keyOf(number, start));
      await store.create(keyOf(number, start), {
        data: { userId: `user-${number}`, role: "editor", name: "Ada Lovelace", signedInAt: start },
        createdAt: start * 1000,
        lastSeenAt: start * 1000,
        expiresAt: Date.now() + 86_400_000,
        endsAt: start * 1000 + 2_592_000_000,
        userId: `user-${number}`,
      });
      operations += 6;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { utilization } = performance.eventLoopUtilization(before);
  delay.disable();
  clearInterval(ticker.timer);
  for (const id of born) await session.delete(id);
  // The histogram counts the whole time between two of its ticks, which are a millisecond apart.
  return {
    perSecond: operations / (milliseconds / 1000),
    longest: delay.max / 1e6 - 1,
    p999: delay.percentile(99.9) / 1e6 - 1,
    longestOwn: ticker.longest,
    utilization,
  };
}
