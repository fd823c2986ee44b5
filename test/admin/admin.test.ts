// The admin pages over real HTTP: who may come in, what is refused, what they show, search, page
// and end, and what they never show.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AdminOptions, createAdmin } from "../../src/admin.ts";
import { MemoryStore, Session, toSessionStore } from "../../src/session.ts";
import { installPackage } from "../support/installed-package.ts";
import { type Data, get, handleOf, serve } from "./serve.ts";

describe("createAdmin", () => {
  it("refuses to be made without authorize, and says which options make no sense", () => {
    const session = new Session<Data>();
    const make = (options: object) => () =>
      createAdmin({ session, authorize: () => true, ...options } as AdminOptions<Data>);
    assert.throws(
      () => createAdmin({ session } as unknown as AdminOptions<Data>),
      /^TypeError: Cannot make the admin pages: authorize is undefined, a function/,
    );
    for (const authorize of [true, null, "admin"]) assert.throws(make({ authorize }), TypeError);
    assert.throws(make({ session: {} }), /a Session is wanted/);
    assert.throws(make({ path: "/admin" }), /Invalid option path: /);
    for (const basePath of ["admin", "//evil.test", "/a b", "/a?b", '/"', 5])
      assert.throws(make({ basePath }), /Invalid option basePath: /);
    assert.throws(make({ showData: "role" }), /Invalid option showData: /);
    assert.throws(
      make({ trustedOrigins: ["example.com"] }),
      /Invalid option trustedOrigins\[0\]: /,
    );
  });

  it("lets nobody in whom authorize does not, whatever the page, and asks it what for", async (t) => {
    const asked: string[] = [];
    const { session, browser } = await serve(t, {
      authorize: (request, action) =>
        void asked.push(`${action} ${new URL(request.url).pathname}`) as unknown as boolean,
    });
    const id = await session.create({ userId: "Ada" });
    for (const path of [
      "/admin",
      "/admin/",
      "/admin/sessions",
      "/admin/user?id=Ada",
      "/admin/admin.css",
      "/admin/charts/created.svg",
      "/admin/none",
    ]) {
      const response = await browser.fetch(path);
      assert.deepEqual([response.status, await response.text()], [403, "Forbidden"], path);
    }
    assert.equal(
      (await browser.post("/admin/end", { handle: await handleOf(session, "Ada") })).status,
      403,
    );
    assert.equal((await browser.post("/admin/end-user", { user: "Ada" })).status, 403);
    assert.ok(await session.get(id));
    assert.deepEqual(asked.slice(-3), [
      "view /admin/none",
      "end /admin/end",
      "end /admin/end-user",
    ]);
  });

  it("takes nothing but true for a yes, and a Response for the answer", async (t) => {
    for (const verdict of [1, "true", {}, Promise.resolve("yes")]) {
      const { browser } = await serve(t, { authorize: () => verdict as unknown as boolean });
      assert.equal((await browser.fetch("/admin")).status, 403);
    }
    const { browser } = await serve(t, {
      authorize: () =>
        Promise.resolve(new Response(null, { status: 303, headers: { location: "/sign-in" } })),
    });
    const response = await browser.fetch("/admin");
    assert.deepEqual([response.status, response.headers.get("location")], [303, "/sign-in"]);
  });

  it("lets some look and not end", async (t) => {
    const { session, browser } = await serve(t, {
      authorize: (_request, action) => action === "view",
    });
    const id = await session.create({ userId: "Ada" });
    assert.equal((await browser.fetch("/admin/user?id=Ada")).status, 200);
    assert.equal((await browser.post("/admin/end-user", { user: "Ada" })).status, 403);
    assert.ok(await session.get(id));
  });

  it("refuses what another site has made the browser send, on every route that changes something", async (t) => {
    const { session, browser, url } = await serve(t);
    const id = await session.create({ userId: "Ada" });
    const handle = await handleOf(session, "Ada");
    const forms: [string, Record<string, string>][] = [
      ["end", { handle }],
      ["end-user", { user: "Ada" }],
      ["end-everything", { confirm: "end everything" }],
      ["none", {}],
    ];
    const foreign = [
      { origin: "https://evil.test" },
      { origin: "null" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site", origin: url },
    ];
    for (const [path, fields] of forms) {
      for (const headers of foreign) {
        const response = await browser.fetch(`/admin/${path}`, {
          method: "POST",
          body: new URLSearchParams(fields),
          headers,
        });
        assert.equal(response.status, 403, `${path} ${JSON.stringify(headers)}`);
      }
      // By GET nothing changes, whoever sends it.
      await browser.fetch(`/admin/${path}?${new URLSearchParams(fields).toString()}`);
    }
    for (const method of ["PUT", "DELETE", "PATCH"])
      assert.equal(
        (await browser.fetch("/admin/end", { method, headers: { origin: url } })).status,
        405,
      );
    assert.ok(await session.get(id));
  });

  it("sends every answer with no-store and a policy that lets no foreign or inline script or style in", async (t) => {
    const { session, browser } = await serve(t);
    await session.create({ userId: "Ada" });
    const handle = await handleOf(session, "Ada");
    const pages = [
      "",
      "/sessions",
      "/user?id=Ada",
      `/session?handle=${handle}`,
      "/end-everything",
      "/none",
    ];
    const nonces = new Set<string>();
    for (const path of pages) {
      const response = await browser.fetch(`/admin${path}`);
      assert.equal(response.headers.get("cache-control"), "no-store");
      const policy = response.headers.get("content-security-policy") ?? "";
      const [, nonce = ""] =
        /^default-src 'none'; script-src 'nonce-([\w-]{36})'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/.exec(
          policy,
        ) ?? [];
      nonces.add(nonce);
      const html = await response.text();
      assert.deepEqual(html.match(/<script[^>]*>/g), [
        `<script src="/admin/admin.js" nonce="${nonce}" defer>`,
      ]);
      assert.doesNotMatch(html, /<style|\sstyle=|\son\w+=|javascript:/i);
    }
    assert.equal(nonces.size, pages.length);
    for (const path of [
      "/admin.css",
      "/admin.js",
      "/icon.svg",
      "/charts/created.svg?look=wide-light",
    ]) {
      const response = await browser.fetch(`/admin${path}`);
      assert.deepEqual(
        [
          response.status,
          response.headers.get("cache-control"),
          response.headers.get("x-content-type-options"),
        ],
        [200, "no-store", "nosniff"],
      );
    }
  });

  it("shows no id and no session data in any page, but for the fields that showData names", async (t) => {
    const { session, browser } = await serve(t, { showData: ["role"] });
    const ids = await Promise.all(
      Array.from({ length: 5 }, (_, at) =>
        session.create({ userId: `user ${at}`, role: `role-${at}`, secret: `secret-${at}` }),
      ),
    );
    const handle = await handleOf(session, "user 2");
    const paths = [
      "",
      "/sessions",
      "/sessions?by=device&q=unknown",
      "/user?id=user+2",
      `/session?handle=${handle}`,
      ...ids.flatMap((id) => [
        `/user?id=${id}`,
        `/session?handle=${id}`,
        `/sessions?q=${id}`,
        `/sessions?q=${id}&by=device`,
        `/sessions?q=${id}&by=handle`,
      ]),
    ];
    for (const path of paths) {
      const response = await browser.fetch(`/admin${path}`);
      const text = `${await response.text()} ${JSON.stringify([...response.headers])}`;
      for (const id of ids) assert.ok(!text.includes(id), path);
      assert.doesNotMatch(text, /secret-/, path);
    }
    const one = await get(browser, `/admin/session?handle=${handle}`);
    assert.match(one, /<dt>role<\/dt><dd><code><bdi>role-2/);
    const { browser: other } = await serve(t, {}, session);
    assert.doesNotMatch(await get(other, `/admin/session?handle=${handle}`), /role-2/);
    assert.match(
      await get(browser, `/admin/sessions?q=${ids[0]}`),
      /looks like the id of a session/,
    );
  });

  it("escapes whatever names, devices and data hold", async (t) => {
    const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>'&\u202e`;
    const { session, browser } = await serve(t, { showData: ["role"], title: hostile });
    const device = { userAgent: hostile, ip: hostile, label: hostile };
    await session.create({ userId: hostile, role: hostile }, { device });
    await session.create(
      { userId: "javascript:alert(1)", role: "x" },
      { device: { userAgent: hostile } },
    );
    const handle = await handleOf(session, hostile);
    const query = new URLSearchParams({ id: hostile, q: hostile, handle }).toString();
    for (const path of [
      `/?${query}`,
      "/sessions",
      `/sessions?by=device&${query}`,
      `/sessions?by=${encodeURIComponent(hostile)}&${query}`,
      `/user?${query}`,
      `/session?${query}`,
      `/sessions?cursor=${encodeURIComponent(hostile)}`,
    ]) {
      const html = await get(browser, `/admin${path}`);
      assert.equal(html.match(/<script/g)?.length, 1, path);
      assert.doesNotMatch(html, /<img src=x|href="javascript/, path);
    }
  });

  it("lets no name turn the question before a session ends, or a title", async (t) => {
    const { session, browser } = await serve(t);
    const [userId, label] = ["ad\u202ea", "Tom's\u2069\u2067 phone"];
    await session.create({ userId }, { device: { label } });
    for (const path of [
      "/sessions",
      `/user?id=${encodeURIComponent(userId)}`,
      `/session?handle=${await handleOf(session, userId)}`,
    ]) {
      const html = await get(browser, `/admin${path}`);
      const plain = [...html.matchAll(/(?:data-confirm|aria-label)="([^"]*)"|<title>([^<]*)/g)].map(
        ([, text = "", title = ""]) => text + title,
      );
      assert.ok(
        plain.includes(
          "End the session of ad\\u202ea on Tom&#39;s\\u2069\\u2067 phone? Whoever uses it is signed out at once.",
        ),
        path,
      );
      assert.doesNotMatch(plain.join(), /[\u202e\u2067\u2069]/, path);
    }
    assert.match(
      await get(browser, `/admin/user?id=${encodeURIComponent(userId)}`),
      /<title>Sessions of ad\\u202ea · .*<h1><bdi>ad\u202ea</s,
    );
  });

  it("lists, pages, and finds by user, handle and device", async (t) => {
    const { session, browser } = await serve(t);
    for (let at = 0; at < 120; at++)
      await session.create(
        { userId: `user-${at}` },
        { device: { label: at === 77 ? "Firefox on Windows" : "Chrome on Android" } },
      );
    const seen = new Set<string>();
    let path: string | undefined = "/admin/sessions";
    let pages = 0;
    while (path !== undefined) {
      const html = await get(browser, path);
      for (const [, user = ""] of html.matchAll(/<bdi>(user-\d+)</g)) seen.add(user);
      path = /rel="next" href="([^"]+)"/.exec(html)?.[1]?.replaceAll("&amp;", "&");
      pages++;
    }
    assert.deepEqual([seen.size, pages], [120, 3]);
    const pageAt = async (rel: string, html: string): Promise<string> => {
      const [, href = ""] = new RegExp(`rel="${rel}" href="([^"]+)"`).exec(html) ?? [];
      return get(browser, href.replaceAll("&amp;", "&"));
    };
    const usersOf = (html: string): string[] =>
      [...html.matchAll(/<bdi>(user-\d+)</g)].map(([, user = ""]) => user);
    const first = await get(browser, "/admin/sessions");
    const second = await pageAt("next", first);
    const third = await pageAt("next", second);
    assert.doesNotMatch(first, /rel="prev"/);
    assert.deepEqual(usersOf(await pageAt("prev", third)), usersOf(second));
    assert.deepEqual(usersOf(await pageAt("prev", await pageAt("prev", third))), usersOf(first));

    const byUser = await browser.fetch("/admin/sessions?by=user&q=user-5");
    assert.deepEqual(
      [byUser.status, byUser.headers.get("location")],
      [303, "/admin/user?id=user-5"],
    );
    const handle = await handleOf(session, "user-9");
    const byHandle = await browser.fetch(`/admin/sessions?by=handle&q=${handle}`);
    assert.equal(byHandle.headers.get("location"), `/admin/session?handle=${handle}`);
    assert.match(await get(browser, byHandle.headers.get("location") ?? ""), /user-9/);
    const byDevice = await get(browser, "/admin/sessions?by=device&q=FIREFOX");
    assert.deepEqual(
      [...byDevice.matchAll(/<bdi>(user-\d+)</g)].map(([, user]) => user),
      ["user-77"],
    );
    assert.match(byDevice, /1 of the 120 sessions looked at/);
    assert.equal((await browser.fetch("/admin/session?handle=none")).status, 404);
    assert.match(await get(browser, "/admin/user?id=nobody"), /No live session/);
  });

  it("ends one, all of a user, and everything once it was typed, and goes back to where it was", async (t) => {
    const { session, browser } = await serve(t);
    const ids = await Promise.all(
      ["Ada", "Ada", "Ada", "Grace", "Alan"].map((userId) => session.create({ userId })),
    );
    const isLive = async (): Promise<boolean[]> =>
      Promise.all(ids.map(async (id) => (await session.get(id)) !== undefined));
    const handle = await handleOf(session, "Grace");
    const ended = await browser.post("/admin/end", { handle, back: "/sessions?cursor=x" });
    assert.deepEqual(
      [ended.status, ended.headers.get("location")],
      [303, "/admin/sessions?cursor=x&done=one"],
    );
    assert.deepEqual(await isLive(), [true, true, true, false, true]);
    assert.equal(
      (await browser.post("/admin/end", { handle, back: "//evil.test" })).headers.get("location"),
      "/admin/sessions?done=none",
    );
    assert.match(
      await get(browser, "/admin/sessions?done=one"),
      /role="status">The session has ended/,
    );

    assert.equal(
      (await browser.post("/admin/end-user", { user: "Ada" })).headers.get("location"),
      "/admin/user?id=Ada&done=user",
    );
    assert.deepEqual(await isLive(), [false, false, false, false, true]);

    for (const confirm of ["", "yes", "end everything!"]) {
      const refused = await browser.post("/admin/end-everything", { confirm });
      assert.equal(refused.status, 400);
      assert.match(await refused.text(), /nothing has ended/);
    }
    assert.deepEqual(await isLive(), [false, false, false, false, true]);
    assert.equal(
      (await browser.post("/admin/end-everything", { confirm: "end everything" })).headers.get(
        "location",
      ),
      "/admin/?done=all",
    );
    assert.deepEqual(await isLive(), [false, false, false, false, false]);
    assert.equal((await browser.post("/admin/end-user", {})).status, 404);
  });

  it("takes a form and nothing larger or else", async (t) => {
    const { browser, url } = await serve(t);
    const send = async (body: string, type: string): Promise<number> =>
      (
        await browser.fetch("/admin/end", {
          method: "POST",
          body,
          headers: { origin: url, "content-type": type },
        })
      ).status;
    assert.equal(await send('{"handle":"x"}', "application/json"), 415);
    assert.equal(
      await send(`handle=${"x".repeat(20_000)}`, "application/x-www-form-urlencoded"),
      413,
    );
    assert.equal(await send("handle=x", "application/x-www-form-urlencoded; charset=utf-8"), 303);
  });

  it("counts what this process saw, and says how the store did", async (t) => {
    const { session, browser } = await serve(t);
    const ids = await Promise.all(
      ["Ada", "Ada", "Grace"].map((userId) => session.create({ userId })),
    );
    await session.delete(ids[0]);
    await session.revokeAll("Grace");
    await session.fromRequest({ headers: { cookie: "session_id=x" } });
    const html = await get(browser, "/admin/");
    assert.match(html, /<p class="big">1<\/p>/);
    assert.match(html, /alt="Sessions created: 3 in all/);
    assert.match(html, /alt="Sessions ended, by reason: 2 in all: logout 1, revoked 1\."/);
    assert.match(html, /alt="Cookies refused, by reason: 1 in all: unknown 0, malformed 1\."/);
    assert.match(html, /alt="Sessions per user: Most users, 100 %, have 1\."/);
    assert.match(html, /<code>MemoryStore\.create<\/code><\/th><td>3<\/td>/);
    for (const name of ["created", "ended", "refused", "users", "calls", "latency"]) {
      const chart = await get(browser, `/admin/charts/${name}.svg?look=narrow-dark`);
      assert.match(chart, /^<svg [^>]*width="330"/, name);
      assert.doesNotMatch(chart, /<script|<foreignObject|\son\w+=/);
    }
    assert.equal((await browser.fetch("/admin/charts/none.svg")).status, 404);
  });

  it("shows tables and says what is missing where ECharts is not installed", async (t) => {
    const installed = await installPackage([]);
    t.after(() => installed.remove());
    // Its own declarations: these are what was published.
    const { createAdmin: create } = (await installed.load("admin.js")) as {
      createAdmin: typeof createAdmin;
    };
    const admin = create({ session: new Session(), authorize: () => true });
    t.after(() => admin.close());
    const html = await (await admin(new Request("https://example.com/admin"))).text();
    assert.match(html, /<code>npm install echarts<\/code>/);
    assert.equal(html.match(/<details [^>]*open>/g)?.length, 6);
    assert.doesNotMatch(html, /<img/);
    assert.equal(
      (await admin(new Request("https://example.com/admin/charts/created.svg"))).status,
      404,
    );
  });

  it("says so where the store cannot list, or does not answer", async (t) => {
    const inner = new MemoryStore<Data>();
    const plain = toSessionStore<Data>({
      get: (id) => inner.get(id),
      set: (id, data) => inner.set(id, data),
      delete: (id) => inner.delete(id),
    });
    const { browser } = await serve(t, {}, new Session<Data>({ store: plain }));
    assert.match(
      await get(browser, "/admin/"),
      /has only get, set and delete: it cannot list sessions/,
    );
    for (const path of ["/sessions", "/user?id=Ada", `/session?handle=00000000.${"x".repeat(43)}`])
      assert.equal((await browser.fetch(`/admin${path}`)).status, 501);

    class BrokenStore extends MemoryStore<Data> {
      override async scan(): Promise<never> {
        throw new Error("connection lost: password is hunter2");
      }
    }
    const { browser: other } = await serve(t, {}, new Session<Data>({ store: new BrokenStore() }));
    const overview = await other.fetch("/admin/");
    assert.equal(overview.status, 200);
    assert.match(await overview.text(), /BrokenStore does not answer/);
    const list = await other.fetch("/admin/sessions");
    assert.equal(list.status, 503);
    assert.doesNotMatch(await list.text(), /hunter2/);
  });
});
