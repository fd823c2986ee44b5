// What a browser with scripts sends: each framework has a protocol of its own for forms and pages,
// and the session has to come through it as through plain pages. And what a page does after its
// headers, which only such a browser shows.
import assert from "node:assert/strict";
import type { PageVisitor } from "./page-visitor.ts";
import type { RunningApp } from "./visit.ts";

type Check = (visitor: PageVisitor, app: RunningApp) => Promise<void>;

/** By the application's name: what its checks are about, and the checks. */
export const SCRIPTED: Record<string, Record<string, Check>> = {
  next: {
    "signs in by script: cookie, redirect and the next page with its message in one answer": async (
      visitor,
      app,
    ) => {
      const [action = ""] = Object.keys((await visitor.formOf("/", "sign-in")).hidden);
      const body = new FormData();
      body.set("_1_name", "Ada");
      body.set("0", '["$K1"]');
      const answer = await visitor.fetch("/", {
        method: "POST",
        body,
        headers: {
          "next-action": action.replace("$ACTION_ID_", ""),
          accept: "text/x-component",
          origin: app.url,
        },
      });
      assert.match(answer.headers.get("x-action-redirect") ?? "", /^\/profile;/);
      assertSignedIn(answer, visitor);
      assert.match(await answer.text(), /Welcome, Ada\./);
      assert.doesNotMatch(await (await visitor.fetch("/profile")).text(), /role="status"/);
    },
    "sets the cookie with a redirect and beside others, and neither cookie nor redirect where the action or the store fails":
      async (visitor) => {
        const outcomes: Record<string, [status: number, cookies: string[]]> = {
          redirect: [307, ["wrapped"]],
          answer: [200, ["theme", "wrapped"]],
          throw: [500, []],
          store: [500, []],
        };
        for (const [end, expected] of Object.entries(outcomes)) {
          const answer = await visitor.fetch(`/wrapped?end=${end}`, { method: "POST" });
          const cookies = answer.headers
            .getSetCookie()
            .map((line) => line.slice(0, line.indexOf("=")));
          assert.deepEqual([answer.status, cookies.sort()], expected, end);
        }
      },
    "refuses every change in a server component, and nothing is stored": async (visitor) => {
      const lines = [
        "set",
        "unset",
        "flash",
        "update",
        "update with a function",
        "login",
        "rotate",
        "destroy",
      ].map((name) => `<li>${name}: ERR_COOKIES_READ_ONLY</li>`);
      for (const isSignedIn of [false, true]) {
        if (isSignedIn) await visitor.submit("/", "sign-in", { name: "Ada" });
        const before = await visitor.json("/api/profile");
        const page = await visitor.fetch("/read-only");
        assert.deepEqual([page.status, page.headers.getSetCookie()], [200, []]);
        assert.ok((await page.text()).includes(`<ul>${lines.join("")}<li>same: true</li></ul>`));
        assert.deepEqual(await visitor.json("/api/profile"), before);
      }
      assert.match(await (await visitor.fetch("/profile")).text(), /role="status">Welcome, Ada\.</);
    },
  },
  sveltekit: {
    "signs in by script: the cookie comes with the redirect that the script follows": async (
      visitor,
    ) => {
      const answer = await visitor.send(
        await visitor.formOf("/", "sign-in"),
        { name: "Ada" },
        { accept: "application/json", "x-sveltekit-action": "true" },
      );
      assertSignedIn(answer, visitor);
      assert.deepEqual(await answer.json(), {
        type: "redirect",
        status: 303,
        location: "/profile",
      });
      const data = await visitor.fetch("/profile/__data.json");
      assert.match(data.headers.get("vary") ?? "", /\bcookie\b/i);
      assert.match(await data.text(), /"Welcome, Ada\."/);
    },
    "reads and changes data in what is streamed behind the headers, and refuses there what needs a cookie":
      streams,
  },
  "react-router": {
    "signs in by script: the cookie comes with the redirect that the script follows": async (
      visitor,
      app,
    ) => {
      const body = new URLSearchParams({ name: "Ada" });
      const answer = await visitor.fetch("/_.data?index", {
        method: "POST",
        body,
        headers: { accept: "*/*", origin: app.url },
      });
      assertSignedIn(answer, visitor);
      assert.match(await answer.text(), /"redirect","\/profile"/);
      const data = await visitor.fetch("/profile.data");
      assert.match(data.headers.get("vary") ?? "", /\bcookie\b/i);
      assert.match(await data.text(), /"Welcome, Ada\."/);
    },
    "reads and changes data in what is streamed behind the headers, and refuses there what needs a cookie":
      streams,
  },
};

async function streams(visitor: PageVisitor): Promise<void> {
  await visitor.submit("/", "sign-in", { name: "Ada" });
  // Who looks like a robot gets the page in one piece.
  const answer = await visitor.fetch("/streamed", {
    headers: {
      "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0",
    },
  });
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  assert.ok(reader);
  let page = "";
  const readUntil = async (text: string): Promise<void> => {
    while (!page.includes(text)) {
      const { done, value } = await reader.read();
      assert.ok(!done, `There is no ${text} in ${page}`);
      page += value;
    }
  };
  await readUntil("Beginning for Ada");
  assert.doesNotMatch(page, /Ada chose/);
  await visitor.fetch("/streamed/go-on");
  await readUntil("Ada chose late: ERR_HEADERS_SENT");
  await reader.cancel();
  const { color } = (await visitor.json("/api/profile")) as { color?: unknown };
  assert.equal(color, "late");
}

function assertSignedIn(answer: Response, visitor: PageVisitor): void {
  assert.equal(answer.headers.getSetCookie().length, 1, `${answer.status}`);
  assert.match(answer.headers.get("cache-control") ?? "", /\bno-store\b/);
  assert.match(visitor.cookies.get("session_id") ?? "", /^[\w-]{32}$/);
}
