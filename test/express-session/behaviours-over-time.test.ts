// What an application of express-session sees over time: what is written when, on which connection,
// by which method, in which store. Each is said once, and is true of both.
import assert from "node:assert/strict";
import { it } from "node:test";
import {
  attributesOf,
  type Bag,
  count,
  FACTORIES,
  type Factory,
  onBoth,
  sessionIdIn,
  show,
  type Start,
} from "./program.ts";

onBoth(whatIsWritten, theConnection, methods, stores);

function whatIsWritten(session: Factory, start: Start): void {
  const watched = (): { store: Bag; calls: string[] } => {
    const store = new session.MemoryStore();
    const calls: string[] = [];
    for (const method of ["get", "set", "touch", "destroy"]) {
      const own = store[method];
      store[method] = function (...args: unknown[]) {
        calls.push(method);
        return own.apply(this, args);
      };
    }
    return { store, calls };
  };

  it("saves what nobody wrote to only where it is told to", async () => {
    for (const [saveUninitialized, expected] of [
      [true, ["set"]],
      [false, []],
    ] as const) {
      const { store, calls } = watched();
      const ask = await start({ store, saveUninitialized }, show);
      const { setCookies } = await ask();
      assert.deepEqual(calls, expected);
      assert.equal(setCookies.length, saveUninitialized ? 1 : 0);
    }
  });

  it("saves what did not change only with resave, else touches it", async () => {
    for (const [resave, expected] of [
      [true, "set"],
      [false, "touch"],
    ] as const) {
      const { store, calls } = watched();
      const ask = await start({ store, resave }, (req, res) => {
        if (req.url === "/in") req.session.user = "ann";
        show(req, res, () => {});
      });
      const { cookie } = await ask("/in");
      calls.length = 0;
      await ask("/", cookie);
      assert.deepEqual(calls, ["get", expected]);
    }
  });

  it("sees what changed deep inside, and that a value is as it was", async () => {
    const { store, calls } = watched();
    const ask = await start({ store }, (req, res) => {
      if (req.url === "/in") req.session.user = { cookie: { a: [1] } };
      if (req.url === "/deep") req.session.user.cookie.a.push(2);
      if (req.url === "/same") req.session.user = structuredClone(req.session.user);
      show(req, res, () => {});
    });
    const { cookie } = await ask("/in");
    for (const [path, expected] of [
      ["/deep", "set"],
      ["/same", "touch"],
    ] as const) {
      calls.length = 0;
      await ask(path, cookie);
      assert.deepEqual(calls, ["get", expected], path);
    }
    assert.match((await ask("/", cookie)).text, /\[1,2\]/);
  });

  it("rolling: each answer of a known session has the cookie, none of a new one that is not kept", async () => {
    const ask = await start({ rolling: true, cookie: { maxAge: 60_000 } }, (req, res) => {
      if (req.url === "/in") req.session.user = "ann";
      show(req, res, () => {});
    });
    assert.deepEqual((await ask()).setCookies, []);
    const { cookie } = await ask("/in");
    assert.equal((await ask("/", cookie)).setCookies.length, 1);
    assert.equal((await ask("/", cookie)).setCookies.length, 1);
  });

  it("unset: keeps or ends what was set to null", async () => {
    for (const unset of ["keep", "destroy"]) {
      const { store, calls } = watched();
      const ask = await start({ store, unset }, (req, res) => {
        if (req.url === "/null") req.session = null;
        else if (req.url === "/delete") delete (req as Bag).session;
        else req.session.user = "ann";
        res.end(String(req.session?.user));
      });
      for (const path of ["/null", "/delete"]) {
        const { cookie } = await ask();
        calls.length = 0;
        const { setCookies } = await ask(path, cookie);
        assert.deepEqual(setCookies, []);
        assert.deepEqual(calls, unset === "destroy" ? ["get", "destroy"] : ["get"]);
      }
    }
  });

  it("a session that begins and is unset in one request has no cookie", async () => {
    const ask = await start({ unset: "destroy" }, (req, res) => {
      req.session.user = "ann";
      req.session = null;
      res.end("done");
    });
    assert.deepEqual((await ask()).setCookies, []);
  });
}

