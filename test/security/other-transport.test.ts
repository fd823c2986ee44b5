// One transport: an id counts in the cookie and nowhere else. CS-6.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import express from "express";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { MemoryStore, Session } from "../../src/session.ts";
import { countCalls } from "../support/counting-store.ts";

describe("A valid id that comes by another way than the cookie", () => {
  const { store, calls } = countCalls(new MemoryStore<{ userId: string }>(), true);
  const session = new Session({ store });
  let server: Server | undefined;
  let url = "";
  before(async () => {
    const app = express();
    app.use(express.json(), express.urlencoded());
    app.all("/{*path}", (req, res, next) => {
      session.fromRequest(req).then((data) => res.json(data ?? null), next);
    });
    server = createServer((req, res) => void app(req, res));
    await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => (server?.close(), server?.closeAllConnections()));

  const ways: [string, (id: string) => [path: string, init: RequestInit]][] = [
    ["in the query", (id) => [`/?session_id=${id}&sid=${id}&PHPSESSID=${id}`, {}]],
    ["in the path", (id) => [`/${id};session_id=${id};jsessionid=${id}`, {}]],
    [
      "in a JSON body",
      (id) => [
        "/",
        {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({
            session_id: id,
            cookie: `session_id=${id}`,
            headers: { cookie: `session_id=${id}` },
          }),
        },
      ],
    ],
    [
      "in a form",
      (id) => [
        "/",
        {
          method: "POST",
          headers: { "content-type": "application/x-www-form-urlencoded" },
          body: `session_id=${id}`,
        },
      ],
    ],
    ["as a bearer token", (id) => ["/", { headers: { authorization: `Bearer ${id}` } }]],
    [
      "in basic credentials",
      (id) => ["/", { headers: { authorization: `Basic ${btoa(`session_id:${id}`)}` } }],
    ],
    [
      "in headers of other names",
      (id) => [
        "/",
        {
          headers: {
            session_id: id,
            "x-session-id": id,
            cookie2: `session_id=${id}`,
            "x-cookie": `session_id=${id}`,
            "set-cookie": `session_id=${id}`,
          },
        },
      ],
    ],
    [
      "in another cookie's value",
      (id) => ["/", { headers: { cookie: `other=session_id=${id}; "session_id=${id}"` } }],
    ],
    [
      "under a name that only looks like ours",
      (id) => [
        "/",
        {
          headers: {
            cookie: `Session_id=${id}; session%5Fid=${id}; session-id=${id}; xsession_id=${id}; __Host-session_id=${id}`,
          },
        },
      ],
    ],
  ];
  for (const [way, make] of ways) {
    it(`${way} is anonymous, and no store is asked`, async () => {
      const id = await session.create({ userId: "alice" });
      calls.length = 0;
      const [path, init] = make(id);
      const response = await fetch(url + path, init);
      assert.equal(response.status, 200);
      assert.equal(await response.json(), null);
      assert.deepEqual(calls, []);
    });
  }

  it("and in the cookie is the visitor", async () => {
    const id = await session.create({ userId: "alice" });
    assert.deepEqual(await (await fetch(url, { headers: { cookie: `session_id=${id}` } })).json(), {
      userId: "alice",
    });
  });
});
