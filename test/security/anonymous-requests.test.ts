// Anonymous requests make no records: bots must not fill the store.
// V7.6.2; CVE-2015-5143, CVE-2015-5963, CVE-2015-5964.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, it } from "node:test";
import type { AddressInfo } from "node:net";
import { MemoryStore, Session } from "../../src/session.ts";
import { countCalls } from "../support/counting-store.ts";

const REQUESTS = 10_000;

function forgedId(n: number): string {
  const bytes = Buffer.alloc(24, 1);
  bytes.writeUInt32BE(Math.floor(Date.now() / 1000));
  bytes.writeUInt32BE(n, 20);
  return bytes.toString("base64url");
}

describe("Anonymous requests", () => {
  const memory = new MemoryStore();
  const { store, calls } = countCalls(memory, true);
  const session = new Session({ store });
  const server = createServer((req, res) => {
    void (async () => {
      if (req.url === "/logout") {
        const id = /session_id=([^;]*)/.exec(req.headers.cookie ?? "")?.[1];
        await session.delete(id, res);
      } else await session.fromRequest(req);
      res.end("ok");
    })();
  });
  let url = "";
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => (server.close(), server.closeAllConnections()));

  it(`leave no record: ${REQUESTS} visits without a cookie, with unknown and malformed ones, and logouts`, async () => {
    const wanted = [
      {},
      {},
      { cookie: "session_id=malformed" },
      { cookie: "session_id=" },
      { cookie: "other=1" },
    ];
    for (let sent = 0; sent < REQUESTS; sent += 50) {
      const batch = Array.from({ length: 50 }, (_, at) => {
        const n = sent + at;
        const headers =
          n % 3 === 0 ? { cookie: `session_id=${forgedId(n)}` } : wanted[n % wanted.length];
        return fetch(`${url}${n % 4 === 0 ? "/logout" : "/"}`, {
          headers: headers as Record<string, string>,
        }).then((response) => response.text());
      });
      await Promise.all(batch);
    }
    assert.equal(memory.size, 0);
    assert.deepEqual([...new Set(calls)].sort(), ["readSync", "remove"]);
  });

  it("leave no record where the application looks at the session without changing it", async () => {
    for (let visits = 0; visits < 1000; visits++) {
      const request = session.open({
        headers: visits % 2 === 0 ? {} : { cookie: `session_id=${forgedId(visits)}` },
      });
      assert.equal(await request.data, undefined);
      assert.equal(await request.get("cart"), undefined);
      await request.commit();
      const headers = new Headers();
      request.writeTo(headers);
      assert.deepEqual(headers.getSetCookie(), []);
    }
    assert.equal(memory.size, 0);
  });
});
