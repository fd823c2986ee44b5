// The cross-site check, row by row, and the synchronizer token.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crossSiteCheck, csrfToken, isCsrfToken } from "../../../src/csrf.ts";
import { Session } from "../../../src/session.ts";

const HOST = "app.example.com";
type Row = [
  what: string,
  method: string,
  headers: Record<string, string>,
  expected: string | undefined,
];

const ROWS: Row[] = [
  [
    "a safe method from anywhere",
    "GET",
    { "sec-fetch-site": "cross-site", origin: "https://evil.example" },
    undefined,
  ],
  ["HEAD from anywhere", "HEAD", { "sec-fetch-site": "cross-site" }, undefined],
  ["OPTIONS from anywhere", "OPTIONS", { origin: "https://evil.example" }, undefined],
  ["same-origin", "POST", { "sec-fetch-site": "same-origin" }, undefined],
  ["typed into the address bar", "POST", { "sec-fetch-site": "none" }, undefined],
  ["same-site is not same-origin", "POST", { "sec-fetch-site": "same-site" }, "sec-fetch-site"],
  ["cross-site", "POST", { "sec-fetch-site": "cross-site" }, "sec-fetch-site"],
  ["a value that there is not", "POST", { "sec-fetch-site": "unknown" }, "sec-fetch-site"],
  [
    "cross-site with an Origin that looks right",
    "POST",
    { "sec-fetch-site": "cross-site", origin: `https://${HOST}` },
    "sec-fetch-site",
  ],
  ["neither header: no browser", "POST", {}, undefined],
  ["an old browser, same host", "POST", { origin: `https://${HOST}` }, undefined],
  ["an old browser, same host by http", "POST", { origin: `http://${HOST}` }, undefined],
  ["an old browser, another host", "POST", { origin: "https://evil.example" }, "origin"],
  ["an old browser, another port", "POST", { origin: `https://${HOST}:8443` }, "origin"],
  ["an old browser, a subdomain", "POST", { origin: `https://x.${HOST}` }, "origin"],
  ["an opaque origin", "POST", { origin: "null" }, "origin"],
  ["an origin that is none", "POST", { origin: HOST }, "origin"],
  [
    "a form with another content type",
    "POST",
    { "sec-fetch-site": "cross-site", "content-type": "application/json" },
    "sec-fetch-site",
  ],
  [
    "a method override",
    "POST",
    { "sec-fetch-site": "cross-site", "x-http-method-override": "GET" },
    "sec-fetch-site",
  ],
  ["PUT", "PUT", { "sec-fetch-site": "cross-site" }, "sec-fetch-site"],
  ["DELETE", "DELETE", { "sec-fetch-site": "cross-site" }, "sec-fetch-site"],
  [
    "a lower-case method is another method",
    "get",
    { "sec-fetch-site": "cross-site" },
    "sec-fetch-site",
  ],
];

