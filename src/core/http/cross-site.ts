// Which requests another site has made the browser send, by what browsers say of them (Fetch
// Metadata, Origin). The algorithm is that of Go 1.25's CrossOriginProtection. Decides nothing
// about sessions.
import { assertOptions, type Check, invalid, type Shape } from "../checks.ts";
import { headerOf, type RequestLike } from "./http-messages.ts";

/** Which cross-site requests are wanted all the same. */
export interface CrossSiteOptions {
  /**
   * Origins that may send anything, each exactly as a browser sends it:
   * `https://accounts.example.com`.
   */
  trustedOrigins?: readonly string[] | undefined;
  /**
   * Paths that anybody may send to, such as a webhook's. Each matches itself exactly, and nothing
   * beside or below it.
   */
  bypassPaths?: readonly string[] | undefined;
}

/** Why a request was refused. */
export type CrossSiteRefusal = "sec-fetch-site" | "origin";

/** What of a request is looked at beside its headers. */
export interface CheckedRequest {
  readonly method?: string | undefined;
  /** As the client sent it: a path, or a whole URL. */
  readonly url?: string | undefined;
}

/**
 * @param about where the method and the URL are not on the request itself.
 * @returns why the request is to be refused, or `undefined`.
 */
export type CrossSiteCheck = (
  req: RequestLike,
  about?: CheckedRequest,
) => CrossSiteRefusal | undefined;

/** A list of origins, each exactly as a browser sends it. */
export const origins: Check = listOf(
  isOrigin,
  "scheme, host and port as browsers send them, such as https://example.com, without * and a final /",
);

const OPTIONS = {
  trustedOrigins: origins,
  bypassPaths: listOf(isPath, "a path from /, as browsers send it, without *, ? and #"),
} satisfies Shape;
const SAFE_METHODS = ["GET", "HEAD", "OPTIONS"];

/**
 * Makes a check that answers why a request is to be refused, or `undefined` for one that may pass.
 *
 * Content type and method overrides decide nothing: a request is what its method says.
 *
 * @throws TypeError for an origin that no browser sends, or a path that does not begin with `/`.
 */
export function crossSiteCheck(options: CrossSiteOptions = {}): CrossSiteCheck {
  assertOptions("crossSiteCheck", options, OPTIONS);
  const { trustedOrigins = [], bypassPaths = [] } = options;
  const trusted = new Set(trustedOrigins);
  const bypassed = new Set(bypassPaths);

  return (req, { method = "", url = "" } = req as CheckedRequest) => {
    if (SAFE_METHODS.includes(method)) return undefined;
    const refusal = refusalOf(req, url);
    if (
      refusal === undefined ||
      bypassed.has(pathOf(url)) ||
      trusted.has(headerOf(req, "origin") ?? "")
    )
      return undefined;
    return refusal;
  };
}

function refusalOf(req: RequestLike, url: string): CrossSiteRefusal | undefined {
  const site = headerOf(req, "sec-fetch-site");
  if (site === "same-origin" || site === "none") return undefined;
  if (site) return "sec-fetch-site";
  const origin = headerOf(req, "origin");
  // An old browser sends Origin with every unsafe cross-site request; what sends neither is no
  // browser.
  if (!origin) return undefined;
  const host = headerOf(req, "host") ?? headerOf(req, ":authority") ?? hostOf(url);
  return host !== undefined && hostOf(origin) === host ? undefined : "origin";
}

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined;
}

function pathOf(url: string): string {
  const path = /^[a-z]+:\/\/[^/?#]*([^?#]*)/i.exec(url)?.[1] ?? url.split(/[?#]/)[0] ?? "";
  return path === "" ? "/" : path;
}

function isOrigin(origin: string): boolean {
  // A browser takes * for a part of a name, but no server has one, so it would match nothing.
  if (!URL.canParse(origin) || origin.includes("*")) return false;
  // An application's own scheme, such as capacitor://localhost, has no origin by the URL standard, and browsers send it all the same.
  const { origin: own, protocol } = new URL(origin);
  return (
    own === origin ||
    (own === "null" &&
      protocol !== "file:" &&
      /^[a-z][a-z0-9+.-]*:\/\/[\w.-]+(?::\d+)?$/.test(origin))
  );
}

function isPath(path: string): boolean {
  return (
    path.startsWith("/") &&
    !/[*?#]/.test(path) &&
    URL.canParse(path, "http://localhost") &&
    new URL(path, "http://localhost").pathname === path
  );
}

/** A list of texts of a form. These are no secrets, and a wrong one is hard to find unseen. */
function listOf(isValid: (text: string) => boolean, expected: string): Check {
  return (name, value) => {
    if (!Array.isArray(value)) invalid(name, value, `a list, each ${expected}`);
    for (const [at, each] of (value as unknown[]).entries()) {
      if (typeof each !== "string") invalid(`${name}[${at}]`, each, expected);
      if (!isValid(each))
        throw new TypeError(
          `Invalid option ${name}[${at}]: got ${JSON.stringify(each)}, expected ${expected}`,
        );
    }
  };
}
