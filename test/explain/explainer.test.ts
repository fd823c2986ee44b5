// Why a request has no session, asked by real requests over a real listener.
import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import { after, before, describe, it } from "node:test";
import { createExplainer, type Explainer, type Explanation } from "../../src/explain.ts";
import { MemoryStore, Session, type SessionOptions } from "../../src/session.ts";
import { ManualClock } from "../../src/testing.ts";
import { type Listening, listen } from "../support/listen.ts";

const OLD = "https://app.example.com";
const FOREIGN = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors" };
const SECRET = "a secret of at least thirty-two bytes";

type Fields = Record<string, unknown>;
interface Bench {
  session: Session;
  explainer: Explainer;
  clock: ManualClock;
  /** What is explained of a request with these headers. */
  ask(headers?: Record<string, string>, path?: string, method?: string): Promise<Explanation>;
  /** The same of a request with this cookie. */
  askWith(value: string): Promise<Explanation>;
}

describe("createExplainer", () => {
  let server: Listening;
  let explain: (...args: Parameters<Explainer["explain"]>) => Promise<Explanation>;

  before(async () => {
    server = await listen(
      createServer((req, res) => {
        explain(req).then(
          (explanation) => res.end(JSON.stringify(explanation)),
          () => res.writeHead(503).end("null"),
        );
      }),
    );
  });
  after(() => server.close());

  function bench(options: SessionOptions<Fields> = {}): Bench {
    const clock = new ManualClock();
    const session = new Session({ store: new MemoryStore({ clock }), clock, ...options });
    const explainer = createExplainer(session, { clock });
    const ask: Bench["ask"] = (headers, path, method) => {
      explain = explainer.explain.bind(explainer);
      return askFor(server.url, headers, path, method);
    };
    return {
      session,
      explainer,
      clock,
      ask,
      askWith: (value) => ask({ cookie: `${session.cookieName}=${value}` }),
    };
  }

  it("says that there is a session, and looking is no activity", async () => {
    const { session, clock, askWith } = bench({ idleTimeout: 600, absoluteTimeout: 86_400 });
    const id = await session.create({ userId: "1" });
    const untouched = await session.deadlines(id);
    clock.advance(300_000);
    assert.deepEqual(await askWith(id), {
      cause: "live",
      message:
        "There is a session. It began 5 min ago, and ends in 24 h at the latest, without activity in 5 min.",
    });
    assert.deepEqual(await session.deadlines(id), untouched);
  });

  it("says that no cookie came", async () => {
    const { ask } = bench();
    assert.equal((await ask()).cause, "no-cookie");
    assert.match((await ask({ cookie: "theme=dark" })).message, /Other cookies came/);
    assert.match((await ask({ authorization: "Bearer x" })).message, /Authorization header came/);
    assert.match((await ask({ host: "localhost" })).message, /Safari/);
  });

  it("says that a Secure cookie does not go over plain http, but to localhost and behind a proxy that ends https", async () => {
    const { ask } = bench();
    assert.equal((await ask({ host: "app.example.com" })).cause, "secure-on-http");
    assert.equal((await ask({ host: "192.168.1.7:3000" })).cause, "secure-on-http");
    for (const host of ["localhost:3000", "app.localhost", "127.0.0.1:3000", "[::1]:3000"])
      assert.equal((await ask({ host })).cause, "no-cookie", host);
    assert.equal(
      (await ask({ host: "app.example.com", "x-forwarded-proto": "https, http" })).cause,
      "no-cookie",
    );
    assert.equal(
      (await bench({ cookie: { secure: false } }).ask({ host: "app.example.com" })).cause,
      "no-cookie",
    );
  });

  it("says that a cookie does not come from another site", async () => {
    const lax = bench().ask;
    const cases: [
      sameSite: "lax" | "strict" | "none",
      headers: Record<string, string>,
      method: string,
      cause: string,
    ][] = [
      ["lax", FOREIGN, "GET", "cross-site"],
      ["lax", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }, "GET", "no-cookie"],
      [
        "lax",
        { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" },
        "POST",
        "cross-site",
      ],
      [
        "strict",
        { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" },
        "GET",
        "cross-site",
      ],
      [
        "strict",
        { "sec-fetch-site": "same-site", "sec-fetch-mode": "navigate" },
        "GET",
        "no-cookie",
      ],
      ["none", FOREIGN, "GET", "credentials"],
      ["lax", { "sec-fetch-site": "same-site", "sec-fetch-mode": "cors" }, "GET", "credentials"],
      ["lax", { "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors" }, "GET", "no-cookie"],
    ];
    for (const [sameSite, headers, method, cause] of cases) {
      const { ask } = bench({ cookie: { sameSite } });
      assert.equal(
        (await ask(headers, "/", method)).cause,
        cause,
        `${sameSite} ${method} ${JSON.stringify(headers)}`,
      );
    }
    // Over plain http browsers say no Sec-Fetch-Site.
    const host = { host: "app.example.com", "x-forwarded-proto": "https" };
    assert.equal(
      (await lax({ ...host, origin: "https://evil.example" }, "/", "POST")).cause,
      "cross-site",
    );
    assert.equal(
      (await lax({ ...host, origin: "https://www.example.com" }, "/", "POST")).cause,
      "no-cookie",
    );
    assert.equal((await lax({ ...host, origin: OLD }, "/", "POST")).cause, "no-cookie");
  });

  it("says that the cookie is for another path or domain", async () => {
    const { ask } = bench({ cookie: { path: "/app", domain: "example.com", secure: false } });
    assert.equal((await ask({ host: "www.example.com" }, "/apples")).cause, "path");
    assert.equal((await ask({ host: "www.example.com" }, "/app/x?y")).cause, "no-cookie");
    assert.equal((await ask({ host: "notexample.com" }, "/app")).cause, "domain");
  });

  it("says that a cookie is malformed, and what it looks like", async () => {
    const { session, askWith } = bench();
    const handle =
      (await session.create({ userId: "1" }), (await session.list("1"))[0]?.handle ?? "");
    const looks: [value: string, words: RegExp][] = [
      ["x", /has 1 characters.*Somebody else set it/],
      ["s%3Aabc.def", /express-session/],
      ["Fe26.2*1*abc", /iron-session/],
      ["eyJhIjoxfQ", /base64/],
      [handle, /is a handle/],
      [`${await session.create({})}.signature`, /looks like a signed id/],
      [`"${await session.create({})}"`, /quoted or encoded/],
    ];
    for (const [value, words] of looks) {
      const { cause, message } = await askWith(value);
      assert.equal(cause, "malformed", value);
      assert.match(message, words);
    }
  });

  it("says that no secret has signed it", async () => {
    const signing = bench({ secrets: [SECRET] });
    const id = await signing.session.create({});
    assert.equal((await signing.askWith(id)).cause, "live");
    assert.equal(
      (await bench({ secrets: [SECRET.replace("a", "b")] }).askWith(id)).cause,
      "bad-signature",
    );
    assert.equal((await signing.askWith(id.slice(0, 32))).cause, "bad-signature");
  });

  it("says that an id is too old for any session", async () => {
    const { session, clock, askWith } = bench({ absoluteTimeout: 60 });
    const id = await session.create({});
    clock.advance(62_000);
    assert.equal((await askWith(id)).cause, "over-age");
  });

  it("says that the store does not know an id, and since when it could", async () => {
    const { clock, askWith } = bench();
    const elsewhere = new Session({ clock });
    const young = await elsewhere.create({});
    assert.match(
      (await askWith(young)).message,
      /MemoryStore, does not have it\. Another process has made it/,
    );
    clock.advance(7_200_000);
    const restarted = bench();
    assert.equal((await restarted.askWith(young)).cause, "unknown");
    assert.match(
      (
        await createExplainer(restarted.session, { clock }).explain({
          headers: { cookie: `session_id=${young}` },
        })
      ).message,
      /made 2 h ago.*before this process looked/,
    );
  });

  it("says how and when a session ended", async () => {
    const { session, clock, askWith } = bench({
      idleTimeout: 600,
      maxPerUser: { limit: 2, onLimit: "evict-oldest" },
    });
    const create = (userId: string): Promise<string> => session.create({ userId });
    const ids = {
      logout: await create("logout"),
      rotated: await create("rotated"),
      revoked: await create("revoked"),
      all: await create("all"),
      evicted: await create("evicted"),
      idle: await create("idle"),
    };
    clock.advance(1000);
    await session.delete(ids.logout);
    const next = await session.rotate(ids.rotated);
    await session.revoke((await session.list("revoked"))[0]?.handle ?? "", { userId: "revoked" });
    const other = await create("all");
    await session.revokeAll("all", { except: other });
    await create("evicted");
    clock.advance(1);
    await create("evicted");
    clock.advance(4999);
    for (const [id, reason, words] of [
      [ids.logout, "logout", /ended 5 s ago: it was signed out/],
      [ids.rotated, "replaced", /replaced by rotate/],
      [ids.revoked, "revoked", /was revoked/],
      [ids.all, "revoked", /was revoked/],
      [ids.evicted, "evicted", /made way/],
    ] as const) {
      const { cause, message, ended } = await askWith(id);
      assert.equal(cause, "ended", reason);
      assert.equal(ended?.reason, reason);
      assert.match(message, words);
    }
    assert.equal((await askWith(next ?? "")).cause, "live");
    assert.equal((await askWith(other)).cause, "live");
    clock.advance(600_000);
    assert.equal((await askWith(ids.idle)).ended?.reason, "idle");
  });

  it("remembers so many ends and no more", async () => {
    const { session, clock } = bench();
    const explainer = createExplainer(session, { remember: 2, clock });
    const causeOf = async (id: string): Promise<string> =>
      (await explainer.explain({ headers: { cookie: `session_id=${id}` } })).cause;
    const ids = [await session.create({}), await session.create({}), await session.create({})];
    for (const id of ids) await session.delete(id);
    assert.deepEqual(await Promise.all(ids.map(causeOf)), ["unknown", "ended", "ended"]);
    explainer.close();
    assert.deepEqual(await Promise.all(ids.map(causeOf)), ["unknown", "unknown", "unknown"]);
    assert.throws(() => createExplainer(session, { remember: 0 }), RangeError);
  });

  it("says that two cookies lead to a session, and which one counts where one does", async () => {
    const { session, ask } = bench();
    const [one, two, three] = [
      await session.create({}),
      await session.create({}),
      await session.create({}),
    ];
    await session.delete(three);
    assert.equal(
      (await ask({ cookie: `session_id=${one}; session_id=${two}` })).cause,
      "duplicate",
    );
    assert.equal((await ask({ cookie: `session_id=${one}; session_id=${one}` })).cause, "live");
    const counting = await ask({ cookie: `session_id=x; session_id=${two}; session_id=${three}` });
    assert.equal(counting.cause, "live");
    assert.match(counting.message, /3 different cookies/);
    assert.equal((await ask({ cookie: `session_id=x; session_id=${three}` })).cause, "ended");
    const many = await Promise.all(Array.from({ length: 5 }, () => new Session().create({})));
    assert.equal(
      (await ask({ cookie: many.map((id) => `session_id=${id}`).join("; ") })).cause,
      "duplicate",
    );
  });

  it("explains bearer tokens, where the Session takes those", async () => {
    const { session, ask } = bench({ transport: "bearer" });
    const id = await session.create({ userId: "1" });
    assert.equal((await ask({ authorization: `Bearer ${id}` })).cause, "live");
    assert.match(
      (await ask({ cookie: `session_id=${id}` })).message,
      /No Authorization: Bearer header came.*A cookie of that name came/,
    );
    assert.equal((await ask({ host: "app.example.com" })).cause, "no-token");
    assert.match(
      (await ask({ authorization: "Bearer x" })).message,
      /^A bearer token came\. It has 1 characters/,
    );
    await session.revokeEverything();
    assert.equal((await ask({ authorization: `Bearer ${id}` })).ended?.reason, "revoked");
  });

  it("says that an id was renewed away", async () => {
    for (const onSuperseded of ["report", "revoke"] as const) {
      const { session, clock, askWith } = bench({ renewEvery: 60, renewOverlap: 10, onSuperseded });
      const id = await session.create({ userId: "1" });
      clock.advance(61_000);
      const next = (await session.renew(id)) ?? "";
      assert.notEqual(next, id);
      assert.equal((await askWith(next)).cause, "live");
      assert.equal((await askWith(id)).cause, "live");
      // Looking is no use of the successor: the overlap begins with the next request that has it.
      assert.equal(await session.renew(next), next);
      clock.advance(11_000);
      assert.equal(
        (await askWith(id)).ended?.reason,
        onSuperseded === "report" ? "superseded" : "superseded-reuse",
      );
      assert.equal((await askWith(next)).cause, onSuperseded === "report" ? "live" : "ended");
    }
  });

  it("agrees with fromRequest on who has a session", async () => {
    const { session, ask } = bench();
    const [one, two] = [await session.create({}), await session.create({})];
    for (const cookie of [
      `session_id=${one}`,
      `session_id=${one}; session_id=${two}`,
      `session_id=x; session_id=${one}`,
      "session_id=",
      "theme=dark",
    ]) {
      const isLive = (await ask({ cookie })).cause === "live";
      assert.equal(
        (await session.fromRequest({ headers: { cookie } })) !== undefined,
        isLive,
        cookie,
      );
    }
  });

  it("says nothing of an id, a value or the data", async () => {
    const { session, ask } = bench();
    const id = await session.create({ userId: "somebody-secret" });
    const dead = await session.create({ userId: "somebody-secret" });
    await session.delete(dead);
    for (const value of [id, dead, "s%3Asecret-value", `${id}.secret-value`]) {
      const text = JSON.stringify(await ask({ cookie: `session_id=${value}` }));
      for (const secret of [
        id.slice(0, 12),
        id.slice(12, 24),
        dead.slice(12, 24),
        "secret-value",
        "somebody",
      ])
        assert.ok(!text.includes(secret), `${value}: ${text}`);
    }
  });

  it("rejects where the store fails: nobody can tell", async () => {
    const { session } = bench();
    const id = await session.create({});
    const failing = new Session({
      store: {
        get: () => Promise.reject(new Error("down")),
        set: async () => {},
        delete: async () => {},
      },
    });
    await assert.rejects(
      createExplainer(failing).explain({ headers: { cookie: `session_id=${id}` } }),
      { code: "ERR_STORE_UNAVAILABLE" },
    );
  });
});

function askFor(
  url: string,
  headers: Record<string, string> = {},
  path = "/",
  method = "GET",
): Promise<Explanation> {
  return new Promise((resolve, reject) => {
    const asked = request(url + path, { method, headers, agent: false }, (res) => {
      let text = "";
      res.setEncoding("utf8");
      res.on("data", (chunk: string) => (text += chunk));
      // Our own server's answer.
      res.on("end", () => resolve(JSON.parse(text) as Explanation));
    });
    asked.on("error", reject);
    asked.end();
  });
}
