// The pages in docs/migrate: the program before and the program after do the same by the same HTTP
// calls, and what one had begun the other goes on with.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import type { FastifyInstance } from "fastify";
import type Koa from "koa";
import { Browser } from "../support/http.ts";
import { type Listening, listen, serveFetch } from "../support/listen.ts";
import { provideApart } from "../support/packages-apart.ts";
import { projectFolder } from "../support/project.ts";

type FetchHandler = (request: Request) => Response | Promise<Response>;

const SERVE = {
  listener: (app: unknown) => listen(createServer(app as RequestListener)),
  fetch: (app: unknown) =>
    serveFetch(
      typeof app === "function" ? (app as FetchHandler) : (app as { fetch: FetchHandler }).fetch,
    ),
  koa(app: unknown) {
    const listener = (app as Koa).callback();
    return listen(createServer((req, res) => void listener(req, res)));
  },
  async fastify(app: unknown): Promise<Listening> {
    const instance = app as FastifyInstance;
    return {
      url: await instance.listen({ port: 0, host: "127.0.0.1" }),
      close: () => instance.close(),
    };
  },
};

const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";

/** By the name of the page. */
const LIBRARIES: Record<string, { serve: keyof typeof SERVE; isInCookie: boolean }> = {
  "express-session": { serve: "listener", isInCookie: false },
  "fastify-session": { serve: "fastify", isInCookie: false },
  "iron-session": { serve: "fetch", isInCookie: true },
  "cookie-session": { serve: "listener", isInCookie: true },
  "hono-sessions": { serve: "fetch", isInCookie: false },
  "koa-session": { serve: "koa", isInCookie: true },
  harpia: { serve: "fetch", isInCookie: false },
};

for (const [name, { serve, isInCookie }] of Object.entries(LIBRARIES)) {
  const before = name === "harpia" ? "original-harpia.ts" : `before/${name}.js`;

  describe(`docs/migrate/${name}.md`, () => {
    it("shows the programs that are tested here", () => {
      const page = readFileSync(join(projectFolder, `docs/migrate/${name}.md`), "utf8");
      for (const file of [before, `after/${name}.ts`, `switch/${name}.ts`]) {
        const program = readFileSync(join(projectFolder, "test/migrate", file), "utf8");
        assert.ok(
          page.includes(`\`\`\`${file.endsWith(".js") ? "js" : "ts"}\n${program}\`\`\`\n`),
          `${file} is not on the page as it is`,
        );
      }
    });

    for (const program of ["before", "after"] as const) {
      it(`signs in, reads, writes and signs out: ${program}`, async () => {
        const { default: app } = (await (program === "after"
          ? import(`./after/${name}.${extension}`)
          : loadBefore(before))) as { default: unknown };
        const { url, close } = await SERVE[serve](app);
        try {
          await useAsVisitor(url, program === "before" && isInCookie);
          if (program === "after") await visitAtOnce(url);
        } finally {
          await close();
        }
      });
    }
  });
}

/** From source where it is JavaScript, whose packages lie beside it. */
async function loadBefore(file: string): Promise<unknown> {
  if (file.endsWith(".ts")) return import(`./${file.slice(0, -".ts".length)}.${extension}`);
  await provideApart("libraries to migrate from");
  return import(pathToFileURL(join(projectFolder, "test/migrate", file)).href);
}

async function useAsVisitor(url: string, isInCookie: boolean): Promise<void> {
  const browser = new Browser(url);
  const isNobody = async (who: Browser): Promise<void> =>
    assert.deepEqual(await who.json("/"), { userId: null, visits: 0 });

  await isNobody(browser);
  const login = await send(browser, "/login/ada");
  assert.deepEqual([login.status, login.headers.get("location")], [302, "/"]);
  assert.deepEqual(await browser.json("/"), { userId: "ada", visits: 0 });
  await send(browser, "/visit");
  await send(browser, "/visit");
  assert.deepEqual(await browser.json("/"), { userId: "ada", visits: 2 });
  await isNobody(new Browser(url));

  const copy = new Browser(url);
  for (const [cookie, value] of browser.cookies) copy.cookies.set(cookie, value);
  await send(browser, "/logout");
  await isNobody(browser);
  // What is in the cookie alone, no logout can end.
  if (isInCookie) assert.deepEqual(await copy.json("/"), { userId: "ada", visits: 2 });
  else await isNobody(copy);
}

/** Of visits at once none is lost: what programs before cannot promise. */
async function visitAtOnce(url: string): Promise<void> {
  const browser = new Browser(url);
  await send(browser, "/login/ada");
  await Promise.all(Array.from({ length: 20 }, () => send(browser, "/visit")));
  assert.deepEqual(await browser.json("/"), { userId: "ada", visits: 20 });
}

/** Without a body, which some frameworks want to know before. */
function send(browser: Browser, path: string): Promise<Response> {
  return browser.fetch(path, { method: "POST" });
}
