// What an application of express-session sees of the factory and of cookies: each is said once, and is
// true of both.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { it } from "node:test";
import {
  attributesOf,
  type Bag,
  count,
  type Factory,
  onBoth,
  sessionIdIn,
  show,
  type Start,
} from "./program.ts";

onBoth(theFactory, theCookie, ids);

function theFactory(session: Factory, start: Start): void {
  it("keeps fields from request to request", async () => {
    const ask = await start({}, count);
    const first = await ask();
    assert.equal(first.text, "1");
    assert.equal((await ask("/", first.cookie)).text, "2");
    assert.equal((await ask("/", first.cookie)).text, "3");
    assert.equal((await ask()).text, "1");
  });

  it("leaves a request alone that has a session, and one below another path", async () => {
    const own = { own: true };
    const ask = await start(
      { cookie: { path: "/shop" } },
      (req, res) => res.end(String(req.session && "cookie" in req.session)),
      (req, _res, next) => {
        if (req.url === "/shop/own") req.session = own;
        next();
      },
    );
    assert.equal((await ask("/shop/own")).text, "false");
    assert.equal((await ask("/else")).text, "undefined");
    assert.equal((await ask("/shop")).text, "true");
  });

  it("compares the path that was asked for, in a mounted application too", async () => {
    const ask = await start(
      { cookie: { path: "/shop" } },
      (req, res) => res.end(String(Boolean(req.session))),
      (req, _res, next) => {
        req.originalUrl = req.url as string;
        req.url = (req.url as string).replace("/shop", "");
        next();
      },
    );
    assert.equal((await ask("/shop/basket?a=/else")).text, "true");
    assert.equal((await ask("/shop")).text, "true");
    assert.equal((await ask("/else?/shop")).text, "false");
    assert.equal((await ask("http://localhost/shop/basket")).text, "true");
    assert.equal((await ask("http://localhost/else")).text, "false");
  });

  it("wants a secret, or takes that of the request", async () => {
    const ask = await start({ secret: undefined }, count, (req, _res, next) => {
      if (req.url === "/secret") req.secret = "of cookie-parser";
      next();
    });
    const { status, text } = await ask();
    assert.equal(status, 500);
    assert.match(text, /secret.*required/);
    assert.equal((await ask("/secret")).text, "1");
  });

  it("refuses options that cannot work", () => {
    assert.throws(() => session({ genid: "1" }), /genid.*must/);
    assert.throws(() => session({ unset: "drop" }), /unset.*must/);
    assert.throws(() => session({ secret: [] }), /secret option array/);
  });

  it("enumerates the cookie and the fields", async () => {
    const ask = await start({}, (req, res) => {
      req.session.user = "ann";
      const names: string[] = [];
      for (const name in req.session) names.push(name);
      res.end(names.join());
      assert.throws(() => (req.session.id = "other"), TypeError);
    });
    assert.equal((await ask()).text, "cookie,user");
  });

  it("sets no cookie where somebody overwrote the id", async () => {
    const ask = await start({}, (req, res) => {
      req.session.user = "ann";
      req.sessionID = undefined;
      res.end("done");
    });
    const { text, setCookies } = await ask();
    assert.deepEqual({ text, setCookies }, { text: "done", setCookies: [] });
  });

  it("takes an empty url for the root, and `end(null)` and a second end for what they are on node", async () => {
    const ask = await start({}, (req, res) => {
      req.session.user = "ann";
      res.end(null);
      res.end("more");
      assert.throws(() => res.setHeader("x-late", "1"));
    });
    const { text, status, cookie } = await ask();
    assert.deepEqual([text, status, cookie !== ""], ["", 200, true]);
  });

  it("is saved when the answer is there: with no body, with chunks, with a length, by a redirect", async () => {
    const ask = await start({}, (req, res) => {
      if (req.url === "/show") return show(req, res, () => {});
      req.session.at = req.url;
      if (req.url === "/empty") res.writeHead(204).end();
      else if (req.url === "/redirect") res.writeHead(302, { location: "/show" }).end();
      else if (req.url === "/chunks") {
        res.write("a");
        res.write("b");
        res.end("c");
      } else {
        res.setHeader("content-length", "4");
        res.end("four");
      }
    });
    for (const path of ["/empty", "/redirect", "/chunks", "/length"]) {
      const { cookie } = await ask(path);
      assert.match((await ask("/show", cookie)).text, new RegExp(path), path);
    }
  });
}

