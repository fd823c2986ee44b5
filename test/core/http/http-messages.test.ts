// What counts as a request and a response: by structure, with a clear TypeError for what fits
// nothing. The frameworks themselves are in frameworks.test.ts.
import assert from "node:assert/strict";
import { createServer, type IncomingMessage } from "node:http";
import * as http2 from "node:http2";
import { type AddressInfo, connect } from "node:net";
import { after, before, describe, it } from "node:test";
import {
  Cookies,
  MemoryStore,
  type RequestLike,
  type ResponseLike,
  Session,
} from "../../../src/session.ts";
import { countCalls } from "../../support/counting-store.ts";

const session = new Session<{ userId: string }>();
const id = await session.create({ userId: "123" });
const cookie = `a=1; session_id=${id}`;

describe("Session reads", () => {
  const requests: [string, RequestLike][] = [
    ["a fetch Request", new Request("http://localhost/", { headers: { cookie } })],
    ["fetch Headers", new Headers({ cookie })],
    ["an object with fetch Headers", { headers: new Headers({ cookie }) }],
    ["an object with plain headers", { headers: { cookie } }],
    [
      "headers without a prototype",
      { headers: Object.assign(Object.create(null) as object, { cookie }) },
    ],
    ["a header in several lines", { headers: { cookie: ["a=1", `session_id=${id}`] } }],
    [
      "an object that holds a request",
      { request: new Request("http://localhost/", { headers: { cookie } }) },
    ],
    [
      "a context that holds a raw request",
      { req: { raw: new Request("http://localhost/", { headers: { cookie } }) } },
    ],
  ];
  for (const [what, request] of requests) {
    it(`the cookie of ${what}`, async () => {
      assert.deepEqual(await session.fromRequest(request), { userId: "123" });
      assert.equal(new Cookies(request).get("a"), "1");
    });
  }

  it("no session from a request without cookies", async () => {
    for (const request of [
      new Request("http://localhost/"),
      new Headers(),
      { headers: {} },
      { headers: { cookie: undefined } },
      { headers: { cookie: [] } },
    ]) {
      assert.equal(await session.fromRequest(request), undefined);
    }
  });

  it("nothing of what is no request, says what it was given, and asks no store", async () => {
    const { store, calls } = countCalls(new MemoryStore(), true);
    const strict = new Session({ store });
    const given: [unknown, string][] = [
      [undefined, "undefined"],
      [null, "null"],
      [42, "a number"],
      [cookie, "a string"],
      [{}, "an object"],
      [[], "an array"],
      [{ headers: null }, "an object"],
      [{ headers: cookie }, "an object"],
      [{ cookies: { session_id: id } }, "an object"],
    ];
    for (const [value, kind] of given) {
      await assert.rejects(strict.fromRequest(value as RequestLike), {
        name: "TypeError",
        message: new RegExp(
          `^Cannot read a session from this request: it is ${kind} without headers, a request of .* is wanted$`,
        ),
      });
    }
    await assert.rejects(
      strict.fromRequest({ request: null } as unknown as RequestLike),
      TypeError,
    );
    assert.deepEqual(calls, []);
  });
});

