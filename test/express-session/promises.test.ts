// What harpiats/express-session keeps where express-session does not: no lost update, no session that
// comes back, no cookie for nothing, no success that was none.
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { after, describe, it } from "node:test";
import ours from "../../src/express-session.ts";
import { MemoryStore, StoreError } from "../../src/session.ts";
import { ManualClock } from "../../src/testing.ts";
import { heard } from "../support/waits.ts";
import {
  type Bag,
  count,
  FACTORIES,
  type Handler,
  OPTIONS,
  type Program,
  serve,
  sessionIdIn,
  show,
} from "./program.ts";

const session = ours as Bag;
const programs: Program[] = [];
after(() => Promise.all(programs.map((program) => program.close())));

async function start(
  options: Bag,
  handler: Handler,
  ...before: Handler[]
): Promise<Program["ask"]> {
  const program = await serve(session({ ...OPTIONS, ...options }), handler, ...before);
  programs.push(program);
  return program.ask;
}

/** A handler that waits at a path until the test lets it go on. */
function gate(): { wait: Promise<void>; open: () => void } {
  let open = (): void => {};
  const wait = new Promise<void>((resolve) => (open = resolve));
  return { wait, open };
}

/** Fails where it is told to. */
class Failing extends MemoryStore<Bag> {
  fails = new Set<string>();
  override async create(...args: Parameters<MemoryStore<Bag>["create"]>) {
    if (this.fails.has("create")) throw new Error("full");
    return super.create(...args);
  }
  override async patch(...args: Parameters<MemoryStore<Bag>["patch"]>) {
    if (this.fails.has("patch")) throw new Error("full");
    return super.patch(...args);
  }
  override async remove(...args: Parameters<MemoryStore<Bag>["remove"]>) {
    if (this.fails.has("remove")) throw new Error("full");
    return super.remove(...args);
  }
  override async extend(...args: Parameters<MemoryStore<Bag>["extend"]>) {
    if (this.fails.has("extend")) throw new Error("full");
    return super.extend(...args);
  }
}