function theConnection(session: Factory, start: Start): void {
  const forwarded = (protocol: string): Record<string, string> => ({
    "x-forwarded-proto": protocol,
  });

  it("secure: no cookie on an insecure connection, but a saved session", async () => {
    for (const [proxy, protocol, isSecure] of [
      [true, "https", true],
      [true, "HTTPS , http", true],
      [true, "http", false],
      [false, "https", false],
      [undefined, "https", false],
    ] as const) {
      const ask = await start({ proxy, cookie: { secure: true } }, count);
      const { setCookies } = await ask("/", "", forwarded(protocol));
      assert.equal(setCookies.length, isSecure ? 1 : 0, `${proxy} ${protocol}`);
    }
  });

  it("believes req.secure where nothing is said, and not where proxy is false", async () => {
    for (const [proxy, expected] of [
      [undefined, 1],
      [false, 0],
    ] as const) {
      const ask = await start({ proxy, cookie: { secure: true } }, count, (req, _res, next) => {
        req.secure = true;
        next();
      });
      assert.equal((await ask()).setCookies.length, expected);
    }
  });

  it("secure and sameSite auto: as the connection is", async () => {
    const cookie = { secure: "auto", sameSite: "auto" };
    // express-session takes "auto" from an object alone.
    const isOurs = session !== FACTORIES["express-session"];
    for (const options of [cookie, ...(isOurs ? [() => cookie] : [])]) {
      const ask = await start({ proxy: true, cookie: options }, count);
      const secure = attributesOf(await ask("/", "", forwarded("https")));
      assert.match(secure, /Secure/);
      assert.match(secure, /SameSite=None/);
      const insecure = attributesOf(await ask("/", "", forwarded("http")));
      assert.doesNotMatch(insecure, /Secure/);
      assert.match(insecure, /SameSite=Lax/);
    }
  });
}

function methods(session: Factory, start: Start): void {
  it("regenerate: a new id, the old session ended, the fields that are copied kept", async () => {
    const ask = await start({}, (req, res) => {
      if (req.url !== "/login") return count(req, res, () => {});
      const before = { ...req.session };
      const { id } = req.session;
      const returned = req.session.regenerate((error: unknown) => {
        assert.ok(!error);
        assert.notEqual(req.session.id, id);
        assert.equal(req.session.id, req.sessionID);
        for (const key of Object.keys(before)) {
          if (key !== "cookie") req.session[key] = before[key];
        }
        req.session.user = "ann";
        req.session.save(() => res.end("in"));
      });
      assert.equal(returned.id, id);
    });
    const first = await ask();
    const login = await ask("/login", first.cookie);
    assert.notEqual(login.cookie, first.cookie);
    assert.equal((await ask("/", login.cookie)).text, "2");
    assert.equal((await ask("/", first.cookie)).text, "1");
  });

  it("destroy: gone at once, and for ever", async () => {
    const ask = await start({}, (req, res) => {
      if (req.url !== "/logout") return count(req, res, () => {});
      req.session.destroy((error: unknown) => res.end(String(error ?? "bye")));
      assert.equal(req.session, undefined);
    });
    const { cookie } = await ask();
    const answer = await ask("/logout", cookie);
    assert.deepEqual([answer.text, answer.setCookies], [answer.text, []]);
    assert.equal((await ask("/", cookie)).text, "1");
  });

  it("save: once, and not again at the end unless something changed since", async () => {
    const store = new session.MemoryStore();
    let sets = 0;
    const { set } = store;
    store.set = function (...args: unknown[]) {
      sets++;
      return set.apply(this, args);
    };
    const ask = await start({ store }, (req, res) => {
      req.session.user = "ann";
      req.session.save((error: unknown) => {
        assert.ok(!error);
        if (req.url === "/again") req.session.more = true;
        res.end("saved");
      });
    });
    await ask();
    assert.equal(sets, 1);
    await ask("/again");
    assert.equal(sets, 3);
  });

  it("reload: what was stored meanwhile, and an error for what has ended", async () => {
    const ask = await start({}, (req, res) => {
      if (req.url === "/in") return count(req, res, () => {});
      const act = (): void =>
        void req.session.reload((error: Error | undefined) => {
          res.end(error ? error.message : String(req.session.visits));
        });
      if (req.url === "/gone") req.sessionStore.destroy(req.sessionID, act);
      else {
        req.session.visits = 77;
        act();
      }
    });
    const { cookie } = await ask("/in");
    assert.equal((await ask("/", cookie)).text, "1");
    assert.match((await ask("/gone", cookie)).text, /failed to load session/);
  });

  it("reload: twenty inside of one another", async () => {
    const ask = await start({}, (req, res) => {
      if (req.url === "/in") return count(req, res, () => {});
      const again = (times: number): void => {
        req.session.reload((error: unknown) => {
          if (error || times === 0) return res.end(String(error ?? "done"));
          again(times - 1);
        });
      };
      again(20);
    });
    const { cookie } = await ask("/in");
    assert.equal((await ask("/", cookie)).text, "done");
  });

  it("touch and resetMaxAge give the session, with its cookie's age as it was", async () => {
    const ask = await start({ cookie: { maxAge: 60_000 } }, (req, res) => {
      req.session.cookie.maxAge = 60_000;
      const before = req.session.cookie.originalMaxAge;
      req.session.cookie.expires.setTime(0);
      const returned = [req.session.touch(), req.session.resetMaxAge()];
      const { maxAge } = req.session.cookie;
      res.end(String(returned.every((own) => own === req.session) && maxAge > before - 1000));
    });
    assert.equal((await ask()).text, "true");
  });

  it("ignores stored fields that bear the name of a method", () => {
    const made = new session.Session({ sessionID: "1" }, { save: 1, regenerate: "x", a: 2 });
    assert.equal(typeof made.save, "function");
    assert.equal(typeof made.regenerate, "function");
    assert.deepEqual([made.a, made.id], [2, "1"]);
  });
}

