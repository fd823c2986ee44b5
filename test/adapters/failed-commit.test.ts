// What becomes of a held response where the session cannot be written, or is written while it ends,
// and somebody goes on with it: the handler, compression, whoever changes headers as they leave.
import assert from "node:assert/strict";
import { createServer, type RequestListener, type ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { describe, it } from "node:test";
import compression from "compression";
import express, { type ErrorRequestHandler } from "express";
import { expressSession } from "../../src/adapters/express.ts";
import { withSession } from "../../src/adapters/node.ts";
import { MemoryStore, type RequestSession, Session, type SessionStore } from "../../src/session.ts";
import { listenHttp2 } from "../support/http2-server.ts";
import { listen } from "../support/listen.ts";

type Data = Record<string, unknown>;
type Own = RequestSession<Data>;

/** A store whose calls go through `onCall`. */
function newSession(onCall: (method: string) => Promise<void> | void): Session<Data> {
  const store = new Proxy<SessionStore<Data>>(new MemoryStore<Data>(), {
    get(target, name) {
      const member: unknown = name === "readSync" ? undefined : Reflect.get(target, name, target);
      if (typeof member !== "function" || name === "constructor") return member;
      return async (...args: unknown[]): Promise<unknown> => {
        await onCall(String(name));
        return Reflect.apply(member, target, args) as unknown;
      };
    },
  });
  return new Session<Data>({ store, cookie: { secure: false } });
}

const down =
  (...methods: string[]) =>
  (method: string): void => {
    if (methods.includes(method)) throw new Error("the store is down");
  };

async function answerOf(listener: RequestListener): Promise<{ response: Response; body: string }> {
  const { url, close } = await listen(createServer(listener));
  try {
    const response = await fetch(url);
    return { response, body: await response.text() };
  } finally {
    await close();
  }
}

function newGate(): { open: () => void; opened: Promise<void> } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
}

describe("a response whose session cannot be written", () => {
  const sorry: ErrorRequestHandler = (error, _req, res, _next) =>
    void res.status((error as { statusCode: number }).statusCode).send("sorry");

  it("is answered by the error path where compression has begun the page", async () => {
    const sessions = expressSession(newSession(down("create")));
    const app = express();
    app.use(sessions, compression({ threshold: 0 }));
    app.get("/", (req, res) => (sessions.of(req).set("n", 1), void res.send("page")));
    app.use(sorry);
    const { response, body } = await answerOf(app);
    assert.deepEqual(
      [response.status, body, response.headers.get("content-encoding")],
      [503, "sorry", null],
    );
  });

  it("does not become a success of what the handler goes on writing, faster than the error page", async () => {
    const failed = newGate();
    const sessions = expressSession(newSession(down("create")));
    const app = express().set("env", "test");
    app.use(sessions);
    app.get("/", async (req, res) => {
      sessions.of(req).set("n", 1);
      res.write("first");
      await failed.opened;
      res.end("last");
    });
    // Its page takes for ever.
    app.use(((_error, _req, _res, _next) => failed.open()) satisfies ErrorRequestHandler);
    const { response } = await answerOf(app);
    assert.equal(response.status, 503);
  });

  it("drops what the handler writes after the error page, and no process ends of it", async () => {
    const [failed, written] = [newGate(), newGate()];
    const told: unknown[] = [];
    // The login is taken back before the error page leaves; until then the handler writes on.
    const session = newSession((method) =>
      method === "remove" ? written.opened : down("patch")(method),
    );
    const { response, body } = await answerOf(
      withSession(
        session,
        async (_req, res: ServerResponse, own: Own) => {
          res.on("error", (error) => told.push(error));
          await own.login({ userId: "1" });
          own.set("n", 1);
          res.write("first");
          await failed.opened;
          // The error page waits by now.
          await new Promise((resolve) => setImmediate(resolve));
          res.write("second");
          written.open();
          await new Promise((resolve) => res.on("close", resolve));
        },
        { onFailure: failed.open },
      ),
    );
    assert.deepEqual([response.status, body, told], [503, "Service Unavailable", []]);
  });
});

describe("a response that ends", () => {
  async function answer(
    own: Own,
    write: (text: string) => unknown,
    end: (text?: string) => unknown,
  ): Promise<void> {
    await own.login({ userId: "1" });
    write("one");
    own.set("late", 1);
    end("two");
    end();
  }

  it("keeps the last words of the first end where it comes again while the session is written", async () => {
    const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    const listener = withSession(newSession(later), (_req, res: ServerResponse, own: Own) =>
      answer(
        own,
        (text) => res.write(text),
        (text) => res.end(text),
      ),
    );
    assert.equal((await answerOf(listener)).body, "onetwo");
    const listener2 = withSession(
      newSession(later),
      (_req: Http2ServerRequest, res: Http2ServerResponse, own: Own) =>
        answer(
          own,
          (text) => res.write(text),
          (text = "") => res.end(text),
        ),
    );
    const { url, close } = await listenHttp2(listener2);
    assert.equal(await (await fetch(url)).text().finally(close), "onetwo");
  });

  it("is kept from caches where the application allows them as the headers leave", async () => {
    const { response } = await answerOf(
      withSession(
        newSession(() => {}),
        (_req, res: ServerResponse, own: Own) => {
          own.set("n", 1);
          // As the package on-headers does it, for all who use it.
          const { writeHead } = res;
          res.writeHead = (status: number) =>
            writeHead.call(res.setHeader("Cache-Control", "public"), status);
          res.end("page");
        },
      ),
    );
    assert.deepEqual(
      [response.headers.getSetCookie().length, response.headers.get("cache-control")],
      [1, "no-store"],
    );
  });
});
