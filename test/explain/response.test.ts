// What becomes of our cookie in a response, as browsers judge it.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createExplainer, type ResponseCause } from "../../src/explain.ts";
import { Session } from "../../src/session.ts";

const HTTPS = "https://app.example.com/";

/** @param line a Set-Cookie line that an application wrote by itself. */
function causeOf(
  line: string,
  {
    url = HTTPS,
    headers = {},
    cookieName = "session_id",
    control = "no-store",
  }: { url?: string; headers?: Record<string, string>; cookieName?: string; control?: string } = {},
): ResponseCause {
  const explainer = createExplainer(new Session({ cookieName }));
  const res = new Headers({ "cache-control": control });
  res.append("set-cookie", "theme=dark");
  res.append("set-cookie", line);
  return explainer.explainResponse(new Request(url, { headers }), res).cause;
}

describe("explainResponse", () => {
  it("knows what was set, taken back, and left alone", async () => {
    const session = new Session();
    const explainer = createExplainer(session);
    const res = new Headers();
    const req = new Request(HTTPS);
    assert.equal(explainer.explainResponse(req, res).cause, "none");
    session.setCookie(res, await session.create({}));
    assert.equal(explainer.explainResponse(req, res).cause, "set");
    assert.equal((await explainer.explain(req, res)).response?.cause, "set");
    await session.delete(undefined, res);
    assert.equal(explainer.explainResponse(req, res).cause, "taken-back");
  });

  it("knows why browsers refuse a cookie", () => {
    assert.equal(causeOf("session_id=x; Secure; Path=/"), "set");
    assert.equal(causeOf(`session_id=${"x".repeat(4096)}; Secure`), "too-large");
    assert.equal(causeOf(`session_id=${"x".repeat(4000)}; Secure`), "set");
    assert.equal(causeOf("session_id=x; SameSite=None"), "same-site-none");
    assert.equal(causeOf("session_id=x; Partitioned; SameSite=Lax"), "partitioned");
    assert.equal(
      causeOf("session_id=x; Secure", { url: "http://app.example.com/" }),
      "secure-on-http",
    );
    assert.equal(causeOf("session_id=x; Secure", { url: "http://localhost:3000/" }), "set");
    assert.equal(causeOf("session_id=x; Domain=.example.com"), "set");
    assert.equal(causeOf("session_id=x; Domain=other.example"), "domain");
    assert.equal(
      causeOf("session_id=x; Max-Age=0; Expires=Thu, 01 Jan 2099 00:00:00 GMT"),
      "taken-back",
    );
  });

  it("knows the prefixes' rules", () => {
    const prefix = (cookieName: string, attributes: string): ResponseCause =>
      causeOf(`${cookieName}=x${attributes}`, { cookieName });
    assert.equal(prefix("__Host-id", "; Path=/"), "prefix");
    assert.equal(prefix("__Host-id", "; Secure"), "prefix");
    assert.equal(prefix("__Host-id", "; Secure; Path=/; Domain=example.com"), "prefix");
    assert.equal(prefix("__Host-id", "; Secure; Path=/"), "set");
    assert.equal(prefix("__Secure-id", ""), "prefix");
  });

  it("knows that the answer to another site's background request sets no lax cookie", () => {
    const headers = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors" };
    // fetch's own Request drops these headers in browsers only.
    assert.equal(causeOf("session_id=x; Secure; SameSite=Lax", { headers }), "cross-site");
    assert.equal(causeOf("session_id=x; Secure; SameSite=None", { headers }), "set");
  });

  it("knows bearer tokens", async () => {
    const session = new Session({ transport: "bearer" });
    const explainer = createExplainer(session);
    const res = new Headers();
    const req = new Request(HTTPS);
    assert.equal(explainer.explainResponse(req, res).cause, "none");
    session.setCookie(res, await session.create({}));
    assert.equal(explainer.explainResponse(req, res).cause, "set");
    await session.delete(undefined, res);
    assert.equal(explainer.explainResponse(req, res).cause, "taken-back");
  });

  it("knows a cookie that a cache could hand to somebody else", () => {
    assert.equal(causeOf("session_id=x; Secure", { control: "public, max-age=600" }), "cacheable");
  });
});
