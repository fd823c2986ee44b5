// 100 MB through an open session on each framework: every byte in its order, and no more of them on
// their way than the buffers of streams and sockets hold. node-response.test.ts does the same with
// node's own response.
import assert from "node:assert/strict";
import { createServer, get } from "node:http";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import { Elysia } from "elysia";
import express from "express";
import fastify from "fastify";
import { H3 } from "h3";
import { Hono } from "hono";
import Koa from "koa";
import { elysiaSession } from "../../src/adapters/elysia.ts";
import { expressSession } from "../../src/adapters/express.ts";
import { fastifySession } from "../../src/adapters/fastify.ts";
import { withSession } from "../../src/adapters/fetch.ts";
import { h3Session } from "../../src/adapters/h3.ts";
import { harpiaSession } from "../../src/adapters/harpia.ts";
import { honoSession } from "../../src/adapters/hono.ts";
import { koaSession } from "../../src/adapters/koa.ts";
import harpia from "../../src/index.ts";
import { type RequestSession, Session } from "../../src/session.ts";
import { type Listening, listen, serveFetch } from "../support/listen.ts";

type Data = Record<string, unknown>;
type Own = RequestSession<Data>;

const BLOCK = 64 * 1024;
const BLOCKS = 1600;
const MOST_AHEAD = 24 * 1024 * 1024;

/** Blocks that begin with their number. */
function newBody(): { stream: ReadableStream<Uint8Array<ArrayBuffer>>; produced: () => number } {
  let made = 0;
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      if (made === BLOCKS) return controller.close();
      const block = new Uint8Array(BLOCK);
      new DataView(block.buffer).setUint32(0, made++);
      controller.enqueue(block);
    },
  });
  return { stream, produced: () => made * BLOCK };
}

type Make = () => ReadableStream<Uint8Array<ArrayBuffer>>;
// Web streams are the same at run time; node's types and the global ones do not know each other.
const toNode = (stream: ReturnType<Make>): Readable =>
  Readable.fromWeb(stream as Parameters<typeof Readable.fromWeb>[0]);
const use = (own: Own): void => own.set("n", 1);

const SERVERS: Record<string, (session: Session<Data>, make: Make) => Promise<Listening>> = {
  "Express 5"(session, make) {
    const sessions = expressSession(session);
    const app = express();
    app.use(sessions);
    app.get("/", (req, res) => {
      use(sessions.of(req));
      toNode(make()).pipe(res);
    });
    return listen(createServer(app));
  },
  async "Fastify 5"(session, make) {
    const sessions = fastifySession(session);
    const app = fastify();
    await app.register(sessions);
    app.get("/", (request, reply) => {
      use(sessions.of(request));
      return reply.send(toNode(make()));
    });
    return { url: await app.listen({ port: 0, host: "127.0.0.1" }), close: () => app.close() };
  },
  "Koa 3"(session, make) {
    const sessions = koaSession(session);
    const app = new Koa();
    app.use(sessions);
    app.use((ctx) => {
      use(sessions.of(ctx));
      ctx.body = toNode(make());
    });
    const listener = app.callback();
    return listen(createServer((req, res) => void listener(req, res)));
  },
  "Hono 4"(session, make) {
    const sessions = honoSession(session);
    const app = new Hono();
    app.use(sessions);
    app.get("/", (c) => (use(sessions.of(c)), c.body(make())));
    return serveFetch(app.fetch);
  },
  "h3 2"(session, make) {
    const sessions = h3Session(session);
    const app = new H3();
    app.use(sessions);
    app.get("/", (event) => (use(sessions.of(event)), make()));
    return serveFetch((request) => app.fetch(request));
  },
  Elysia: (session, make) =>
    serveFetch(
      new Elysia()
        .use(elysiaSession(session))
        .get("/", ({ session: own }) => (use(own), new Response(make()))).fetch,
    ),
  "a fetch handler": (session, make) =>
    serveFetch(withSession(session, (_, own) => (use(own), new Response(make())))),
  async "harpia()"(session, make) {
    const sessions = harpiaSession(session);
    const app = harpia();
    app.use(sessions);
    app.get("/", (req, res) => (use(sessions.of(req)), res.send(make())));
    const server = app.listen({ port: 0, hostname: "127.0.0.1" });
    await server.ready;
    return { url: `http://127.0.0.1:${server.port}`, close: () => server.close() };
  },
};

describe("100 MB through an open session", () => {
  for (const [name, start] of Object.entries(SERVERS)) {
    it(`arrive in order and without piling up, ${name}`, async () => {
      const { stream, produced } = newBody();
      const { url, close } = await start(
        new Session<Data>({ cookie: { secure: false } }),
        () => stream,
      );
      let received = 0;
      let ahead = 0;
      const cookies = await new Promise<string[] | undefined>((resolve, reject) => {
        get(url, { agent: false }, (res) => {
          let rest: Buffer = Buffer.alloc(0);
          res.on("data", (chunk: Buffer) => {
            received += chunk.length;
            ahead = Math.max(ahead, produced() - received);
            rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
            for (; rest.length >= BLOCK; rest = rest.subarray(BLOCK)) {
              const wanted = Math.floor((received - rest.length) / BLOCK);
              if (rest.readUInt32BE(0) !== wanted)
                reject(new Error(`block ${rest.readUInt32BE(0)} came in the place of ${wanted}`));
            }
          });
          res.on("end", () => resolve(res.headers["set-cookie"]));
          res.on("error", reject);
        }).on("error", reject);
      }).finally(close);
      assert.equal(received, BLOCKS * BLOCK);
      assert.equal(cookies?.length, 1);
      assert.ok(ahead < MOST_AHEAD, `${ahead} bytes were on their way at once`);
    });
  }
});
