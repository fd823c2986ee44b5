// listen() and what it returns, with real ports.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import harpia, { type Server } from "../../src/index.ts";
import { serveApp } from "../support/http.ts";
import { signal } from "../support/signal.ts";

const hello = () => harpia().get("/", (_req, res) => res.send("hello"));

describe("listen()", () => {
  it("takes a port and calls back once it listens", async (t) => {
    const server = await new Promise<Server>((resolve) => hello().listen(0, resolve));
    t.after(() => server.close());
    assert.ok(server.port > 0);
    assert.equal(server.hostname, undefined);
    assert.equal(server.url, `http://localhost:${server.port}`);
    assert.equal(await (await fetch(`http://127.0.0.1:${server.port}/`)).text(), "hello");
  });

  it("takes options, and ready resolves to the server", async (t) => {
    const server = hello().listen({ port: 0, hostname: "127.0.0.1" });
    t.after(() => server.close());
    assert.equal(await server.ready, server);
    assert.equal(server.hostname, "127.0.0.1");
    assert.equal(server.url, `http://127.0.0.1:${server.port}`);
    assert.equal(await (await fetch(server.url)).text(), "hello");
  });

  it("does not read PORT and HOST: they are the application's", async (t) => {
    const { PORT, HOST } = process.env;
    Object.assign(process.env, { PORT: "1", HOST: "no.such.host.invalid" });
    t.after(() => {
      for (const [name, value] of Object.entries({ PORT, HOST })) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    });
    const server = hello().listen(0);
    t.after(() => server.close());
    await server.ready;
    assert.equal((await fetch(`http://127.0.0.1:${server.port}/`)).status, 200);
  });

  it("rejects ready when the port is busy, and calls nothing back", async (t) => {
    const { port } = await serveApp(t, hello());
    let isCalled = false;
    const second = hello().listen({ port, hostname: "127.0.0.1" }, () => {
      isCalled = true;
    });
    await assert.rejects(second.ready, { code: "EADDRINUSE" });
    assert.equal(isCalled, false);
    await second.close();
  });

  it("refuses options that make no sense", () => {
    // What JavaScript could pass and TypeScript does not let through.
    const text = "3000" as unknown as number;
    for (const port of [-1, 65_536, 1.5, NaN, text])
      assert.throws(
        () => hello().listen(port),
        /^(Range|Type)Error: Invalid option port: got .+, expected a whole number from 0 to 65535$/,
      );
    assert.throws(
      () => hello().listen({ port: 0, hostname: text as unknown as string, maxBodySize: 0 }),
      RangeError,
    );
    assert.throws(() => hello().listen({ port: 0, hostname: 7 as unknown as string }), TypeError);
  });
});

describe("Server.close()", () => {
  it("takes no more requests, and can be called twice", async () => {
    const server = hello().listen({ port: 0, hostname: "127.0.0.1" });
    await server.ready;
    await (await fetch(server.url)).text();
    await Promise.all([server.close(), server.close()]);
    await assert.rejects(fetch(server.url));
    const again = hello().listen({ port: server.port, hostname: "127.0.0.1" });
    await again.ready;
    await again.close();
  });

  it("lets a running request end", async () => {
    const arrived = signal();
    const finish = signal();
    const app = harpia().get("/", async (_req, res) => {
      arrived.give();
      await finish.given;
      res.send("finished");
    });
    const server = app.listen({ port: 0, hostname: "127.0.0.1" });
    await server.ready;
    const answer = fetch(server.url);
    await arrived.given;
    const closed = server.close();
    finish.give();
    const response = await answer;
    assert.equal(await response.text(), "finished");
    // Bun and Deno see to it without a word.
    if (!process.versions["bun"] && !process.versions["deno"])
      assert.equal(response.headers.get("connection"), "close");
    await closed;
  });

  it("cuts off what runs longer than the grace", async () => {
    const arrived = signal();
    const app = harpia().get("/", () => arrived.give());
    const server = app.listen({ port: 0, hostname: "127.0.0.1" });
    await server.ready;
    const response = fetch(server.url);
    await arrived.given;
    await Promise.all([server.close({ grace: 0.05 }), assert.rejects(response)]);
  });

  it("before it listens, waits for that", async () => {
    const server = hello().listen({ port: 0, hostname: "127.0.0.1" });
    await server.close();
    await assert.rejects(fetch(server.url));
  });
});