describe("Session over real HTTP", () => {
  const seen: unknown[] = [];
  const answer = async (
    req: IncomingMessage | http2.Http2ServerRequest,
    res: ResponseLike & { end(): unknown },
  ): Promise<void> => {
    seen.push(await session.fromRequest(req));
    session.setCookie(res, id, { expires: new Date(Date.UTC(2020, 0, 1)) });
    session.setCookie(res, id);
    res.end();
  };
  const server = createServer((req, res) => void answer(req, res));
  const server2 = http2.createServer((req, res) => void answer(req, res));
  const upgraded = new Promise<unknown>((resolve) => {
    server.on("upgrade", (req, socket) => {
      socket.end();
      resolve(session.fromRequest(req));
    });
  });

  before(async () => {
    for (const one of [server, server2])
      await new Promise<void>((resolve) => one.listen(0, "127.0.0.1", resolve));
  });
  after(() => {
    server.close();
    server2.close();
  });

  const portOf = (one: { address(): unknown }): number => (one.address() as AddressInfo).port;

  /** The whole answer to a request written by hand. */
  function send(lines: string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      let text = "";
      const socket = connect(portOf(server), "127.0.0.1", () =>
        socket.write([...lines, "Host: localhost", "Connection: close", "", ""].join("\r\n")),
      );
      socket.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
      socket.on("end", () => resolve(text)).on("error", reject);
    });
  }

  it("takes several Cookie headers for one (C-6), and a header named get for a header", async () => {
    seen.length = 0;
    const text = await send([
      "GET / HTTP/1.1",
      "Get: 1",
      "Cookie: a=1",
      `Cookie: session_id=${id}`,
    ]);
    assert.deepEqual(seen, [{ userId: "123" }]);
    assert.deepEqual(text.match(/^set-cookie: .*$/gim), [
      `Set-Cookie: session_id=${id}; Path=/; HttpOnly; Secure; SameSite=Lax`,
    ]);
    assert.match(text, /^cache-control: no-store\r$/im);
  });

  it("takes the several cookie fields of HTTP/2 for one (C-6)", async () => {
    seen.length = 0;
    const client = http2.connect(`http://127.0.0.1:${portOf(server2)}`);
    const stream = client.request({ ":path": "/", cookie: ["a=1", `session_id=${id}`] });
    const headers = await new Promise<http2.IncomingHttpHeaders>((resolve, reject) =>
      stream.on("response", resolve).on("error", reject).end(),
    );
    client.close();
    assert.deepEqual(seen, [{ userId: "123" }]);
    assert.deepEqual(headers["set-cookie"], [
      `session_id=${id}; Path=/; HttpOnly; Secure; SameSite=Lax`,
    ]);
  });

  it("knows the visitor at the upgrade to a WebSocket", async () => {
    await send([
      "GET / HTTP/1.1",
      "Upgrade: websocket",
      "Connection: Upgrade",
      `Cookie: session_id=${id}`,
    ]);
    assert.deepEqual(await upgraded, { userId: "123" });
  });
});

describe("Session writes", () => {
  const line = `session_id=${id}; Path=/; HttpOnly; Secure; SameSite=Lax`;

  it("on a fetch Response and on Headers, in the place of an earlier one, and leaves all else alone", () => {
    const response = new Response("body", {
      headers: { "content-type": "text/plain", "cache-control": "public" },
    });
    for (const target of [response, response.headers]) {
      response.headers.append("set-cookie", "theme=dark; Expires=Thu, 01 Jan 2099 00:00:00 GMT");
      session.setCookie(target, id, { maxAge: 5 });
      session.setCookie(target, id);
      response.headers.append("set-cookie", "lang=en");
    }
    const theme = "theme=dark; Expires=Thu, 01 Jan 2099 00:00:00 GMT";
    assert.deepEqual(response.headers.getSetCookie(), [theme, "lang=en", theme, line, "lang=en"]);
    assert.equal(response.headers.get("content-type"), "text/plain");
    assert.equal(response.headers.get("cache-control"), "no-store");
  });

  it("nothing on what is no response, and says what it was given", async () => {
    const given: [unknown, string][] = [
      [undefined, "undefined"],
      [null, "null"],
      [42, "a number"],
      ["text", "a string"],
      [{}, "an object"],
      [[], "an array"],
      [{ headers: {} }, "an object"],
      [{ headers: new Map() }, "an object"],
      [{ cookie: () => undefined }, "an object"],
      [{ res: null, headers: null }, "an object"],
    ];
    for (const [value, kind] of given) {
      const refused = {
        name: "TypeError",
        message: new RegExp(
          `^Cannot set a cookie on this response: it is ${kind} that takes no headers, a response of .* is wanted$`,
        ),
      };
      assert.throws(() => session.setCookie(value as ResponseLike, id), refused);
      assert.throws(
        () => new Cookies(undefined, (value ?? 0) as ResponseLike).set("a", "1"),
        TypeError,
      );
    }
  });

  it("nothing on a response whose headers are immutable, and says the way out", () => {
    const response = Response.redirect("http://localhost/", 302);
    const isImmutable = ((): boolean => {
      try {
        response.headers.delete("x-any");
        return false;
      } catch {
        return true;
      }
    })();
    // Some runtimes let such headers be changed: then the cookie is simply set.
    if (isImmutable)
      assert.throws(() => session.setCookie(response, id), {
        name: "TypeError",
        message: /are immutable, new Response\(body, \{ headers \}\) is wanted$/,
      });
    else session.setCookie(response, id);
    assert.deepEqual(response.headers.getSetCookie(), isImmutable ? [] : [line]);
  });

  it("nothing where the id is none", () => {
    const headers = new Headers();
    for (const value of [undefined, null, 42])
      assert.throws(() => session.setCookie(headers, value as unknown as string), {
        name: "TypeError",
        message: /value is not a string/,
      });
    assert.deepEqual([...headers], []);
  });
});
