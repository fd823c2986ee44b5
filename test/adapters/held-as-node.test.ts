// A held response beside one of a bare server: the same handlers, the same calls, and both the
// handler and the client must see the same.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { describe, it } from "node:test";
import compression from "compression";
import connect from "connect";
import express from "express";
import express4 from "express4";
import { expressSession } from "../../src/adapters/express.ts";
import { connectSession, withSession } from "../../src/adapters/node.ts";
import { type RequestSession, Session } from "../../src/session.ts";
import { listen } from "../support/listen.ts";
import { newSlowSession, SlowStore, turns } from "../support/slow-session.ts";

type Data = Record<string, unknown>;
type Own = RequestSession<Data>;
type Note = (label: string, value: unknown) => void;
type Handler = (res: ServerResponse, note: Note, req: IncomingMessage) => unknown;

const codeOf = (error: unknown): string => String((error as { code?: unknown }).code ?? error);

function attempt(note: Note, label: string, call: () => unknown): void {
  try {
    const result = call();
    note(label, typeof result === "object" ? "the response" : result);
  } catch (error) {
    note(label, codeOf(error));
  }
}

/** All that does not depend on how fast the system takes the bytes. */
function look(res: ServerResponse, note: Note, label: string): void {
  const { headersSent, writableEnded, finished, writable, writableNeedDrain } = res;
  note(label, {
    headersSent,
    writableEnded,
    finished,
    writable,
    writableNeedDrain,
    statusCode: res.statusCode,
  });
}

function changeHeaders(res: ServerResponse, note: Note, label: string): void {
  attempt(note, `${label}: setHeader`, () => res.setHeader("x-late", "1"));
  attempt(note, `${label}: appendHeader`, () => res.appendHeader("x-late", "1"));
  attempt(note, `${label}: setHeaders`, () => res.setHeaders(new Map([["x-late", "1"]])));
  attempt(note, `${label}: removeHeader`, () => res.removeHeader("x-early"));
  attempt(note, `${label}: writeHead`, () => res.writeHead(500, { "x-late": "1" }));
  attempt(note, `${label}: flushHeaders`, () => res.flushHeaders());
  note(`${label}: x-early`, res.getHeader("x-early"));
}

/** Whoever answers a second time where the first answer is over by node's own word. */
function watchdog(res: ServerResponse, note: Note): void {
  setImmediate(() => {
    note("the watchdog sees", [res.headersSent, res.writableEnded, res.finished]);
    if (!res.headersSent) res.setHeader("x-watchdog", "1");
    if (!res.writableEnded) res.end("gave up");
  });
}

