// Nobody is logged out by the change of library: what the program before had begun, the program
// after goes on with, once.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createServer, type RequestListener } from "node:http";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import express from "express";
import fastify, { type FastifyInstance } from "fastify";
import { withSession } from "harpiats/adapters/fetch";
import type { ConnectStore } from "harpiats/stores/express-session";
import type { RequestSession, Store } from "harpiats/session";
import harpia from "harpiats";
import { Hono } from "hono";
import Koa from "koa";
import { Browser } from "../support/http.ts";
import { type Listening, listen, serveFetch } from "../support/listen.ts";
import { provideApart } from "../support/packages-apart.ts";
import { type Data, sessions as cookieSessions } from "./after/cookie-session.ts";
import { sessions as expressSessions } from "./after/express-session.ts";
import { sessions as fastifySessions } from "./after/fastify-session.ts";
import { sessions as harpiaSessions } from "./after/harpia.ts";
import { sessions as honoSessions } from "./after/hono-sessions.ts";
import { session as ironSessions } from "./after/iron-session.ts";
import { sessions as koaSessions } from "./after/koa-session.ts";
import { adoptFormer as adoptCookie } from "./switch/cookie-session.ts";
import { adoptFormer as adoptExpress } from "./switch/express-session.ts";
import { adoptFormer as adoptFastify } from "./switch/fastify-session.ts";
import { adoptFormer as adoptHarpia } from "./switch/harpia.ts";
import { adoptFormer as adoptHono } from "./switch/hono-sessions.ts";
import { adoptFormer as adoptIron } from "./switch/iron-session.ts";
import { adoptFormer as adoptKoa } from "./switch/koa-session.ts";

interface Case {
  name: string;
  /**
   * Whether a copied cookie is the whole session, so that it can be adopted as long as it would
   * have lasted.
   */
  isInCookie: boolean;
  before(program: Program): Promise<Listening>;
  after(program: Program): Promise<Listening>;
}

interface Program {
  default: unknown;
  store?: unknown;
}

const SECRET = "a long random text";
const LONG_SECRET = "a long random text of 32 characters";

/** What the routes answer, in any framework. */
async function answer(own: RequestSession<Data>, path: string): Promise<object> {
  if (path === "/logout") await own.destroy();
  const data = await own.data;
  return { userId: data?.userId ?? null, visits: data?.visits ?? 0 };
}

const serveListener = (app: unknown): Promise<Listening> =>
  listen(createServer(app as RequestListener));
const serveKoa = (app: unknown): Promise<Listening> => {
  const listener = (app as Koa).callback();
  return listen(createServer((req, res) => void listener(req, res)));
};
const serveFastify = async (app: unknown): Promise<Listening> => {
  const instance = app as FastifyInstance;
  return {
    url: await instance.listen({ port: 0, host: "127.0.0.1" }),
    close: () => instance.close(),
  };
};
const serveHandler = (app: unknown): Promise<Listening> =>
  serveFetch(app as (request: Request) => Promise<Response>);

const CASES: Case[] = [
  {
    name: "express-session",
    isInCookie: false,
    before: (program) => serveListener(program.default),
    async after({ store }) {
      const app = express().use(
        expressSessions,
        adoptExpress(expressSessions, store as ConnectStore, SECRET),
      );
      return serveListener(
        app.use(async (req, res) => res.json(await answer(expressSessions.of(req), req.path))),
      );
    },
  },
  {
    name: "cookie-session",
    isInCookie: true,
    before: (program) => serveListener(program.default),
    async after() {
      const app = express().use(
        cookieSessions,
        adoptCookie(cookieSessions, ["a newer key", SECRET]),
      );
      return serveListener(
        app.use(async (req, res) => res.json(await answer(cookieSessions.of(req), req.path))),
      );
    },
  },
  {
    name: "fastify-session",
    isInCookie: false,
    before: (program) => serveFastify(program.default),
    async after({ store }) {
      const app = fastify();
      await app.register(fastifySessions);
      // The store of @fastify/session, by its own word.
      app.addHook(
        "preHandler",
        adoptFastify(fastifySessions, store as Parameters<typeof adoptFastify>[1], LONG_SECRET),
      );
      app.all("/*", (request) => answer(fastifySessions.of(request), request.url));
      return serveFastify(app);
    },
  },
  {
    name: "iron-session",
    isInCookie: true,
    before: (program) => serveHandler(program.default),
    async after() {
      const { unsealData } = (await loadApart(
        "node_modules/iron-session/dist/index.js",
      )) as unknown as { unsealData(seal: string, options: object): Promise<Partial<Data>> };
      const handler = async (request: Request, own: RequestSession<Data>): Promise<Response> =>
        Response.json(await answer(own, new URL(request.url).pathname));
      // In this program every session has visits.
      return serveHandler(
        withSession(
          ironSessions,
          adoptIron(handler as Parameters<typeof adoptIron>[0], (seal) =>
            unsealData(seal, { password: LONG_SECRET }),
          ),
        ),
      );
    },
  },
  {
    name: "hono-sessions",
    isInCookie: false,
    before: (program) => serveFetch((program.default as Hono).fetch),
    async after({ store }) {
      const app = new Hono();
      app.use(honoSessions, adoptHono(honoSessions, store as Parameters<typeof adoptHono>[1]));
      app.all("*", async (c) => c.json(await answer(honoSessions.of(c), c.req.path)));
      return serveFetch(app.fetch);
    },
  },
  {
    name: "koa-session",
    isInCookie: true,
    before: (program) => serveKoa(program.default),
    async after() {
      const app = new Koa();
      app.keys = [SECRET];
      app.use(koaSessions).use(adoptKoa(koaSessions));
      return serveKoa(
        app.use(async (ctx) => void (ctx.body = await answer(koaSessions.of(ctx), ctx.path))),
      );
    },
  },
];

