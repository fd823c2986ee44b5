// Headless Chromium as the tests here use it, by playwright-core, and the check for accessibility,
// by axe-core. Both are packages of this folder's own lockfile: their types are not there for
// whoever has not installed them, so what is used is named here.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { findServer } from "../../tools/test-servers.ts";
import { projectFolder } from "../support/project.ts";

export interface Locator {
  click(): Promise<void>;
  fill(value: string): Promise<void>;
  selectOption(value: string): Promise<unknown>;
  press(key: string): Promise<void>;
  waitFor(): Promise<void>;
  count(): Promise<number>;
  first(): Locator;
  textContent(): Promise<string | null>;
  allTextContents(): Promise<string[]>;
  getByRole(role: string, options?: RoleOptions): Locator;
  filter(options: { hasText: string }): Locator;
}

interface RoleOptions {
  name?: string | RegExp;
  exact?: boolean;
}

export interface Page {
  goto(url: string): Promise<{ status(): number } | null>;
  reload(): Promise<{ status(): number } | null>;
  url(): string;
  getByRole(role: string, options?: RoleOptions): Locator;
  getByLabel(text: string, options?: { exact?: boolean }): Locator;
  locator(selector: string): Locator;
  /** An expression: what it gives, or what its promise resolves to. */
  evaluate(expression: string): Promise<unknown>;
  waitForFunction(
    expression: string,
    argument: undefined,
    options: { timeout: number },
  ): Promise<unknown>;
  screenshot(options: { path?: string; fullPage?: boolean; type?: "png" }): Promise<Uint8Array>;
  waitForLoadState(state: "load" | "networkidle"): Promise<void>;
  on(event: "console", listener: (message: { type(): string; text(): string }) => void): void;
  on(event: "pageerror", listener: (error: Error) => void): void;
  on(
    event: "dialog",
    listener: (dialog: { dismiss(): Promise<void>; message(): string }) => void,
  ): void;
}

export interface Context {
  newPage(): Promise<Page>;
  close(): Promise<void>;
}

/** What a visitor's browser is like. */
export interface ContextOptions {
  viewport?: { width: number; height: number };
  deviceScaleFactor?: number;
  isMobile?: boolean;
  hasTouch?: boolean;
  colorScheme?: "light" | "dark";
  userAgent?: string;
  javaScriptEnabled?: boolean;
  timezoneId?: string;
}

export interface Chromium {
  newContext(options: ContextOptions): Promise<Context>;
  close(): Promise<void>;
}

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const requireHere = createRequire(join(projectFolder, "test/browser/package.json"));

/** The sizes that pages are looked at in. */
export const SIZES: Readonly<Record<"phone" | "desktop", ContextOptions>> = {
  phone: {
    viewport: { width: 390, height: 844 },
    deviceScaleFactor: 2,
    isMobile: true,
    hasTouch: true,
  },
  desktop: { viewport: { width: 1280, height: 900 } },
};

/**
 * Starts the browser. It is the caller's to close.
 *
 * @param options.keepsPages whether Back shows a page as it was left, as in every browser of people.
 */
export async function launchChromium({ keepsPages = false } = {}): Promise<Chromium> {
  const executablePath = await findServer("chromium");
  assert.ok(executablePath, "chromium is not installed");
  // As playwright-core describes itself.
  const { chromium } = requireHere("playwright-core") as {
    chromium: { launch(options: object): Promise<Chromium> };
  };
  const ignoreDefaultArgs = keepsPages ? ["--disable-back-forward-cache"] : [];
  return chromium.launch({ executablePath, args: FLAGS, ignoreDefaultArgs });
}

let axe: string | undefined;

/**
 * What axe finds wrong with a page, by WCAG 2.2 AA and its own best practices: one line for each
 * place.
 */
export async function violationsOf(page: Page): Promise<string[]> {
  axe ??= await readFile(requireHere.resolve("axe-core/axe.min.js"), "utf8");
  await page.evaluate(axe);
  const violations = await page.evaluate(
    "axe.run(document).then(({ violations }) => violations.flatMap(({ id, help, nodes }) => nodes.map(({ target }) => `${id}: ${help}: ${target.join(' ')}`)))",
  );
  // What the expression above makes.
  return violations as string[];
}

/** Whether the page is wider than its window: then a phone has to be moved to and fro. */
export async function isTooWide(page: Page): Promise<boolean> {
  return (await page.evaluate("document.scrollingElement.scrollWidth > innerWidth")) === true;
}
