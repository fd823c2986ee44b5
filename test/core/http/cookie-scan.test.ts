// The fast scan of a Cookie header against the `cookie` package and a plain reading, on 100,000 generated headers;
// and what a session makes of each of them.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { parseCookie } from "cookie";
import * as fc from "fast-check";
import { scanCookies } from "../../../src/core/http/cookie-scan.ts";
import { Cookies, MemoryStore, Session } from "../../../src/session.ts";
import { countCalls } from "../../support/counting-store.ts";

const HEADERS = 100_000;
const MEGABYTE = 2 ** 20;
const NAMES = ["session_id", "__Host-session_id", "a", "aa", "__proto__"];
const MONTH = 2_592_000;

const session = new Session();
const liveIds = [await session.create({ who: 0 }), await session.create({ who: 1 })];
const unknownIds = ["A", "B", "C", "D", "E"].map(
  (char) => (liveIds[0] as string).slice(0, 6) + char.repeat(26),
);
const overAgeId = "A".repeat(32);

// What headers are made of: grammar, what only looks like a name or an id, and what breaks parsers.
const PIECES = [
  ...NAMES,
  ...NAMES.map((name) => `${name}=`),
  ...NAMES.map((name) => `; ${name}=`),
  ...liveIds,
  ...unknownIds,
  overAgeId,
  "=",
  ";",
  "; ",
  " ",
  "\t",
  ",",
  '"',
  "%",
  "%3D",
  "%zz",
  "%E0%A4%A",
  "%00",
  "\0",
  "\r\n",
  "\u00a0",
  "\ufeff",
  "é",
  "💥",
  "\ud800",
  "%5F%5FHost-session_id=",
  "\u00a0session_id=",
  "..Host-",
  "_[Host-",
  "Session_id=",
  "constructor=",
  "deleted",
  "1",
  "\\",
];
const COOKIES = [...liveIds, ...unknownIds, overAgeId, "deleted"].map(
  (value) => `session_id=${value}; `,
);
const piece = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...PIECES) },
  { weight: 3, arbitrary: fc.constantFrom(...COOKIES) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 6 }) },
);
const small = fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join(""));
const large = fc.array(piece, { minLength: 1, maxLength: 5 }).map((pieces) => {
  const unit = pieces.join("") || ";";
  return unit.repeat(Math.ceil(MEGABYTE / unit.length)).slice(0, MEGABYTE);
});
const header = fc.oneof({ weight: 4000, arbitrary: small }, { weight: 1, arbitrary: large });

function trimBlanks(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && " \t".includes(text.charAt(from))) from++;
  while (to > from && " \t".includes(text.charAt(to - 1))) to--;
  return text.slice(from, to);
}

/** RFC 6265bis 5.6 as one would write it down: split, cut at the first =, trim. */
function readPlainly(text: string, name: string): string[] {
  return text.split(";").flatMap((pair) => {
    const equals = pair.indexOf("=");
    return equals !== -1 && trimBlanks(pair.slice(0, equals)) === name
      ? [trimBlanks(pair.slice(equals + 1))]
      : [];
  });
}

/** Pieces can make an id of any age by accident. */
function isOverAge(id: string): boolean {
  return (
    (Buffer.from(id.slice(0, 8), "base64url").readUInt32BE(0) + 1 + MONTH) * 1000 <= Date.now()
  );
}

function scanAll(text: string, name: string): string[] {
  const found = scanCookies(text, name);
  return found === undefined ? [] : [found].flat();
}

