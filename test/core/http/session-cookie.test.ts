// The session's own cookie: whole headers, and what several cookies with our name mean.
import assert from "node:assert/strict";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { type CookieOptions, MemoryStore, Session } from "../../../src/session.ts";
import { countCalls } from "../../support/counting-store.ts";

const ID = "A".repeat(32);
const PAST = "Expires=Thu, 01 Jan 1970 00:00:00 GMT";

function linesOf(act: (headers: Headers) => unknown): string[] {
  const headers = new Headers();
  act(headers);
  assert.equal(headers.get("cache-control"), headers.getSetCookie().length > 0 ? "no-store" : null);
  return headers.getSetCookie();
}

describe("Session.setCookie", () => {
  it("is on the safe side by default", () => {
    assert.deepEqual(
      linesOf((res) => new Session().setCookie(res, ID)),
      [`session_id=${ID}; Path=/; HttpOnly; Secure; SameSite=Lax`],
    );
  });

  it("leaves no cache a reason to keep the response, whatever the application has told which of them", () => {
    const headers = new Headers({
      "Cache-Control": "public",
      "CDN-Cache-Control": "max-age=600",
      "Surrogate-Control": "max-age=600",
      "Vercel-CDN-Cache-Control": "public",
    });
    new Session().setCookie(headers, ID);
    headers.delete("set-cookie");
    assert.deepEqual(Object.fromEntries(headers), {
      "cache-control": "no-store",
      "cdn-cache-control": "no-store",
      "surrogate-control": "no-store",
      "vercel-cdn-cache-control": "no-store",
    });
  });

  it("keeps a default where an option of the Session is undefined", () => {
    const session = new Session({
      cookie: {
        secure: undefined,
        httpOnly: undefined,
        sameSite: undefined,
        path: undefined,
        maxAge: undefined,
      },
    });
    assert.deepEqual(
      linesOf((res) => session.setCookie(res, ID)),
      [`session_id=${ID}; Path=/; HttpOnly; Secure; SameSite=Lax`],
    );
  });

  it("adds the options of the call to those of the Session, and those to the defaults", () => {
    const session = new Session({
      cookieName: "sid",
      cookie: { sameSite: "strict", domain: "example.com", maxAge: 60 },
    });
    const base = "Domain=example.com; Path=/";
    const expected: [CookieOptions, string][] = [
      [{}, `sid=${ID}; Max-Age=60; ${base}; HttpOnly; Secure; SameSite=Strict`],
      [{ maxAge: 3600 }, `sid=${ID}; Max-Age=3600; ${base}; HttpOnly; Secure; SameSite=Strict`],
      [{ httpOnly: false, secure: false }, `sid=${ID}; Max-Age=60; ${base}; SameSite=Strict`],
      [
        { httpOnly: undefined, secure: undefined, domain: undefined, sameSite: undefined },
        `sid=${ID}; Max-Age=60; ${base}; HttpOnly; Secure; SameSite=Strict`,
      ],
      [
        { path: "/app", priority: "high", sameSite: "none", partitioned: true },
        `sid=${ID}; Max-Age=60; Domain=example.com; Path=/app; HttpOnly; Secure; Partitioned; Priority=High; SameSite=None`,
      ],
    ];
    for (const [options, line] of expected)
      assert.deepEqual(
        linesOf((res) => session.setCookie(res, ID, options)),
        [line],
      );
  });

  it("lets a lifetime of the call take the place of the Session's, in whichever form", () => {
    const expires = new Date(Date.now() + 86_400_000);
    const text = `Expires=${expires.toUTCString()}`;
    const rest = "HttpOnly; Secure; SameSite=Lax";
    const byAge = new Session({ cookie: { maxAge: 60 } });
    assert.deepEqual(
      linesOf((res) => byAge.setCookie(res, ID, { expires })),
      [`session_id=${ID}; Path=/; ${text}; ${rest}`],
    );
    assert.deepEqual(
      linesOf((res) => byAge.setCookie(res, ID, { maxAge: 30 })),
      [`session_id=${ID}; Max-Age=30; Path=/; ${rest}`],
    );
    assert.deepEqual(
      linesOf((res) => byAge.setCookie(res, ID)),
      [`session_id=${ID}; Max-Age=60; Path=/; ${rest}`],
    );
  });

  it("holds __Host- to its rules, at construction and at each call", () => {
    const session = new Session({ cookieName: "__Host-session_id" });
    assert.deepEqual(
      linesOf((res) => session.setCookie(res, ID)),
      [`__Host-session_id=${ID}; Path=/; HttpOnly; Secure; SameSite=Lax`],
    );
    for (const options of [
      { domain: "example.com" },
      { path: "/app" },
      { secure: false },
    ] as CookieOptions[]) {
      assert.throws(() => new Session({ cookieName: "__Host-session_id", cookie: options }), {
        name: "TypeError",
        message: /its prefix needs/,
      });
      assert.throws(() => linesOf((res) => session.setCookie(res, ID, options)), {
        name: "TypeError",
        message: /its prefix needs/,
      });
    }
  });

  it("refuses at construction what no browser would keep", () => {
    assert.throws(() => new Session({ cookieName: "session id" }), TypeError);
    assert.throws(() => new Session({ cookie: { sameSite: "none", secure: false } }), TypeError);
    assert.throws(() => new Session({ cookie: { maxAge: 401 * 86_400 } }), RangeError);
    assert.throws(() => new Session({ cookieName: "x".repeat(4096) }), RangeError);
  });
});

