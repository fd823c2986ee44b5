// deviceOf with the parser that its page names, on what browsers really send and on what nobody's
// browser sends.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import Bowser from "bowser";
import * as fc from "fast-check";
import { deviceOf, type DeviceOptions } from "../src/device.ts";
import { Session } from "../src/session.ts";

const FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0";
const LABELS: [userAgent: string, label: string | undefined][] = [
  [FIREFOX, "Firefox on Windows"],
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    "Safari on iOS",
  ],
  [
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
    "Chrome on Android",
  ],
  [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
    "Microsoft Edge on Windows",
  ],
  [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
    "Safari on macOS",
  ],
  ["Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0", "Firefox on Linux"],
  ["curl/8.5.0", undefined],
];
const requestFrom = (userAgent?: string): Request =>
  new Request(
    "http://localhost",
    userAgent === undefined ? {} : { headers: { "user-agent": userAgent } },
  );
const nodeRequestFrom = (userAgent: string): { headers: Record<string, string> } => ({
  headers: { "user-agent": userAgent },
});

describe("deviceOf", () => {
  it("says in words which browser it is, and on what", () => {
    for (const [userAgent, label] of LABELS)
      assert.deepEqual(deviceOf(requestFrom(userAgent), { parser: Bowser }), label && { label });
    // As node has it.
    assert.deepEqual(deviceOf(nodeRequestFrom(FIREFOX), { parser: Bowser }), {
      label: "Firefox on Windows",
    });
  });

  it("keeps address and user agent only where they are asked for", () => {
    const device = deviceOf(requestFrom(FIREFOX), {
      parser: Bowser,
      ip: "192.0.2.7",
      keepUserAgent: true,
    });
    assert.deepEqual(device, { userAgent: FIREFOX, ip: "192.0.2.7", label: "Firefox on Windows" });
    assert.deepEqual(deviceOf(requestFrom(), { parser: Bowser, ip: "192.0.2.7" }), {
      ip: "192.0.2.7",
    });
    assert.equal(
      deviceOf(requestFrom(), { parser: Bowser, ip: undefined, keepUserAgent: true }),
      undefined,
    );
  });

  it("makes short, visible text of whatever is sent, and never fails for it", () => {
    const parts = fc.array(
      fc.oneof(
        fc.constantFrom(
          FIREFOX,
          "\u202e",
          "\u0000",
          "\u001b[31m",
          "\r\n",
          "\ud800",
          "<script>",
          "Mozilla/5.0 (",
          "x/",
          "👩‍👩‍👧",
        ),
        fc.string({ unit: "binary" }),
      ),
    );
    const property = fc.property(parts, fc.integer({ min: 1, max: 300 }), (texts, times) => {
      const sent = texts.join("").repeat(times);
      const device =
        deviceOf(nodeRequestFrom(sent), { parser: Bowser, ip: sent, keepUserAgent: true }) ?? {};
      for (const text of Object.values(device)) {
        assert.ok(text.length > 0 && text.length <= 512);
        assert.doesNotMatch(text, /\p{C}/u);
      }
      assert.ok((device.label ?? "").length <= 84);
    });
    fc.assert(property, { numRuns: 300 });
  });

  it("keeps nobody from signing in where the parser fails", () => {
    const parse = (): never => {
      throw new Error("a parser's mistake");
    };
    assert.equal(deviceOf(requestFrom(FIREFOX), { parser: { parse } }), undefined);
    assert.equal(deviceOf(requestFrom(FIREFOX), { parser: { parse: () => ({}) } }), undefined);
  });

  it("refuses options that make no sense", () => {
    const refused = (options: unknown): void => {
      // What a caller without types may pass.
      assert.throws(() => deviceOf(requestFrom(FIREFOX), options as DeviceOptions), TypeError);
    };
    for (const options of [undefined, {}, { parser: "bowser" }, { parser: Bowser, parsr: 1 }])
      refused(options);
  });

  it("is what a Session keeps of the device that signed in, and lists", async () => {
    const session = new Session<{ userId: string }>();
    const id = await session.create(
      { userId: "ada" },
      { device: deviceOf(requestFrom(FIREFOX), { parser: Bowser }) },
    );
    assert.deepEqual(
      (await session.list("ada", { current: id })).map(({ device }) => device),
      [{ label: "Firefox on Windows" }],
    );
  });
});