describe("scanCookies", () => {
  it(`agrees with the cookie package and with a plain reading on ${HEADERS} headers`, () => {
    let seen = 0;
    fc.assert(
      fc.property(header, (text) => {
        const parsed = parseCookie(text, { decode: (value) => value });
        for (const name of NAMES) {
          const values = scanAll(text, name);
          assert.equal(values[0], parsed[name]);
          assert.deepEqual(values, readPlainly(text, name));
          if (values.length > 0) seen++;
        }
      }),
      { numRuns: HEADERS },
    );
    // A generator that never hits the name would prove nothing.
    assert.ok(seen > HEADERS / 4, `${seen} values`);
  });

  it("gives one value as a text and several in their order", () => {
    assert.equal(scanCookies("b=2; a=1; c=3", "a"), "1");
    assert.deepEqual(scanCookies("a=2; a=1;a=2", "a"), ["2", "1", "2"]);
    assert.equal(scanCookies("b=a=1; ca=1; a", "a"), undefined);
  });

  it("reads a megabyte made to slow it down", () => {
    const units = [
      "a",
      "a ",
      "a\t=",
      "a=",
      "a=;",
      "; a",
      "=a",
      " ",
      "\t",
      ";",
      "=",
      "a a=",
      "a;a =",
      "aa",
      `a${" ".repeat(1000)}`,
      `${" ".repeat(1000)}a=`,
    ];
    for (const unit of units) {
      for (const name of ["a", "aa"]) {
        const text = unit.repeat(Math.ceil(MEGABYTE / unit.length));
        assert.deepEqual(scanAll(text, name), readPlainly(text, name));
      }
    }
  });
});

describe("Session.fromRequest on the same headers", () => {
  for (const answersAtOnce of [true, false]) {
    it(`never throws, and asks a store ${answersAtOnce ? "with" : "without"} readSync for nothing malformed or over-age`, async () => {
      const counting = countCalls(new MemoryStore<{ who: number }>(), answersAtOnce);
      // Pieces can make a renewed id of a live one by accident: it must not end what the others
      // look for.
      const guarded = new Session({ store: counting.store, onSuperseded: "report" });
      const live = new Map<string, number>();
      for (const who of [0, 1]) live.set(await guarded.create({ who }), who);
      const ids = [...live.keys()];
      let found = 0;
      await fc.assert(
        fc.asyncProperty(header, async (text) => {
          const cookie = liveIds.reduce(
            (changed, id, at) => changed.replaceAll(id, ids[at] as string),
            text,
          );
          counting.calls.length = 0;
          const data = await guarded.fromRequest({ headers: { cookie } });
          const candidates = new Set(
            readPlainly(cookie, "session_id").filter(
              (value) => /^[\w-]{32}([\w-]{27})?$/.test(value) && !isOverAge(value),
            ),
          );
          const alive = [...candidates].filter((id) => live.has(id));
          if (candidates.size === 0 || candidates.size > 32) assert.deepEqual(counting.calls, []);
          else assert.ok(counting.calls.length > 0);
          assert.deepEqual(
            data,
            alive.length === 1 && candidates.size <= 32
              ? { who: live.get(alive[0] as string) }
              : undefined,
          );
          if (data) found++;
        }),
        { numRuns: HEADERS },
      );
      assert.ok(found > HEADERS / 100, `${found} sessions`);
    });
  }

  it("never throws through Cookies either", () => {
    fc.assert(
      fc.property(header, (text) => {
        const cookies = new Cookies(text);
        for (const name of NAMES)
          assert.equal(
            typeof cookies.get(name),
            scanAll(text, name).length > 0 ? "string" : "undefined",
          );
      }),
      { numRuns: HEADERS / 10 },
    );
  });

  it("takes an id for over-age only when no session of its age can live", async () => {
    const counting = countCalls(new MemoryStore<{ who: number }>(), true);
    const guarded = new Session({ store: counting.store, absoluteTimeout: MONTH });
    const bornAgo = (seconds: number): string => {
      const bytes = Buffer.alloc(24);
      bytes.writeUInt32BE(Math.floor(Date.now() / 1000) - seconds);
      return bytes.toString("base64url");
    };
    await guarded.fromRequest({ headers: { cookie: `session_id=${bornAgo(MONTH + 2)}` } });
    assert.deepEqual(counting.calls, []);
    await guarded.fromRequest({ headers: { cookie: `session_id=${bornAgo(MONTH - 2)}` } });
    assert.deepEqual(counting.calls, ["readSync"]);
  });
});