describe("Session.delete with a response", () => {
  it("takes the cookie back with every attribute that it was set with (SESS-02)", async () => {
    const options: CookieOptions[] = [
      {},
      { path: "/app" },
      { domain: "example.com" },
      { httpOnly: false },
      { secure: false },
      { sameSite: "strict" },
      { sameSite: "none" },
      { partitioned: true },
      { priority: "low" },
      { maxAge: 60 },
      { expires: new Date(Date.now() + 86_400_000) },
      {
        path: "/app",
        domain: "example.com",
        sameSite: "none",
        partitioned: true,
        priority: "high",
        maxAge: 60,
      },
    ];
    for (const own of options) {
      const { expires: _expires, ...lasting } = own;
      const ofSession = new Session({ cookie: lasting });
      const ofCall = new Session();
      for (const [session, given] of [
        [ofSession, {}],
        [ofCall, own],
      ] as const) {
        const id = await session.create({});
        const [set = ""] = linesOf((res) => session.setCookie(res, id, given));
        const headers = new Headers();
        assert.equal(await session.delete(id, headers, given), true);
        const attributes = (line: string): string[] =>
          line
            .split("; ")
            .slice(1)
            .filter((part) => !/^(Max-Age|Expires)=/.test(part));
        const [deletion = ""] = headers.getSetCookie();
        assert.deepEqual(attributes(deletion), attributes(set));
        assert.ok(
          deletion.startsWith("session_id=; Max-Age=0; ") && deletion.includes(PAST),
          deletion,
        );
        assert.equal(headers.get("cache-control"), "no-store");
      }
    }
  });

  it("takes the cookie back also where there was no session", async () => {
    const line = `session_id=; Max-Age=0; Path=/; ${PAST}; HttpOnly; Secure; SameSite=Lax`;
    for (const id of [undefined, "malformed", ID]) {
      const headers = new Headers();
      assert.equal(await new Session().delete(id, headers), false);
      assert.deepEqual(headers.getSetCookie(), [line]);
    }
  });

  it("ends the session and tells so even when it is too late for the cookie", async () => {
    const session = new Session();
    const id = await session.create({});
    const ended: unknown[] = [];
    session.on("ended", (event) => ended.push(event));
    await withSentResponse((res) =>
      assert.rejects(session.delete(id, res), { code: "ERR_HEADERS_SENT" }),
    );
    assert.equal(await session.get(id), undefined);
    assert.equal(ended.length, 1);
  });
});

