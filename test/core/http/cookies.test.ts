// Cookies: every rule of RFC 6265bis that the class promises, in whole headers.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type CookieOptions, Cookies, HarpiaError } from "../../../src/session.ts";

const DAY = 86_400;
const CONTROLS = ["\0", "\t", "\n", "\r", "\x1f", "\x7f"];
const OUTSIDE_ASCII = ["é", "\u00a0", "€", "💥"];

function setCookie(name: string, value: string, options?: CookieOptions): string[] {
  const headers = new Headers();
  new Cookies(undefined, headers).set(name, value, options);
  return headers.getSetCookie();
}

/** What the caller may not learn twice: a refusal leaves no trace on the response. */
function assertRefused(
  name: string,
  value: string,
  options: CookieOptions,
  expected: { name: string; message?: RegExp },
): void {
  const headers = new Headers();
  const cookies = new Cookies(undefined, headers);
  assert.throws(() => cookies.set(name, value, options), expected);
  assert.deepEqual(headers.getSetCookie(), []);
}

describe("Cookies.set", () => {
  it("writes name and value alone where no option is given", () => {
    assert.deepEqual(setCookie("a", "1"), ["a=1"]);
  });

  it("writes every option", () => {
    const options: CookieOptions = {
      httpOnly: true,
      secure: true,
      sameSite: "none",
      maxAge: 3600,
      expires: new Date(Date.UTC(2020, 1, 3, 4, 5, 6)),
      path: "/shop",
      domain: "example.com",
      partitioned: true,
      priority: "high",
    };
    assert.deepEqual(setCookie("a", "1", options), [
      "a=1; Max-Age=3600; Domain=example.com; Path=/shop; Expires=Mon, 03 Feb 2020 04:05:06 GMT; HttpOnly; Secure; Partitioned; Priority=High; SameSite=None",
    ]);
  });

  it("leaves out what is false or undefined", () => {
    assert.deepEqual(
      setCookie("a", "1", {
        httpOnly: false,
        secure: false,
        partitioned: false,
        maxAge: undefined,
        path: undefined,
        sameSite: undefined,
      }),
      ["a=1"],
    );
  });

  it("encodes values so that reading gives them back", () => {
    const value = 'a;b,c d"e\\f=g%h€💥';
    const [line = ""] = setCookie("a", value);
    assert.match(line, /^a=[!-:<-~]+$/);
    assert.equal(new Cookies(line).get("a"), value);
  });

  it("takes the place of an earlier cookie with this name and leaves the others alone (C-2)", () => {
    const headers = new Headers();
    headers.append("Set-Cookie", "theme=dark; Path=/");
    headers.append("Set-Cookie", "aa=of the application");
    const cookies = new Cookies(undefined, headers);
    cookies.set("a", "1");
    cookies.set("a", "2", { path: "/" });
    headers.append("Set-Cookie", "last=1");
    cookies.set("a", "3");
    assert.deepEqual(headers.getSetCookie(), [
      "theme=dark; Path=/",
      "aa=of the application",
      "last=1",
      "a=3",
    ]);
  });

  it("refuses names outside the grammar (C-1)", () => {
    for (const name of [
      "",
      " ",
      "a b",
      "a=b",
      "a;b",
      "a,b",
      'a"b',
      "a(b)",
      "a@b",
      "a/b",
      "[a]",
      "{a}",
      ...[...CONTROLS, ...OUTSIDE_ASCII].map((char) => `a${char}b`),
    ]) {
      assertRefused(
        name,
        "1",
        {},
        { name: "TypeError", message: /^Invalid cookie name: expected / },
      );
    }
    for (const name of [undefined, null, 1, {}])
      assertRefused(name as string, "1", {}, { name: "TypeError" });
  });

  it("encodes what a value must not hold, and refuses what is no text (C-1)", () => {
    for (const char of [...CONTROLS, ...OUTSIDE_ASCII, ";", ",", " ", '"', "\\"]) {
      assert.deepEqual(setCookie("a", `x${char}y`), [`a=x${encodeURIComponent(char)}y`]);
    }
    for (const value of [undefined, null, 1, {}])
      assertRefused(
        "a",
        value as string,
        {},
        { name: "TypeError", message: /value is not a string/ },
      );
    assertRefused("a", "x\ud800y", {}, { name: "TypeError", message: /^Cannot set cookie a: / });
  });

  it("refuses a path, domain, sameSite and priority that would begin another attribute (C-1)", () => {
    const hostile = [";", "\r\n", ...CONTROLS, ...OUTSIDE_ASCII];
    for (const char of hostile) {
      assertRefused("a", "1", { path: `/x${char}y` }, { name: "TypeError" });
      assertRefused("a", "1", { domain: `x${char}.example` }, { name: "TypeError" });
      assertRefused("a", "1", { sameSite: `lax${char}` as "lax" }, { name: "TypeError" });
      assertRefused("a", "1", { priority: `low${char}` as "low" }, { name: "TypeError" });
    }
    for (const value of [1, {}, null, true]) {
      assertRefused("a", "1", { path: value as unknown as string }, { name: "TypeError" });
      assertRefused("a", "1", { domain: value as unknown as string }, { name: "TypeError" });
    }
  });

  it("refuses a path that does not begin with /", () => {
    for (const path of ["shop", "./", "*"])
      assertRefused(
        "a",
        "1",
        { path },
        { name: "TypeError", message: /path does not begin with \// },
      );
    assertRefused(
      "a",
      "1",
      { path: "" },
      { name: "TypeError", message: /^Invalid option cookie\.path: got an empty string/ },
    );
  });

  it("refuses lifetimes that are no whole seconds and dates that are none", () => {
    for (const maxAge of [1.5, Number.NaN])
      assertRefused(
        "a",
        "1",
        { maxAge },
        { name: "RangeError", message: /^Invalid option cookie\.maxAge: got / },
      );
    assertRefused(
      "a",
      "1",
      { maxAge: "60" as unknown as number },
      { name: "TypeError", message: /^Invalid option cookie\.maxAge: got a string/ },
    );
    for (const expires of [
      new Date(Number.NaN),
      "tomorrow" as unknown as Date,
      1 as unknown as Date,
    ]) {
      assertRefused(
        "a",
        "1",
        { expires },
        { name: "TypeError", message: /^Invalid option cookie\.expires: got .*, expected a Date$/ },
      );
    }
  });

  it("keeps 400 days and refuses more, in maxAge and in expires (C-5)", () => {
    assert.deepEqual(setCookie("a", "1", { maxAge: 400 * DAY }), ["a=1; Max-Age=34560000"]);
    assertRefused("a", "1", { maxAge: 400 * DAY + 1 }, { name: "RangeError", message: /400 days/ });
    const later = new Date(Date.now() + 401 * DAY * 1000);
    assert.equal(
      setCookie("a", "1", { expires: new Date(Date.now() + 399 * DAY * 1000) }).length,
      1,
    );
    assertRefused("a", "1", { expires: later }, { name: "RangeError", message: /400 days/ });
    assertRefused(
      "a",
      "1",
      { expires: later, maxAge: 60 },
      { name: "RangeError", message: /400 days/ },
    );
  });

  it("takes 4096 bytes in all and refuses 4097 (C-4)", () => {
    assert.equal(setCookie("a", "x".repeat(4094))[0]?.length, 4096);
    assertRefused(
      "a",
      "x".repeat(4095),
      {},
      { name: "RangeError", message: /4097 bytes, browsers keep 4096/ },
    );
    const withAttributes = "; Path=/; HttpOnly; Secure; SameSite=Lax";
    const options: CookieOptions = { path: "/", httpOnly: true, secure: true, sameSite: "lax" };
    assert.equal(
      setCookie("a", "x".repeat(4094 - withAttributes.length), options)[0]?.length,
      4096,
    );
    assertRefused("a", "x".repeat(4095 - withAttributes.length), options, { name: "RangeError" });
    // What is counted is what is sent: a euro sign is nine characters then.
    assertRefused("a", "€".repeat(456), {}, { name: "RangeError" });
  });

  it("takes 1024 bytes in an attribute and refuses 1025 (C-4)", () => {
    assert.equal(setCookie("a", "1", { path: `/${"x".repeat(1023)}` }).length, 1);
    assertRefused(
      "a",
      "1",
      { path: `/${"x".repeat(1024)}` },
      { name: "TypeError", message: /path has more than 1024 bytes/ },
    );
    const domain = `${"a.".repeat(510)}test`;
    assert.equal(domain.length, 1024);
    assert.equal(setCookie("a", "1", { domain }).length, 1);
    assertRefused(
      "a",
      "1",
      { domain: `b${domain}` },
      { name: "TypeError", message: /domain has more than 1024 bytes/ },
    );
  });

  it("holds the prefixes to their rules, whatever their case (C-11)", () => {
    const secure: CookieOptions = { secure: true };
    const host: CookieOptions = { secure: true, path: "/" };
    const allowed: [string, CookieOptions][] = [
      ["__Secure-a", secure],
      ["__Secure-a", { ...secure, domain: "example.com", path: "/x" }],
      ["__Host-a", host],
      ["__Http-a", { ...secure, httpOnly: true }],
      ["__Http-a", { ...secure, httpOnly: true, domain: "example.com" }],
      ["__Host-Http-a", { ...host, httpOnly: true }],
      ["__Hostess", {}],
      ["__Secure", {}],
      ["x__Host-a", {}],
    ];
    for (const [name, options] of allowed)
      assert.equal(setCookie(name, "1", options).length, 1, name);
    const refused: [string, CookieOptions][] = [
      ["__Secure-a", {}],
      ["__Host-a", { path: "/" }],
      ["__Host-a", secure],
      ["__Host-a", { ...secure, path: "/x" }],
      ["__Host-a", { ...host, domain: "example.com" }],
      ["__Http-a", { httpOnly: true }],
      ["__Http-a", secure],
      ["__Host-Http-a", host],
      ["__Host-Http-a", { ...secure, httpOnly: true }],
      ["__Host-Http-a", { ...host, httpOnly: true, domain: "example.com" }],
    ];
    for (const [name, options] of refused) {
      for (const spelling of [name, name.toLowerCase(), name.toUpperCase()])
        assertRefused(spelling, "1", options, { name: "TypeError", message: /its prefix needs/ });
    }
  });

  it("refuses SameSite=None and Partitioned without Secure, however they are spelled (C-15)", () => {
    for (const sameSite of ["none", "None", "NONE"] as "none"[]) {
      assertRefused(
        "a",
        "1",
        { sameSite },
        { name: "TypeError", message: /sameSite none needs secure/ },
      );
      assert.deepEqual(setCookie("a", "1", { sameSite, secure: true }), [
        "a=1; Secure; SameSite=None",
      ]);
    }
    assertRefused(
      "a",
      "1",
      { partitioned: true },
      { name: "TypeError", message: /partitioned needs secure/ },
    );
    assert.deepEqual(setCookie("a", "1", { partitioned: true, secure: true }), [
      "a=1; Secure; Partitioned",
    ]);
  });

  it("refuses every other sameSite, so that none is left out by mistake", () => {
    for (const sameSite of [false, true, "", "no", null, 0] as unknown as "lax"[])
      assertRefused(
        "a",
        "1",
        { sameSite },
        {
          name: "TypeError",
          message: /^Invalid option cookie\.sameSite: got .*, expected "strict", "lax" or "none"$/,
        },
      );
  });

  it("says that a response is wanted where there is none", () => {
    for (const act of [
      (): void => new Cookies("a=1").set("a", "2"),
      (): void => new Cookies().delete("a"),
    ]) {
      assert.throws(
        act,
        (error) =>
          error instanceof TypeError &&
          !(error instanceof HarpiaError) &&
          /new Cookies\(request, response\) is wanted/.test(error.message),
      );
    }
  });

  it("never shows a value in an error", () => {
    const secret = `secret${"x".repeat(5000)}`;
    for (const value of [secret, "secret\ud800"]) {
      assert.throws(
        () => setCookie("a", value),
        (error: Error) => !`${error.message}${String(error.cause)}`.includes("secret"),
      );
    }
  });
});

describe("Cookies.delete", () => {
  it("repeats the attributes, with no value and a time long past (SESS-02)", () => {
    const gone = "Max-Age=0";
    const past = "Expires=Thu, 01 Jan 1970 00:00:00 GMT";
    const expected: [CookieOptions, string][] = [
      [{}, `a=; ${gone}; ${past}`],
      [{ path: "/x" }, `a=; ${gone}; Path=/x; ${past}`],
      [{ domain: "example.com" }, `a=; ${gone}; Domain=example.com; ${past}`],
      [{ httpOnly: true }, `a=; ${gone}; ${past}; HttpOnly`],
      [{ secure: true }, `a=; ${gone}; ${past}; Secure`],
      [{ sameSite: "strict" }, `a=; ${gone}; ${past}; SameSite=Strict`],
      [{ sameSite: "lax" }, `a=; ${gone}; ${past}; SameSite=Lax`],
      [{ sameSite: "none", secure: true }, `a=; ${gone}; ${past}; Secure; SameSite=None`],
      [{ partitioned: true, secure: true }, `a=; ${gone}; ${past}; Secure; Partitioned`],
      [{ priority: "low" }, `a=; ${gone}; ${past}; Priority=Low`],
      [{ priority: "medium" }, `a=; ${gone}; ${past}; Priority=Medium`],
      [{ maxAge: 3600, expires: new Date(Date.now() + 1000) }, `a=; ${gone}; ${past}`],
    ];
    for (const [options, line] of expected) {
      const headers = new Headers();
      const cookies = new Cookies(undefined, headers);
      cookies.set("a", "1", options);
      cookies.delete("a", options);
      assert.deepEqual(headers.getSetCookie(), [line]);
    }
  });
});
