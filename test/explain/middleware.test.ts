// The middleware that prints each cause once, on every framework.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  createExplainer,
  expressExplain,
  fastifyExplain,
  harpiaExplain,
  honoExplain,
  koaExplain,
  nodeExplain,
  withExplain,
} from "../../src/explain.ts";
import { MemoryStore, Session } from "../../src/session.ts";
import { type Fields, SESSION_APPS } from "../support/session-apps.ts";
import { until } from "../support/waits.ts";

for (const [name, start] of Object.entries(SESSION_APPS)) {
  describe(`explaining middleware on ${name}`, () => {
    it("prints each cause once, and changes no answer", async () => {
      const session = new Session<Fields>({ store: new MemoryStore(), cookie: { secure: false } });
      const printed: string[] = [];
      const explainer = createExplainer(session);
      const app = await start({
        session,
        explain: { explainer, options: { print: (message) => printed.push(message) } },
        async handle({ own, path }) {
          if (path === "/login") await own.login({ userId: "1" });
          if (path === "/logout") await own.destroy();
          // Not ours: what an application writes by hand.
          if (path === "/large")
            return { headers: { "set-cookie": `session_id=${"x".repeat(5000)}` }, body: "large" };
          return { body: JSON.stringify((await own.data) ?? null) };
        },
      });
      try {
        const ask = (path: string, cookie?: string): Promise<Response> =>
          fetch(app.url + path, { headers: cookie === undefined ? {} : { cookie } });
        const causes = (): string[] =>
          printed.map((message) =>
            message
              .split(": ")
              .slice(0, message.startsWith("response") ? 2 : 1)
              .join(": "),
          );

        await ask("/");
        await ask("/");
        assert.deepEqual(causes(), ["no-cookie"]);
        const login = await ask("/login");
        const cookie = login.headers.getSetCookie()[0]?.split(";")[0] ?? "";
        assert.deepEqual(await (await ask("/", cookie)).json(), { userId: "1" });
        // What this request ends was live when it came.
        await ask("/logout", cookie);
        assert.deepEqual(causes(), ["no-cookie"]);
        assert.equal(await (await ask("/", cookie)).json(), null);
        await ask("/", cookie);
        await ask("/", "session_id=x");
        assert.deepEqual(causes(), ["no-cookie", "ended", "malformed"]);
        assert.match(printed[1] ?? "", /signed out/);
        await (await ask("/large", cookie)).text();
        // The response is looked at when it has been handed over, which its reader may see first.
        await until("the fourth explanation", () => printed.length >= 4);
        assert.equal(causes()[3], "response: too-large");
      } finally {
        await app.close();
      }
    });
  });
}

describe("explaining middleware", () => {
  const makers = { expressExplain, fastifyExplain, harpiaExplain, honoExplain, koaExplain };

  it("refuses to be made in production, unless told", () => {
    const explainer = createExplainer(new Session());
    const before = process.env["NODE_ENV"];
    process.env["NODE_ENV"] = "production";
    try {
      for (const make of Object.values(makers)) {
        assert.throws(() => make(explainer), /NODE_ENV is production/);
        assert.equal(typeof make(explainer, { inProduction: true }), "function");
      }
      assert.throws(() => nodeExplain(explainer, () => {}), /NODE_ENV is production/);
      assert.throws(() => withExplain(explainer, () => new Response()), /NODE_ENV is production/);
    } finally {
      if (before === undefined) delete process.env["NODE_ENV"];
      else process.env["NODE_ENV"] = before;
    }
  });

  it("refuses what is no explainer, and options that there are not", () => {
    // What a program in JavaScript could pass.
    assert.throws(() => expressExplain(new Session() as never), /createExplainer/);
    assert.throws(
      () => expressExplain(createExplainer(new Session()), { once: true } as never),
      /Invalid option once: /,
    );
  });

  it("lets a request through whose session cannot be read: the request itself says so", async () => {
    const failing = {
      get: () => Promise.reject(new Error("down")),
      set: async () => {},
      delete: async () => {},
    };
    const session = new Session<Fields>({ store: failing, cookie: { secure: false } });
    const printed: string[] = [];
    const handler = withExplain(createExplainer(session), () => new Response("served"), {
      print: (message) => printed.push(message),
    });
    const id = await new Session().create({});
    const response = await handler(
      new Request("http://localhost/", { headers: { cookie: `session_id=${id}` } }),
    );
    assert.equal(await response.text(), "served");
    assert.deepEqual(printed, []);
  });
});