const HANDLERS: Record<string, Handler> = {
  "a watchdog, and an answer": (res, note) => {
    watchdog(res, note);
    res.end("done");
  },
  "a watchdog, and an answer in pieces": (res, note) => {
    watchdog(res, note);
    res.write("one ");
    res.end("two");
  },
  "an end": (res, note) => {
    look(res, note, "before");
    note("end", res.end("done") === res);
    look(res, note, "after");
  },
  "an end of nothing": (res, note) => {
    res.end();
    look(res, note, "after");
  },
  "a write, and an end": (res, note) => {
    note("write", res.write("one "));
    look(res, note, "after write");
    note("write", res.write(Buffer.from("two ")));
    res.end("dGhyZWU=", "base64");
    look(res, note, "after end");
  },
  "headers after the end": (res, note) => {
    res.setHeader("x-early", "1");
    res.end("done");
    changeHeaders(res, note, "after end");
  },
  "headers after a write": (res, note) => {
    res.setHeader("x-early", "1");
    res.write("done");
    changeHeaders(res, note, "after write");
    res.end();
  },
  "headers after writeHead": (res, note) => {
    res.setHeader("x-early", "1");
    res.writeHead(201, "Made", { "x-head": "1" });
    note("status", [res.statusCode, res.statusMessage]);
    look(res, note, "after writeHead");
    changeHeaders(res, note, "after writeHead");
    res.end("done");
  },
  "headers after flushHeaders": (res, note) => {
    res.setHeader("x-early", "1");
    res.flushHeaders();
    look(res, note, "after flushHeaders");
    changeHeaders(res, note, "after flushHeaders");
    res.end("done");
  },
  "a status after the end": (res, note) => {
    res.end("done");
    res.statusCode = 500;
    res.statusMessage = "Late";
    res.on("finish", () => note("finish", [res.statusCode, res.statusMessage]));
  },
  "a status after a write": (res, note) => {
    res.statusCode = 202;
    res.write("done");
    res.statusCode = 500;
    res.end();
    note("status", res.statusCode);
  },
  "a write after the end": (res, note) => {
    res.end("done");
    attempt(note, "write", () => res.write("more", (error) => note("write", codeOf(error))));
    attempt(note, "write", () => res.write("more"));
    look(res, note, "after");
  },
  "an end after the end": (res, note) => {
    res.end("done", () => note("end", "called back"));
    attempt(note, "end", () => res.end());
    attempt(note, "end", () => res.end("more"));
    attempt(note, "end", () =>
      res.end("more", ((error: unknown) => note("end with a chunk", codeOf(error))) as () => void),
    );
  },
  "what node refuses": (res, note) => {
    attempt(note, "write null", () => res.write(null));
    attempt(note, "write a number", () => res.write(5));
    attempt(note, "end a number", () => res.end(5));
    attempt(note, "writeHead 99", () => res.writeHead(99));
    attempt(note, "writeHead of an invalid header", () => res.writeHead(200, { "x-two": "a\nb" }));
    attempt(note, "writeHead of an invalid message", () => res.writeHead(200, "a\nb"));
    res.statusMessage = "";
    res.statusCode = 1000;
    attempt(note, "end with an invalid status", () => res.end());
    res.statusCode = 200;
    res.end("done");
  },
  "what node refuses, after a write": (res, note) => {
    res.write("one");
    attempt(note, "write null", () => res.write(null));
    attempt(note, "write a number", () => res.write(5));
    attempt(note, "end a number", () => res.end(5));
    attempt(note, "writeHead", () => res.writeHead(200));
    res.end("done");
  },
  "callbacks and events in order": (res, note) => {
    for (const event of ["prefinish", "finish", "close"] as const)
      res.on(event, () => note(event, [res.writableEnded, res.writableFinished]));
    res.write("one", () => note("written", 1));
    res.write("two", () => note("written", 2));
    res.end("three", () => note("end", "called back"));
  },
  "a writer that waits for drain": async (res, note) => {
    const block = Buffer.alloc(100_000, "x");
    let drained = 0;
    for (let n = 0; n < 5; n++)
      if (!res.write(block)) {
        await new Promise((resolve) => res.once("drain", resolve));
        drained++;
      }
    note("has waited", drained > 0);
    res.end();
  },
  "a pipe": (res, note) => {
    res.on("unpipe", () => note("unpipe", res.writableEnded));
    Readable.from(Array.from({ length: 50 }, (_, n) => `${n} `.repeat(2000))).pipe(res);
  },
  "a pipeline": async (res, note) => {
    await pipeline(Readable.from(Array.from({ length: 50 }, (_, n) => `${n} `.repeat(2000))), res);
    note("over", [res.writableEnded, res.writableFinished]);
  },
  trailers: (res, note) => {
    res.setHeader("Trailer", "x-sum");
    res.write("done");
    res.addTrailers({ "x-sum": "1" });
    res.end();
    attempt(note, "addTrailers", () => res.addTrailers({ "x-sum": "2" }));
  },
  "cork and uncork": (res, note) => {
    res.cork();
    res.write("one");
    res.write("two");
    res.uncork();
    res.end("three");
    look(res, note, "after");
  },
  "an early hint": (res, note) => {
    attempt(note, "writeEarlyHints", () => res.writeEarlyHints({ link: "</a.css>" }));
    res.end("done");
  },
  "a destroyed connection after a write": (res, note) => {
    res.on("close", () => note("close", res.destroyed));
    res.write("one");
    res.destroy();
    look(res, note, "after");
  },
  "a destroyed response after the end": (res, note) => {
    res.on("close", () => note("close", res.destroyed));
    res.end("done");
    res.destroy();
  },
  "a connection destroyed after the end": (res, note, req) => {
    res.on("close", () => note("close", res.destroyed));
    res.end("done");
    req.socket.destroy();
  },
  "an answer that allows no body": (res, note) => {
    res.statusCode = 204;
    note("end", res.end("none") === res);
  },
  "code that looks whether it is over": (res, note) => {
    // As on-finished, http-proxy, Koa and finalhandler look.
    res.end("done");
    note("finished", Boolean(res.finished || (res.socket && !res.socket.writable)));
    note("writable", !res.writableEnded && res.writable);
    note("sent", typeof res.headersSent === "boolean" ? res.headersSent : "unknown");
  },
};

interface Seen {
  notes: string[];
  status: number | string;
  message?: string | undefined;
  headers?: IncomingHttpHeaders;
  trailers?: unknown;
  body?: string;
}

interface Side {
  url: string;
  close(): Promise<unknown>;
  notes: Map<string, { seen: [string, unknown][]; isClosed: Promise<void> }>;
}

type Made = (handle: (req: IncomingMessage, res: ServerResponse, own?: Own) => void) => Server;

async function start(make: Made, handlers: Record<string, Handler>): Promise<Side> {
  const notes: Side["notes"] = new Map();
  const server = make((req, res, own) => {
    const name = decodeURIComponent(req.url?.slice(1) ?? "");
    const seen: [string, unknown][] = [];
    const note: Note = (label, value) => void seen.push([label, value]);
    const isClosed = new Promise<void>((resolve) => res.once("close", resolve));
    notes.set(name, { seen, isClosed });
    res.on("error", (error) => note("error", codeOf(error)));
    own?.set("n", 1);
    return handlers[name]?.(res, note, req);
  });
  return { ...(await listen(server)), notes };
}

