// What becomes of a request's changes when it fails, and when its visitor leaves before it is
// answered, by what onError says: on every adapter.
import assert from "node:assert/strict";
import { get } from "node:http";
import { describe, it } from "node:test";
import { Session } from "../../src/session.ts";
import { type Fields, SESSION_APPS } from "../support/session-apps.ts";
import { heard, until } from "../support/waits.ts";

/** Starts the framework; the path says how the handler ends. */
async function start(name: string, onError: "discard" | "commit") {
  const session = new Session<Fields>({ cookie: { secure: false } });
  const cookie = `session_id=${await session.create({ userId: "1" })}`;
  const waiting: (() => void)[] = [];
  const ended: string[] = [];
  const app = await SESSION_APPS[name]?.({
    session,
    adapter: { onError },
    async handle({ own, path }) {
      const [, how = "", wait] = path.split("/");
      if (how === "look") return { body: JSON.stringify((await own.data) ?? null) };
      own.set(how, true);
      if (wait) await new Promise<void>((resolve) => waiting.push(resolve));
      ended.push(how);
      if (how === "throws") throw new Error("the handler is broken");
      return { status: Number(how), body: "" };
    },
  });
  assert.ok(app);
  const ask = (path: string): Promise<Response> => fetch(app.url + path, { headers: { cookie } });
  return {
    app,
    session,
    cookie,
    waiting,
    ended,
    ask,
    look: async () => (await ask("/look")).json(),
  };
}

for (const name of Object.keys(SESSION_APPS)) {
  describe(`onError on ${name}`, () => {
    for (const onError of ["discard", "commit"] as const) {
      const kept = onError === "commit";

      it(`${onError}: changes of a request that fails are ${kept ? "written" : "dropped"}, those of a refused one are written`, async () => {
        const { app, ask, look } = await start(name, onError);
        try {
          const statuses = [];
          for (const how of ["200", "403", "500", "504", "throws"])
            statuses.push((await ask(`/${how}`)).status);
          assert.deepEqual(statuses, [200, 403, 500, 504, 500]);
          assert.deepEqual(await look(), {
            200: true,
            403: true,
            ...(kept && { 500: true, 504: true, throws: true }),
            userId: "1",
          });
        } finally {
          await app.close();
        }
      });

      it(`${onError}: a visitor who leaves changes nothing of that`, async () => {
        const { app, cookie, waiting, ended, look } = await start(name, onError);
        try {
          for (const how of ["500", "200"]) {
            const asked = get(`${app.url}/${how}/wait`, { headers: { cookie }, agent: false });
            const left = heard(asked, "close");
            asked.on("error", () => {});
            await until("the handler to wait", () => waiting.length > 0);
            asked.destroy();
            await left;
            // The server has heard of it by the time it answers somebody else.
            await look();
            waiting.shift()?.();
            await until("the handler to end", () => ended.includes(how));
          }
          // The last that was to be written comes after the first that was perhaps not.
          await until("the last change", async () => "200" in ((await look()) as object));
          assert.deepEqual(await look(), { 200: true, ...(kept && { 500: true }), userId: "1" });
        } finally {
          await app.close();
        }
      });
    }
  });
}
