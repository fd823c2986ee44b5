// What an id tells before any store is asked, held against slow and plain ways to the same answer.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { birthOf, toStoreKey } from "../../../src/core/ids/session-id.ts";

const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

function idOf(birth: number): string {
  const bytes = randomBytes(24);
  bytes.writeUInt32BE(birth);
  return bytes.toString("base64url");
}

describe("birthOf", () => {
  it("is the first four bytes of an id, to the last second that they can hold", () => {
    const births = [
      0,
      1,
      255,
      256,
      65_535,
      65_536,
      1_700_000_000,
      2 ** 31 - 1,
      2 ** 31,
      2 ** 32 - 1,
    ];
    for (const birth of births) assert.equal(birthOf(idOf(birth)), birth);
    for (let turn = 0; turn < 1000; turn++) {
      const id = randomBytes(24).toString("base64url");
      assert.equal(birthOf(id), Buffer.from(id, "base64url").readUInt32BE());
    }
  });

  it("is -1 for any character outside base64url, wherever it stands", () => {
    const id = idOf(1_700_000_000);
    // 321 is an A to whoever looks at seven bits alone, and 193 too.
    const others = [...Array.from({ length: 256 }, (_, code) => code), 321, 0x1041, 0xffff].filter(
      (code) => !BASE64URL.includes(String.fromCharCode(code)),
    );
    for (let at = 0; at < id.length; at++) {
      for (const code of others)
        assert.equal(
          birthOf(id.slice(0, at) + String.fromCharCode(code) + id.slice(at + 1)),
          -1,
          `${code} at ${at}`,
        );
    }
  });

  it("is -1 for any other length, and for what is no text", () => {
    const id = idOf(1_700_000_000);
    for (const other of [
      "",
      id.slice(1),
      `${id}A`,
      id + id,
      undefined,
      null,
      32,
      {},
      [id],
      new String(id),
    ])
      assert.equal(birthOf(other), -1);
  });
});

describe("toStoreKey", () => {
  it("is the birth in hex, a dot, and the SHA-256 of the id in base64url", () => {
    for (const birth of [0, 1, 255, 1_700_000_000, 2 ** 31, 2 ** 32 - 1]) {
      const id = idOf(birth);
      assert.equal(
        toStoreKey(id),
        `${birth.toString(16).padStart(8, "0")}.${createHash("sha256").update(id).digest("base64url")}`,
      );
    }
  });

  it("sorts behind every birth for a name that is no id", () => {
    assert.equal(
      toStoreKey("session123"),
      `ffffffff.${createHash("sha256").update("session123").digest("base64url")}`,
    );
  });
});
