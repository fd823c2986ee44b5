// A response that node refuses to begin, by throwing: the error page in its place carries no cookie
// of a session that began for it, and that session does not stay.
import assert from "node:assert/strict";
import {
  createServer,
  type IncomingMessage,
  request,
  type RequestListener,
  type ServerResponse,
} from "node:http";
import { describe, it } from "node:test";
import connect from "connect";
import express from "express";
import express4 from "express4";
import { expressSession } from "../../src/adapters/express.ts";
import { connectSession, withSession } from "../../src/adapters/node.ts";
import { MemoryStore, type RequestSession, Session } from "../../src/session.ts";
import { listen } from "../support/listen.ts";
import { SlowStore } from "../support/slow-session.ts";

interface Data {
  userId: string;
}
type Own = RequestSession<Data>;
type Handle = (req: IncomingMessage, res: ServerResponse, own: Own) => unknown;

const SERVERS: Record<string, (session: Session<Data>, handle: Handle) => RequestListener> = {
  "node http": (session, handle) => withSession(session, handle, { onFailure: () => {} }),
  Connect: (session, handle) => {
    const sessions = connectSession(session);
    const app = connect().use((req, res, next) => sessions(req, res, next));
    return app.use((req, res, next) => {
      (async () => handle(req, res, sessions.of(req)))().catch(next);
    });
  },
  "Express 5": (session, handle) => {
    const sessions = expressSession(session);
    const app = express().set("env", "test").use(sessions);
    return app.use(async (req, res) => void (await handle(req, res, sessions.of(req))));
  },
  "Express 4": (session, handle) => {
    const sessions = expressSession(session);
    const app = express4().set("env", "test").use(sessions);
    return app.use((req, res, next) => {
      (async () => handle(req, res, sessions.of(req)))().catch(next);
    }) as RequestListener;
  },
};

/** What node refuses, each in its way. */
const REFUSED: Record<string, { method?: string; answer: (res: ServerResponse) => unknown }> = {
  "a trailer without chunks": {
    method: "HEAD",
    answer: (res) => res.setHeader("Trailer", "x-sum").end(),
  },
  "a trailer beside a length": {
    answer: (res) => res.setHeader("Trailer", "x-sum").setHeader("Content-Length", 1).end("x"),
  },
  "a status": { answer: (res) => res.writeHead(42).end() },
  "a status that was set": { answer: (res) => ((res.statusCode = 1042), res.end("x")) },
  "a status message": { answer: (res) => res.writeHead(200, "a\nb").end() },
  "a header of writeHead": {
    answer: (res) => res.writeHead(200, { etag: '"x"', "x-bad": "a\nb" }).end(),
  },
  "a chunk": { answer: (res) => res.end(5) },
};

/** What a handler has done with the session before. */
const BEFORE: Record<string, (own: Own) => unknown> = {
  "set a field": (own) => own.set("userId", "ada"),
  "left a message": (own) => own.flash("notice", "x"),
  "signed in": (own) => own.login({ userId: "ada" }),
};

async function ask(
  url: string,
  method: string,
  cookie?: string,
): Promise<{ status: number | undefined; cookies: string[]; etag: unknown }> {
  return new Promise((resolve, reject) => {
    const headers = cookie === undefined ? {} : { cookie };
    const asked = request(url, { method, headers, agent: false, timeout: 10_000 }, (res) => {
      res.resume().on("close", () => {
        const { "set-cookie": cookies = [], etag } = res.headers;
        resolve({ status: res.statusCode, cookies, etag });
      });
    });
    asked.on("timeout", () => asked.destroy(new Error("no answer in 10 s")));
    asked.on("error", reject).end();
  });
}

async function countOf(session: Session<Data>): Promise<number> {
  return (await session.all.scan()).sessions.length;
}

describe("A response that node refuses to begin", () => {
  for (const [name, listener] of Object.entries(SERVERS)) {
    it(`is an error page without our cookie, and leaves no session: ${name}`, async () => {
      for (const Store of [MemoryStore<Data>, SlowStore<Data>])
        for (const [before, act] of Object.entries(BEFORE))
          for (const [what, { method = "GET", answer }] of Object.entries(REFUSED)) {
            const session = new Session<Data>({ store: new Store(), cookie: { secure: false } });
            const handle: Handle = async (_, res, own) => {
              await act(own);
              answer(res);
            };
            const { url, close } = await listen(createServer(listener(session, handle)));
            const reply = await ask(url, method).finally(close);
            const label = `${what}, ${before}, ${Store.name}`;
            assert.deepEqual(reply, { status: 500, cookies: [], etag: undefined }, label);
            assert.equal(await countOf(session), 0, label);
          }
    });

    it(`tells the client of an id that has changed already: ${name}`, async () => {
      const session = new Session<Data>({ cookie: { secure: false } });
      const id = await session.create({ userId: "ada" });
      const handle: Handle = async (_, res, own) => {
        await own.rotate();
        res.setHeader("Trailer", "x-sum").end();
      };
      const { url, close } = await listen(createServer(listener(session, handle)));
      const reply = await ask(url, "HEAD", `session_id=${id}`).finally(close);
      assert.equal(reply.status, 500);
      assert.equal(reply.cookies.length, 1);
      const next = reply.cookies[0]?.split(/[=;]/)[1];
      assert.deepEqual(await session.get(next), { userId: "ada" });
    });
  }
});
