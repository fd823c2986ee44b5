// What is peculiar to node's response: how it is held, and that holding it breaks nothing that
// node, http2 and compression promise.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import {
  createServer,
  get,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from "node:http";
import {
  connect,
  createServer as createHttp2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import compression from "compression";
import express from "express";
import { expressSession } from "../../src/adapters/express.ts";
import { withSession } from "../../src/adapters/node.ts";
import { HarpiaError, type RequestSession, Session } from "../../src/session.ts";
import { listen } from "../support/listen.ts";
import { until, within } from "../support/waits.ts";

type Data = Record<string, unknown>;
type Own = RequestSession<Data>;

const newSession = (): Session<Data> => new Session<Data>({ cookie: { secure: false } });

interface Reply {
  status: number | undefined;
  message: string | undefined;
  headers: IncomingMessage["headers"];
  body: Buffer;
}

function ask(url: string, headers: Record<string, string> = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    get(url, { headers, agent: false }, (res) => {
      const chunks: Buffer[] = [];
      res.on("data", (chunk: Buffer) => chunks.push(chunk));
      res.on("error", reject);
      res.on("end", () =>
        resolve({
          status: res.statusCode,
          message: res.statusMessage,
          headers: res.headers,
          body: Buffer.concat(chunks),
        }),
      );
    }).on("error", reject);
  });
}

async function answerOf(
  handler: (req: IncomingMessage, res: ServerResponse, own: Own) => unknown,
  session = newSession(),
  headers?: Record<string, string>,
): Promise<Reply> {
  const { url, close } = await listen(createServer(withSession(session, handler)));
  return ask(url, headers).finally(close);
}

