// The admin pages as an operator uses them, on a phone and on a desktop: look, search, page, end;
// whose session ended is signed out at the next click. And what they do without scripts, and with
// names and browsers that are hostile.
import assert from "node:assert/strict";
import { after, before, beforeEach, afterEach, describe, it, type TestContext } from "node:test";
import {
  type Chromium,
  type ContextOptions,
  isTooWide,
  launchChromium,
  type Page,
  SIZES,
  violationsOf,
} from "./chromium.ts";
import { type Demo, startDemo } from "./demo.ts";

const FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:150.0) Gecko/20100101 Firefox/150.0";
const HOSTILE = `"><script>hacked=1</script><img src=x onerror="hacked=1">`;

describe("the admin pages", () => {
  let chromium: Chromium;
  let demo: Demo;
  const open = new Set<{ close(): Promise<void> }>();
  before(async () => {
    chromium = await launchChromium();
  });
  after(() => chromium.close());
  beforeEach(async () => {
    demo = await startDemo();
  });
  afterEach(async () => {
    for (const context of open) await context.close();
    open.clear();
    await demo.stop();
  });

  /** A page of somebody who is signed in; fails the test if a script of it fails or is refused. */
  async function signedIn(
    t: TestContext,
    name: string,
    options: ContextOptions = {},
  ): Promise<Page> {
    const context = await chromium.newContext(options);
    open.add(context);
    const page = await context.newPage();
    const wrong: string[] = [];
    page.on("pageerror", (error) => wrong.push(error.message));
    // A 4xx is told as an error as well, and some are wanted here.
    page.on(
      "console",
      (message) =>
        message.type() === "error" &&
        !message.text().startsWith("Failed to load resource") &&
        wrong.push(message.text()),
    );
    t.after(() => assert.deepEqual(wrong, []));
    await page.goto(demo.url);
    await page.getByLabel("Your name").fill(name);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Hello" }).waitFor();
    return page;
  }

  async function operator(t: TestContext, options: ContextOptions = {}): Promise<Page> {
    const page = await signedIn(t, "Operator", options);
    await page.getByLabel("Role", { exact: true }).selectOption("admin");
    await page.getByRole("button", { name: "Save role" }).click();
    await page.getByRole("link", { name: "everybody's sessions" }).click();
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    return page;
  }

  async function isSignedOut(page: Page): Promise<boolean> {
    await page.getByRole("link", { name: "your devices" }).click();
    await page.waitForLoadState("load");
    return (await page.getByRole("heading", { name: "Sign in" }).count()) === 1;
  }

  async function confirm(page: Page, button: string): Promise<void> {
    await page.getByRole("dialog").waitFor();
    assert.deepEqual(await violationsOf(page), []);
    await page.getByRole("dialog").getByRole("button", { name: button }).click();
  }

  async function assertGood(page: Page): Promise<void> {
    assert.deepEqual([await violationsOf(page), await isTooWide(page)], [[], false], page.url());
  }

  for (const [size, options] of Object.entries(SIZES)) {
    it(`are looked at, searched, paged, and end one, all and everything: ${size}`, async (t) => {
      for (let at = 0; at < 70; at++)
        await demo.signIn(`Visitor ${at}`, at % 2 === 0 ? FIREFOX : "curl/8");
      const page = await operator(t, options);
      const [ada, adaThere, grace] = [
        await signedIn(t, "Ada"),
        await signedIn(t, "Ada", { userAgent: FIREFOX }),
        await signedIn(t, "Grace"),
      ];

      await page.waitForLoadState("networkidle");
      assert.equal(
        await page.evaluate(
          "[...document.images].every(({ naturalWidth }) => naturalWidth > 0) && document.images.length",
        ),
        4,
      );
      assert.equal(await page.locator(".charts .empty").count(), 2);
      await page.locator("summary").first().click();
      await assertGood(page);

      await page.getByRole("link", { name: "Sessions", exact: true }).click();
      await page.getByRole("heading", { name: "Sessions" }).waitFor();
      assert.equal(await page.locator(".sessions > li").count(), 50);
      await assertGood(page);
      await page.getByRole("link", { name: "Next page" }).click();
      await page.getByRole("link", { name: "First page" }).waitFor();
      assert.equal(await page.locator(".sessions > li").count(), 24);

      await page.getByLabel("Search by").selectOption("device");
      await page.getByLabel("For", { exact: true }).fill("firefox");
      await page.getByRole("button", { name: "Search" }).click();
      await page.locator("p").filter({ hasText: "36 of the 74 sessions looked at" }).waitFor();

      await page.getByLabel("Search by").selectOption("user");
      await page.getByLabel("For", { exact: true }).fill("Ada");
      await page.getByLabel("For", { exact: true }).press("Enter");
      await page.getByRole("heading", { name: "Ada" }).waitFor();
      await assertGood(page);

      // One, after a no and a yes: its browser is signed out at its next click, the other one of
      // the same user is not.
      const end = page.getByRole("button", { name: /^End the session of Ada on Firefox/ });
      await end.click();
      await confirm(page, "Cancel");
      await end.click();
      await confirm(page, "End");
      await page.getByRole("status").filter({ hasText: "The session has ended." }).waitFor();
      assert.deepEqual([await isSignedOut(adaThere), await isSignedOut(ada)], [true, false]);

      await page.locator(".sessions .device").first().click();
      await page.locator("dt").filter({ hasText: "Handle" }).waitFor();
      assert.match((await page.locator(".facts").textContent()) ?? "", /role\s*member/);
      await assertGood(page);
      await page.getByRole("link", { name: "Ada" }).click();

      await page.getByRole("button", { name: "End all sessions of this user" }).click();
      await confirm(page, "End all");
      await page
        .getByRole("status")
        .filter({ hasText: "All sessions of the user have ended." })
        .waitFor();
      await ada.reload();
      await ada.getByRole("heading", { name: "Sign in" }).waitFor();

      await page.getByRole("link", { name: "End everything" }).click();
      await page.getByLabel("Type end everything").fill("end it");
      await page.getByRole("button", { name: "End every session" }).click();
      await page.getByRole("alert").filter({ hasText: "nothing has ended" }).waitFor();
      await assertGood(page);
      assert.equal(await isSignedOut(grace), false);
      await page.getByLabel("Type end everything").fill("end everything");
      await page.getByRole("button", { name: "End every session" }).click();
      // The operator's own session was one of them.
      await page.locator("body").filter({ hasText: "Forbidden" }).waitFor();
      await grace.reload();
      await grace.getByRole("heading", { name: "Sign in" }).waitFor();
    });
  }

  it("are readable in the dark", async (t) => {
    for (const options of Object.values(SIZES)) {
      const page = await operator(t, { ...options, colorScheme: "dark" });
      for (const path of ["", "/sessions", "/user?id=Operator", "/end-everything"]) {
        await page.goto(`${demo.url}/admin${path}`);
        await assertGood(page);
      }
    }
  });

  it("work without scripts", async (t) => {
    const victim = await signedIn(t, "Ada");
    const page = await operator(t, { javaScriptEnabled: false });
    await page.getByRole("link", { name: "Sessions", exact: true }).click();
    await page.getByRole("button", { name: /^End the session of Ada/ }).click();
    await page.getByRole("status").filter({ hasText: "The session has ended." }).waitFor();
    assert.equal(await isSignedOut(victim), true);
  });

  it("run nothing that a name or a browser brings along", async (t) => {
    await signedIn(t, HOSTILE.slice(0, 60), { userAgent: HOSTILE });
    const page = await operator(t);
    page.on("dialog", (dialog) => assert.fail(dialog.message()));
    await page.goto(`${demo.url}/admin/sessions?by=device&q=${encodeURIComponent("<script>")}`);
    await page.goto(`${demo.url}/admin/sessions`);
    await page
      .locator(".sessions > li")
      .filter({ hasText: "<script>" })
      .getByRole("link")
      .first()
      .click();
    await page.locator(".sessions .device").first().click();
    await page.locator("dt").filter({ hasText: "User agent" }).waitFor();
    assert.match((await page.locator(".facts").textContent()) ?? "", /<script>hacked=1/);
    await page.getByRole("button", { name: /^End the session of/ }).click();
    await page.getByRole("dialog").waitFor();
    assert.equal(await page.evaluate("typeof hacked"), "undefined");
    assert.equal(await page.evaluate("document.scripts.length"), 1);
  });

  it("keep the overview up to date when asked to, and stop when asked again", async (t) => {
    const page = await operator(t);
    const button = page.getByRole("button", { name: "Auto-refresh" });
    await page.locator("img[alt^='Sessions created: 1 in all']").waitFor();
    await demo.signIn("Ada", FIREFOX);
    await page.locator("summary").first().click();
    await button.click();
    await page.locator("img[alt^='Sessions created: 2 in all']").waitFor();
    assert.equal(await page.evaluate("document.querySelectorAll('details[open]').length"), 1);
    await button.click();
    assert.equal(
      await page.evaluate(
        "document.querySelector('button[aria-pressed]').getAttribute('aria-pressed')",
      ),
      "false",
    );
  });
});