describe("harpiats/express-session keeps", () => {
  it("every field of parallel requests, one level deeper too", async () => {
    const gates = [gate(), gate(), gate()];
    const arrived = new EventEmitter();
    let waiting = 0;
    const ask = await start({}, async (req, res) => {
      if (req.url === "/begin") {
        Object.assign(req.session, { flash: { old: 1, gone: 1 }, list: [1] });
        return res.end("begun");
      }
      if (req.url === "/show") return show(req, res, () => {});
      const at = Number(req.url?.slice(1));
      if (++waiting === 3) arrived.emit("all");
      await gates[at]?.wait;
      req.session[`field${at}`] = at;
      req.session.flash[`message${at}`] = at;
      if (at === 2) delete req.session.flash.gone;
      res.end("done");
    });
    const { cookie } = await ask("/begin");
    const all = heard(arrived, "all");
    const answers = [0, 1, 2].map((at) => ask(`/${at}`, cookie));
    await all;
    for (const { open } of gates) open();
    await Promise.all(answers);
    assert.deepEqual(JSON.parse((await ask("/show", cookie)).text), {
      cookie: null,
      flash: { old: 1, message0: 0, message1: 1, message2: 2 },
      list: [1],
      field0: 0,
      field1: 1,
      field2: 2,
    });
  });

  it("exact counts: update(fn) of twenty requests at once", async () => {
    const ask = await start({}, async (req, res) => {
      if (req.url === "/show") return show(req, res, () => {});
      req.session.seen = true;
      const isLive = await req.session.update(({ n = 0 }: Bag) => ({ n: n + 1 }));
      res.end(`${isLive} ${req.session.n > 0}`);
    });
    const { cookie, text } = await ask();
    assert.equal(text, "true true");
    await Promise.all(Array.from({ length: 20 }, () => ask("/", cookie)));
    assert.deepEqual(JSON.parse((await ask("/show", cookie)).text), {
      cookie: null,
      seen: true,
      n: 21,
    });
  });

  it("an ended session ended, however late another request saves; and sends no cookie of it", async () => {
    for (const options of [{}, { resave: true }, { rolling: true, cookie: { maxAge: 60_000 } }]) {
      const slow = gate();
      const arrived = new EventEmitter();
      const ask = await start(options, async (req, res) => {
        if (req.url === "/out") return req.session.destroy(() => res.end("out"));
        if (req.url === "/slow") {
          arrived.emit("slow");
          await slow.wait;
          req.session.late = true;
        }
        if (req.url === "/idle") {
          arrived.emit("slow");
          await slow.wait;
        }
        count(req, res, () => {});
      });
      const { cookie } = await ask();
      const isThere = heard(arrived, "slow");
      const late = ask("/slow", cookie);
      await isThere;
      await ask("/out", cookie);
      slow.open();
      assert.deepEqual((await late).setCookies, [], JSON.stringify(options));
      assert.equal((await ask("/", cookie)).text, "1");
    }
  });

  it("a late rolling answer from sending the id that a sign-in replaced", async () => {
    const slow = gate();
    const arrived = new EventEmitter();
    const ask = await start({ rolling: true, cookie: { maxAge: 60_000 } }, async (req, res) => {
      if (req.url === "/in")
        return req.session.regenerate(() => ((req.session.user = 1), res.end("in")));
      if (req.url === "/slow") {
        arrived.emit("slow");
        await slow.wait;
        return res.end("slow");
      }
      count(req, res, () => {});
    });
    const { cookie } = await ask();
    const isThere = heard(arrived, "slow");
    const late = ask("/slow", cookie);
    await isThere;
    const { cookie: fresh } = await ask("/in", cookie);
    slow.open();
    assert.deepEqual((await late).setCookies, []);
    assert.equal((await ask("/", fresh)).text, "1");
  });

  it("a failed save, destroy or regenerate an error page without a cookie; a failed touch an event", async () => {
    const clock = new ManualClock();
    const store = new Failing({ clock });
    const errors: unknown[] = [];
    const ask = await start({ store, clock }, (req, res) => {
      if (req.sessionStore.listenerCount("error") === 0)
        req.sessionStore.on("error", (error: unknown) => errors.push(error));
      if (req.url === "/out") return void req.session.destroy().then(() => res.end("out"));
      if (req.url === "/forgotten") {
        void req.session.destroy();
        return setImmediate(() => res.end("out"));
      }
      if (req.url === "/new")
        return req.session.regenerate((error: unknown) => res.end(error ? "kept" : "new"));
      if (req.url === "/read") return show(req, res, () => {});
      if (req.url === "/redirect") {
        req.session.visits = 100;
        return res.writeHead(302, { location: "/" }).end();
      }
      count(req, res, () => {});
    });
    store.fails.add("create");
    const failed = await ask();
    assert.deepEqual([failed.status, failed.setCookies], [503, []]);
    store.fails.clear();
    const { cookie } = await ask();
    store.fails.add("patch").add("remove").add("extend");
    for (const path of ["/", "/redirect", "/forgotten"]) {
      const { status, setCookies } = await ask(path, cookie);
      assert.deepEqual([status, setCookies], [503, []], path);
    }
    assert.equal((await ask("/new", cookie)).text, "kept");
    clock.advance(120_000);
    assert.equal((await ask("/read", cookie)).status, 200);
    assert.ok(errors.length === 1 && errors[0] instanceof StoreError);
    store.fails.clear();
    assert.equal((await ask("/", cookie)).text, "2");
  });

  it("a session that the second of two cookies names, whatever the first is", async () => {
    const ask = await start({}, count);
    const { cookie } = await ask();
    const old = (await (await start({}, count))()).cookie;
    for (const first of ["connect.sid=junk", "connect.sid=s%3Ajunk.x", old])
      assert.match((await ask("/", `${first}; ${cookie}`)).text, /^[2-9]$/, first);
  });

  it("ids out of the store, and asks whose a session is: Passport's user", async () => {
    const store = new MemoryStore<Bag>();
    const ask = await start({ store }, (req, res) => {
      req.session.passport = { user: 7 };
      res.end("in");
    });
    const { cookie } = await ask();
    const { sessions } = await store.scan();
    assert.doesNotMatch(JSON.stringify(sessions), new RegExp(sessionIdIn(cookie)));
    assert.equal((await store.listByUser("7")).length, 1);
    assert.equal(await store.removeByUser("7"), 1);
    assert.notEqual((await ask("/", cookie)).cookie, "");
  });

  it("pages with a session out of caches, and says no more where the application has said", async () => {
    const ask = await start({}, (req, res) => {
      if (req.url === "/said") res.setHeader("cache-control", "max-age=5");
      req.session.a ??= 1;
      show(req, res, () => {});
    });
    const { cookie, headers } = await ask();
    assert.deepEqual([headers["cache-control"], headers.vary], ["no-store", "Cookie"]);
    assert.equal((await ask("/", cookie)).headers["cache-control"], "private, no-store");
    assert.equal((await ask("/said", cookie)).headers["cache-control"], "max-age=5");
  });

  it("everybody signed in when the import changes: former, by fifty requests at once", async () => {
    const former = FACTORIES["express-session"] as Bag;
    const formerStore = new former.MemoryStore();
    const before = await serve(former({ ...OPTIONS, store: formerStore }), count);
    programs.push(before);
    const { cookie } = await before.ask();
    const moved: unknown[] = [];
    const ask = await start({ former: formerStore }, async (req, res) => {
      if (req.sessionStore.listenerCount("moved") === 0)
        req.sessionStore.on("moved", () => moved.push(1));
      if (req.url === "/out") return req.session.destroy(() => res.end("out"));
      await req.session.update(({ visits = 0 }: Bag) => ({ visits: visits + 1 }));
      res.end(String(req.session.visits));
    });
    await Promise.all(Array.from({ length: 50 }, () => ask("/", cookie)));
    assert.equal((await ask("/", cookie)).text, "52");
    await ask("/out", cookie);
    assert.equal((await before.ask("/", cookie)).text, "1");
    assert.ok(moved.length <= 1);
  });

  it("an adapter's session apart: a name that both want is an error that says so", async () => {
    const { expressSession } = await import("../../src/adapters/express.ts");
    const { Session } = await import("../../src/session.ts");
    const adapter = expressSession(new Session({ cookie: { secure: false } })) as Bag;
    const ask = await start({}, count, (req, res, next) => adapter(req, res, next));
    const { status, text } = await ask();
    assert.equal(status, 500);
    assert.match(text, /option property/);
    const apart = expressSession(new Session({ cookie: { secure: false } }), { property: "sess" });
    const both = await start({}, count, (req, res, next) => (apart as Bag)(req, res, next));
    assert.equal((await both()).text, "1");
  });
});
