// Which requests another site has made the browser send, by what browsers say of them (Fetch
// Metadata, Origin). The algorithm is that of Go 1.25's CrossOriginProtection. Decides nothing
// about sessions.
import { kindOf } from "../checks.ts";
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

const SAFE_METHODS = ["GET", "HEAD", "OPTIONS"];

/**
 * Makes a check that answers why a request is to be refused, or `undefined` for one that may pass.
 *
 * Content type and method overrides decide nothing: a request is what its method says.
 *
 * @throws TypeError for an origin that no browser sends, or a path that does not begin with `/`.
 */
export function crossSiteCheck(options: CrossSiteOptions = {}): CrossSiteCheck {
  const { trustedOrigins = [], bypassPaths = [] } = options;
  for (const origin of trustedOrigins) assertOrigin(origin);
  for (const path of bypassPaths)
    if (!path.startsWith("/") || /[?#]/.test(path))
      throw new TypeError(`Cannot bypass ${path}: a path from / without ? and # is wanted`);
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

function assertOrigin(origin: string): void {
  if (typeof origin !== "string")
    throw new TypeError(`Cannot trust this origin: it is ${kindOf(origin)}, a string is wanted`);
  if (!URL.canParse(origin) || new URL(origin).origin !== origin)
    throw new TypeError(
      `Cannot trust origin ${origin}: scheme, host and port as browsers send them are wanted, such as https://example.com`,
    );
}
