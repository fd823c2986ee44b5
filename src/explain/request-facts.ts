// What a request says of the connection it came over and of the page that sent it. It believes
// headers that anybody could have made up, so what is read here explains and decides nothing.
import { headerOf, type RequestLike } from "../core/http/http-messages.ts";

/** What is known of a request, as far as it says. */
export interface RequestFacts {
  /** As the browser spoke it, where a proxy in front tells: else as it came here. */
  readonly scheme: "http" | "https" | undefined;
  /** Without the port. */
  readonly host: string | undefined;
  readonly path: string | undefined;
  readonly method: string | undefined;
  /** Where the page is that sent it, seen from here; `none`: the user typed the address. */
  readonly site: "same-origin" | "same-site" | "cross-site" | "none" | undefined;
  /** `navigate` for a page, `cors` for fetch and XMLHttpRequest. */
  readonly mode: string | undefined;
}

interface Raw {
  readonly url?: unknown;
  readonly originalUrl?: unknown;
  readonly method?: unknown;
  readonly socket?: { readonly encrypted?: unknown } | null;
  readonly raw?: unknown;
  readonly req?: unknown;
  readonly request?: unknown;
}

// Contexts hold requests, and those hold node's or fetch's: no framework goes deeper.
const DEEPEST = 4;
const SITES = ["same-origin", "same-site", "cross-site", "none"] as const;

/** Reads a request of any framework. */
export function requestFacts(req: RequestLike): RequestFacts {
  const layers = layersOf(req);
  const url = firstText(layers, "originalUrl") ?? firstText(layers, "url");
  // A whole URL in fetch, a path in node.
  const parsed =
    url !== undefined && /^https?:/i.test(url) && URL.canParse(url) ? new URL(url) : undefined;
  const hostHeader =
    firstOf(headerOf(req, "x-forwarded-host")) ??
    headerOf(req, "host") ??
    headerOf(req, ":authority") ??
    parsed?.host;
  const scheme =
    firstOf(headerOf(req, "x-forwarded-proto")) ??
    headerOf(req, ":scheme") ??
    parsed?.protocol.slice(0, -1) ??
    schemeOfSocket(layers);
  return {
    scheme: scheme === "http" || scheme === "https" ? scheme : undefined,
    host: hostHeader === undefined ? undefined : withoutPort(hostHeader).toLowerCase(),
    path: parsed?.pathname ?? url?.split(/[?#]/)[0],
    method: firstText(layers, "method"),
    site: siteOf(req, hostHeader),
    mode: headerOf(req, "sec-fetch-mode"),
  };
}

/**
 * Whether browsers take plain http to this host for safe: Chrome and Firefox do, Safari does not.
 */
export function isLoopback(host: string): boolean {
  return /^(.+\.)?localhost$/.test(host) || /^127(\.\d+){3}$/.test(host) || host === "[::1]";
}

function siteOf(req: RequestLike, host: string | undefined): RequestFacts["site"] {
  const site = headerOf(req, "sec-fetch-site");
  if (site) return SITES.find((one) => one === site);
  const origin = headerOf(req, "origin");
  // Browsers say Sec-Fetch-Site over https and to localhost only; Origin says nearly the same.
  if (!origin || host === undefined) return undefined;
  const from = URL.canParse(origin) ? new URL(origin).host : "";
  if (from === host) return "same-origin";
  return siteName(from) === siteName(host) ? "same-site" : "cross-site";
}

/** Which names are public suffixes is not known here: two labels are the site, nearly always. */
function siteName(host: string): string {
  const name = withoutPort(host);
  return /^[\d.]+$|^\[/.test(name) ? name : name.split(".").slice(-2).join(".");
}

function withoutPort(host: string): string {
  return host.replace(/:\d+$/, "");
}

/** Of several proxies the first spoke with the browser. */
function firstOf(list: string | undefined): string | undefined {
  return list?.split(",")[0]?.trim().toLowerCase() || undefined;
}

/** The request, what it wraps, and so on. */
function layersOf(req: unknown, depth = 0): Raw[] {
  if (typeof req !== "object" || req === null || depth > DEEPEST) return [];
  const layer = req as Raw;
  const inner = [layer.raw, layer.req, layer.request].find(
    (one) => typeof one === "object" && one !== null && one !== req,
  );
  return [layer, ...layersOf(inner, depth + 1)];
}

function firstText(
  layers: readonly Raw[],
  name: "url" | "originalUrl" | "method",
): string | undefined {
  return layers.map((layer) => layer[name]).find((value) => typeof value === "string");
}

function schemeOfSocket(layers: readonly Raw[]): string | undefined {
  const socket = layers
    .map((layer) => layer.socket)
    .find((one) => typeof one === "object" && one !== null);
  return socket && (socket.encrypted ? "https" : "http");
}
