// `npm run screenshots`: docs/images/*.png, the pages as they are, in headless Chromium: the demo
// with made-up visitors, on a phone and on a desktop, in light and dark. Nothing else in
// docs/images is made by hand either.
import { mkdir, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { createAdmin } from "../src/admin.ts";
import { MemoryStore, Session } from "../src/session.ts";
import { ManualClock } from "../src/testing.ts";
import { type ContextOptions, launchChromium, type Page, SIZES } from "../test/browser/chromium.ts";
import { startDemo } from "../test/browser/demo.ts";
import { provideBrowser } from "../test/browser/run.ts";
import { listen } from "../test/support/listen.ts";
import { projectFolder } from "../test/support/project.ts";
import { run } from "./command.ts";

const FOLDER = join(projectFolder, "docs/images");
const NAMES = [
  "Ada",
  "Grace",
  "Alan",
  "Barbara",
  "Edsger",
  "Radia",
  "Donald",
  "Frances",
  "Ken",
  "Margaret",
];
const DEVICES = [
  "Firefox on Windows",
  "Chrome on Android",
  "Safari on iOS",
  "Chrome on macOS",
  "Edge on Windows",
];
const HOUR = 3_600_000;

let seed = 7;
/** The same numbers at every run. */
function random(): number {
  return (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
}

/** A made-up day. */
async function fill(session: Session, clock: ManualClock): Promise<void> {
  const ids: string[] = [];
  for (let hour = 0; hour < 24; hour++) {
    const visitors = Math.round(6 + 14 * Math.sin((hour / 24) * Math.PI) + 4 * random());
    for (let at = 0; at < visitors; at++) {
      clock.advance(HOUR / visitors);
      const userId = `${NAMES[Math.floor(random() * NAMES.length)]} ${Math.floor(random() * 12)}`;
      const device = {
        label: DEVICES[Math.floor(random() * DEVICES.length)] ?? "",
        ip: `192.0.2.${Math.floor(random() * 250)}`,
      };
      ids.push(
        await session.create({ userId, role: random() < 0.1 ? "admin" : "member" }, { device }),
      );
      for (let visit = 0; visit < 3; visit++)
        await session.fromRequest({
          headers: { cookie: `session_id=${ids[Math.floor(random() * ids.length)]}` },
        });
      if (random() < 0.3) await session.delete(ids[Math.floor(random() * ids.length)]);
      if (random() < 0.05) await session.revokeAll(userId);
      if (random() < 0.1) await session.fromRequest({ headers: { cookie: "session_id=guessed" } });
    }
  }
}

for (const line of await provideBrowser()) throw new Error(line);
await rm(FOLDER, { recursive: true, force: true });
await mkdir(FOLDER, { recursive: true });
const chromium = await launchChromium();

// In the middle of an hour, so that no picture depends on the minute it is made in.
const clock = new ManualClock(Date.UTC(2026, 10, 23, 8, 30));
const session = new Session({
  store: new MemoryStore({ clock }),
  clock,
  idleTimeout: 6 * 3600,
  randomFill: (bytes: Uint8Array) => bytes.forEach((_, at) => (bytes[at] = random() * 256)),
});
const admin = createAdmin({
  session,
  authorize: () => true,
  showData: ["role"],
  title: "Example shop",
  clock,
});
await fill(session, clock);
const server = await listen(createServer((req, res) => admin.node(req, res)));

async function shoot(
  name: string,
  options: ContextOptions,
  visit: (page: Page) => Promise<unknown>,
): Promise<void> {
  const context = await chromium.newContext({ ...options, timezoneId: "UTC" });
  const page = await context.newPage();
  await visit(page);
  await page.waitForLoadState("networkidle");
  const path = join(FOLDER, `${name}.png`);
  await page.screenshot({ path });
  await context.close();
  await shrink(path);
  process.stdout.write(
    `docs/images/${name}.png: ${((await stat(path)).size / 1024).toFixed(0)} kB\n`,
  );
}

/** Half as large with a palette, where the machine has the program; no picture needs it. */
async function shrink(path: string): Promise<void> {
  await run("pngquant", ["--force", "--output", path, "--quality", "70-95", path]).catch(() => {});
}

const { phone, desktop } = SIZES;
const perUser = new Map<string, number>();
for (const { userId = "" } of (await session.all.scan(undefined, { limit: 1000 })).sessions)
  perUser.set(userId, (perUser.get(userId) ?? 0) + 1);
const [[user]] = [...perUser].sort(
  ([a, has], [b, hasToo]) => hasToo - has || a.localeCompare(b),
) as [[string, number]];
const at = (path: string) => (page: Page) => page.goto(`${server.url}/admin${path}`);
const tall = { viewport: { width: 1280, height: 1240 } };
const small = { ...phone, deviceScaleFactor: 1.5 };
await shoot("admin-overview", { ...desktop, ...tall }, at("/"));
await shoot("admin-sessions", desktop, at("/sessions"));
await shoot(
  "admin-user",
  { ...desktop, viewport: { width: 1280, height: 620 } },
  at(`/user?id=${encodeURIComponent(user)}`),
);
await shoot("admin-overview-phone-dark", { ...small, colorScheme: "dark" }, at("/"));
await shoot("admin-sessions-phone", small, at("/sessions"));

const demo = await startDemo();
for (const browser of [
  "(Windows NT 10.0; Win64; x64; rv:150.0) Gecko/20100101 Firefox/150.0",
  "(iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1",
]) {
  await demo.signIn("Ada", `Mozilla/5.0 ${browser}`);
}
const devices = async (page: Page): Promise<void> => {
  await page.goto(demo.url);
  await page.getByLabel("Your name").fill("Ada");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("link", { name: "your devices" }).click();
};
await shoot("devices", { ...desktop, viewport: { width: 1280, height: 700 } }, devices);
await shoot("devices-phone-dark", { ...small, colorScheme: "dark" }, devices);

await writeFile(join(FOLDER, "README.md"), "Made by `npm run screenshots`.\n");
await Promise.all([demo.stop(), server.close(), chromium.close()]);
admin.close();
