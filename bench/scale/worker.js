// A process with a Session and a client of its own. Fills the store, or reads, writes and creates for so long when it is told to, and says how long each took.
import assert from "node:assert/strict";
import { Session } from "../../dist/session.js";
import { answer } from "../answer.js";
import { nodeRequest } from "../read/messages.js";
import { churn } from "./churn.js";
import { idOf, keyOf } from "./ids.js";

const CHECKED = 500;
const WARM_UP = 150;
const { module, options } = JSON.parse(process.argv[2]);
const { start } = options;

const opened = await (await import(`./stores/${module}.js`)).open(options);
// A request a minute writes its activity too: here none is due, however long the run takes.
const session = new Session({ store: opened.store, idleTimeout: 86_400, touchInterval: 3600 });
const random = (size) => Math.floor(Math.random() * size);
const requestOf = (number) => nodeRequest(`${session.cookieName}=${idOf(number, start)}`);

const OPERATIONS = {
  async read(number) {
    const data = await session.fromRequest(requestOf(number));
    if (data?.userId !== `user-${number}`) throw new Error(`Cannot measure: session ${number} was not found`);
  },
  async write(number) {
    if (!(await session.update(idOf(number, start), { theme: `theme-${random(1000)}` }))) throw new Error(`Cannot measure: session ${number} was not written`);
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
  async operate({ operation, size, concurrency, milliseconds, isFirst }) {
    if (isFirst) await run(OPERATIONS[operation], { size, concurrency, milliseconds: WARM_UP });
    return run(OPERATIONS[operation], { size, concurrency, milliseconds });
  },
  /** Sessions of new users, so many at a time; ended again afterwards, so that there are as many as before. */
  async create({ concurrency, milliseconds, most }) {
    const ids = [];
    const { perSecond } = await run(
      async () => {
        ids.push(await session.create({ userId: `new-${ids.length}`, role: "editor", name: "Ada Lovelace", signedInAt: Date.now() }));
      },
      { size: 1, concurrency, milliseconds, isOver: () => ids.length >= most },
    );
    for (let at = 0; at < ids.length; at += concurrency) await Promise.all(ids.slice(at, at + concurrency).map((id) => session.delete(id)));
    return { perSecond };
  },
  churn: ({ size, milliseconds }) => churn({ session, store: opened.store, size, start, milliseconds }),
};

answer((question) => ACTS[question.act](question));

async function run(operate, { size, concurrency, milliseconds, isOver = () => false }) {
  const times = [];
  const startedAt = performance.now();
  const until = startedAt + milliseconds;
  const visitor = async () => {
    for (let now = performance.now(); now < until && !isOver(); ) {
      await operate(random(size));
      const then = performance.now();
      times.push(then - now);
      now = then;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, visitor));
  const seconds = (performance.now() - startedAt) / 1000;
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
  return { perSecond: times.length / seconds, median: at(0.5), p99: at(0.99) };
}

/** What was filled is what the store would have written: a Session reads it, and the user's index knows it. */
async function check(size) {
  for (let time = 0; time < CHECKED; time++) await OPERATIONS.read(random(size));
  for (const number of [0, random(size), size - 1]) {
    const listed = await opened.store.listByUser(`user-${number}`);
    assert.deepEqual(listed.map(({ key }) => key), [keyOf(number, start)], `the sessions of user ${number}`);
  }
}
