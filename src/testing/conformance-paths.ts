// Conformance of adapters: what comes back for each path, what the store was asked meanwhile, and
// in which order.
import assert from "node:assert/strict";
import { type AdapterBench, Browser, letSlowRequestGoOn, type Reply } from "./adapter-bench.ts";
import type { TestRunner } from "./conformance-bench.ts";

export function pathTests({ it }: TestRunner, bench: AdapterBench): void {
  const oursOf = (reply: Reply): string[] =>
    reply.cookies.filter((line) => line.startsWith("session_id="));
  const variesOnCookie = (reply: Reply): boolean =>
    /(^|,)\s*cookie\s*(,|$)/i.test(reply.headers.get("vary") ?? "");
  const callsOf = async (ask: () => Promise<unknown>): Promise<string[]> => {
    bench.staged.calls.length = 0;
    await ask();
    return [...bench.staged.calls];
  };
  const signIn = async (userId = "1"): Promise<Browser> => {
    const browser = new Browser();
    await bench.ask(`/login/${userId}`, browser);
    assert.ok(browser.cookie);
    return browser;
  };
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 1));
  };
  const withStore = async (
    onCall: (method: string) => Promise<void> | void,
    test: () => Promise<void>,
  ): Promise<void> => {
    bench.staged.onCall = onCall;
    await test().finally(() => (bench.staged.onCall = () => {}));
  };

  it("asks the store nothing and adds nothing where the session is not used", async () => {
    const browser = await signIn();
    const calls = await callsOf(async () => {
      const reply = await bench.ask("/ignore", browser);
      assert.deepEqual([reply.status, oursOf(reply), variesOnCookie(reply)], [200, [], false]);
    });
    assert.deepEqual(calls, []);
  });

  it("asks the store nothing for anonymous and malformed cookies, sends no cookie, and says that the page varies", async () => {
    for (const cookie of [undefined, "", "x", "../../etc/passwd", "%00", "a".repeat(3000)]) {
      const calls = await callsOf(async () => {
        const reply = await bench.ask(
          "/read",
          undefined,
          cookie === undefined ? {} : { cookie: `session_id=${cookie}` },
        );
        assert.deepEqual(
          [reply.status, reply.body, reply.cookies, variesOnCookie(reply)],
          [200, "null", [], true],
        );
      });
      assert.deepEqual(calls, []);
    }
  });

  it("reads once and writes nothing for a request that only reads", async () => {
    const browser = await signIn("7");
    const calls = await callsOf(async () => {
      const reply = await bench.ask("/read", browser);
      assert.deepEqual(
        [JSON.parse(reply.body), reply.cookies, variesOnCookie(reply)],
        [{ userId: "7" }, [], true],
      );
    });
    assert.deepEqual(calls, ["read"]);
  });

  it("begins a session with its first data, and the next request sees it", async () => {
    const browser = new Browser();
    const reply = await bench.ask("/set/color/blue", browser);
    assert.equal(oursOf(reply).length, 1);
    assert.match(oursOf(reply)[0] ?? "", /; Path=\/; HttpOnly; SameSite=Lax$/);
    assert.deepEqual(JSON.parse((await bench.ask("/read", browser)).body), { color: "blue" });
  });

  it("leaves the application's cookies and Vary alone, and forbids caches what the application allowed", async () => {
    const reply = await bench.ask("/set/color/blue", new Browser());
    assert.deepEqual(
      reply.cookies.filter((line) => line.startsWith("theme=")),
      ["theme=light; Path=/"],
    );
    assert.equal(reply.headers.get("cache-control"), "no-store");
    // What a delivery network prefers to it, where the application said so (RFC 9213).
    assert.equal(reply.headers.get("cdn-cache-control"), "no-store");
    assert.match(reply.headers.get("vary") ?? "", /accept-encoding/i);
    assert.ok(variesOnCookie(reply));
  });

  it("sends no cookie again when only data changes", async () => {
    const browser = await signIn();
    const calls = await callsOf(async () =>
      assert.deepEqual(oursOf(await bench.ask("/set/color/red", browser)), []),
    );
    assert.deepEqual(calls, ["read", "patch"]);
    assert.deepEqual(JSON.parse((await bench.ask("/read", browser)).body), {
      userId: "1",
      color: "red",
    });
  });

  it("sends no header of a redirect before the session is saved", async () => {
    const browser = new Browser();
    bench.told.length = 0;
    let save = (): void => {};
    const saving = new Promise<void>((resolve) => (save = resolve));
    await withStore(
      async (method) => {
        if (method !== "patch") return;
        bench.told.push("patch begins");
        await saving;
        bench.told.push("patch ends");
      },
      async () => {
        const asked = bench.ask("/redirect/9", browser);
        await until(() => bench.told.includes("patch begins"));
        // Long enough for headers that do not wait to arrive, on any machine that is not asleep.
        await bench.ask("/ignore");
        save();
        assert.equal((await asked).status, 302);
      },
    );
    assert.deepEqual(bench.told, [
      "patch begins",
      "headers of /ignore",
      "patch ends",
      "headers of /redirect/9",
    ]);
    assert.deepEqual(JSON.parse((await bench.ask("/read", browser)).body), {
      userId: "9",
      visited: true,
    });
  });

  it("keeps the fields of 100 parallel requests", async () => {
    const browser = await signIn();
    await Promise.all(
      Array.from({ length: 100 }, (_, n) => bench.ask(`/set/field${n}/${n}`, browser)),
    );
    const data = JSON.parse((await bench.ask("/read", browser)).body) as object;
    assert.equal(Object.keys(data).length, 101);
  });

  it("counts exactly under parallel requests", async () => {
    const browser = await signIn();
    await Promise.all(Array.from({ length: 30 }, () => bench.ask("/count", browser)));
    assert.equal(
      (JSON.parse((await bench.ask("/read", browser)).body) as { count: number }).count,
      30,
    );
  });

  it("a logout during a slow request holds, and the late response carries no cookie", async () => {
    const browser = await signIn();
    const id = browser.cookie;
    bench.told.length = 0;
    const slow = bench.ask("/slow/color/late", browser);
    await until(() => bench.told.includes("slow is waiting"));
    await bench.ask("/logout", browser);
    letSlowRequestGoOn();
    assert.deepEqual(oursOf(await slow), []);
    assert.equal(await bench.session.get(id), undefined);
  });

  it("logout ends the session and takes the cookie back with its attributes", async () => {
    const browser = await signIn();
    const id = browser.cookie;
    const reply = await bench.ask("/logout", browser);
    assert.deepEqual(oursOf(reply), [
      "session_id=; Max-Age=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax",
    ]);
    assert.equal(reply.headers.get("cache-control"), "no-store");
    assert.equal(await bench.session.get(id), undefined);
  });

  it("a login and a rotation give new ids, and the former are dead", async () => {
    const browser = await signIn("A");
    const ids = [browser.cookie];
    await bench.ask("/rotate", browser);
    ids.push(browser.cookie);
    await bench.ask("/login/B", browser);
    ids.push(browser.cookie);
    assert.equal(new Set(ids).size, 3);
    assert.deepEqual(await Promise.all(ids.map((id) => bench.session.get(id))), [
      undefined,
      undefined,
      { userId: "B" },
    ]);
  });

  it("a logout ends what the cookies name, wherever the live one stands", async () => {
    for (const place of [
      (id: string) => `session_id=junk; session_id=${id}`,
      (id: string) => `session_id=${id}; session_id=junk`,
    ]) {
      const [browser, other] = [await signIn("1"), await signIn("2")];
      const cookie = `session_id=${other.cookie}; ${place(browser.cookie ?? "")}`;
      assert.equal((await bench.ask("/logout", undefined, { cookie })).status, 200);
      const left = [await bench.session.get(browser.cookie), await bench.session.get(other.cookie)];
      assert.deepEqual(left, [undefined, undefined]);
    }
  });

  it("a login ends what the cookies name, and is found beside a cookie that stays", async () => {
    const [former, stale] = [await signIn("1"), await signIn("1")];
    const browser = new Browser();
    const cookie = `session_id=${stale.cookie}; session_id=${former.cookie}`;
    await bench.ask("/login/1", browser, { cookie });
    const left = [await bench.session.get(former.cookie), await bench.session.get(stale.cookie)];
    assert.deepEqual(left, [undefined, undefined]);
    const beside = { cookie: `session_id=${stale.cookie}; session_id=${browser.cookie}` };
    assert.deepEqual(JSON.parse((await bench.ask("/read", undefined, beside)).body), {
      userId: "1",
    });
  });

  it("a visitor with a message is nobody, and has no data, before it is taken and after", async () => {
    const visitor = new Browser();
    await bench.ask("/flash/hello", visitor);
    assert.ok(visitor.cookie);
    for (const path of ["/user", "/read", "/take", "/user", "/read"]) {
      const { body } = await bench.ask(path, visitor);
      assert.equal(body, path === "/take" ? '"hello"' : "null", path);
    }
    assert.equal(await bench.session.get(visitor.cookie), undefined);
    assert.equal((await bench.ask("/user", new Browser())).body, "null");
    assert.deepEqual(JSON.parse((await bench.ask("/user", await signIn("3"))).body), {
      userId: "3",
    });
  });

  it("refuses what code for another library writes on the session", async () => {
    const browser = await signIn();
    assert.deepEqual(JSON.parse((await bench.ask("/write", browser)).body), []);
    assert.deepEqual(JSON.parse((await bench.ask("/read", browser)).body), { userId: "1" });
  });

  it("keeps caches from a page that shows a session, unless the application says otherwise", async () => {
    const browser = await signIn();
    assert.equal(
      (await bench.ask("/read", browser)).headers.get("cache-control"),
      "private, no-store",
    );
    assert.equal(
      (await bench.ask("/public", browser)).headers.get("cache-control"),
      "public, max-age=60",
    );
    assert.equal((await bench.ask("/read", new Browser())).headers.get("cache-control"), null);
    assert.equal((await bench.ask("/ignore", browser)).headers.get("cache-control"), null);
  });

  it("shows a flash message to exactly one of parallel requests", async () => {
    const browser = await signIn();
    await bench.ask("/flash/saved", browser);
    const replies = await Promise.all(
      Array.from({ length: 10 }, () => bench.ask("/take", browser)),
    );
    assert.deepEqual(
      replies.map(({ body }) => body).filter((body) => body !== "null"),
      ['"saved"'],
    );
  });

  it("answers 503 where the session cannot be saved or read, and never the page or a cookie", async () => {
    const browser = await signIn();
    const down = (): never => {
      throw new Error("the store is down");
    };
    await withStore(down, async () => {
      for (const [path, visitor] of [
        ["/set/color/red", browser],
        ["/set/color/red", new Browser()],
        ["/read", browser],
        ["/login/2", new Browser()],
      ] as const) {
        const reply = await bench.ask(path, visitor);
        assert.equal(reply.status, 503, path);
        assert.deepEqual(oursOf(reply), []);
        assert.doesNotMatch(reply.body, /"set"|"welcome"|userId/);
      }
    });
    assert.deepEqual(JSON.parse((await bench.ask("/read", browser)).body), { userId: "1" });
  });

  it("writes nothing for a handler that throws", async () => {
    const browser = await signIn();
    assert.equal((await bench.ask("/throw", browser)).status, 500);
    assert.deepEqual(JSON.parse((await bench.ask("/read", browser)).body), { userId: "1" });
    const anonymous = new Browser();
    assert.deepEqual(oursOf(await bench.ask("/throw", anonymous)), []);
  });

  it("takes back the login of a request that fails", async () => {
    const reply = await bench.ask("/fail", new Browser());
    assert.equal(reply.status, 500);
    assert.deepEqual(oursOf(reply), []);
    assert.deepEqual(await bench.staged.store.listByUser("nobody"), []);
  });
}
