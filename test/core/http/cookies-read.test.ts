// Cookies: reading a Cookie header by the rules of RFC 6265bis.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Cookies } from "../../../src/session.ts";

describe("Cookies reads", () => {
  it("the first of several with one name, and each name alone", () => {
    const cookies = new Cookies("a=1; b=2; a=3");
    assert.equal(cookies.get("a"), "1");
    assert.equal(cookies.get("b"), "2");
    assert.equal(cookies.get("c"), undefined);
    assert.deepEqual({ ...cookies.getAll() }, { a: "1", b: "2" });
  });

  it("names by their exact case (C-8)", () => {
    const cookies = new Cookies("Name=1; name=2");
    assert.equal(cookies.get("name"), "2");
    assert.equal(cookies.get("Name"), "1");
    assert.equal(cookies.get("NAME"), undefined);
  });

  it("only space and tab as blanks around names and values (C-9)", () => {
    assert.equal(new Cookies(" \t a \t = \t 1 \t ; b=2").get("a"), "1");
    for (const blank of ["\u00a0", "\v", "\f", "\u2003", "\ufeff", "\0"]) {
      assert.equal(new Cookies(`${blank}a=1`).get("a"), undefined, JSON.stringify(blank));
      assert.equal(new Cookies(`a${blank}=1`).get("a"), undefined, JSON.stringify(blank));
      assert.equal(new Cookies(`a=${blank}1`).get("a"), `${blank}1`, JSON.stringify(blank));
    }
  });

  it("names as they stand: nothing else becomes __Host- or __Secure- (C-9)", () => {
    for (const name of [
      "%5F%5FHost-a",
      "_%5fHost-a",
      "\u00a0__Host-a",
      "..Host-a",
      "_[Host-a",
      "__Host%2Da",
      "__host-a",
    ]) {
      assert.equal(new Cookies(`${name}=1`).get("__Host-a"), undefined, name);
    }
  });

  it("values with = whole, and quotes as part of the value", () => {
    assert.equal(new Cookies("a=b=c==; d=1").get("a"), "b=c==");
    assert.equal(new Cookies('a="b c"').get("a"), '"b c"');
    assert.equal(new Cookies("a=; b=1").get("a"), "");
  });

  it("percent-encoded values, and malformed ones as they are", () => {
    assert.equal(new Cookies("a=%E2%82%AC%3B").get("a"), "€;");
    for (const value of ["%", "%zz", "%E0%A4%A", "100%", "%c3%28"])
      assert.equal(new Cookies(`a=${value}`).get("a"), value);
  });

  it("pairs without = and without a name as nothing", () => {
    const cookies = new Cookies("a; ; =b; ;;c=1");
    assert.equal(cookies.get("a"), undefined);
    assert.equal(cookies.get("c"), "1");
  });

  it("__proto__ and constructor as ordinary names (C-10)", () => {
    const empty = new Cookies("");
    for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
      assert.equal(empty.get(name), undefined);
      assert.equal(new Cookies(`${name}=1`).get(name), "1");
    }
    const all = new Cookies("__proto__=1; constructor=2").getAll();
    assert.equal(Object.getPrototypeOf(all), null);
    assert.deepEqual(Object.entries(all), [
      ["__proto__", "1"],
      ["constructor", "2"],
    ]);
  });

  it("a header that came in several lines as one (C-6)", () => {
    assert.equal(new Cookies({ headers: { cookie: ["a=1; b=2", "c=3"] } }).get("c"), "3");
    assert.equal(new Cookies({ headers: { cookie: ["a=1", "c=3"] } }).get("a"), "1");
  });

  it("no header, no request and null as no cookies", () => {
    for (const cookies of [
      new Cookies(),
      new Cookies(null),
      new Cookies(""),
      new Cookies({ headers: {} }),
      new Cookies(new Headers()),
    ]) {
      assert.equal(cookies.get("a"), undefined);
      assert.deepEqual(Object.keys(cookies.getAll()), []);
    }
  });

  it("the same again after the caller changed what getAll gave", () => {
    const cookies = new Cookies("a=1");
    cookies.getAll().a = "2";
    assert.equal(cookies.get("a"), "1");
  });
});
