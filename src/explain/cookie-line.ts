// A Set-Cookie line, and why browsers would not keep it (RFC 6265bis 5.7). Works for lines that
// somebody else wrote: ours are refused before they are sent. Says nothing of their values.
import type { CookieOptions } from "../core/http/cookies.ts";
import { isLoopback, type RequestFacts } from "./request-facts.ts";

/** The attributes of a Set-Cookie line that decide whether browsers keep and send the cookie. */
export interface CookieLine {
  /** Of name and value together. */
  readonly bytes: number;
  readonly isSecure: boolean;
  readonly isHttpOnly: boolean;
  readonly isPartitioned: boolean;
  readonly isDeletion: boolean;
  /** Absent counts as `lax`, as Chrome has it. */
  readonly sameSite: string;
  readonly path: string | undefined;
  /** Without a dot before it. */
  readonly domain: string | undefined;
}

/** Why browsers refuse a cookie. */
export type CookieRefusal =
  | "too-large"
  | "prefix"
  | "same-site-none"
  | "partitioned"
  | "secure-on-http"
  | "domain"
  | "cross-site";

const LARGEST = 4096;

/** Reads a Set-Cookie line. */
export function parseCookieLine(line: string): CookieLine {
  const [pair = "", ...rest] = line.split(";");
  const attributes = new Map(
    rest.map((text) => [
      text.split("=")[0]?.trim().toLowerCase(),
      text.split("=").slice(1).join("=").trim(),
    ]),
  );
  const expires = attributes.get("expires");
  const maxAge = attributes.get("max-age");
  return {
    bytes: Buffer.byteLength(pair.replace("=", "").trim()),
    isSecure: attributes.has("secure"),
    isHttpOnly: attributes.has("httponly"),
    isPartitioned: attributes.has("partitioned"),
    isDeletion:
      maxAge === undefined
        ? expires !== undefined && Date.parse(expires) <= Date.now()
        : Number(maxAge) <= 0,
    sameSite: attributes.get("samesite")?.toLowerCase() || "lax",
    path: attributes.get("path"),
    domain: attributes.get("domain")?.replace(/^\./, "").toLowerCase() || undefined,
  };
}

/** The same of a `Session`'s own cookie, as its policy has it. */
export function cookieLineOf({
  secure = false,
  httpOnly = false,
  partitioned = false,
  sameSite = "lax",
  path,
  domain,
}: CookieOptions): CookieLine {
  return {
    bytes: 0,
    isSecure: secure,
    isHttpOnly: httpOnly,
    isPartitioned: partitioned,
    isDeletion: false,
    sameSite,
    path,
    domain: domain?.replace(/^\./, "").toLowerCase(),
  };
}

/**
 * Why browsers would not keep this cookie in the answer to this request, in words; `undefined`
 * where they would.
 */
export function refusalOfLine(
  name: string,
  line: CookieLine,
  request: RequestFacts,
): { cause: CookieRefusal; message: string } | undefined {
  if (line.bytes > LARGEST)
    return {
      cause: "too-large",
      message: `Its name and value have ${line.bytes} bytes: browsers keep ${LARGEST}.`,
    };
  const prefix = brokenPrefix(name, line);
  if (prefix !== undefined)
    return { cause: "prefix", message: `The prefix of its name needs ${prefix}.` };
  if (line.sameSite === "none" && !line.isSecure)
    return { cause: "same-site-none", message: "SameSite=None needs Secure." };
  if (line.isPartitioned && !line.isSecure)
    return { cause: "partitioned", message: "Partitioned needs Secure." };
  if (line.isSecure && isUnsafe(request))
    return { cause: "secure-on-http", message: SECURE_ON_HTTP };
  if (!coversHost(line, request))
    return {
      cause: "domain",
      message: `Its Domain, ${String(line.domain)}, does not cover the host of this request, ${String(request.host)}.`,
    };
  if (line.sameSite !== "none" && request.site === "cross-site" && request.mode !== "navigate") {
    return {
      cause: "cross-site",
      message: `A page of another site sent this request, in the background: browsers take no SameSite=${toTitle(line.sameSite)} cookie from the answer. SameSite=None with Secure is for that.`,
    };
  }
  return undefined;
}

export const SECURE_ON_HTTP =
  "It is Secure, and this request came over plain http, to a host that is not localhost: browsers neither keep nor send it there. Use https; a proxy that ends it in front has to say so (X-Forwarded-Proto), or it cannot be seen here. In development alone: cookie: { secure: false }.";

/** Whether the connection is plain http and not to this machine, as far as that is known. */
export function isUnsafe({ scheme, host }: RequestFacts): boolean {
  return scheme === "http" && host !== undefined && !isLoopback(host);
}

/** Whether the cookie is for this host, as far as that is known. */
export function coversHost({ domain }: CookieLine, { host }: RequestFacts): boolean {
  return (
    domain === undefined || host === undefined || host === domain || host.endsWith(`.${domain}`)
  );
}

/** Whether the cookie is for this path, as far as that is known (RFC 6265bis 5.1.4). */
export function coversPath({ path }: CookieLine, request: RequestFacts): boolean {
  if (path === undefined || request.path === undefined || path === request.path) return true;
  return request.path.startsWith(path.endsWith("/") ? path : `${path}/`);
}

/** As it stands in a header: `Lax`. */
export function toTitle(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function brokenPrefix(name: string, line: CookieLine): string | undefined {
  const prefix = /^__(host-http|host|http|secure)-/i.exec(name)?.[1]?.toLowerCase();
  if (prefix === undefined) return undefined;
  if (!line.isSecure) return "Secure";
  if (prefix.includes("http") && !line.isHttpOnly) return "HttpOnly";
  return prefix.startsWith("host") && (line.domain !== undefined || line.path !== "/")
    ? "Path=/ and no Domain"
    : undefined;
}
