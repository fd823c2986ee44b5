// Serves the admin pages of a session, and visits them.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { TestContext } from "node:test";
import { type AdminOptions, createAdmin } from "../../src/admin.ts";
import { Session } from "../../src/session.ts";
import { Browser } from "../support/http.ts";
import { listen } from "../support/listen.ts";

export interface Data {
  userId?: string;
  role?: string;
  secret?: string;
}

export interface Served {
  session: Session<Data>;
  browser: Browser;
  url: string;
}

/** Serves the pages, to everybody unless the options say something else. */
export async function serve(
  t: TestContext,
  options: Partial<AdminOptions<Data>> = {},
  session = new Session<Data>(),
): Promise<Served> {
  const admin = createAdmin<Data>({ session, authorize: () => true, ...options });
  const { url, close } = await listen(createServer((req, res) => admin.node(req, res)));
  t.after(async () => {
    admin.close();
    await close();
  });
  return { session, browser: new Browser(url), url };
}

export const handleOf = async (session: Session<Data>, userId: string): Promise<string> =>
  (await session.list(userId))[0]?.handle ?? assert.fail("no session");
export const get = async (browser: Browser, path: string): Promise<string> =>
  (await browser.fetch(path)).text();
