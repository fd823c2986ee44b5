// What every candidate is asked to read: the same sessions, the same four kinds of Cookie header.

/**
 * The sessions that are signed in before measuring. So many that no single one stays in the
 * processor's caches.
 */
export const SESSIONS = 1000;

/** What a session holds: the fields of an ordinary login. */
export function dataOf(number) {
  return {
    userId: `user-${number}`,
    role: "editor",
    name: "Ada Lovelace",
    signedInAt: 1_700_000_000_000 + number,
  };
}

const OTHERS = [
  "_ga=GA1.1.1234567890.1700000000",
  "_gid=GA1.1.987654321.1700000000",
  "theme=dark",
  "lang=en-GB",
  "consent=necessary%2Cstatistics",
  "__stripe_mid=0f9f3a3c-6d8e-4c6e-9d3e-3f2b8c7b6a5d",
  "cart=eyJpdGVtcyI6M30",
  "ab_test=variant-b",
  "last_visit=2025-11-01T10%3A00%3A00.000Z",
];

/**
 * The Cookie headers of one case, one for each session; `undefined` is a request without cookies.
 *
 * `malformed` is a cookie with the right name and a value that the library never made.
 */
export function headersOf(name, cookies, cookieName) {
  switch (name) {
    case "one":
      return cookies.map(fromTheWire);
    case "ten":
      return cookies.map((cookie) =>
        fromTheWire([...OTHERS.slice(0, 5), cookie, ...OTHERS.slice(5)].join("; ")),
      );
    case "none":
      return cookies.map(() => undefined);
    case "malformed":
      return cookies.map((_, number) =>
        fromTheWire(`${cookieName}=!not-a-session-${String(number).padStart(16, "0")}`),
      );
    default:
      throw new TypeError(`Cannot make headers: there is no case ${name}`);
  }
}

/**
 * A text in one piece, as a parser makes it. What was put together of several pieces is slower to
 * read.
 */
function fromTheWire(text) {
  return Buffer.from(text, "latin1").toString("latin1");
}

export const CASES = ["one", "ten", "none", "malformed"];
