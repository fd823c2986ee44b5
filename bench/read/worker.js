// One candidate in a process of its own: its code and its garbage disturb nobody else's. Signs in,
// checks that every case reads the right data, warms up, then measures one case at a time when it
// is told to.
import assert from "node:assert/strict";
import { answer } from "../answer.js";
import { CASES, dataOf, headersOf, SESSIONS } from "./cases.js";

// Requests that reading leaves as they were are read again and again, a thousand between two looks
// at the clock. Others must be made anew, and are made a few at a time, as they would be in a
// server.
const BATCH = 200;
const { module, options, warmUp, sessions = SESSIONS } = JSON.parse(process.argv[2]);

const { setUp } = await import(new URL(`./candidates/${module}.js`, import.meta.url));
const candidate = await setUp(options);
const { cookieName, toInput, toData, isReusable = false, readAll = oneByOne } = candidate;

const cookies = [];
for (let number = 0; number < sessions; number++)
  cookies.push(await candidate.signIn(dataOf(number)));

const headers = Object.fromEntries(
  CASES.map((name) => [name, headersOf(name, cookies, cookieName)]),
);
const reusable =
  isReusable && Object.fromEntries(CASES.map((name) => [name, headers[name].map(toInput)]));
const positions = Object.fromEntries(CASES.map((name) => [name, 0]));

await verify();
for (const name of CASES) await measure(name, warmUp);
answer(({ name, milliseconds }) => measure(name, milliseconds));

/**
 * Reads for so long. Only reading is counted, not making the requests, and in processor time: it is
 * what a server has too little of, it counts what a library does in other threads, and a busy
 * machine disturbs it least.
 */
async function measure(name, milliseconds) {
  let microseconds = 0;
  let operations = 0;
  while (microseconds < milliseconds * 1000) {
    const inputs = nextBatch(name);
    const before = process.cpuUsage();
    await readAll(inputs);
    const { user, system } = process.cpuUsage(before);
    microseconds += user + system;
    operations += inputs.length;
  }
  return { operations, microseconds };
}

function nextBatch(name) {
  if (reusable) return reusable[name];
  const from = positions[name];
  positions[name] = (from + BATCH) % sessions;
  return headers[name].slice(from, from + BATCH).map(toInput);
}

async function oneByOne(inputs) {
  for (const input of inputs) await candidate.read(input);
}

async function verify() {
  for (const name of CASES) {
    const inputs = headers[name].map(toInput);
    const results = candidate.readAll
      ? await candidate.readAll(inputs)
      : await Promise.all(inputs.map(candidate.read));
    const expected = (number) => (name === "one" || name === "ten" ? dataOf(number) : {});
    for (const [number, result] of results.entries()) {
      const { userId, role, name: fullName, signedInAt } = toData(result) ?? {};
      assert.deepEqual(
        JSON.parse(JSON.stringify({ userId, role, name: fullName, signedInAt })),
        expected(number),
        `${module} reads ${name}`,
      );
    }
  }
}