describe("Session.rotate with a response", () => {
  it("puts the new id in the place of the old one", async () => {
    const session = new Session();
    const id = await session.create({});
    const headers = new Headers();
    session.setCookie(headers, id);
    const nextId = await session.rotate(id, headers);
    assert.deepEqual(headers.getSetCookie(), [
      `session_id=${nextId}; Path=/; HttpOnly; Secure; SameSite=Lax`,
    ]);
    assert.equal(headers.get("cache-control"), "no-store");
  });

  it("leaves the session as it is when the new id could not be sent", async () => {
    const session = new Session<{ name: string }>();
    const id = await session.create({ name: "Ada" });
    await withSentResponse((res) =>
      assert.rejects(session.rotate(id, res), { code: "ERR_HEADERS_SENT" }),
    );
    await assert.rejects(session.rotate(id, {} as Headers), TypeError);
    assert.deepEqual(await session.get(id), { name: "Ada" });
  });
});

/** Lends a real response whose headers have left. */
async function withSentResponse(use: (res: ServerResponse) => Promise<void>): Promise<void> {
  let used: Promise<void> | undefined;
  const server = createServer((_req, res) => {
    res.end("done");
    used = use(res);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  await (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)).text();
  await used;
  await new Promise((resolve) => (server.close(resolve), server.closeAllConnections()));
}

function permutations<T>(items: readonly T[]): T[][] {
  return items.length < 2
    ? [[...items]]
    : items.flatMap((first, at) =>
        permutations(items.filter((_, other) => other !== at)).map((rest) => [first, ...rest]),
      );
}

describe("Several cookies with our name (SESS-03, C-7)", () => {
  for (const answersAtOnce of [true, false]) {
    const { store, calls } = countCalls(new MemoryStore<{ who: string }>(), answersAtOnce);
    const session = new Session<{ who: string }>({ store });
    const read = (values: string[]): Promise<{ who: string } | undefined> =>
      session.fromRequest({
        headers: { cookie: values.map((value) => `session_id=${value}`).join("; ") },
      });
    const where = answersAtOnce ? "with" : "without";

    it(`find the one that is live, in every order, in a store ${where} readSync`, async () => {
      const alice = await session.create({ who: "alice" });
      const ended = await Promise.all([1, 2, 3].map(() => session.create({ who: "ended" })));
      for (const id of ended) await session.delete(id);
      for (const others of [
        ["malformed"],
        [""],
        ended.slice(0, 1),
        ended,
        ["malformed", "", ...ended.slice(1)],
        [ID, `${ID}A`, "%"],
      ]) {
        for (const order of permutations([alice, ...others]))
          assert.deepEqual(await read(order), { who: "alice" }, order.join());
      }
      assert.deepEqual(await read([alice, alice, alice, alice, alice, alice]), { who: "alice" });
    });

    it(`are no session where two are live, in every order, in a store ${where} readSync`, async () => {
      const alice = await session.create({ who: "alice" });
      const mallory = await session.create({ who: "mallory" });
      for (const order of permutations([alice, mallory, "malformed"]))
        assert.equal(await read(order), undefined);
      await session.delete(mallory);
      for (const order of permutations([alice, mallory]))
        assert.deepEqual(await read(order), { who: "alice" });
    });

    it(`are not tried at all beyond 32, in a store ${where} readSync`, async () => {
      const alice = await session.create({ who: "alice" });
      const ended = await Promise.all(
        Array.from({ length: 32 }, () => session.create({ who: "ended" })),
      );
      for (const order of [
        [alice, ...ended.slice(1)],
        [...ended.slice(1), alice],
      ])
        assert.equal(await read(order), undefined);
      for (const id of ended) await session.delete(id);
      calls.length = 0;
      const refused: unknown[] = [];
      const off = session.on("refused", ({ reason }) => refused.push(reason));
      for (const order of [
        [alice, ...ended],
        [...ended, alice],
      ])
        assert.equal(await read(order), undefined);
      off();
      assert.deepEqual(calls, []);
      assert.deepEqual(refused, ["duplicate", "duplicate"]);
    });
  }
});
