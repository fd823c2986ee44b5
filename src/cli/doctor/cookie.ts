// What the doctor says about a Session: its cookie and its limits, as `session.policy` has them.
import type { SessionPolicy } from "../../core/session/policy.ts";
import { advice, fault, type Finding, ok } from "./findings.ts";

const DAY = 86_400;
// NIST SP 800-63B-4, AAL1.
const LONGEST = 30 * DAY;

export function examinePolicy({
  cookie,
  idleTimeout,
  absoluteTimeout,
  transport,
  store,
}: SessionPolicy): Finding[] {
  const findings = [
    ...(transport === "cookie" ? cookieFindings(cookie) : []),
    idleTimeout === false
      ? advice(
          "idle limit",
          "none: a forgotten browser stays signed in until the absolute limit",
          "idleTimeout: 86400",
        )
      : ok("idle limit", days(idleTimeout)),
    absoluteTimeout > LONGEST
      ? advice(
          "absolute limit",
          `${days(absoluteTimeout)}, more than NIST SP 800-63B-4 allows`,
          "absoluteTimeout: 2592000, 30 days",
        )
      : ok("absolute limit", days(absoluteTimeout)),
  ];
  if (store === "MemoryStore")
    findings.push(
      advice(
        "store",
        "the memory of one process: a restart signs everybody out, and two processes do not share it",
        "harpiats/stores/open",
      ),
    );
  return findings;
}

function cookieFindings(cookie: SessionPolicy["cookie"]): Finding[] {
  const { name, secure, httpOnly, sameSite, domain, path } = cookie;
  const isHostOnly = secure === true && domain === undefined && path === "/";
  return [
    secure === true
      ? ok("cookie's Secure", "set")
      : fault(
          "cookie's Secure",
          "not set: the session goes over http:// in the clear",
          "take secure: false from the options, at least in production",
        ),
    httpOnly === true
      ? ok("cookie's HttpOnly", "set")
      : fault(
          "cookie's HttpOnly",
          "not set: any script in a page can read the session's id",
          "take httpOnly: false from the options",
        ),
    sameSiteFinding(String(sameSite).toLowerCase()),
    domain === undefined
      ? ok("cookie's Domain", "this host alone")
      : advice(
          "cookie's Domain",
          `${domain}: every host below it gets the session's id, and can set another`,
          "take domain from the options",
        ),
    ...(isHostOnly && !/^__Host-/i.test(name)
      ? [
          advice(
            "cookie's name",
            `${name}: another host of this domain can set a cookie of this name`,
            `cookieName: "__Host-${name}"`,
          ),
        ]
      : []),
  ];
}

function sameSiteFinding(sameSite: string): Finding {
  if (sameSite === "lax" || sameSite === "strict") return ok("cookie's SameSite", sameSite);
  return advice(
    "cookie's SameSite",
    `${sameSite}: other sites' forms carry the session`,
    'sameSite: "lax", or harpiats/csrf on every route that changes something',
  );
}

function days(seconds: number): string {
  return seconds % DAY === 0 ? `${seconds / DAY} d` : `${Math.round(seconds / 36) / 100} h`;
}
