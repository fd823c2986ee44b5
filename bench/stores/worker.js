// One candidate in a process of its own, with a client of its own. Signs in, checks that every
// session is read right, warms up, then reads or writes with so many requests at a time when it is
// told to.
import assert from "node:assert/strict";
import { answer } from "../answer.js";
import { dataOf, SESSIONS } from "./data.js";

const WARM_UP_AT = 64;
const { module, options, warmUp } = JSON.parse(process.argv[2]);

const { setUp } = await import(new URL(`./candidates/${module}.js`, import.meta.url));
const candidate = await setUp(options);

await verify();
await measure({ operation: "read", concurrency: WARM_UP_AT, milliseconds: warmUp });
answer(measure);

/** So many requests at a time, each beginning when the one before it has its answer. */
async function measure({ operation, concurrency, milliseconds }) {
  const operate = candidate[operation];
  let operations = 0;
  let next = 0;
  const processor = process.cpuUsage();
  const startedAt = performance.now();
  const until = startedAt + milliseconds;
  const visitor = async () => {
    while (performance.now() < until) {
      next = (next + 1) % SESSIONS;
      // What is "no session" or "not written" is no answer.
      if (!(await operate(next)))
        throw new Error(`Cannot measure: ${operation} ${next} found no session`);
      operations++;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, visitor));
  const { user, system } = process.cpuUsage(processor);
  return { operations, seconds: (performance.now() - startedAt) / 1000, processor: user + system };
}

async function verify() {
  const found = await Promise.all(
    Array.from({ length: SESSIONS }, (_, number) => candidate.read(number)),
  );
  const users = found.map((one) => candidate.userOf(one));
  assert.deepEqual(
    [...users].sort(),
    Array.from({ length: SESSIONS }, (_, number) => dataOf(number).userId).sort(),
    `${module} reads every session`,
  );
}
