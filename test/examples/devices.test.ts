// The component for the page of one's own devices, as it is copied: order, what it says, and what
// it lets nobody say.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { devicesList } from "../../examples/components/devices.ts";
import type { ListedSession } from "../../src/session.ts";

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 10, 23, 12);
const options = { now: NOW, signOutAction: "/out", signOutElsewhereAction: "/out-elsewhere" };

function listed(
  handle: string,
  hoursAgo: number,
  rest: Partial<ListedSession> = {},
): ListedSession {
  const lastSeenAt = NOW - hoursAgo * HOUR;
  return {
    handle,
    isCurrent: false,
    createdAt: lastSeenAt - HOUR,
    lastSeenAt,
    expiresAt: NOW + HOUR,
    endsAt: NOW + HOUR,
    ...rest,
  };
}

describe("devicesList", () => {
  it("lists this device first, then by last use, and signs out all but this one", async () => {
    const text = String(
      await devicesList(
        [
          listed("a", 50),
          listed("b", 2, { device: { label: "Firefox on Windows", ip: "192.0.2.1" } }),
          listed("c", 5, { isCurrent: true, device: { label: "Safari on iOS" } }),
        ],
        options,
      ),
    );
    assert.deepEqual(
      [...text.matchAll(/<bdi>([^<]*)<\/bdi> (?:<span[^>]*>([^<]*))?/g)].map(([, name, here]) => [
        name,
        here,
      ]),
      [
        ["Safari on iOS", "This device"],
        ["Firefox on Windows", undefined],
        ["Unknown device", undefined],
      ],
    );
    assert.deepEqual(
      [...text.matchAll(/name="handle" value="(\w)"/g)].map(([, handle]) => handle),
      ["b", "a"],
    );
    assert.match(text, /Last seen <time [^>]*>2 hours ago<\/time> · <bdi>192\.0\.2\.1<\/bdi>/);
    assert.match(text, /Last seen <time [^>]*>2 days ago/);
    assert.match(text, /action="\/out-elsewhere"/);
  });

  it("offers no other sign-out where there is no other device", async () => {
    const text = String(await devicesList([listed("a", 0, { isCurrent: true })], options));
    assert.doesNotMatch(text, /<form/);
  });

  it("shows a place in the stead of the address, and escapes whatever devices say", async () => {
    const hostile = `"><script>alert(1)</script>`;
    const text = String(
      await devicesList([listed(hostile, 1, { device: { label: hostile, ip: "192.0.2.1" } })], {
        ...options,
        placeOf: () => hostile,
      }),
    );
    assert.doesNotMatch(text, /<script|192\.0\.2\.1/);
  });
});
