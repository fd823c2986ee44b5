// The login demo as a visitor meets it: a process of its own, pages and JSON over real HTTP.
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { cp, writeFile } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { Browser } from "../support/http.ts";
import { installPackage } from "../support/installed-package.ts";
import { end, exitOf, within } from "../support/waits.ts";
import { spawn } from "../support/children.ts";

const program = fileURLToPath(
  new URL(`../../examples/apps/login/server${extname(import.meta.url)}`, import.meta.url),
);

interface HasAfter {
  after(task: () => Promise<void>): void;
}

interface Place {
  program: string;
  cwd: string;
}

/** Sessions are in its memory, unless the test says where or that it starts in another place. */
function run(env: Record<string, string>, place?: Place): ChildProcess {
  const store = place ? {} : { HARPIATS_STORE: "memory:" };
  return spawn(process.execPath, [place?.program ?? program], {
    env: { PATH: process.env["PATH"], ...store, ...env },
    cwd: place?.cwd,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Starts the demo on a free port and gives its address. */
async function start(
  t: HasAfter,
  env: Record<string, string> = {},
  place?: Place,
): Promise<{ url: string; demo: ChildProcess; said: Promise<string> }> {
  const demo = run({ PORT: "0", ...env }, place);
  t.after(() => end(demo));
  assert.ok(demo.stdout);
  // Both lines may come at once: whoever listened for the second one after the first would miss it.
  const lines = createInterface(demo.stdout)[Symbol.asyncIterator]();
  const line = String((await within("the demo's first line", lines.next())).value);
  const said = lines.next().then(({ value }) => String(value));
  const [url] = /http:\/\/\S+$/.exec(line) ?? [];
  assert.ok(url, line);
  return { url, demo, said };
}

async function fails(env: Record<string, string>): Promise<string> {
  const demo = run(env);
  assert.ok(demo.stderr);
  const [[code], errors] = await Promise.all([exitOf(demo), text(demo.stderr)]);
  assert.equal(code, 1);
  return errors;
}

describe("the login demo", () => {
  it("signs in, shows the session, changes the role and signs out", async (t) => {
    const { url } = await start(t);
    const browser = new Browser(url);
    assert.match(await (await browser.fetch("/")).text(), /<h1>Sign in<\/h1>/);
    assert.equal((await browser.fetch("/account")).headers.get("location"), "/");

    const signIn = await browser.post("/sign-in", { name: " Ada " });
    assert.deepEqual([signIn.status, signIn.headers.get("location")], [303, "/account"]);
    assert.match(
      signIn.headers.getSetCookie().join(),
      /^session_id=[\w-]{32}; Path=\/; HttpOnly; SameSite=Lax$/,
    );
    assert.equal((await browser.fetch("/")).headers.get("location"), "/account");

    const account = await browser.fetch("/account");
    assert.equal(account.headers.get("cache-control"), "no-store");
    const page = await account.text();
    assert.match(page, /<h1>Hello, <bdi>Ada<\/bdi><\/h1>/);
    assert.match(
      page,
      /<dt>Ends without activity<\/dt><dd><b>in 23 hours<\/b><time datetime="\d{4}-\d\d-\d\dT/,
    );
    assert.match(page, /<dt>Ends at the latest<\/dt><dd><b>in 29 days<\/b>/);
    assert.match(page, /<option selected>member<\/option>/);

    const role = await browser.post("/role", { role: "editor" });
    assert.deepEqual([role.status, role.headers.get("location")], [303, "/account?saved=role"]);
    const changed = await (await browser.fetch("/account?saved=role")).text();
    assert.match(changed, /role="status">Your role was saved\./);
    assert.match(changed, /<option selected>editor<\/option>/);

    const id = browser.cookies.get("session_id") ?? "";
    assert.equal((await browser.post("/sign-out")).headers.get("location"), "/");
    assert.equal(browser.cookies.size, 0);
    browser.cookies.set("session_id", id);
    assert.equal((await browser.fetch("/account")).headers.get("location"), "/");
  });

  it("answers four routes in JSON, over the session of the pages", async (t) => {
    const { url } = await start(t);
    const browser = new Browser(url);
    const post = async (path: string): Promise<unknown> => (await browser.post(path)).json();
    assert.deepEqual(await browser.json("/profile"), { status: "unauthenticated" });
    assert.deepEqual(await post("/update-role"), { message: "Session not found." });
    assert.deepEqual(await post("/logout"), { message: "No session to delete." });
    assert.deepEqual(await post("/login"), { message: "Session created!" });
    assert.deepEqual(await browser.json("/profile"), {
      status: "authenticated",
      user: { userId: "123" },
    });
    assert.deepEqual(await post("/update-role"), { message: "Session updated." });
    assert.match(
      await (await browser.fetch("/account")).text(),
      /<option selected>admin<\/option>/,
    );
    assert.deepEqual(await post("/logout"), { message: "Session deleted." });
    assert.deepEqual(await browser.json("/profile"), { status: "unauthenticated" });
  });

  it("changes nothing by a link, whatever site it is on", async (t) => {
    const { url } = await start(t);
    const browser = new Browser(url);
    await browser.post("/login");
    for (const path of ["/login", "/update-role", "/logout", "/sign-in", "/sign-out", "/role"]) {
      const answer = await browser.fetch(path);
      assert.deepEqual([answer.status, answer.headers.getSetCookie()], [404, []], path);
    }
    assert.deepEqual(await browser.json("/profile"), {
      status: "authenticated",
      user: { userId: "123" },
    });
  });

  it("escapes what a visitor enters, and says what is wrong with a name", async (t) => {
    const { url } = await start(t);
    const browser = new Browser(url);
    await browser.post("/sign-in", { name: `<script>"'&` });
    const page = await (await browser.fetch("/account")).text();
    assert.ok(page.includes("Hello, <bdi>&lt;script&gt;&quot;&#39;&amp;"));
    assert.ok(!page.includes("<script>"));
    // Whatever direction a name turns its own letters, it leaves the sentence around it alone.
    assert.match(
      await (await browser.fetch("/devices")).text(),
      /signed in as <bdi>&lt;script&gt;&quot;&#39;&amp;<\/bdi>\./,
    );
    for (const name of ["", "  ", "x".repeat(61)]) {
      const refused = await browser.post("/sign-in", { name });
      assert.equal(refused.status, 400);
      assert.match(
        await refused.text(),
        /aria-invalid="true">\s*<p class="wrong" id="name-wrong" role="alert">Enter a name/,
      );
    }
    assert.equal((await browser.post("/role", { role: "root" })).status, 400);
  });

  it("ends the session that was there at the next sign-in", async (t) => {
    const { url } = await start(t);
    const browser = new Browser(url);
    await browser.post("/sign-in", { name: "Ada" });
    const former = new Browser(url);
    former.cookies.set("session_id", browser.cookies.get("session_id") ?? "");
    await browser.post("/sign-in", { name: "Grace" });
    assert.deepEqual(await browser.json("/profile"), {
      status: "authenticated",
      user: { userId: "Grace", role: "member" },
    });
    assert.deepEqual(await former.json("/profile"), { status: "unauthenticated" });
  });

  it("accepts forms of its own pages alone", async (t) => {
    const { url } = await start(t);
    const { host } = new URL(url);
    const statusOf = async (headers: Record<string, string>): Promise<number> =>
      (
        await fetch(`${url}/sign-in`, {
          method: "POST",
          body: new URLSearchParams({ name: "Ada" }),
          headers,
          redirect: "manual",
        })
      ).status;
    const accepted = [
      {},
      { origin: url },
      { "sec-fetch-site": "same-origin" },
      { "sec-fetch-site": "none" },
      { "sec-fetch-site": "same-origin", origin: "http://other.test" },
    ];
    const refused = [
      { origin: "http://other.test" },
      { origin: "null" },
      { origin: `http://${host}.other.test` },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site", origin: url },
    ];
    for (const headers of accepted)
      assert.equal(await statusOf(headers), 303, JSON.stringify(headers));
    for (const headers of refused)
      assert.equal(await statusOf(headers), 403, JSON.stringify(headers));
  });

  it("sends safe headers with every page, and its style and icon", async (t) => {
    const { url } = await start(t, { NODE_ENV: "production" });
    for (const [path, type] of [
      ["/", "text/html; charset=utf-8"],
      ["/style.css", "text/css; charset=utf-8"],
      ["/icon.svg", "image/svg+xml"],
      ["/favicon.ico", "image/svg+xml"],
    ] as const) {
      const response = await fetch(url + path);
      assert.equal(response.status, 200);
      assert.equal(response.headers.get("content-type"), type);
      assert.match(
        response.headers.get("content-security-policy") ?? "",
        /^default-src 'none'; style-src 'self';/,
      );
      assert.equal(response.headers.get("x-content-type-options"), "nosniff");
      assert.equal(response.headers.get("x-frame-options"), "DENY");
    }
  });

  it("lists a user's own devices, signs out there and everywhere else, and nobody else's", async (t) => {
    const { url } = await start(t);
    const [laptop, phone, tablet, stranger] = Array.from({ length: 4 }, () => new Browser(url)) as [
      Browser,
      Browser,
      Browser,
      Browser,
    ];
    for (const browser of [laptop, phone, tablet]) await browser.post("/sign-in", { name: "Ada" });
    await stranger.post("/sign-in", { name: "Mallory" });
    const handlesOf = async (browser: Browser): Promise<string[]> =>
      [
        ...(await (await browser.fetch("/devices")).text()).matchAll(
          /name="handle" value="([^"]+)"/g,
        ),
      ].map(([, handle = ""]) => handle);
    const isSignedIn = async (browser: Browser): Promise<boolean> =>
      (await browser.fetch("/account")).status === 200;

    const others = await handlesOf(laptop);
    assert.deepEqual([others.length, (await handlesOf(stranger)).length], [2, 0]);
    const page = await (await laptop.fetch("/devices")).text();
    assert.equal(page.match(/This device/g)?.length, 1);
    for (const browser of [laptop, phone, tablet])
      assert.ok(!page.includes(browser.cookies.get("session_id") ?? ""));

    assert.equal(
      (await stranger.post("/devices/sign-out", { handle: others[0] ?? "" })).headers.get(
        "location",
      ),
      "/devices?done=none",
    );
    assert.equal(
      (await laptop.post("/devices/sign-out", { handle: others[0] ?? "" })).headers.get("location"),
      "/devices?done=one",
    );
    assert.match(
      await (await laptop.fetch("/devices?done=one")).text(),
      /role="status">Signed out there/,
    );
    assert.deepEqual(
      (await Promise.all([phone, tablet].map(isSignedIn))).filter(Boolean).length,
      1,
    );
    assert.equal(
      (await laptop.post("/devices/sign-out-elsewhere")).headers.get("location"),
      "/devices?done=elsewhere",
    );
    assert.deepEqual(await Promise.all([laptop, phone, tablet, stranger].map(isSignedIn)), [
      true,
      false,
      false,
      true,
    ]);
    assert.equal((await phone.fetch("/devices")).headers.get("location"), "/");
  });

  it("shows everybody's sessions to the role admin alone", async (t) => {
    const { url } = await start(t);
    const browser = new Browser(url);
    assert.equal((await browser.fetch("/admin")).status, 403);
    await browser.post("/sign-in", { name: "Ada" });
    assert.equal((await browser.fetch("/admin")).status, 403);
    await browser.post("/role", { role: "admin" });
    assert.match(await (await browser.fetch("/admin")).text(), /<h1>Overview<\/h1>/);
    assert.match(await (await browser.fetch("/admin/sessions")).text(), /<bdi>Ada<\/bdi>/);
    assert.equal((await browser.post("/admin/end-user", { user: "Ada" })).status, 303);
    assert.equal((await browser.fetch("/admin")).status, 403);
  });

  it("ends at SIGTERM and SIGINT", async (t) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const { url, demo } = await start(t);
      // A connection that is kept open does not hold it.
      await (await fetch(url)).text();
      demo.kill(signal);
      assert.deepEqual(await exitOf(demo), [0, null]);
    }
  });

  it("says in one line why it cannot start", async (t) => {
    const { url } = await start(t);
    const { port } = new URL(url);
    assert.equal(
      await fails({ PORT: port }),
      `Cannot start the demo: port ${port} of 127.0.0.1 is in use, set PORT to another one\n`,
    );
    const wrong = ["http", "70000", "-1", ""];
    const said = await Promise.all(wrong.map((given) => fails({ PORT: given })));
    assert.deepEqual(
      said,
      wrong.map(
        (given) =>
          `Cannot start the demo: PORT is "${given}", a number from 0 to 65535 is wanted\n`,
      ),
    );
  });

  it("keeps its sessions in a file beside it, and finds them again when it is started again", async (t) => {
    // As `npm start` does it, on whatever Node this is.
    const installed = await installPackage(["better-sqlite3", "bowser", "hono"]);
    t.after(() => installed.remove());
    const folder = join(installed.path, "examples");
    await cp(fileURLToPath(new URL("../../examples/", import.meta.url)), folder, {
      recursive: true,
      filter: (path) => !/apps.(?!login)\w/.test(path),
    });
    await writeFile(join(installed.path, "package.json"), JSON.stringify({ type: "module" }));
    const place = { program: join(folder, "apps/login", basename(program)), cwd: installed.path };
    const { url, demo, said } = await start(t, {}, place);
    assert.equal(
      await said,
      "Sessions are in sqlite:.data/login-demo.db, and live on when it ends.",
    );
    const browser = new Browser(url);
    await browser.post("/sign-in", { name: "Ada" });
    demo.kill("SIGTERM");
    assert.deepEqual(await exitOf(demo), [0, null]);
    const again = new Browser((await start(t, {}, place)).url);
    again.cookies.set("session_id", browser.cookies.get("session_id") ?? "");
    assert.deepEqual(await again.json("/profile"), {
      status: "authenticated",
      user: { userId: "Ada", role: "member" },
    });
  });

  it("takes another store from the environment, and says why it cannot", async (t) => {
    assert.equal(await (await start(t)).said, "Sessions are in its memory, and end with it.");
    assert.match(
      await fails({ PORT: "0", HARPIATS_STORE: "redis://:s3cret@127.0.0.1:1" }),
      /^Cannot start the demo: Cannot open redis:\/\/127\.0\.0\.1:1: .*ECONNREFUSED.*\n$/,
    );
    assert.match(
      await fails({ PORT: "0", HARPIATS_STORE: "mongodb://s3cret" }),
      /^Cannot start the demo: Cannot open a store: its URL begins with no scheme that is known/,
    );
  });
});
