// The seed's page, call by call, over real HTTP with the package as it is built.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import harpia, { type Request, type Response } from "harpiats";
import { MemoryStore } from "harpiats/memory-store";
import { Session } from "harpiats/session";
import { Browser, serveApp } from "../support/http.ts";
import { loginApp } from "./login-app.ts";

describe("the seed's routes", () => {
  it("sign in, show, change and sign out one visitor", async (t) => {
    const { url } = await serveApp(t, loginApp());
    const browser = new Browser(url);
    assert.deepEqual(await browser.json("/profile"), { signedIn: false });

    const login = await browser.fetch("/login");
    assert.deepEqual(await login.json(), { welcome: "ada" });
    assert.match(
      login.headers.getSetCookie().join(),
      /^session_id=[\w-]{32}; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    assert.deepEqual(await browser.json("/profile"), {
      signedIn: true,
      visitor: { userId: "ada", role: "guest" },
    });

    assert.deepEqual(await browser.json("/update-role"), { isUpdated: true });
    assert.deepEqual(await browser.json("/profile"), {
      signedIn: true,
      visitor: { userId: "ada", role: "editor" },
    });

    const id = browser.cookies.get("session_id");
    const logout = await browser.fetch("/logout");
    assert.deepEqual(await logout.json(), { signedOut: true });
    assert.deepEqual(logout.headers.getSetCookie(), [
      "session_id=; Max-Age=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax",
    ]);
    assert.equal(browser.cookies.size, 0);
    assert.deepEqual(await browser.json("/profile"), { signedIn: false });

    // Whoever kept the cookie has nothing.
    browser.cookies.set("session_id", id ?? "");
    assert.deepEqual(await browser.json("/profile"), { signedIn: false });
    assert.deepEqual(await browser.json("/update-role"), { isUpdated: false });
  });

  it("take a visitor without a cookie for no session: update gives false, logout has nothing to do", async (t) => {
    const { url } = await serveApp(t, loginApp());
    const browser = new Browser(url);
    assert.deepEqual(await browser.json("/update-role"), { isUpdated: false });
    assert.deepEqual(await browser.json("/logout"), { signedOut: false });
  });

  it("keep two visitors apart", async (t) => {
    const { url } = await serveApp(t, loginApp());
    const [first, second] = [new Browser(url), new Browser(url)];
    await Promise.all([first.fetch("/login"), second.fetch("/login")]);
    await first.fetch("/update-role");
    assert.deepEqual(await second.json("/profile"), {
      signedIn: true,
      visitor: { userId: "ada", role: "guest" },
    });
    await first.fetch("/logout");
    assert.deepEqual(await second.json("/profile"), {
      signedIn: true,
      visitor: { userId: "ada", role: "guest" },
    });
  });

  it("use the cookie name that the Session was given", async (t) => {
    const { url } = await serveApp(t, loginApp(new Session({ cookieName: "my_site" })));
    const browser = new Browser(url);
    await browser.fetch("/login");
    assert.deepEqual([...browser.cookies.keys()], ["my_site"]);
    await browser.fetch("/update-role");
    assert.deepEqual(await browser.json("/profile"), {
      signedIn: true,
      visitor: { userId: "ada", role: "editor" },
    });
    await browser.fetch("/logout");
    assert.equal(browser.cookies.size, 0);
  });

  it("forbid caches to keep what sets the cookie, and tell them apart by cookie where it is read", async (t) => {
    const { url } = await serveApp(t, loginApp());
    const browser = new Browser(url);
    assert.equal((await browser.fetch("/login")).headers.get("cache-control"), "no-store");
    assert.equal((await browser.fetch("/profile")).headers.get("vary"), "Cookie");
    assert.equal((await browser.fetch("/update-role")).headers.get("vary"), "Cookie");
    const logout = await browser.fetch("/logout");
    assert.deepEqual(
      [logout.headers.get("vary"), logout.headers.get("cache-control")],
      ["Cookie", "no-store"],
    );
  });
});

describe("the seed's methods", () => {
  it("set a cookie with the options that are given, and the safe ones beside them", async (t) => {
    const session = new Session();
    const app = harpia().get("/", async (_req: Request, res: Response) => {
      session.setCookie(res, await session.create({ userId: "ada" }), {
        httpOnly: true,
        secure: true,
        maxAge: 3600,
      });
      res.json({});
    });
    const { url } = await serveApp(t, app);
    const [cookie] = (await fetch(url)).headers.getSetCookie();
    assert.match(
      cookie ?? "",
      /^session_id=[\w-]{32}; Max-Age=3600; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
  });

  it("take an undefined id for no such session", async (t) => {
    const session = new Session();
    assert.equal(await session.get(undefined), undefined);
    assert.equal(await session.update(undefined, { role: "editor" }), false);
    await session.delete(undefined);
    const app = harpia().get("/", async (_req: Request, res: Response) => {
      await session.delete(undefined, res);
      res.json({});
    });
    const { url } = await serveApp(t, app);
    assert.match((await fetch(url)).headers.getSetCookie().join(), /^session_id=; Max-Age=0;/);
  });

  it("give data back by id, merge what changes, and forget", async () => {
    const session = new Session();
    const id = await session.create({ userId: "ada", visits: 1 });
    assert.equal(await session.update(id, { visits: 2, theme: "dark" }), true);
    assert.deepEqual(await session.get(id), { userId: "ada", visits: 2, theme: "dark" });
    await session.delete(id);
    assert.equal(await session.get(id), undefined);
    assert.equal(await session.update(id, { visits: 3 }), false);
  });
});

describe("the seed's memory store", () => {
  it("is used directly under names of one's own", async () => {
    const store = new MemoryStore();
    await store.set("session-of-ada", { userId: "ada" });
    assert.deepEqual(await store.get("session-of-ada"), { userId: "ada" });
    await store.delete("session-of-ada");
    assert.equal(await store.get("session-of-ada"), undefined);
  });
});
