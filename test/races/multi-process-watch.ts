// Sessions that are watched in one process and ended in another: the store's messages, not the
// watcher's own looking.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { Session, StoreError } from "../../src/session.ts";
import type { Fields, TestRunner } from "../../src/testing/conformance-bench.ts";
import { type OpenForProcess, OPTIONS } from "./multi-process-worker.ts";
import { type MultiProcessOptions, Worker } from "./multi-process.ts";

// A watcher looks for itself after 30 s: whatever comes far earlier was a message.
const BY_MESSAGE = 10_000;

/**
 * The milliseconds from the moment before each session is ended, one after the other, until
 * `worker`, which watches them, is told.
 */
export async function toldAfter(
  worker: Worker,
  ids: readonly string[],
  end: (id: string) => Promise<unknown>,
): Promise<number[]> {
  await worker.tell({ task: "watch", ids });
  const ended: bigint[] = [];
  for (const id of ids) {
    ended.push(process.hrtime.bigint());
    await end(id);
  }
  const fired = (await worker.tell({ task: "fired" })) as string[];
  return fired.map((moment, at) => Number(BigInt(moment) - (ended[at] as bigint)) / 1e6);
}

/** Opens a store in a process that watches and in this one. */
export async function openWatch({ opener, target }: MultiProcessOptions): Promise<{
  worker: Worker;
  session: Session<Fields>;
  close(): Promise<void>;
}> {
  const worker = new Worker();
  await worker.tell({ task: "open", opener: opener.href, target: target() });
  const { openForProcess } = (await import(opener.href)) as { openForProcess: OpenForProcess };
  const opened = await openForProcess(target());
  const session = new Session<Fields>({ ...OPTIONS, store: opened.store });
  return {
    worker,
    session,
    async close() {
      await worker.end();
      await session.close();
      await opened.close?.();
    },
  };
}

/**
 * Fails where a process that watches is not told, or only when it looks for itself, since the store
 * was killed and came back.
 */
export async function watchThroughRestart(
  { worker, session }: { worker: Worker; session: Session<Fields> },
  restart: () => Promise<void>,
): Promise<void> {
  const userId = `watched-through-${process.pid}`;
  const [first, ...others] = await Promise.all(
    Array.from({ length: 4 }, () => session.create({ userId })),
  );
  const ids = [first as string, ...others];
  await worker.tell({ task: "watch", ids });
  await restart();
  const again = async <T>(request: () => Promise<T>): Promise<T> => {
    for (const begun = Date.now(); ; await sleep(20)) {
      try {
        return await request();
      } catch (error) {
        if (!(error instanceof StoreError) || Date.now() - begun > BY_MESSAGE) throw error;
      }
    }
  };
  // They are all there, and nobody was told otherwise.
  for (const id of ids)
    assert.ok(await again(() => session.get(id)), "a session is gone that nobody ended");
  const ended = process.hrtime.bigint();
  for (const id of ids.slice(0, 2)) await again(() => session.delete(id));
  await again(() => session.revokeEverything());
  const fired = ((await worker.tell({ task: "fired" })) as string[]).map(
    (moment) => Number(BigInt(moment) - ended) / 1e6,
  );
  assert.ok(Math.min(...fired) > 0, "told of an end before there was one");
  assert.ok(Math.max(...fired) < BY_MESSAGE, `told after ${fired.join(", ")} ms`);
  // Those may have been found while it looked for the store. These it is told of, or nothing tells
  // it.
  const later = await Promise.all(Array.from({ length: 2 }, () => session.create({ userId })));
  const times = await toldAfter(worker, later, (id) => again(() => session.delete(id)));
  assert.ok(Math.max(...times) < BY_MESSAGE, `told after ${times.join(", ")} ms`);
}

/** Holds a store to telling other processes of ends. */
export function watchSuite(
  { describe, it, before, after }: TestRunner,
  options: MultiProcessOptions,
): void {
  describe(`watch in another process over ${options.name}`, () => {
    let opened: Awaited<ReturnType<typeof openWatch>>;
    before(async () => void (opened = await openWatch(options)));
    after(() => opened?.close());

    const userId = `watched-${process.pid}`;
    const ends: Record<string, (session: Session<Fields>) => (id: string) => Promise<unknown>> = {
      "a logout": (session) => (id) => session.delete(id),
      "a rotation and a logout": (session) => async (id) =>
        session.delete(await session.rotate(id)),
      revokeAll: (session) => () => session.revokeAll(userId),
      revokeEverything: (session) => () => session.revokeEverything(),
    };
    for (const [name, end] of Object.entries(ends)) {
      it(`fires by message at ${name}`, async () => {
        const ids = await Promise.all(
          Array.from({ length: 3 }, () => opened.session.create({ userId })),
        );
        const times = await toldAfter(opened.worker, ids, end(opened.session));
        assert.ok(Math.max(...times) < BY_MESSAGE, `told after ${times.join(", ")} ms`);
      });
    }
  });
}
