// Somebody's cookie or page in a shared cache, and given to somebody else (CVE-2025-48947,
// CVE-2023-30861, CVE-2026-35192): a cache that takes every liberty of RFC 9111 stands before every
// adapter, and every form of access to the session is tried.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { headerOf } from "../../src/core/http/http-messages.ts";
import { csrfToken } from "../../src/csrf.ts";
import { MemoryStore, Session } from "../../src/session.ts";
import { ManualClock } from "../../src/testing.ts";
import { Browser } from "../support/http.ts";
import { type Exchange, type Fields, SESSION_APPS } from "../support/session-apps.ts";
import { type SharedCacheOptions, startSharedCache } from "./shared-cache-model.ts";

/** What the application says of its pages, in ignorance of sessions. */
const SAID: Record<string, string | undefined> = {
  nothing: undefined,
  public: "public, max-age=3600",
  revalidate: "public, no-cache",
};

type Form = (exchange: Exchange & { session: Session<Fields>; user: string }) => Promise<unknown>;

/** Every way to the session, and what of it is on the page. */
const FORMS: Record<string, Form> = {
  get: ({ own }) => own.get("userId"),
  data: ({ own }) => own.data,
  set: async ({ own }) => (own.set("seen", true), own.data),
  unset: async ({ own }) => (own.unset("seen"), own.get("userId")),
  "update with fields": async ({ own }) => (await own.update({ seen: 1 }), own.data),
  "update with a function": async ({ own }) => [
    await own.update((data) => ({ seen: Number(data["seen"] ?? 0) + 1 })),
    await own.data,
  ],
  flash: async ({ own }) => (own.flash("note", await own.get("userId")), "left"),
  takeFlash: ({ own }) => own.takeFlash("note"),
  getHidden: ({ own }) => own.getHidden("userId"),
  deadlines: ({ own }) => own.deadlines,
  watch: async ({ own }) => (await own.watch(AbortSignal.timeout(1))).aborted,
  commit: async ({ own }) => (own.set("seen", 2), await own.commit(), own.data),
  "a token": async ({ own }) => ((await own.get("userId")) === undefined ? "none" : csrfToken(own)),
  setHidden: async ({ own }) => (own.setHidden("hidden", true), own.data),
  rotate: async ({ own }) => [await own.rotate(), await own.data],
  reauthenticate: async ({ own }) => [await own.reauthenticate(), await own.data],
  destroy: async ({ own }) => [await own.get("userId"), await own.destroy()],
  login: async ({ own, user }) => (await own.login({ userId: user }), own.data),
  "login without looking": ({ own, user }) => own.login({ userId: user }),
  "a first visit": async ({ own, user }) => (await own.destroy(), user),
  "fromRequest, with Vary": async ({ session, req, res }) => (vary(res), session.fromRequest(req)),
  "setCookie by hand": async ({ session, res, user }) =>
    session.setCookie(res, await session.create({ userId: user })),
  "rotate by hand": async ({ session, res, user }) =>
    void (await session.rotate(await session.create({ userId: user }), res)),
  "delete by hand": async ({ session, res }) => session.delete(undefined, res),
};

/** As docs/frameworks.md says it for fromRequest. */
function vary(res: Exchange["res"]): void {
  if ("setHeader" in res) res.setHeader("Vary", "Cookie");
  else if ("header" in res && typeof res.header === "function") res.header("Vary", "Cookie");
  else if ("res" in res && "setHeader" in res.res) res.res.setHeader("Vary", "Cookie");
  else if ("set" in res) res.set("Vary", "Cookie");
  else if ("headers" in res) res.headers.set("Vary", "Cookie");
}

/**
 * Serves all forms, and asks for each as one user after another.
 *
 * @returns what somebody got who should not have.
 */
