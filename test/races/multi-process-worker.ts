// One of several processes that work on the same sessions: opens a store by a module's name and
// does what it is told.
import { Session, type SessionOptions, type SessionStore } from "../../src/session.ts";
import type { Fields, OpenedStore } from "../../src/testing/conformance-bench.ts";
import { aborted } from "../support/waits.ts";

/** What a worker can be told. */
export type Order =
  | { task: "open"; opener: string; target: string }
  /** So many updates of fields of its own and as many increments of `counter`, all at once. */
  | { task: "update"; id: string; name: string; count: number }
  /**
   * An update that takes its time, an activity and a rotation of each, all at once. Answers with
   * the new ids.
   */
  | { task: "disturb"; ids: readonly string[] }
  /**
   * So many logins of one user, some at a time, perhaps under a cap. Answers with a {@link Login}
   * of each.
   */
  | { task: "login"; userId: string; count: number; atOnce: number; cap?: number }
  /** Watches sessions. Answers as soon as it hears of ends. */
  | { task: "watch"; ids: readonly string[] }
  /** Waits until all of them have ended. Answers with the moments, in the order of the ids. */
  | { task: "fired" }
  | { task: "close" };

/** A login, with moments that all processes of a machine tell alike, in nanoseconds. */
export interface Login {
  id: string;
  began: string;
  ended: string;
}

/** How sessions are configured in every process. Every activity is written. */
export const OPTIONS: SessionOptions<Fields> = {
  idleTimeout: 3600,
  absoluteTimeout: 7200,
  touchInterval: 0,
  storeTimeout: 60,
};

/** Exported by a store's opener module. */
export type OpenForProcess = (target: string) => Promise<OpenedStore>;

let opened: OpenedStore | undefined;
let session: Session<Fields> | undefined;
let fired: Promise<string[]> = Promise.resolve([]);

async function obey(order: Order): Promise<unknown> {
  if (order.task === "open") {
    const { openForProcess } = (await import(order.opener)) as { openForProcess: OpenForProcess };
    opened = await openForProcess(order.target);
    session = new Session<Fields>({ ...OPTIONS, store: opened.store });
    return true;
  }
  if (!session) throw new Error("The worker was not told to open a store");
  if (order.task === "update") return update(session, order);
  if (order.task === "disturb")
    return (
      await Promise.all(order.ids.map((id) => disturb(session as Session<Fields>, id)))
    ).flat();
  if (order.task === "login") return logIn(order);
  if (order.task === "watch") return watch(session, order.ids);
  if (order.task === "fired") return fired;
  await session.close();
  await opened?.close?.();
  return true;
}

async function logIn({
  userId,
  count,
  atOnce,
  cap,
}: Extract<Order, { task: "login" }>): Promise<Login[]> {
  const on = new Session<Fields>({
    ...OPTIONS,
    store: (opened as OpenedStore).store,
    ...(cap !== undefined && { maxPerUser: { limit: cap, onLimit: "evict-oldest" } }),
  });
  const logins: Login[] = [];
  let left = count;
  const some = Array.from({ length: Math.min(atOnce, count) }, async () => {
    while (left-- > 0) {
      const began = String(process.hrtime.bigint());
      const id = await on.create({ userId });
      logins.push({ id, began, ended: String(process.hrtime.bigint()) });
    }
  });
  await Promise.all(some);
  return logins;
}

async function watch(on: Session<Fields>, ids: readonly string[]): Promise<true> {
  const signals = ids.map((id) => on.watch(id));
  fired = Promise.all(
    signals.map((signal) =>
      aborted(signal, "a watched session to end").then(() => String(process.hrtime.bigint())),
    ),
  );
  // A SessionStore in all of these tests.
  const store = opened?.store as SessionStore<Fields>;
  const stop = await store.subscribe?.(() => {});
  await stop?.();
  return true;
}

async function update(
  on: Session<Fields>,
  { id, name, count }: Extract<Order, { task: "update" }>,
): Promise<number> {
  const updates = Array.from({ length: count }, async (_, n) => {
    const outcomes = await Promise.all([
      on.update(id, { [`${name}${n}`]: n }),
      on.update(id, (data) => ({ counter: (data["counter"] as number) + 1 })),
    ]);
    return outcomes.every(Boolean);
  });
  return (await Promise.all(updates)).filter(Boolean).length;
}

async function disturb(on: Session<Fields>, id: string): Promise<string[]> {
  const aWhile = (): Promise<void> =>
    new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
  const slowly = async (): Promise<{ slow: boolean }> => {
    await aWhile();
    return { slow: true };
  };
  const [, , , rotated] = await Promise.all([
    on.update(id, slowly),
    aWhile().then(() => on.update(id, { late: true })),
    aWhile().then(() => on.fromRequest({ headers: { cookie: `session_id=${id}` } })),
    aWhile().then(() => on.rotate(id)),
  ]);
  return rotated === undefined ? [] : [rotated];
}

// Only as a child process: the suite imports this file for its types and options.
if (process.env["HARPIATS_WORKER"] && process.send) {
  process.on("message", ({ number, order }: { number: number; order: Order }) => {
    obey(order).then(
      (result) => process.send?.({ number, result }),
      (error: unknown) =>
        process.send?.({
          number,
          error: error instanceof Error ? `${error.stack}\n${String(error.cause)}` : String(error),
        }),
    );
  });
  process.on("disconnect", () => process.exit());
}