describe("a held response", () => {
  it("keeps all headers of writeHead, however they are given", async () => {
    const given = {
      object: (res: ServerResponse) =>
        res.writeHead(201, "Made", { "x-one": "1", "set-cookie": ["a=1", "b=2"] }),
      "flat array": (res: ServerResponse) =>
        res.writeHead(201, "Made", ["x-one", "1", "set-cookie", "a=1", "set-cookie", "b=2"]),
      "array of pairs": (res: ServerResponse) =>
        res.writeHead(201, "Made", [
          ["x-one", "1"],
          ["set-cookie", "a=1"],
          ["set-cookie", "b=2"],
        ] as unknown as string[]),
    };
    for (const [how, writeHead] of Object.entries(given)) {
      const reply = await answerOf((_, res, own) => {
        own.set("n", 1);
        res.setHeader("x-set", "before");
        writeHead(res).end("body");
      });
      assert.deepEqual(
        [
          reply.status,
          reply.message,
          reply.headers["x-one"],
          reply.headers["x-set"],
          String(reply.body),
        ],
        [201, "Made", "1", "before", "body"],
        how,
      );
      assert.deepEqual(
        reply.headers["set-cookie"]?.map((line) => line.split("=")[0]),
        ["a", "b", "session_id"],
        how,
      );
    }
  });

  it("calls back end and write, and looks sent meanwhile", async () => {
    const told: string[] = [];
    await answerOf(async (_, res, own) => {
      own.set("n", 1);
      assert.equal(
        res.write("a", () => told.push("written")),
        true,
      );
      assert.equal(res.headersSent, true);
      await new Promise<void>((resolve) => res.end("b", resolve));
      told.push("ended");
    });
    assert.deepEqual(told, ["written", "ended"]);
  });

  it("looks sent as long as one of two sessions waits, and carries both cookies", async () => {
    const app = express().set("env", "test");
    const users = expressSession(newSession());
    const admins = expressSession(
      new Session<Data>({ cookieName: "admin_id", cookie: { secure: false } }),
      { property: "admin" },
    );
    const seen: boolean[] = [];
    // The inner of the two is asked first, and what it waits for is over before the outer's begins.
    app.use(users, admins, (req, res) => {
      users.of(req).set("n", 1);
      admins.of(req).set("n", 1);
      seen.push(res.headersSent);
      res.end("body");
      seen.push(res.headersSent);
      res.on("finish", () => seen.push(res.headersSent));
    });
    const { url, close } = await listen(createServer((req, res) => void app(req, res)));
    const reply = await ask(url).finally(close);
    assert.deepEqual(seen.slice(0, 2), [false, true]);
    assert.deepEqual(reply.headers["set-cookie"]?.map((line) => line.split("=")[0]).sort(), [
      "admin_id",
      "session_id",
    ]);
    assert.equal(String(reply.body), "body");
  });

  it("keeps 100 MB in order and in bounded memory, through a pipe that is held at first", async () => {
    const block = randomBytes(64 * 1024);
    const blocks = 1600;
    const expected = createHash("sha256");
    let length = 0;
    let produced = 0;
    let ahead = 0;
    const source = Readable.from(
      (function* () {
        for (let n = 0; n < blocks; n++) {
          block.writeUInt32BE(n, 0);
          expected.update(block);
          produced += block.length;
          ahead = Math.max(ahead, produced - length);
          yield Buffer.from(block);
        }
      })(),
    );
    const { url, close } = await listen(
      createServer(
        withSession(newSession(), (_, res: ServerResponse, own: Own) => {
          own.set("n", 1);
          source.pipe(res);
        }),
      ),
    );
    const received = createHash("sha256");
    await new Promise<void>((resolve, reject) => {
      get(url, { agent: false }, (res) => {
        res.on("data", (chunk: Buffer) => {
          received.update(chunk);
          length += chunk.length;
        });
        res.on("end", resolve);
        res.on("error", reject);
      }).on("error", reject);
    }).finally(close);
    assert.equal(length, blocks * block.length);
    assert.equal(received.digest("hex"), expected.digest("hex"));
    // The buffers of two streams and two sockets, and not the 100 MB.
    assert.ok(ahead < 16 * 1024 * 1024, `${ahead} bytes were on their way at once`);
  });

  it("writes what changes while streaming before the end, and refuses what would need a cookie", async () => {
    const session = newSession();
    const id = await session.create({ userId: "1" });
    let late: unknown;
    const reply = await answerOf(
      async (_, res, own) => {
        await own.data;
        res.write("first ");
        own.set("streamed", true);
        late = await own.rotate().catch((error: unknown) => error);
        res.end("last");
      },
      session,
      { cookie: `session_id=${id}` },
    );
    assert.equal(String(reply.body), "first last");
    assert.ok(late instanceof HarpiaError && late.code === "ERR_HEADERS_SENT");
    assert.deepEqual(await session.get(id), { userId: "1", streamed: true });
  });

  it("cuts the connection where what changed while streaming cannot be written", async () => {
    const session = newSession();
    const id = await session.create({ userId: "1" });
    const reply = answerOf(
      async (_, res, own) => {
        res.write("first");
        await own.data;
        await session.delete(id);
        own.set("late", 1n as unknown as number);
      },
      session,
      { cookie: `session_id=${id}` },
    );
    await assert.rejects(reply);
  });

  it("makes an error page of its own where the session cannot be written, with nothing of the page before", async () => {
    const session = new Session<Data>({
      store: {
        get: () => Promise.reject(new Error("down")),
        set: () => Promise.reject(new Error("down")),
        delete: async () => {},
      },
      cookie: { secure: false },
    });
    const failures: unknown[] = [];
    const { url, close } = await listen(
      createServer(
        withSession<Data>(
          session,
          (_, res, own) => {
            own.set("n", 1);
            res.setHeader("content-length", "6");
            res.setHeader("etag", '"x"');
            res.end("secret");
          },
          { onFailure: (error) => failures.push(error) },
        ),
      ),
    );
    const reply = await ask(url).finally(close);
    assert.deepEqual(
      [reply.status, String(reply.body), reply.headers["etag"], reply.headers["set-cookie"]],
      [503, "Service Unavailable", undefined, undefined],
    );
    assert.equal(failures.length, 1);
  });

  it("works with compression before and after it", async () => {
    const text = "compressible ".repeat(1000);
    for (const isBefore of [true, false]) {
      const session = newSession();
      const sessions = expressSession(session);
      const app = express();
      const steps = isBefore ? [compression(), sessions] : [sessions, compression()];
      app.use(...steps);
      app.get("/", (req, res) => {
        sessions.of(req).set("n", 1);
        res.type("text/plain");
        res.write(text.slice(0, 6000));
        res.end(text.slice(6000));
      });
      const { url, close } = await listen(createServer(app as RequestListener));
      try {
        const response = await fetch(url, { headers: { "accept-encoding": "gzip" } });
        assert.equal(response.headers.get("content-encoding"), "gzip");
        assert.equal(response.headers.getSetCookie().length, 1);
        assert.match(response.headers.get("vary") ?? "", /cookie/i);
        assert.equal(await response.text(), text);
      } finally {
        await close();
      }
    }
  });

  it("works on HTTP/2", async () => {
    const session = newSession();
    const server = createHttp2Server(
      withSession(session, async (req: Http2ServerRequest, res: Http2ServerResponse, own: Own) => {
        if (req.url === "/login") {
          await own.login({ userId: "1" });
          own.set("n", 1);
          res.writeHead(303, { location: "/" });
          res.end();
        } else res.end(JSON.stringify((await own.data) ?? null));
      }),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const askHttp2 = (
      path: string,
      cookies: string[] = [],
    ): Promise<{ headers: Record<string, unknown>; body: string }> =>
      new Promise((resolve, reject) => {
        // Several Cookie lines are one header (RFC 9113 8.2.3).
        const stream = client.request({ ":path": path, cookie: cookies as unknown as string });
        let headers = {};
        let body = "";
        stream.setEncoding("utf8");
        stream.on("response", (received) => (headers = received));
        stream.on("data", (chunk: string) => (body += chunk));
        stream.on("end", () => resolve({ headers, body }));
        stream.on("error", reject);
        stream.end();
      });
    try {
      const login = await askHttp2("/login");
      assert.equal(login.headers[":status"], 303);
      const cookie = (login.headers["set-cookie"] as string[])[0]?.split(";")[0] ?? "";
      const page = await askHttp2("/", ["theme=dark", cookie]);
      assert.deepEqual(JSON.parse(page.body), { userId: "1", n: 1 });
    } finally {
      client.destroy();
      server.close();
    }
  });

  it("goes on when the visitor has left, and writes when the handler answers", async () => {
    const session = newSession();
    const id = await session.create({ userId: "1" });
    let release = (): void => {};
    const left = new Promise<void>((resolve) => (release = resolve));
    const { url, close } = await listen(
      createServer(
        withSession(session, async (_, res: ServerResponse, own: Own) => {
          own.set("n", 1);
          res.on("close", release);
          await left;
          res.end("nobody reads this");
        }),
      ),
    );
    const asked = get(url, { headers: { cookie: `session_id=${id}` }, agent: false });
    asked.on("error", () => {});
    asked.on("socket", (socket) => socket.on("connect", () => setImmediate(() => asked.destroy())));
    await within("the visitor to have left", left);
    await until("the change to be written", async () => (await session.get(id))?.["n"] === 1);
    await close();
  });
});