function theCookie({ Cookie }: Factory, start: Start): void {
  it("Cookie: its defaults, and what it stores", () => {
    const cookie = new Cookie();
    assert.deepEqual(
      [cookie.path, cookie.httpOnly, cookie.expires, cookie.maxAge, cookie.originalMaxAge],
      ["/", true, null, null, null],
    );
    assert.deepEqual(Object.keys(cookie.data).sort(), [
      "domain",
      "expires",
      "httpOnly",
      "originalMaxAge",
      "partitioned",
      "path",
      "priority",
      "sameSite",
      "secure",
    ]);
    assert.deepEqual(cookie.toJSON(), cookie.data);
    for (const options of [42, "path", true]) {
      assert.throws(() => new Cookie(options), /argument options/);
    }
    assert.equal(new Cookie({ data: { path: "/x" } }).path, "/");
  });

  it("Cookie: expires and maxAge are one instant", () => {
    const cookie = new Cookie({ maxAge: 30_000 });
    assert.ok(Math.abs(cookie.expires.getTime() - Date.now() - 30_000) < 1000);
    assert.equal(cookie.originalMaxAge > 29_000, true);
    cookie.expires = new Date(Date.now() + 60_000);
    assert.ok(Math.abs(cookie.maxAge - 60_000) < 1000);
    assert.ok(Math.abs(cookie.originalMaxAge - 60_000) < 1000);
    cookie.maxAge = null;
    assert.deepEqual([cookie.expires, cookie.maxAge, cookie.originalMaxAge], [null, null, null]);
    assert.throws(() => (cookie.maxAge = "1 day"), /maxAge/);
    assert.throws(() => (cookie.maxAge = true), /maxAge/);
    cookie.expires = new Date(0);
    assert.match(
      cookie.serialize("name", "value"),
      /^name=value; Path=\/; Expires=Thu, 01 Jan 1970/,
    );
  });

  it("has what a handler sets on it, in the answer and later", async () => {
    const ask = await start({}, (req, res) => {
      if (req.url === "/set") {
        req.session.user = "ann";
        Object.assign(req.session.cookie, {
          path: "/",
          domain: "example.org",
          sameSite: "strict",
          priority: "high",
          httpOnly: false,
          maxAge: 5_000_000_000,
        });
      }
      res.end(JSON.stringify(req.session.cookie.originalMaxAge));
    });
    const first = await ask("/set");
    const attributes = attributesOf(first);
    for (const attribute of [/Domain=example.org/, /SameSite=Strict/, /Priority=High/, /Expires=/])
      assert.match(attributes, attribute);
    assert.doesNotMatch(attributes, /HttpOnly/);
    // What maxAge reads just after it was set: a millisecond may have passed.
    assert.ok(Number(first.text) > 4_999_999_000 && Number(first.text) <= 5_000_000_000);
    assert.equal((await ask("/", first.cookie)).text, first.text);
    assert.equal((await ask("/", first.cookie)).text, first.text);
  });

  it("is sent once where it lives with the browser, and at each change where it has an end", async () => {
    const forSession = await start({}, count);
    const first = await forSession();
    assert.doesNotMatch(attributesOf(first), /Expires/);
    assert.deepEqual((await forSession("/", first.cookie)).setCookies, []);
    const forAnHour = await start({ cookie: { maxAge: 3_600_000 } }, count);
    const begun = await forAnHour();
    assert.match(attributesOf(begun), /Expires/);
    assert.equal((await forAnHour("/", begun.cookie)).setCookies.length, 1);
  });

  it("becomes one for the browser's session, and stays so", async () => {
    const ask = await start({ cookie: { maxAge: 3_600_000 } }, (req, res) => {
      if (req.url === "/forget") req.session.cookie.expires = null;
      req.session.user = "ann";
      res.end(String(req.session.cookie.expires));
    });
    const { cookie, setCookies } = await ask("/forget");
    assert.doesNotMatch(setCookies[0] as string, /Expires/);
    assert.equal((await ask("/", cookie)).text, "null");
  });

  it("is left out, and told, where it cannot be written", async () => {
    const ask = await start({ cookie: { expires: new Date(Number.NaN) } }, count);
    const { setCookies } = await ask();
    assert.deepEqual(setCookies, []);
  });

  it("stands beside those of the application", async () => {
    const ask = await start({}, (req, res) => {
      req.session.user = "ann";
      res.setHeader("Set-Cookie", "a=1");
      if (req.url === "/head") res.writeHead(200, { "x-more": "1" });
      res.end("done");
    });
    for (const path of ["/", "/head"]) {
      const { setCookies } = await ask(path);
      assert.deepEqual(
        setCookies.map((line) => line.split("=", 1)[0]),
        ["a", "connect.sid"],
      );
    }
  });

  it("takes its options from a function, once a request", async () => {
    let calls = 0;
    const cookie = (req: Bag): object => {
      calls++;
      return { path: req.url === "/a" ? "/a" : "/", maxAge: 1000 };
    };
    const ask = await start({ cookie }, count);
    const answer = await ask("/a");
    assert.match(attributesOf(answer), /Path=\/a/);
    assert.ok(calls >= 1);
  });
}

