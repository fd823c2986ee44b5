// Sessions of sockets on the real ws and Socket.IO, over real connections.
import assert from "node:assert/strict";
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { Server as SocketIoServer } from "socket.io";
import { io } from "socket.io-client";
import { WebSocket, WebSocketServer } from "ws";
import { closeWithSession, fromWebSocket } from "../../src/adapters/websocket.ts";
import { MemoryStore, Session, StoreError } from "../../src/session.ts";

const session = new Session<{ userId: string }>();

async function listen(server: HttpServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

describe("fromWebSocket on ws", () => {
  const server = createServer();
  const sockets = new WebSocketServer({ noServer: true });
  let port = 0;

  before(async () => {
    server.on("upgrade", (req, socket, head) => {
      void fromWebSocket(session, req, { allowedOrigins: ["https://app.example.com"] }).then(
        (upgrade) => {
          if (!upgrade.isAllowed)
            return socket.end(`HTTP/1.1 ${upgrade.status} Refused\r\nConnection: close\r\n\r\n`);
          sockets.handleUpgrade(req, socket, head, (ws) => {
            const closed = new AbortController();
            ws.on("close", () => closed.abort());
            void closeWithSession(ws, upgrade.session, closed.signal).then(() =>
              ws.send(`hello ${upgrade.data.userId}`),
            );
          });
        },
      );
    });
    port = await listen(server);
  });
  after(() => {
    for (const client of sockets.clients) client.terminate();
    server.close();
  });

  const connect = (id: string | undefined, origin?: string): WebSocket =>
    new WebSocket(`ws://127.0.0.1:${port}`, {
      headers: { ...(id !== undefined && { cookie: `session_id=${id}` }) },
      ...(origin !== undefined && { origin }),
    });
  const statusOf = (socket: WebSocket): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      socket.on("unexpected-response", (_, res) => resolve(res.statusCode));
      socket.on("open", () => resolve(101));
      socket.on("error", reject);
    });

  it("gives the session, and closes the socket with 1008 when it ends", async () => {
    const id = await session.create({ userId: "1" });
    const socket = connect(id, "https://app.example.com");
    const closed = new Promise<number>((resolve) => socket.on("close", resolve));
    assert.equal(
      await new Promise((resolve) =>
        socket.on("message", (text: Buffer) => resolve(text.toString())),
      ),
      "hello 1",
    );
    await session.delete(id);
    assert.equal(await closed, 1008);
  });

  it("refuses a foreign origin with 403, and whoever has no session with 401", async () => {
    const id = await session.create({ userId: "1" });
    for (const origin of [
      "https://evil.example",
      "http://app.example.com",
      "https://app.example.com.evil.example",
      "null",
    ])
      assert.equal(await statusOf(connect(id, origin)), 403, origin);
    for (const none of [undefined, "x", "../../etc/passwd"])
      assert.equal(await statusOf(connect(none, "https://app.example.com")), 401);
    const plain = connect(id);
    assert.equal(await statusOf(plain), 101);
    plain.close();
  });

  it("compares with the host where no origins are given", async () => {
    const cookie = `session_id=${await session.create({ userId: "1" })}`;
    const of = async (origin: string): Promise<boolean> =>
      (
        await fromWebSocket(session, {
          headers: { cookie, origin, host: "app.example.com" } as object,
        })
      ).isAllowed;
    assert.deepEqual(
      [
        await of("https://app.example.com"),
        await of("https://x.app.example.com"),
        await of("null"),
      ],
      [true, false, false],
    );
  });
});

describe("fromWebSocket before a store that fails", () => {
  it("rejects, so that an outage refuses sockets by 503 and is taken for no sign-out", async () => {
    const store = new MemoryStore<{ userId: string }>();
    const id = await new Session({ store }).create({ userId: "1" });
    const isDown = new Session<{ userId: string }>({
      store: {
        get: () => Promise.reject(new Error("down")),
        set: async () => {},
        delete: async () => {},
      },
    });
    await assert.rejects(
      fromWebSocket(isDown, { headers: { cookie: `session_id=${id}` } }),
      (error) => error instanceof StoreError && error.statusCode === 503,
    );
  });
});

describe("fromWebSocket on Socket.IO", () => {
  it("gives the session of the handshake, and disconnects when it ends", async () => {
    const server = createServer();
    const sockets = new SocketIoServer(server);
    sockets.use((socket, next) => {
      void fromWebSocket(session, socket.handshake).then(async (upgrade) => {
        if (!upgrade.isAllowed) return next(new Error(String(upgrade.status)));
        const closed = new AbortController();
        socket.on("disconnect", () => closed.abort());
        await closeWithSession(socket, upgrade.session, closed.signal);
        socket.data = upgrade.data;
        next();
      });
    });
    sockets.on("connection", (socket) => socket.emit("hello", socket.data));
    const port = await listen(server);
    const connect = (id: string) =>
      io(`http://127.0.0.1:${port}`, {
        transports: ["websocket"],
        reconnection: false,
        extraHeaders: { cookie: `session_id=${id}` },
      });
    try {
      const id = await session.create({ userId: "2" });
      const client = connect(id);
      const disconnected = new Promise((resolve) => client.on("disconnect", resolve));
      assert.deepEqual(await new Promise((resolve) => client.on("hello", resolve)), {
        userId: "2",
      });
      await session.delete(id);
      assert.equal(await disconnected, "io server disconnect");
      assert.equal(
        await new Promise((resolve) =>
          connect("x").on("connect_error", ({ message }) => resolve(message)),
        ),
        "401",
      );
    } finally {
      await sockets.close();
    }
  });
});
