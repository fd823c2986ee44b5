// The page of one's own devices, as a visitor uses it, on a phone and on a desktop.
import assert from "node:assert/strict";
import { after, before, describe, it, type TestContext } from "node:test";
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

describe("the devices page", () => {
  let chromium: Chromium;
  let demo: Demo;
  before(async () => {
    [chromium, demo] = await Promise.all([launchChromium(), startDemo()]);
  });
  after(() => Promise.all([chromium.close(), demo.stop()]));

  async function signedIn(t: TestContext, name: string, options: ContextOptions): Promise<Page> {
    const context = await chromium.newContext(options);
    t.after(() => context.close());
    const page = await context.newPage();
    await page.goto(demo.url);
    await page.getByLabel("Your name").fill(name);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: `Hello, ${name}` }).waitFor();
    return page;
  }

  for (const [size, colorScheme] of [
    ["phone", "dark"],
    ["desktop", "light"],
  ] as const) {
    it(`signs out there and everywhere else, ${size}, ${colorScheme}`, async (t) => {
      const name = `Ada ${size} ${colorScheme}`;
      const page = await signedIn(t, name, { ...SIZES[size], colorScheme });
      const there = await signedIn(t, name, {
        userAgent:
          "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:150.0) Gecko/20100101 Firefox/150.0",
      });
      const elsewhere = await signedIn(t, name, {
        userAgent:
          "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1",
      });

      await page.getByRole("link", { name: "your devices" }).click();
      await page.getByRole("heading", { name: "Your devices" }).waitFor();
      assert.equal(await page.locator(".device-row").count(), 3);
      assert.match((await page.locator(".device-row").first().textContent()) ?? "", /This device/);
      assert.deepEqual([await violationsOf(page), await isTooWide(page)], [[], false]);

      await page
        .locator(".device-row")
        .filter({ hasText: "Firefox" })
        .getByRole("button", { name: "Sign out" })
        .click();
      await page.getByRole("status").filter({ hasText: "Signed out there." }).waitFor();
      await there.reload();
      await there.getByRole("heading", { name: "Sign in" }).waitFor();
      await elsewhere.reload();
      await elsewhere.getByRole("heading", { name: `Hello, ${name}` }).waitFor();

      await page.locator("summary").filter({ hasText: "Sign out everywhere else" }).click();
      await page.getByRole("button", { name: "Sign out 1 other device" }).click();
      await page.getByRole("status").filter({ hasText: "everywhere else" }).waitFor();
      await elsewhere.reload();
      await elsewhere.getByRole("heading", { name: "Sign in" }).waitFor();
      assert.equal(await page.locator(".device-row").count(), 1);
      await page.getByRole("link", { name: "Back to your account" }).click();
      await page.getByRole("heading", { name: `Hello, ${name}` }).waitFor();
      assert.deepEqual(await violationsOf(page), []);
    });
  }
});