function ids(_session: Factory, start: Start): void {
  it("makes ids by genid, and signs what cannot stand in a cookie", async () => {
    const ask = await start({ genid: (req: Bag) => `%${req.url}/é` }, count);
    const { cookie } = await ask("/x");
    assert.equal(sessionIdIn(cookie), "%/x/é");
    assert.equal((await ask("/x", cookie)).text, "2");
  });

  it("signs with the first secret and verifies with all", async () => {
    const sign = (id: string, secret: string): string =>
      `connect.sid=${encodeURIComponent(`s:${id}.${createHmac("sha256", secret).update(id).digest("base64").replace(/=+$/, "")}`)}`;
    const seen: string[] = [];
    const ask = await start({ secret: ["newest", "older"] }, (req, res) => {
      seen.push(req.sessionID);
      count(req, res, () => {});
    });
    const { cookie } = await ask();
    const id = sessionIdIn(cookie);
    assert.equal(id, seen[0]);
    assert.equal(cookie, sign(id, "newest"));
    assert.equal((await ask("/", sign(id, "older"))).text, "2");
    assert.equal((await ask("/", sign(id, "another"))).text, "1");
    assert.equal((await ask("/", `connect.sid=${id}`)).text, "1");
  });

  it("has the name that it is given", async () => {
    for (const options of [{ name: "sid" }, { key: "sid" }]) {
      const ask = await start(options, count);
      const { cookie } = await ask();
      assert.match(cookie, /^sid=/);
      assert.equal((await ask("/", cookie)).text, "2");
    }
  });

  it("reads cookie-parser's where the header has none, if it is signed", async () => {
    let given: { cookies?: Bag; signedCookies?: Bag } = {};
    const ask = await start({}, count, (req, _res, next) => {
      Object.assign(req, given);
      next();
    });
    const { cookie } = await ask();
    const value = decodeURIComponent(cookie.slice("connect.sid=".length));
    given = { signedCookies: { "connect.sid": sessionIdIn(cookie) } };
    assert.equal((await ask()).text, "2");
    given = { cookies: { "connect.sid": value } };
    assert.equal((await ask()).text, "3");
    given = { cookies: { "connect.sid": sessionIdIn(cookie) } };
    assert.equal((await ask()).text, "1");
    given = { cookies: { "connect.sid": `${value}x` } };
    assert.equal((await ask()).text, "1");
  });

  it("gives whoever comes with an unknown id another one", async () => {
    const ask = await start({}, count);
    const { cookie } = await ask();
    const fresh = await start({}, count);
    const answer = await fresh("/", cookie);
    assert.equal(answer.text, "1");
    assert.notEqual(answer.cookie, "");
    assert.notEqual(answer.cookie, cookie);
  });
}
