// What a visitor meets in each of the applications, whatever it is built with: from a stranger's
// first look to a cookie that was stolen before the sign-out.
import assert from "node:assert/strict";
import { PageVisitor } from "./page-visitor.ts";

/** One application that listens. */
export interface RunningApp {
  url: string;
  /** What a reverse proxy in front would add. */
  headers: Record<string, string>;
  /**
   * How pages that depend on the cookie are kept out of shared caches: by `Vary`, or by not being
   * kept at all.
   */
  pages: "vary" | "no-store";
}

type Step = (name: string, check: () => Promise<void>) => Promise<unknown>;

const COOKIE = /^session_id=[\w-]{32}; Path=\/;(?=.* ?HttpOnly)(?=.* ?Secure)(?=.* ?SameSite=Lax)/i;

/** Does everything, one step after the other; each says what it is about. */
export async function visit(app: RunningApp, step: Step): Promise<void> {
  const newVisitor = (): PageVisitor => new PageVisitor(app.url, app.headers);
  const ada = newVisitor();
  const idOf = (visitor: PageVisitor): string => visitor.cookies.get("session_id") ?? "";
  const withId = (id: string): PageVisitor => {
    const visitor = newVisitor();
    visitor.cookies.set("session_id", id);
    return visitor;
  };
  const signIn = async (visitor: PageVisitor, name: string): Promise<void> => {
    assertRedirect(await visitor.submit("/", "sign-in", { name }), "/profile");
    await visitor.fetch("/profile");
  };

  await step("a stranger gets no cookie, and is asked to sign in", async () => {
    const strangers = [
      newVisitor(),
      withId("x"),
      withId(""),
      withId("A".repeat(32)),
      withId("..%2f..%2fetc%2fpasswd"),
    ];
    for (const stranger of strangers) {
      const page = await stranger.fetch("/");
      assert.deepEqual([page.status, page.headers.getSetCookie()], [200, []]);
      assertKeptApart(page, app.pages);
      assert.match(await page.text(), /<h1>Sign in<\/h1>/);
      const profile = await stranger.fetch("/profile");
      assertRedirect(profile, "/");
      assert.deepEqual(profile.headers.getSetCookie(), []);
      const json = await stranger.fetch("/api/profile");
      assert.deepEqual([json.status, json.headers.getSetCookie()], [401, []]);
      assertKeptApart(json, "vary");
    }
  });

  await step("signs in: one cookie, with the redirect, in no cache", async () => {
    const answer = await ada.submit("/", "sign-in", { name: "Ada" });
    assertRedirect(answer, "/profile");
    assert.equal(answer.headers.getSetCookie().length, 1);
    assert.match(answer.headers.getSetCookie()[0] ?? "", COOKIE);
    assert.match(answer.headers.get("cache-control") ?? "", /\bno-store\b/);
  });

  await step("shows the profile and its message, once, and sets no cookie again", async () => {
    const [first, second] = [await ada.fetch("/profile"), await ada.fetch("/profile")];
    for (const page of [first, second]) {
      assert.deepEqual([page.status, page.headers.getSetCookie()], [200, []]);
      assertKeptApart(page, app.pages);
    }
    const [text, again] = [await first.text(), await second.text()];
    for (const page of [text, again]) assert.match(page, /<h1>Hello, (<!-- -->)?Ada<\/h1>/);
    assert.match(text, /role="status">Welcome, Ada\.</);
    assert.doesNotMatch(again, /role="status"/);
    assertRedirect(await ada.fetch("/"), "/profile");
  });

  await step("loses none of many parallel changes, and sets no cookie for them", async () => {
    const preferences = { color: "blue", font: "serif", size: "large", language: "eo" };
    const saves = Object.entries(preferences).map(([name, value]) =>
      ada.postJson("/api/preferences", { [name]: value }),
    );
    const counts = Array.from({ length: 20 }, () => ada.postJson("/api/visits", {}));
    for (const answer of await Promise.all([...saves, ...counts])) {
      assert.deepEqual(
        [answer.status, answer.headers.getSetCookie()],
        [200, []],
        await answer.text(),
      );
    }
    assert.deepEqual(await ada.json("/api/profile"), { name: "Ada", visits: 20, ...preferences });
  });

  await step("saves a form, and exactly one of the pages that follow has its message", async () => {
    const answer = await ada.submit("/profile", "color", { color: "green" });
    assertRedirect(answer, "/profile");
    assert.deepEqual(answer.headers.getSetCookie(), []);
    const pages = await Promise.all(
      [1, 2, 3].map(async () => (await ada.fetch("/profile")).text()),
    );
    assert.equal(
      pages.filter((page) => /role="status">Your colour was saved\.</.test(page)).length,
      1,
    );
    for (const page of pages) assert.match(page, /value="green"/);
  });

  await step("refuses what another site has made the browser send", async () => {
    const foreign = { origin: "https://evil.test", "sec-fetch-site": "cross-site" };
    const [form, json] = [await ada.formOf("/profile", "color"), await ada.json("/api/profile")];
    for (const answer of [
      await ada.send(form, { color: "red" }, foreign),
      await ada.postJson("/api/preferences", { color: "red" }, foreign),
    ]) {
      assert.ok(answer.status >= 400, `${answer.status}`);
      assert.deepEqual(answer.headers.getSetCookie(), []);
    }
    assert.deepEqual(await ada.json("/api/profile"), json);
  });

  await step(
    "gives a new id to whoever signs in over another session, and ends that one",
    async () => {
      const form = await newVisitor().formOf("/", "sign-in");
      const visitor = newVisitor();
      await signIn(visitor, "Mallory");
      const planted = idOf(visitor);
      assertRedirect(await visitor.send(form, { name: "Grace" }), "/profile");
      assert.notEqual(idOf(visitor), planted);
      assert.deepEqual(await visitor.json("/api/profile"), { name: "Grace" });
      assert.equal((await withId(planted).fetch("/api/profile")).status, 401);
    },
  );

  await step(
    "answers no message that waits, nor any other field of the library's own",
    async () => {
      const visitor = newVisitor();
      await visitor.submit("/", "sign-in", { name: "Hedy" });
      // Its welcome has not been shown yet.
      assert.deepEqual(await visitor.json("/api/profile"), { name: "Hedy" });
    },
  );

  await step("signs out whatever other cookies of the name come with it", async () => {
    for (const stale of ["stale", "A".repeat(32)])
      for (const cookies of [`${stale}; session_id=ID`, `ID; session_id=${stale}`]) {
        const visitor = newVisitor();
        await signIn(visitor, "Hedy");
        const id = idOf(visitor);
        const form = await visitor.formOf("/profile", "sign-out");
        visitor.cookies.set("session_id", cookies.replace("ID", id));
        await visitor.send(form, {});
        assert.equal((await withId(id).fetch("/api/profile")).status, 401, cookies);
      }
  });

  await step("signs out: the cookie is taken back, and is dead for whoever kept it", async () => {
    const stolen = idOf(ada);
    const answer = await ada.submit("/profile", "sign-out");
    assertRedirect(answer, "/");
    assert.equal(answer.headers.getSetCookie().length, 1);
    assert.match(
      answer.headers.getSetCookie()[0] ?? "",
      /^session_id=; (?=.*Path=\/)(?=.*Max-Age=0)/,
    );
    assert.match(answer.headers.get("cache-control") ?? "", /\bno-store\b/);
    assert.equal(ada.cookies.size, 0);
    const thief = withId(stolen);
    assertRedirect(await thief.fetch("/profile"), "/");
    for (const late of [
      await thief.fetch("/api/profile"),
      await thief.postJson("/api/preferences", { color: "red" }),
      await thief.postJson("/api/visits", {}),
    ]) {
      assert.deepEqual([late.status, late.headers.getSetCookie()], [401, []]);
    }
  });
}

export function assertRedirect(answer: Response, to: string): void {
  const location = answer.headers.get("location");
  assert.ok(
    [302, 303, 307].includes(answer.status) && location !== null,
    `${answer.status} ${location}`,
  );
  const { pathname, search } = new URL(location, answer.url);
  assert.equal(pathname + search, to);
}

function assertKeptApart(answer: Response, by: "vary" | "no-store"): void {
  if (by === "vary") assert.match(answer.headers.get("vary") ?? "", /(^|,)\s*cookie\s*(,|$)/i);
  else assert.match(answer.headers.get("cache-control") ?? "", /\bno-store\b/);
}
