// One measurement in a process of its own: fills something with sessions, lets them expire, and
// prints what it saw. Needs --expose-gc. Arguments: what to fill, how many sessions, over how many
// seconds they expire (0: all at once).
import { createHash } from "node:crypto";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { ownTime, watchOwnTime } from "../own-time.js";

const [what, count, spread] = [
  process.argv[2],
  Number(process.argv[3]),
  Number(process.argv[4]) * 1000,
];
// When and for how long the store's own tasks ran, and when the collector did.
const slices = [];
const pauses = [];
const observer = new PerformanceObserver((list) =>
  pauses.push(...list.getEntries().map(({ startTime, duration }) => ({ startTime, duration }))),
);
observer.observe({ entryTypes: ["gc"] });
const timers = createRequire(import.meta.url)("node:timers");
const { setImmediate: soon } = timers;
timers.setImmediate = (task, ...rest) => soon(noted(task), ...rest);
// Before the store imports it.
syncBuiltinESMExports();
const { MemoryStore } = await import(process.env.HARPIATS_DIST ?? "../../dist/session.js");

// Stands still while sessions are made, so that none expires before all are there; then goes on
// with the machine's.
const clock = {
  startedAt: undefined,
  now: () =>
    (clock.startedAt === undefined ? 0 : Math.floor(performance.now() - clock.startedAt)) +
    1_700_000_000_000,
  schedule(delay, task) {
    const timer = setTimeout(noted(task), Math.min(delay, 2 ** 31 - 1));
    timer.unref();
    return () => clearTimeout(timer);
  },
};

const fillers = {
  MemoryStore() {
    const store = new MemoryStore({ clock, maxSessions: count });
    return { add: (key, session) => void store.create(key, session), size: () => store.size };
  },
  "Map of objects"() {
    const sessions = new Map();
    return {
      add: (key, { data: { userId, name, role }, createdAt, lastSeenAt, expiresAt, endsAt }) =>
        void sessions.set(key, {
          data: { userId, name, role },
          revision: 1,
          createdAt,
          lastSeenAt,
          expiresAt,
          endsAt,
        }),
      size: () => sessions.size,
      clear: () => sessions.clear(),
    };
  },
};

const opened = fillers[what]();
await fill(2000, 0);
clock.startedAt = performance.now();
await expired();
clock.startedAt = undefined;

// What was noted is no memory of the store's.
forget();
const before = memory();
const { milliseconds: filledIn, processor: filledInProcessor } = await fill(count, spread);
await sleep(100);
const longestFillSlice = longestSlice();
const longestFillCollection = longestCollection();
const full = memory();
const fullCollection = await timed(() => globalThis.gc());
const delay = monitorEventLoopDelay({ resolution: 1 });
// What the collection above has left to do is not ours to answer for.
await sleep(500);
forget();
delay.enable();
const ticker = watchOwnTime();
clock.startedAt = performance.now();
const expiredIn = await timed(expired);
delay.disable();
clearInterval(ticker.timer);
await sleep(100);
const [slice, collection] = [longestSlice(), longestCollection()];
forget();
const after = memory();

process.stdout.write(
  `${JSON.stringify({
    what,
    count,
    spread: spread / 1000,
    bytesEach: Math.round((full - before) / count),
    before,
    full,
    after,
    ratio: Number((after / before).toFixed(3)),
    // In the store alone: what is put in is made beforehand.
    filledIn,
    filledInProcessor,
    longestFillSlice,
    longestFillCollection,
    fullCollection,
    expiredIn,
    // Of the store's own tasks, less the collector's pauses in them and the wait for a processor.
    longestSlice: slice,
    // The histogram counts the whole time between two of its ticks, which are a millisecond apart.
    longestStall: Number((delay.max / 1e6 - 1).toFixed(1)),
    stall999: Number((delay.percentile(99.9) / 1e6 - 1).toFixed(1)),
    // The same without the wait for a processor that others had.
    longestOwn: ticker.longest,
    longestCollection: collection,
    residentMiB: Math.round(process.memoryUsage.rss() / 2 ** 20),
  })}\n`,
);

/** Sessions of as many users, each with an own deadline, as a busy site would have them. */
async function fill(sessions, within) {
  const spent = { milliseconds: 0, processor: 0 };
  for (let from = 0; from < sessions; from += 1000) {
    const batch = [];
    for (let at = from; at < Math.min(from + 1000, sessions); at++)
      batch.push(sessionOf(at, within));
    const start = performance.now();
    const used = process.cpuUsage();
    for (const [key, session] of batch) {
      const begun = performance.now();
      opened.add(key, session);
      const ended = performance.now();
      // The others cannot be the longest.
      if (ended - begun > 0.5) slices.push([begun, ended, ended - begun]);
    }
    const { user, system } = process.cpuUsage(used);
    spent.milliseconds += performance.now() - start;
    spent.processor += (user + system) / 1000;
    await new Promise((resolve) => soon(resolve));
  }
  return { milliseconds: Math.round(spent.milliseconds), processor: Math.round(spent.processor) };
}

function sessionOf(at, within) {
  const now = clock.now();
  const expiresAt = now + 1 + Math.floor(within * ((at * 0.618_033_988_7) % 1));
  const key = `65539fd0.${createHash("sha256").update(String(at)).digest("base64url")}`;
  const userId = `user-${at}`;
  return [
    key,
    {
      data: { userId, name: `Name ${at}`, role: "member" },
      createdAt: now,
      lastSeenAt: now,
      expiresAt,
      endsAt: now + 2_592_000_000,
      userId,
    },
  ];
}

function noted(task) {
  return (...rest) => {
    const begun = performance.now();
    const working = ownTime();
    task(...rest);
    slices.push([begun, performance.now(), ownTime() - working]);
  };
}

function forget() {
  slices.length = 0;
  pauses.length = 0;
}

function longestSlice() {
  const inside = ([from, to]) =>
    pauses
      .filter(({ startTime }) => startTime >= from && startTime < to)
      .reduce((sum, { duration }) => sum + duration, 0);
  return Number(Math.max(0, ...slices.map((slice) => slice[2] - inside(slice))).toFixed(1));
}

function longestCollection() {
  return Number(Math.max(0, ...pauses.map(({ duration }) => duration)).toFixed(1));
}

async function expired() {
  opened.clear?.();
  while (opened.size() > 0) await sleep(50);
}

function memory() {
  for (let turn = 0; turn < 4; turn++) globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function timed(act) {
  const start = performance.now();
  await act();
  return Math.round(performance.now() - start);
}
