// Every wait of the tests. Each looks at the state first, has a limit, and says what it waited for
// when the limit is over. test/package/waits.test.ts refuses waits of any other form.
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { createInterface } from "node:readline";
import type { ManualClock } from "../../src/testing.ts";

/** Milliseconds. A loaded machine needs seconds; what takes longer has gone wrong. */
export const PATIENCE = 30_000;

export interface WaitOptions {
  /** Milliseconds. Default {@link PATIENCE}. */
  limit?: number;
  /** What to add to the error: a log, the last answer. Asked when the limit is over. */
  seen?: (() => unknown) | undefined;
}

// So many looks follow one another at once; later ones leave the processor to what is waited for.
const QUICK_LOOKS = 100;
const PAUSE = 5;

/**
 * Resolves when a condition holds, which is looked at before anything is waited for.
 *
 * @throws Error that names `what` once the limit is over, also where a look itself never ends.
 */
export async function until(
  what: string,
  isSo: () => unknown,
  { limit = PATIENCE, seen }: WaitOptions = {},
): Promise<void> {
  const end = performance.now() + limit;
  for (let looks = 0; ; looks++) {
    const look = isSo();
    const left = Math.max(end - performance.now(), 1);
    const late = (): Error => tooLate(what, limit, seen);
    if (look instanceof Promise ? await before(left, look, late) : look) return;
    if (performance.now() >= end) throw late();
    if (looks < QUICK_LOOKS) await new Promise((resolve) => setImmediate(resolve));
    else await sleep(PAUSE);
  }
}

/** What a promise gives. @throws Error that names `what` once the limit is over. */
export function within<T>(
  what: string,
  promise: Promise<T>,
  { limit = PATIENCE, seen }: WaitOptions = {},
): Promise<T> {
  return before(limit, promise, () => tooLate(what, limit, seen));
}

async function before<T>(limit: number, promise: Promise<T>, toError: () => Error): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(toError()), limit);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Lets a manual clock's time pass, as soon as somebody waits for it, until a promise is settled. */
export async function advanceUntil(
  clock: ManualClock,
  what: string,
  happens: Promise<unknown>,
  options?: WaitOptions,
): Promise<void> {
  let isOver = false;
  const over = (): void => void (isOver = true);
  happens.then(over, over);
  const look = (): boolean => {
    if (!isOver && clock.scheduled > 0) clock.advance(1000);
    return isOver;
  };
  await until(what, look, options);
}

/** Resolves once a signal is aborted, also where it is already. */
export function aborted(signal: AbortSignal, what = "the signal to be aborted"): Promise<void> {
  const fired = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  return within(what, fired);
}

interface Emits {
  on(name: string, listener: (...args: unknown[]) => void): unknown;
}

/**
 * The arguments of an event that cannot have come yet: call it before that which causes the event.
 * For what may have happened already there are {@link listening}, {@link exitOf} and {@link aborted}.
 */
export function heard<Args extends unknown[]>(
  emitter: Emits,
  event: string,
  options?: WaitOptions,
): Promise<Args> {
  const come = new Promise<Args>((resolve) => {
    emitter.on(event, (...args: unknown[]) => resolve(args as Args));
  });
  const { name } = emitter.constructor;
  return within(`the event "${event}" of ${name}`, come, options);
}

interface Listens extends Emits {
  readonly listening: boolean;
}

/** Resolves once a server takes connections. */
export async function listening(server: Listens): Promise<void> {
  if (!server.listening) await within("a server to listen", once(server as never, "listening"));
}

/** The code and the signal with which a process ended, also where it has ended already. */
export async function exitOf(
  child: ChildProcess,
  options?: WaitOptions,
): Promise<[number | null, NodeJS.Signals | null]> {
  if (child.exitCode === null && child.signalCode === null)
    await within(`the process ${child.spawnfile} to end`, once(child, "exit"), options);
  return [child.exitCode, child.signalCode];
}

/** Ends a process, unless it has ended, and waits until it has. */
export async function end(
  child: ChildProcess | undefined,
  signal: NodeJS.Signals = "SIGKILL",
): Promise<void> {
  if (child?.pid === undefined) return;
  if (child.exitCode === null && child.signalCode === null) child.kill(signal);
  await exitOf(child);
}

/**
 * The first line that a process prints. Call it in the turn in which the process was started.
 *
 * @throws Error when it ends without one.
 */
export async function firstLine(child: ChildProcess, options?: WaitOptions): Promise<string> {
  const lines = createInterface(child.stdout as Readable);
  const line = once(lines, "line").then(([text]) => String(text));
  const none = once(lines, "close").then(() => {
    throw new Error(`The process ${child.spawnfile} ended without a line`);
  });
  none.catch(() => {});
  return within(`the first line of ${child.spawnfile}`, Promise.race([line, none]), options);
}

function tooLate(what: string, limit: number, seen?: () => unknown): Error {
  const last = seen === undefined ? "" : `; seen: ${String(seen())}`;
  return new Error(`Waited ${Math.round(limit)} ms in vain for ${what}${last}`);
}
