// The Next.js adapter over the classes that Next.js makes its cookies of, opened and sealed as
// Next.js does it. That Next.js itself does so is seen in test/apps, where it is built and asked
// over HTTP.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nextAction, nextSession } from "../../src/adapters/next.ts";
import { csrfToken, isCsrfToken } from "../../src/csrf.ts";
import { HarpiaError, MemoryStore, Session, StoreError } from "../../src/session.ts";
import { ManualClock } from "../../src/testing.ts";
import { countCalls } from "../support/counting-store.ts";
import { ActionCookies, redirect, sealed } from "../support/next-cookies.ts";

interface Data {
  userId?: string;
  color?: string;
  count?: number;
}

const READ_ONLY = { name: "HarpiaError", code: "ERR_COOKIES_READ_ONLY" };

async function signedIn(sessions: Session<Data>): Promise<string> {
  return `theme=dark; session_id=${await sessions.create({ userId: "1" })}`;
}

describe("nextSession", () => {
  it("reads in a server component, once and without a write", async () => {
    const { store, calls } = countCalls(new MemoryStore<Data>(), false);
    const sessions = new Session<Data>({ store });
    const header = await signedIn(sessions);
    calls.length = 0;
    const session = await nextSession(sessions, () => Promise.resolve(sealed(header)));
    assert.deepEqual(await session.data, { userId: "1" });
    assert.equal(await session.get("userId"), "1");
    await session.commit();
    assert.deepEqual(calls, ["read"]);
    assert.ok(await session.deadlines);
  });

  it("takes cookies as the function, its promise, or the awaited value", async () => {
    const sessions = new Session<Data>();
    const cookies = sealed(await signedIn(sessions));
    for (const given of [cookies, Promise.resolve(cookies), () => cookies, async () => cookies]) {
      assert.deepEqual(await (await nextSession(sessions, given)).data, { userId: "1" });
    }
  });

  it("has nobody's session for no cookie, an empty one and one that is made up", async () => {
    const sessions = new Session<Data>();
    for (const header of [
      "",
      "session_id=",
      "session_id=x",
      `session_id=${"a".repeat(32)}`,
      `session_id=x%3B%20session_id%3D${await sessions.create({ userId: "1" })}`,
    ]) {
      assert.equal(await (await nextSession(sessions, sealed(header))).data, undefined, header);
    }
  });

  it("refuses every change in a server component before anything is stored", async () => {
    const { store, calls } = countCalls(new MemoryStore<Data>(), false);
    const sessions = new Session<Data>({ store });
    for (const header of [await signedIn(sessions), ""]) {
      calls.length = 0;
      const session = await nextSession(sessions, sealed(header));
      for (const change of [
        () => session.set("color", "blue"),
        () => session.unset("color"),
        () => session.flash("notice", "hello"),
        () => session.setHidden("x", 1),
      ]) {
        assert.throws(change, READ_ONLY);
      }
      const changes: (() => Promise<unknown>)[] = [
        () => session.login({ userId: "2" }),
        () => session.rotate(),
        () => session.reauthenticate(),
        () => session.destroy(),
        () => session.update({ color: "blue" }),
        () => session.update(() => ({ color: "blue" })),
      ];
      for (const change of changes) await assert.rejects(change, READ_ONLY);
      await session.commit();
      assert.deepEqual(calls, []);
      assert.equal(session.hasChanges, false);
      assert.deepEqual(await session.data, header === "" ? undefined : { userId: "1" });
    }
  });

  it("says why in the error, and keeps what Next.js said as its cause", async () => {
    const session = await nextSession(new Session<Data>(), sealed(""));
    await assert.rejects(session.login({ userId: "1" }), (error: HarpiaError) => {
      assert.match(error.message, /server component/);
      assert.match(String(error.cause), /can only be modified/);
      return error instanceof HarpiaError;
    });
  });

  it("takes a flash message in a server component, once", async () => {
    const sessions = new Session<Data>();
    const cookies = new ActionCookies();
    const action = await nextSession(sessions, cookies);
    action.flash("notice", "Welcome");
    await action.commit();
    const pages = await Promise.all(
      [1, 2].map(() => nextSession(sessions, sealed(cookies.header))),
    );
    const taken = await Promise.all(pages.map((page) => page.takeFlash("notice")));
    assert.deepEqual(taken.sort(), ["Welcome", undefined]);
  });

  it("signs in with the session's own cookie, seen at once by whoever asks for the session next", async () => {
    const sessions = new Session<Data>({
      cookieName: "__Host-sid",
      cookie: { sameSite: "strict", maxAge: 3600, partitioned: true, priority: "high" },
    });
    const cookies = new ActionCookies();
    const session = await nextSession(sessions, cookies);
    await session.login({ userId: "1" });
    assert.equal(session.isNew, true);
    assert.equal(cookies.lines.length, 1);
    assert.match(
      cookies.lines[0] ?? "",
      /^__Host-sid=[\w-]{32}; Path=\/; Expires=[^;]+; Max-Age=3600; Secure; HttpOnly; SameSite=strict; Partitioned; Priority=high$/,
    );
    assert.deepEqual(await (await nextSession(sessions, cookies)).data, { userId: "1" });
  });

  it("sets no cookie for changes to a session that has one, and none before the commit", async () => {
    const sessions = new Session<Data>();
    const header = await signedIn(sessions);
    const cookies = new ActionCookies(header);
    const session = await nextSession(sessions, cookies);
    session.set("color", "blue");
    assert.deepEqual(await (await nextSession(sessions, cookies)).data, { userId: "1" });
    await session.commit();
    assert.equal(await session.update(({ count = 0 }) => ({ count: count + 1 })), true);
    assert.deepEqual(cookies.lines, []);
    assert.deepEqual(await (await nextSession(sessions, sealed(header))).data, {
      userId: "1",
      color: "blue",
      count: 1,
    });
  });

  it("begins a session at the commit of its first data", async () => {
    const sessions = new Session<Data>();
    const cookies = new ActionCookies();
    const session = await nextSession(sessions, cookies);
    session.set("color", "blue");
    assert.deepEqual(cookies.lines, []);
    await session.commit();
    assert.deepEqual(await (await nextSession(sessions, sealed(cookies.header))).data, {
      color: "blue",
    });
  });

  it("rotates: the old id is dead, the new one is the cookie", async () => {
    const sessions = new Session<Data>();
    const header = await signedIn(sessions);
    const cookies = new ActionCookies(header);
    assert.equal(await (await nextSession(sessions, cookies)).rotate(), true);
    assert.equal(await (await nextSession(sessions, sealed(header))).data, undefined);
    assert.deepEqual(await (await nextSession(sessions, sealed(cookies.header))).data, {
      userId: "1",
    });
  });

  it("renews an id that is due in an action, and leaves it alone in a server component", async () => {
    const clock = new ManualClock();
    const sessions = new Session<Data>({ clock, renewEvery: 3600 });
    const header = await signedIn(sessions);
    clock.advance(3_600_000);
    const page = await nextSession(sessions, sealed(header));
    assert.deepEqual(await page.data, { userId: "1" });
    await page.commit();
    const cookies = new ActionCookies(header);
    await nextAction(
      sessions,
      () => cookies,
      (session) => session.data,
    )();
    assert.equal(cookies.lines.length, 1);
    assert.ok(!header.includes(cookies.header));
    assert.deepEqual(await (await nextSession(sessions, sealed(cookies.header))).data, {
      userId: "1",
    });
  });

  it("destroys: the cookie is taken back with its attributes, and nothing can be changed any more", async () => {
    const sessions = new Session<Data>();
    const header = await signedIn(sessions);
    const cookies = new ActionCookies(header);
    const session = await nextSession(sessions, cookies);
    await session.destroy();
    assert.match(
      cookies.lines.join(),
      /^session_id=; Path=\/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Secure; HttpOnly; SameSite=lax$/,
    );
    assert.throws(() => session.set("color", "blue"), { code: "ERR_SESSION_ENDED" });
    assert.equal(await (await nextSession(sessions, cookies)).data, undefined);
    assert.equal(await (await nextSession(sessions, sealed(header))).data, undefined);
  });

  it("takes back a session whose cookie came too late to be set", async () => {
    const store = new MemoryStore<Data>();
    const sessions = new Session<Data>({ store });
    const cookies = new ActionCookies();
    const session = await nextSession(sessions, cookies);
    sessions.on("created", () => (cookies.isOver = true));
    await assert.rejects(session.login({ userId: "1" }), READ_ONLY);
    assert.deepEqual(await store.listByUser("1"), []);
    assert.deepEqual(cookies.lines, []);
  });

  it("never takes a failing store for no session", async () => {
    const broken = {
      get: () => Promise.reject(new Error("down")),
      set: () => Promise.reject(new Error("down")),
      delete: () => Promise.reject(new Error("down")),
    };
    const header = await signedIn(new Session<Data>());
    const session = await nextSession(new Session<Data>({ store: broken }), sealed(header));
    await assert.rejects(session.data, StoreError);
  });

  it("finds the session among several cookies of its name, and a sign-out ends them all", async () => {
    const session = new Session<{ userId: string }>();
    for (const place of [0, 1, 2]) {
      const ids = ["stale", "A".repeat(32)];
      const id = await session.create({ userId: "ada" });
      ids.splice(place, 0, id);
      const header = ids.map((value) => `session_id=${value}`).join("; ");
      const headers = (): Headers => new Headers({ cookie: header });
      const page = await nextSession(session, sealed(header), { headers });
      assert.deepEqual(await page.user, { userId: "ada" }, header);
      const signOut = nextAction(
        session,
        () => new ActionCookies(header),
        (own) => own.destroy(),
        { headers },
      );
      await signOut();
      assert.equal(await session.get(id), undefined, header);
    }
  });

  it("gives a Session the headers it asks for, where they are handed in", async () => {
    const sessions = new Session<Data>();
    const seen: (string | null | undefined)[] = [];
    const spy = {
      cookieName: sessions.cookieName,
      open: (req: Parameters<Session<Data>["open"]>[0]) => {
        const { headers } = req as { headers: Headers };
        seen.push(headers.get("user-agent"), headers.get("Cookie"));
        return sessions.open(req);
      },
    };
    const header = await signedIn(sessions);
    await nextSession(spy, sealed(header), {
      headers: async () => new Headers({ "user-agent": "A browser", cookie: "session_id=another" }),
    });
    await nextSession(spy, sealed(header));
    const ours = header.split("; ")[1];
    assert.deepEqual(seen, ["A browser", ours, null, ours]);
  });

  it("carries a synchronizer token", async () => {
    const sessions = new Session<Data>();
    const cookies = new ActionCookies(await signedIn(sessions));
    const token = await csrfToken(await nextSession(sessions, cookies));
    assert.equal(await isCsrfToken(await nextSession(sessions, cookies), token), true);
    assert.equal(await isCsrfToken(await nextSession(sessions, cookies), `${token}x`), false);
  });

  it("refuses what is no Session and what are no cookies", async () => {
    // What a program without types can do.
    const anything = {} as never;
    await assert.rejects(
      nextSession(anything, sealed("")),
      /^TypeError: Cannot open a session: the first argument is no Session/,
    );
    await assert.rejects(
      nextSession(new Session(), anything),
      /^TypeError: Cannot open a session: these are no cookies/,
    );
    await assert.rejects(
      nextSession(new Session({ transport: "bearer" }), sealed("")),
      /^TypeError: Cannot open a session by cookies: its transport is bearer/,
    );
    assert.throws(
      () => nextAction(new Session(), anything, () => {}),
      /^TypeError: Cannot make this action: its second argument is no function/,
    );
    assert.throws(
      () =>
        nextAction(
          new Session(),
          () => sealed(""),
          () => {},
          { onError: anything },
        ),
      /^TypeError: Invalid option onError: /,
    );
  });
});

