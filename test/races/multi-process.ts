// Several processes on the same sessions of a real server: no update is lost, and nothing brings
// back what was ended.
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { Session } from "../../src/session.ts";
import type { SessionStore } from "../../src/session.ts";
import type { Fields, OpenedStore, TestRunner } from "../../src/testing/conformance-bench.ts";
import { userTests } from "./multi-process-users.ts";
import { type OpenForProcess, OPTIONS, type Order } from "./multi-process-worker.ts";
import { exitOf, within } from "../support/waits.ts";
import { fork } from "../support/children.ts";

export interface MultiProcessOptions {
  /** The store's name in the output. */
  name: string;
  /**
   * A module that exports `openForProcess(target)`, an {@link OpenForProcess}:
   * `new URL("../support/…", import.meta.url)`.
   */
  opener: URL;
  /**
   * Logins of one user that each process has under way at the same time under a cap; by default
   * all.
   */
  loginsAtOnce?: number;
  /**
   * What the opener is given in every process, such as a URL. Asked for once, when the suite
   * begins.
   */
  target(): string;
}

const PROCESSES = 4;
const UPDATES = 250;
const ROUNDS = 1000;
// Sessions that are disturbed and ended at the same time.
const AT_ONCE = 50;
// Milliseconds. Four processes and their server share what processors there are.
const LONGEST_ORDER = 120_000;

/** A child process that takes orders. */
export class Worker {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<
    number,
    { resolve(result: unknown): void; reject(reason: Error): void }
  >();
  #number = 0;

  constructor() {
    const file = new URL(
      `./multi-process-worker.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`,
      import.meta.url,
    );
    this.#child = fork(file, {
      env: { ...process.env, HARPIATS_WORKER: "1" },
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#child.on(
      "message",
      ({ number, result, error }: { number: number; result: unknown; error?: string }) => {
        const waiting = this.#waiting.get(number);
        this.#waiting.delete(number);
        if (error === undefined) waiting?.resolve(result);
        else waiting?.reject(new Error(error));
      },
    );
    this.#child.on("exit", (code, signal) => {
      for (const { reject } of this.#waiting.values())
        reject(new Error(`The worker ended: ${code ?? signal}`));
    });
  }

  tell(order: Order): Promise<unknown> {
    const number = this.#number++;
    const answer = new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
      this.#child.send({ number, order });
    });
    return within(`the worker to have done "${order.task}"`, answer, { limit: LONGEST_ORDER });
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    await this.tell({ task: "close" }).catch(() => {});
    this.#child.disconnect();
    await exitOf(this.#child);
  }
}

/** Lost updates and resurrection, with four processes that share nothing but the server. */
export function multiProcessSuite(
  { describe, it, before, after }: TestRunner,
  options: MultiProcessOptions,
): void {
  describe(`${options.name} in ${PROCESSES} processes`, () => {
    let workers: Worker[] = [];
    let opened: OpenedStore;
    let session: Session<Fields>;
    before(async () => {
      const target = options.target();
      workers = Array.from({ length: PROCESSES }, () => new Worker());
      await Promise.all(
        workers.map((worker) => worker.tell({ task: "open", opener: options.opener.href, target })),
      );
      const { openForProcess } = (await import(options.opener.href)) as {
        openForProcess: OpenForProcess;
      };
      opened = await openForProcess(target);
      session = new Session<Fields>({ ...OPTIONS, store: opened.store });
    });
    after(async () => {
      await Promise.all(workers.map((worker) => worker.end()));
      await opened?.close?.();
    });

    it(`no update of ${PROCESSES} × ${UPDATES} is lost, and as many increments are exact`, async () => {
      const id = await session.create({ counter: 0, kept: true });
      const done = await Promise.all(
        workers.map((worker, n) =>
          worker.tell({ task: "update", id, name: `field${n}-`, count: UPDATES }),
        ),
      );
      assert.deepEqual(
        done,
        workers.map(() => UPDATES),
      );
      const data = await session.get(id);
      const fields = workers.flatMap((_, n) =>
        Array.from({ length: UPDATES }, (__, at) => [`field${n}-${at}`, at]),
      );
      assert.deepEqual(data, {
        kept: true,
        ...Object.fromEntries(fields),
        counter: PROCESSES * UPDATES,
      });
      await session.delete(id);
    });

    it(`${ROUNDS} sessions that are ended while others update, touch and rotate them stay ended`, async () => {
      let rotations = 0;
      for (let round = 0; round < ROUNDS; round += AT_ONCE) {
        const users = Array.from(
          { length: AT_ONCE },
          (_, n) => `disturbed-${process.pid}-${round + n}`,
        );
        const ids = await Promise.all(users.map((userId) => session.create({ userId })));
        const disturbed = Promise.all(
          workers.map((worker) => worker.tell({ task: "disturb", ids }) as Promise<string[]>),
        );
        const isEnded = await Promise.all(
          ids.map((id, n) => end(session, id, users[n] as string, n)),
        );
        const rotated = (await disturbed).flat();
        rotations += rotated.length;
        const found = await Promise.all([...ids, ...rotated].map((id) => session.get(id)));
        const alive = found.flatMap((data) => (data ? String(data["userId"]) : []));
        // A logout that came after a rotation has ended nothing, and said so.
        const missed = users.filter((_, n) => !isEnded[n]);
        assert.deepEqual(alive.sort(), missed.sort());
        for (const id of rotated) await session.delete(id);
      }
      assert.ok(rotations > 0, "no rotation came before a logout: the race did not happen");
      assert.deepEqual(await everything(opened.store as SessionStore<Fields>), []);
    });

    userTests(it, () => ({
      workers,
      session,
      loginsAtOnce: options.loginsAtOnce ?? Number.MAX_SAFE_INTEGER,
    }));
  });
}

/**
 * Every other session by its id, the others with all sessions of its user, which no rotation
 * escapes.
 */
async function end(
  session: Session<Fields>,
  id: string,
  userId: string,
  n: number,
): Promise<boolean> {
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
  if (n % 2 === 0) return session.delete(id);
  await session.revokeAll(userId);
  return true;
}

async function everything(store: SessionStore<Fields>): Promise<string[]> {
  const keys: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.scan(cursor, { limit: 1000 });
    keys.push(...page.sessions.map(({ key }) => key));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return keys;
}