async function loadApart(file: string): Promise<Program> {
  const folder = await provideApart("libraries to migrate from");
  return (await import(pathToFileURL(join(folder, file)).href)) as Program;
}

function cookiesOf(browser: Browser): [string, string][] {
  return [...browser.cookies].filter(([name, value]) => name !== "session_id" && value !== "");
}

for (const { name, isInCookie, before, after } of CASES) {
  describe(`adoptFormer of docs/migrate/${name}.md`, () => {
    it("keeps signed in who was, takes the old cookie back, and a logout ends it", async () => {
      const program = await loadApart(`${name}.js`);
      const former = await before(program);
      const there = new Browser(former.url);
      await there.fetch("/login/ada", { method: "POST" });
      for (const path of ["/visit", "/visit"]) await there.fetch(path, { method: "POST" });
      const next = await after(program);
      try {
        const here = new Browser(next.url);
        for (const [cookie, value] of there.cookies) here.cookies.set(cookie, value);

        // A copy that somebody has changed is nobody's, and ends nothing.
        const forger = new Browser(next.url);
        for (const [cookie, value] of there.cookies)
          forger.cookies.set(cookie, value.replace(/.{6}(?=.{8}$)/, "AAAAAA"));
        assert.deepEqual(await forger.json("/"), { userId: null, visits: 0 });

        assert.deepEqual(await here.json("/"), { userId: "ada", visits: 2 });
        assert.ok(here.cookies.has("session_id"));
        assert.deepEqual(cookiesOf(here), []);
        assert.deepEqual(await here.json("/"), { userId: "ada", visits: 2 });
        await here.fetch("/logout");
        assert.deepEqual(await here.json("/"), { userId: null, visits: 0 });

        const copy = new Browser(next.url);
        for (const [cookie, value] of there.cookies) copy.cookies.set(cookie, value);
        // What is in the cookie alone lasts as long as it says: the page says so.
        assert.deepEqual(
          await copy.json("/"),
          isInCookie ? { userId: "ada", visits: 2 } : { userId: null, visits: 0 },
        );
      } finally {
        await former.close();
        await next.close();
      }
    });
  });
}

describe("adoptFormer of docs/migrate/harpia.md", () => {
  it("keeps signed in whose id is in the store, under the same name of the cookie, once", async () => {
    const records = new Map<string, Data>();
    const id = randomUUID();
    records.set(id, { userId: "ada", visits: 2 });
    const store: Store<Data> = {
      get: async (one) => records.get(one),
      set: async (one, data) => void records.set(one, data),
      delete: async (one) => void records.delete(one),
    };
    const app = harpia();
    app.use(harpiaSessions);
    app.use(adoptHarpia(harpiaSessions, store));
    app.all("*", async (req, res) =>
      res.json(await answer(harpiaSessions.of(req), new URL(req.url).pathname)),
    );
    const { url, close } = await serveFetch(app.fetch);
    try {
      const browser = new Browser(url);
      browser.cookies.set("session_id", id);
      assert.deepEqual(await browser.json("/"), { userId: "ada", visits: 2 });
      assert.notEqual(browser.cookies.get("session_id"), id);
      assert.deepEqual(await browser.json("/"), { userId: "ada", visits: 2 });
      await browser.fetch("/logout");
      assert.deepEqual(await browser.json("/"), { userId: null, visits: 0 });
      browser.cookies.set("session_id", id);
      assert.deepEqual(await browser.json("/"), { userId: null, visits: 0 });
    } finally {
      await close();
    }
  });
});