describe("nextAction", () => {
  it("hands on its arguments, commits and gives the result", async () => {
    const sessions = new Session<Data>();
    const cookies = new ActionCookies();
    const paint = nextAction(
      sessions,
      () => cookies,
      async (session, former: number, form: { color: string }) => {
        session.set("color", form.color);
        return former + 1;
      },
    );
    assert.equal(await paint(1, { color: "blue" }), 2);
    assert.deepEqual(await (await nextSession(sessions, sealed(cookies.header))).data, {
      color: "blue",
    });
  });

  it("commits when redirect() ends the action, before the redirect is thrown on", async () => {
    const sessions = new Session<Data>();
    const cookies = new ActionCookies();
    const signIn = nextAction(
      sessions,
      async () => cookies,
      async (session) => {
        await session.login({ userId: "1" });
        session.flash("notice", "Welcome");
        redirect();
      },
    );
    await assert.rejects(signIn(), /NEXT_REDIRECT/);
    const page = await nextSession(sessions, sealed(cookies.header));
    assert.deepEqual(
      [await page.data, await page.takeFlash("notice")],
      [{ userId: "1" }, "Welcome"],
    );
  });

  it("drops the changes of an action that fails, takes its login back and sets no cookie", async () => {
    const store = new MemoryStore<Data>();
    const sessions = new Session<Data>({ store });
    const cookies = new ActionCookies();
    const fail = nextAction(
      sessions,
      () => cookies,
      async (session) => {
        await session.login({ userId: "1" });
        session.set("color", "blue");
        throw new Error("out of paper");
      },
    );
    await assert.rejects(fail(), /out of paper/);
    assert.deepEqual([cookies.lines, await store.listByUser("1")], [[], []]);
  });

  it("commits all the same where onError says so", async () => {
    const sessions = new Session<Data>();
    const cookies = new ActionCookies();
    const fail = nextAction(
      sessions,
      () => cookies,
      (session) => Promise.reject(session.set("count", 1) ?? new Error("out of paper")),
      { onError: "commit" },
    );
    await assert.rejects(fail(), /out of paper/);
    assert.deepEqual(await (await nextSession(sessions, sealed(cookies.header))).data, {
      count: 1,
    });
  });

  it("is a failure where the store fails, takes the login back and never redirects", async () => {
    const inner = new MemoryStore<Data>();
    const store = new Proxy(inner, {
      get(target, name) {
        if (name === "patch") return () => Promise.reject(new Error("down"));
        const member: unknown = Reflect.get(target, name, target);
        return typeof member === "function" ? member.bind(target) : member;
      },
    });
    const sessions = new Session<Data>({ store });
    const cookies = new ActionCookies();
    const signIn = nextAction(
      sessions,
      () => cookies,
      async (session) => {
        await session.login({ userId: "1" });
        session.set("color", "blue");
        redirect();
      },
    );
    await assert.rejects(signIn(), StoreError);
    assert.deepEqual([cookies.lines, await inner.listByUser("1")], [[], []]);
  });

  it("sets one cookie for a logout and nothing for an action that changes nothing", async () => {
    const sessions = new Session<Data>();
    const header = await signedIn(sessions);
    const idle = new ActionCookies(header);
    assert.deepEqual(
      await nextAction(
        sessions,
        () => idle,
        (session) => session.data,
      )(),
      { userId: "1" },
    );
    const cookies = new ActionCookies(header);
    await nextAction(
      sessions,
      () => cookies,
      (session) => session.destroy(),
    )();
    assert.deepEqual([idle.lines.length, cookies.lines.length], [0, 1]);
    assert.equal(await (await nextSession(sessions, sealed(header))).data, undefined);
  });
});