function stores({ Store, Session, MemoryStore }: Factory, start: Start): void {
  class Plain extends Store {
    readonly records = new Map<string, string>();
    error: unknown;
    get(sid: string, callback: Bag): void {
      if (this.error) callback(this.error);
      else callback(null, JSON.parse(this.records.get(sid) ?? "null"));
    }
    set(sid: string, session: object, callback: Bag): void {
      this.records.set(sid, JSON.stringify(session));
      callback?.();
    }
    destroy(sid: string, callback: Bag): void {
      this.records.delete(sid);
      callback?.();
    }
  }

  it("a store of the application's own, that calls back within the call", async () => {
    const store: Bag = new Plain();
    const ask = await start({ store }, (req, res) => {
      if (req.url === "/out") return req.session.destroy(() => res.end("bye"));
      count(req, res, () => {});
    });
    const { cookie } = await ask();
    assert.equal((await ask("/", cookie)).text, "2");
    assert.deepEqual([...store.records.keys()], [sessionIdIn(cookie)]);
    await ask("/out", cookie);
    assert.equal(store.records.size, 0);
  });

  it("load and createSession bring the cookie back to life", async () => {
    const store: Bag = new Plain();
    const ask = await start({ store, cookie: { maxAge: 60_000 } }, count);
    const { cookie } = await ask();
    const loaded: Bag = await new Promise((resolve, reject) =>
      store.load(sessionIdIn(cookie), (error: unknown, found: Bag) =>
        error ? reject(error as Error) : resolve(found),
      ),
    );
    assert.ok(loaded instanceof Session);
    assert.ok(loaded.cookie.expires instanceof Date);
    const { originalMaxAge } = JSON.parse(store.records.get(sessionIdIn(cookie))).cookie;
    assert.ok(originalMaxAge > 59_000 && originalMaxAge <= 60_000);
    assert.deepEqual([loaded.visits, loaded.cookie.originalMaxAge], [1, originalMaxAge]);
    const none = await new Promise((resolve) =>
      store.load("none", (_: unknown, s: Bag) => resolve(s)),
    );
    assert.equal(none, undefined);
  });

  it("an error of get is the request's; ENOENT is none", async () => {
    const store: Bag = new Plain();
    const ask = await start({ store }, count);
    const { cookie } = await ask();
    store.error = Object.assign(new Error("no file"), { code: "ENOENT" });
    assert.equal((await ask("/", cookie)).text, "1");
    store.error = new Error("out of order");
    const { status, text } = await ask("/", cookie);
    assert.deepEqual([status, text], [500, "out of order"]);
  });

  it("a store that is disconnected takes the session away until it connects", async () => {
    const store: Bag = new MemoryStore();
    const ask = await start({ store }, (req, res) => res.end(String(Boolean(req.session))));
    store.emit("disconnect");
    assert.equal((await ask()).text, "false");
    store.emit("connect");
    assert.equal((await ask()).text, "true");
  });
}