/** What both see; without what the session adds, and what is another for each answer. */
async function see(side: Side, name: string, method = "GET"): Promise<Seen> {
  const client = await new Promise<Omit<Seen, "notes">>((resolve, reject) => {
    const path = `${side.url}/${encodeURIComponent(name)}`;
    const asked = request(path, { method, agent: false, timeout: 10_000 }, (res) => {
      let body = "";
      res.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      res.on("error", () => {});
      res.on("close", () => {
        const {
          date: _,
          "set-cookie": _cookies,
          vary: _vary,
          "cache-control": _caching,
          // Whether the length is known depends on when the pieces leave.
          "content-length": _length,
          "transfer-encoding": _encoding,
          ...headers
        } = res.headers;
        resolve({
          status: res.complete ? (res.statusCode ?? 0) : "cut off",
          message: res.statusMessage,
          headers,
          trailers: res.trailers,
          body: body.length > 100 ? createHash("sha256").update(body).digest("hex") : body,
        });
      });
    });
    asked.on("timeout", () => asked.destroy(new Error(`${name} was not answered in 10 s`)));
    asked.on("error", (error) =>
      /not answered/.test(error.message) ? reject(error) : resolve({ status: "cut off" }),
    );
    asked.end();
  });
  const { seen, isClosed } = side.notes.get(name) ?? { seen: [], isClosed: Promise.resolve() };
  await isClosed;
  await turns(2);
  // When the system has taken the bytes of a bare response is no promise, nor what is told then.
  const notes = seen.map((one) => JSON.stringify(one));
  return { notes: / in order/.test(name) ? notes : notes.sort(), ...client };
}

async function compare(
  pair: [Made, Made],
  handlers: Record<string, Handler>,
  method?: string,
): Promise<void> {
  const [bare, ours] = await Promise.all([start(pair[0], handlers), start(pair[1], handlers)]);
  try {
    const seen: Record<string, Seen> = {};
    const expected: Record<string, Seen> = {};
    for (const name of Object.keys(handlers)) {
      seen[name] = await see(ours, name, method);
      expected[name] = await see(bare, name, method);
    }
    assert.deepEqual(seen, expected);
  } finally {
    await Promise.all([bare.close(), ours.close()]);
  }
}

const quiet = (app: express.Express): express.Express => app.set("env", "test");

const PAIRS: Record<string, [Made, Made]> = {
  "node http": [
    (handle) => createServer((req, res) => handle(req, res)),
    (handle) =>
      createServer(withSession(newSlowSession(), (req, res, own) => handle(req, res, own))),
  ],
  "node http, where nothing is owed": [
    (handle) => createServer((req, res) => handle(req, res)),
    (handle) => createServer(withSession(newSlowSession(), (req, res) => handle(req, res))),
  ],
  "node http, with two sessions": [
    (handle) => createServer((req, res) => handle(req, res)),
    (handle) => {
      const [one, two] = [
        connectSession(newSlowSession()),
        connectSession(
          new Session<Data>({
            store: new SlowStore<Data>(),
            cookieName: "two",
            cookie: { secure: false },
          }),
          { property: "two" },
        ),
      ];
      return createServer((req, res) =>
        one(req, res, () =>
          two(req, res, () => (two.of(req).set("n", 2), handle(req, res, one.of(req)))),
        ),
      );
    },
  ],
  "Express 5": [
    (handle) => createServer(quiet(express()).use((req, res) => handle(req, res))),
    (handle) => {
      const sessions = expressSession(newSlowSession());
      const app = quiet(express()).use(sessions);
      return createServer(app.use((req, res) => handle(req, res, sessions.of(req))));
    },
  ],
  "Express 4": [
    (handle) => createServer(express4().use((req, res) => handle(req, res)) as RequestListener),
    (handle) => {
      const sessions = expressSession(newSlowSession());
      const app = express4().use(sessions);
      return createServer(
        app.use((req, res) => handle(req, res, sessions.of(req))) as RequestListener,
      );
    },
  ],
  "Express 5 with compression after the session": [
    (handle) => createServer(quiet(express()).use(compression(), (req, res) => handle(req, res))),
    (handle) => {
      const sessions = expressSession(newSlowSession());
      const app = quiet(express()).use(sessions, compression());
      return createServer(app.use((req, res) => handle(req, res, sessions.of(req))));
    },
  ],
  Connect: [
    (handle) => createServer(connect().use((req, res) => handle(req, res))),
    (handle) => {
      const sessions = connectSession(newSlowSession());
      const app = connect().use((req, res, next) => sessions(req, res, next));
      return createServer(app.use((req, res) => handle(req, res, sessions.of(req))));
    },
  ],
};

describe("A held response beside one of a bare server", () => {
  for (const [name, pair] of Object.entries(PAIRS)) {
    it(`looks the same to the handler and to the client: ${name}`, async () => {
      await compare(pair, HANDLERS);
    });
    it(`looks the same for HEAD: ${name}`, async () => {
      const { trailers: _, "a writer that waits for drain": _drain, ...rest } = HANDLERS;
      await compare(pair, rest, "HEAD");
    });
  }
});
