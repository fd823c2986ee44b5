// A process with a Session and a client of its own, or with several, each as another process would
// have them. Fills the store, or reads, writes and creates for so long when it is told to, and says
// how long each took.
import assert from "node:assert/strict";
import { Session } from "../../dist/session.js";
import { answer } from "../answer.js";
import { nodeRequest } from "../read/messages.js";
import { churn } from "./churn.js";
import { idOf, keyOf } from "./ids.js";

const CHECKED = 500;
const { module, options } = JSON.parse(process.argv[2]);
const { start, clients = 1 } = options;

const { open } = await import(`./stores/${module}.js`);
const all = await Promise.all(Array.from({ length: clients }, () => open(options)));
const [opened] = all;
// A request a minute writes its activity too: here none is due, however long the run takes.
const sessions = all.map(
  ({ store }) => new Session({ store, idleTimeout: 86_400, touchInterval: 3600 }),
);
const [session] = sessions;
const random = (size) => Math.floor(Math.random() * size);
const requestOf = (number) => nodeRequest(`${session.cookieName}=${idOf(number, start)}`);

// What comes with a request is made before its time is taken.
const OPERATIONS = {
  read: {
    prepare: (number) => ({ number, request: requestOf(number) }),
    async operate({ number, request }, by) {
      const data = await by.fromRequest(request);
      if (data?.userId !== `user-${number}`)
        throw new Error(`Cannot measure: session ${number} was not found`);
    },
  },
  write: {
    prepare: (number) => ({ id: idOf(number, start), fields: { theme: `theme-${random(1000)}` } }),
    async operate({ id, fields }, by) {
      if (!(await by.update(id, fields)))
        throw new Error("Cannot measure: a session was not written");
    },
  },
};

const ACTS = {
  async fill({ from, to, until }) {
    const startedAt = performance.now();
    try {
      await opened.fill(from, to, () => Date.now() > until);
    } catch (error) {
      if (error.message === "late") return { isLate: true };
      throw error;
    }
    await check(to);
    return { seconds: (performance.now() - startedAt) / 1000 };
  },
  bytes: () => opened.bytes(),
  async operate({ operation, size, concurrency, milliseconds, warmUp = 0 }) {
    if (warmUp > 0) await run(OPERATIONS[operation], { size, concurrency, milliseconds: warmUp });
    return run(OPERATIONS[operation], { size, concurrency, milliseconds });
  },
  /**
   * Sessions of new users, so many at a time; ended again afterwards, so that there are as many as
   * before.
   */
  async create({ concurrency, milliseconds, most }) {
    const ids = [];
    const { perSecond } = await run(
      {
        prepare: () => ({
          userId: `new-${ids.length}`,
          role: "editor",
          name: "Ada Lovelace",
          signedInAt: start,
        }),
        operate: async (data) => void ids.push(await session.create(data)),
      },
      { size: 1, concurrency, milliseconds, isOver: () => ids.length >= most },
    );
    for (let at = 0; at < ids.length; at += concurrency)
      await Promise.all(ids.slice(at, at + concurrency).map((id) => session.delete(id)));
    return { perSecond };
  },
  churn: ({ size, milliseconds }) =>
    churn({ session, store: opened.store, size, start, milliseconds }),
};

answer((question) => ACTS[question.act](question));

/** `concurrency` of each client. */
async function run(
  { prepare, operate },
  { size, concurrency, milliseconds, isOver = () => false },
) {
  const times = [];
  const startedAt = performance.now();
  const until = startedAt + milliseconds;
  const visitor = async (by) => {
    while (performance.now() < until && !isOver()) {
      const input = prepare(random(size));
      const from = performance.now();
      await operate(input, by);
      times.push(performance.now() - from);
    }
  };
  await Promise.all(
    sessions.flatMap((by) => Array.from({ length: concurrency }, () => visitor(by))),
  );
  const endedAt = performance.now();
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
  return {
    operations: times.length,
    from: performance.timeOrigin + startedAt,
    to: performance.timeOrigin + endedAt,
    perSecond: times.length / ((endedAt - startedAt) / 1000),
    median: at(0.5),
    p99: at(0.99),
  };
}

/**
 * What was filled is what the store would have written: a Session reads it, and the user's index
 * knows it.
 */
async function check(size) {
  for (let time = 0; time < CHECKED; time++)
    await OPERATIONS.read.operate(OPERATIONS.read.prepare(random(size)), session);
  for (const number of [0, random(size), size - 1]) {
    const listed = await opened.store.listByUser(`user-${number}`);
    assert.deepEqual(
      listed.map(({ key }) => key),
      [keyOf(number, start)],
      `the sessions of user ${number}`,
    );
  }
}
