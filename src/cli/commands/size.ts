// `harpiats size`: from users to memory and operations per second, with what was measured
// (docs/measured) and assumptions that it names.
import { type CommandIo, tell, write } from "../shared/command-io.ts";
import { DONE } from "../shared/exit-codes.ts";
import { MEASURED, type MeasuredStore } from "../shared/measured-numbers.ts";
import { table, writeJson } from "../shared/output.ts";

export interface SizeOptions {
  users: number;
  idle: number;
  absolute: number;
  devices: number;
  daily: number;
  visits: number;
  requests: number;
  minutes: number;
  peak: number;
  data: number;
  json?: boolean;
}

const DAY = 86_400;
// The throttle's default: a minute, or 5 % of the idle limit.
const TOUCH = 60;
const TOUCH_SHARE = 0.05;
const NAMES = {
  redis: "Redis",
  postgres: "PostgreSQL",
  mysql: "MariaDB",
  sqlite: "SQLite",
} as const;

/** What so many users do to a store. */
export function reckon(options: SizeOptions) {
  const { users, idle, absolute, devices, daily, visits, requests, minutes, peak, data } = options;
  const sessions = Math.round(users * devices);
  const touchInterval = Math.min(TOUCH, idle * TOUCH_SHARE);
  const visitsPerSecond = (users * daily * visits) / DAY;
  const reads = visitsPerSecond * requests;
  // At most one for each request, and one for each interval of a visit.
  const touches = visitsPerSecond * Math.min(requests, Math.max(1, (minutes * 60) / touchInterval));
  // Whoever comes back in time need not sign in again, until the absolute limit.
  const signIns = sessions / absolute;
  const atPeak = (average: number): number => Math.ceil(average * peak);
  const writes = atPeak(touches + signIns);
  const stores = Object.entries(MEASURED).map(([name, measured]) => {
    const bytesEach = Math.round(bytesOf(measured, data));
    return {
      store: NAMES[name as keyof typeof NAMES],
      bytesEach,
      bytes: bytesEach * sessions,
      busy: writes / measured.changesPerSecond,
      measured: `${measured.version}, ${measured.date}`,
    };
  });
  return {
    sessions,
    touchInterval,
    peakPerSecond: { reads: atPeak(reads), touches: atPeak(touches), signIns: atPeak(signIns) },
    stores,
  };
}

/** Between two measurements along the line, and beyond them along the last. */
function bytesOf({ sizes }: MeasuredStore, data: number): number {
  const above = sizes.findIndex(([bytes]) => bytes >= data);
  const at = above < 0 ? sizes.length - 1 : Math.max(1, above);
  const [x0, y0] = sizes[at - 1] ?? [0, 0];
  const [x1, y1] = sizes[at] ?? [1, 0];
  return y0 + ((data - x0) * (y1 - y0)) / (x1 - x0);
}

export async function size(io: CommandIo, options: SizeOptions): Promise<number> {
  const { sessions, touchInterval, peakPerSecond, stores } = reckon(options);
  if (options.json === true) {
    await writeJson(io, { sessions, touchInterval, peakPerSecond, stores });
    return DONE;
  }
  const whole = (number: number): string =>
    number.toLocaleString("en", { maximumFractionDigits: 0 });
  const lines = stores.map(({ store, bytesEach, bytes, busy, measured }) => [
    store,
    whole(bytesEach),
    gigabytes(bytes),
    store === "Redis" ? gigabytes(bytes * 2) : gigabytes(bytes * 1.5),
    `${(busy * 100).toLocaleString("en", { maximumFractionDigits: 1 })} %`,
    measured,
  ]);
  await write(
    io,
    `${whole(sessions)} live sessions of ${whole(options.users)} users, ${whole(options.data)} bytes of data in each

At the peak, per second
${table(
  [
    ["reads of a session", whole(peakPerSecond.reads)],
    ["notes of activity", whole(peakPerSecond.touches)],
    ["sign-ins", whole(peakPerSecond.signIns)],
  ].map(([name = "", number = ""]) => [`  ${name}`, number]),
  [1],
)}
${table([["STORE", "BYTES EACH", "IN ALL", "PROVIDE", "WRITES", "MEASURED ON"], ...lines], [1, 2, 3, 4])}`,
  );
  for (const line of [
    "",
    "PROVIDE is twice as much for Redis, which copies itself while it writes to disk, and half as much again for a table, whose dead rows wait for their removal.",
    "WRITES is the peak's share of what the same store did here on 2 cores that did other work too: measure your own with harpiats bench.",
    `Assumed: ${options.devices} devices a user, ${options.daily * 100} % of the users on a day, ${options.visits} visits of ${options.minutes} minutes and ${options.requests} requests, the peak ${options.peak} times the average,`,
    `activity noted at most once in ${touchInterval} s. Options change each of them: harpiats size --help.`,
  ])
    tell(io, line);
  return DONE;
}

function gigabytes(bytes: number): string {
  return bytes < 1e9
    ? `${(bytes / 1e6).toLocaleString("en", { maximumFractionDigits: 0 })} MB`
    : `${(bytes / 1e9).toLocaleString("en", { maximumFractionDigits: 1 })} GB`;
}