async function leaksOf(
  start: (typeof SESSION_APPS)[string],
  options: SharedCacheOptions & { renewEvery?: number } = {},
  forms: string[] = Object.keys(FORMS),
): Promise<{ leaks: string[]; hits: number }> {
  const clock = new ManualClock();
  const session = new Session<Fields>({
    store: new MemoryStore({ clock }),
    clock,
    cookie: { secure: false },
    renewEvery: options.renewEvery,
  });
  const app = await start({
    session,
    async handle(exchange) {
      const [, name = "", said = ""] = exchange.path.split("/").map(decodeURIComponent);
      const user = String(headerOf(exchange.req, "x-user"));
      // What setCookie forbids to caches by hand the application must not allow afterwards: it says
      // it before, if at all.
      const control = name.endsWith("by hand") ? undefined : SAID[said];
      const page =
        name === "nobody's"
          ? "the same for everybody"
          : name === "fromRequest alone"
            ? await session.fromRequest(exchange.req)
            : await FORMS[name]?.({ ...exchange, session, user });
      return {
        body: JSON.stringify(page ?? null),
        headers: {
          "content-type": "application/json",
          ...(control !== undefined && { "cache-control": control }),
        },
      };
    },
  });
  const cache = await startSharedCache(app.url, options);
  const leaks: string[] = [];
  const owners = new Map<string, string>();
  try {
    const people = ["alice", "bobby", "nobody"].map((user) => ({
      user,
      browser: new Browser(cache.url),
    }));
    const ask = async (path: string, { user, browser }: (typeof people)[number]): Promise<void> => {
      clock.advance(1000);
      const response = await browser.fetch(path, { headers: { "x-user": user } });
      const body = await response.text();
      for (const other of ["alice", "bobby"])
        if (other !== user && body.includes(other))
          leaks.push(`${path}: ${user} got the page of ${other}`);
      const tokens = [...response.headers.getSetCookie(), body].flatMap(
        (text) => text.match(/[\w-]{32,}/g) ?? [],
      );
      for (const token of tokens) {
        const owner = owners.get(token) ?? user;
        owners.set(token, owner);
        if (owner !== user) leaks.push(`${path}: ${user} got a secret of ${owner}`);
      }
      // A page about a session, where there is none.
      if (user === "nobody" && !path.includes("login") && /"createdAt"/.test(body))
        leaks.push(`${path}: nobody got the deadlines of somebody`);
    };
    for (const form of forms) {
      for (const said of Object.keys(SAID)) {
        // Who has been signed out by the form before signs in again; nobody stays nobody.
        for (const person of people.slice(0, 2))
          if (!person.browser.cookies.has("session_id")) await ask("/login/nothing", person);
        people[2]?.browser.cookies.clear();
        for (const person of people) await ask(`/${encodeURIComponent(form)}/${said}`, person);
      }
    }
    return { leaks, hits: cache.hits };
  } finally {
    await cache.close();
    await app.close();
  }
}

for (const [name, start] of Object.entries(SESSION_APPS)) {
  describe(`a shared cache before ${name}`, () => {
    it("gives nobody another's cookie or page", async () => {
      assert.deepEqual((await leaksOf(start)).leaks, []);
    });
  });
}

const start = SESSION_APPS["node:http"] as (typeof SESSION_APPS)[string];

describe("a shared cache before sessions that are renewed", () => {
  it("gives nobody the new cookie that comes with another's page", async () => {
    // Each request is a second after the one before.
    const { leaks } = await leaksOf(start, { renewEvery: 2 }, ["get", "data"]);
    assert.deepEqual(leaks, []);
    assert.notDeepEqual(
      (await leaksOf(start, { renewEvery: 2, overlooks: "vary" }, ["get", "data"])).leaks,
      [],
    );
  });
});

describe("a shared cache before bearer tokens", () => {
  it("gives nobody another's page, where the application said public", async () => {
    const session = new Session<Fields>({ store: new MemoryStore(), transport: "bearer" });
    const app = await start({
      session,
      handle: async ({ own }) => ({
        body: String(await own.get("userId")),
        headers: { "cache-control": "public, max-age=3600" },
      }),
    });
    const cache = await startSharedCache(app.url);
    try {
      const ids = {
        alice: await session.create({ userId: "alice" }),
        bobby: await session.create({ userId: "bobby" }),
      };
      for (const [user, id] of Object.entries(ids))
        assert.equal(
          await (await fetch(cache.url, { headers: { authorization: `Bearer ${id}` } })).text(),
          user,
        );
      assert.equal(await (await fetch(cache.url)).text(), "undefined");
    } finally {
      await cache.close();
      await app.close();
    }
  });
});

describe("the model of a shared cache", () => {
  it("keeps what is nobody's", async () => {
    // Three people, three ways to say it: two are kept, and given to the second and the third.
    const { leaks, hits } = await leaksOf(start, {}, ["nobody's"]);
    assert.deepEqual(leaks, []);
    assert.ok(hits >= 4, `${hits} answers from the cache`);
  });

  it("leaks where it overlooks Vary or no-store, so these tests would notice", async () => {
    const forms = (leaks: string[]): string[] => [
      ...new Set(leaks.map((leak) => decodeURIComponent(leak.split("/")[1] ?? ""))),
    ];
    const withoutVary = forms((await leaksOf(start, { overlooks: "vary" })).leaks);
    // A message is there once, on a page that the application has not called public.
    for (const form of ["get", "data", "set", "deadlines", "fromRequest, with Vary"])
      assert.ok(withoutVary.includes(form), `${form} of ${withoutVary.join(", ")}`);
    const withoutNoStore = forms((await leaksOf(start, { overlooks: "no-store" })).leaks);
    for (const form of ["login", "setCookie by hand"])
      assert.ok(withoutNoStore.includes(form), `${form} of ${withoutNoStore.join(", ")}`);
  });

  it("leaks a page that fromRequest alone has personalised: it has no response to say Vary on", async () => {
    assert.notDeepEqual((await leaksOf(start, {}, ["fromRequest alone"])).leaks, []);
  });
});