describe("crossSiteCheck", () => {
  it("takes the host from the URL of a fetch request that has no Host header", () => {
    const sent = (origin: string) =>
      new Request(`https://${HOST}/`, { method: "POST", headers: { origin } });
    assert.equal(crossSiteCheck()(sent(`https://${HOST}`)), undefined);
    assert.equal(crossSiteCheck()(sent("https://evil.example")), "origin");
  });

  for (const [what, method, headers, expected] of ROWS) {
    it(`${expected ? "refuses" : "passes"}: ${what}`, () => {
      assert.equal(
        crossSiteCheck()({ headers: { host: HOST, ...headers } as object }, { method, url: "/x" }),
        expected,
      );
    });
  }

  it("trusts exactly the origins it is told to", () => {
    const check = crossSiteCheck({ trustedOrigins: ["https://accounts.example.com"] });
    const of = (origin: string): string | undefined =>
      check(
        { headers: { host: HOST, origin, "sec-fetch-site": "cross-site" } as object },
        { method: "POST", url: "/" },
      );
    assert.equal(of("https://accounts.example.com"), undefined);
    for (const origin of [
      "https://accounts.example.com.evil.example",
      "http://accounts.example.com",
      "https://x.accounts.example.com",
      "https://accounts.example.com:444",
    ]) {
      assert.equal(of(origin), "sec-fetch-site", origin);
    }
  });

  it("bypasses exactly the paths it is told to", () => {
    const check = crossSiteCheck({ bypassPaths: ["/webhook"] });
    const of = (url: string): string | undefined =>
      check(
        { headers: { host: HOST, "sec-fetch-site": "cross-site" } as object },
        { method: "POST", url },
      );
    for (const url of ["/webhook", "/webhook?a=1", "https://app.example.com/webhook#x"])
      assert.equal(of(url), undefined, url);
    for (const url of [
      "/webhook/",
      "/webhook/x",
      "/Webhook",
      "//webhook",
      "/x/../webhook",
      "/%77ebhook",
      "/",
    ])
      assert.equal(of(url), "sec-fetch-site", url);
  });

  it("takes a fetch Request as it is", () => {
    const request = new Request("https://app.example.com/x", {
      method: "POST",
      headers: { "sec-fetch-site": "same-origin" },
    });
    assert.equal(crossSiteCheck()(request), undefined);
    assert.equal(
      crossSiteCheck()(
        new Request("https://app.example.com/x", {
          method: "POST",
          headers: { "sec-fetch-site": "cross-site" },
        }),
      ),
      "sec-fetch-site",
    );
  });

  it("refuses options that could never match", () => {
    for (const origin of [
      "accounts.example.com",
      "https://accounts.example.com/",
      "https://a.example/path",
      "*",
    ])
      assert.throws(() => crossSiteCheck({ trustedOrigins: [origin] }), TypeError);
    assert.throws(() => crossSiteCheck({ bypassPaths: ["webhook"] }), TypeError);
  });
});

describe("csrfToken", () => {
  const session = new Session();
  const open = (id: string | undefined) =>
    session.open({ headers: { cookie: `session_id=${id}` } });

  it("holds for its session, looks different each time, and is no part of the data", async () => {
    const id = await session.create({ userId: "1" });
    const [a, b] = [await csrfToken(open(id)), await csrfToken(open(id))];
    assert.notEqual(a, b);
    assert.deepEqual(
      [await isCsrfToken(open(id), a), await isCsrfToken(open(id), b)],
      [true, true],
    );
    assert.deepEqual(await open(id).data, { userId: "1" });
  });

  it("is one secret for pages rendered at once", async () => {
    const id = await session.create({ userId: "1" });
    const tokens = await Promise.all(Array.from({ length: 20 }, () => csrfToken(open(id))));
    for (const token of tokens) assert.equal(await isCsrfToken(open(id), token), true);
  });

  it("refuses other sessions' tokens, changed ones, and what is none", async () => {
    const [a, b] = [await session.create({ userId: "1" }), await session.create({ userId: "1" })];
    const token = await csrfToken(open(a));
    await csrfToken(open(b));
    assert.equal(await isCsrfToken(open(b), token), false);
    for (let at = 0; at < token.length; at++) {
      const flipped = `${token.slice(0, at)}${token[at] === "A" ? "B" : "A"}${token.slice(at + 1)}`;
      // The last character carries bits that base64url does not use.
      if (Buffer.from(flipped, "base64url").equals(Buffer.from(token, "base64url"))) continue;
      assert.equal(await isCsrfToken(open(a), flipped), false);
    }
    for (const none of [undefined, null, "", "x", 1, {}, token.slice(1), `${token}AAAA`])
      assert.equal(await isCsrfToken(open(a), none), false);
    assert.equal(await isCsrfToken(open(undefined), token), false);
  });

  it("begins a session for a visitor, and a login makes the token void", async () => {
    const visitor = open(undefined);
    const token = await csrfToken(visitor);
    await visitor.commit();
    assert.equal(visitor.isNew, true);
    assert.equal(await isCsrfToken(visitor, token), true);
    await visitor.login({ userId: "1" });
    assert.equal(await isCsrfToken(visitor, token), false);
  });
});
