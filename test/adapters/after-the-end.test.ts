// Code that goes on after the end of its response, while the session is being written: no process
// ends of it, and the response leaves whole.
import assert from "node:assert/strict";
import { createServer, type RequestListener, type ServerResponse } from "node:http";
import { describe, it } from "node:test";
import express from "express";
import { expressSession } from "../../src/adapters/express.ts";
import { withSession } from "../../src/adapters/node.ts";
import type { RequestSession } from "../../src/session.ts";
import { listen } from "../support/listen.ts";
import { newSlowSession, turns } from "../support/slow-session.ts";

type Own = RequestSession<Record<string, unknown>>;

const codeOf = (error: unknown): string => String((error as { code?: unknown }).code ?? error);

describe("A held response whose handler goes on after the end", () => {
  const listeners: Record<
    string,
    (handle: (res: ServerResponse, own: Own) => unknown) => RequestListener
  > = {
    "node http": (handle) => withSession(newSlowSession(), (_, res, own) => handle(res, own)),
    "Express 5": (handle) => {
      const sessions = expressSession(newSlowSession());
      return express()
        .set("env", "test")
        .use(sessions, (req, res) => void handle(res, sessions.of(req)));
    },
  };
  for (const [name, listener] of Object.entries(listeners)) {
    for (const isHeld of [true, false]) {
      it(`ends no process by what is written, and sends nothing of it: ${name}, ${isHeld ? "held" : "with nothing owed"}`, async () => {
        const told: string[] = [];
        const { url, close } = await listen(
          createServer(
            listener((res, own) => {
              if (isHeld) own.set("n", 1);
              res.end("done");
              res.end("gave up", ((error: unknown) => void told.push(codeOf(error))) as () => void);
              res.write("more", (error) => told.push(codeOf(error)));
              setImmediate(() => res.end("gave up"));
            }),
          ),
        );
        const response = await fetch(url);
        assert.deepEqual([response.status, await response.text()], [200, "done"]);
        await turns(20);
        await close();
        assert.deepEqual(told, ["ERR_STREAM_WRITE_AFTER_END", "ERR_STREAM_WRITE_AFTER_END"]);
      });
    }

    it(`sends it whole although the handler throws: ${name}`, async () => {
      const { url, close } = await listen(
        createServer(
          listener((res, own) => {
            own.set("n", 1);
            res.end("done");
            throw new Error("after the end");
          }),
        ),
      );
      const response = await fetch(url);
      assert.deepEqual([response.status, await response.text()], [200, "done"]);
      assert.equal(response.headers.getSetCookie().length, 1);
      await close();
    });

    it(`sends it whole although the server closes: ${name}`, async () => {
      const closing: { close?: () => unknown } = {};
      const server = createServer(
        listener((res, own) => {
          own.set("n", 1);
          res.end("done");
          // The request has been read by then, so that node takes the connection for an idle one.
          setImmediate(() => closing.close?.());
        }),
      );
      const { url } = await listen(server);
      const closed = new Promise((resolve) => {
        closing.close = () => server.close(resolve);
      });
      const response = await fetch(url);
      assert.deepEqual([response.status, await response.text()], [200, "done"]);
      await closed;
    });
  }

  it("says that it holds bytes, and that it has not finished", async () => {
    const seen: unknown[] = [];
    const { url, close } = await listen(
      createServer(
        withSession(newSlowSession(), (_, res, own) => {
          own.set("n", 1);
          res.write("four");
          seen.push(res.writableLength, res.writableFinished);
          res.end("more");
          seen.push(res.writableLength, res.writableFinished);
          res.on("finish", () => seen.push(res.writableFinished));
        }),
      ),
    );
    await (await fetch(url)).text();
    await close();
    assert.deepEqual(seen, [4, false, 8, false, true]);
  });
});
