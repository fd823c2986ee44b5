// Refuses forms that another site sends in a visitor's name (cross-site request forgery): the algorithm of Go 1.25's
// CrossOriginProtection. What cannot come from a browser passes: it carries no visitor's cookie by itself.
import type { Request } from "harpiats";

const SAFE = ["GET", "HEAD", "OPTIONS"];

/** Whether a request may change something. */
export function isSameOrigin(req: Request): boolean {
  if (SAFE.includes(req.method)) return true;
  const site = req.headers.get("sec-fetch-site");
  if (site !== null) return site === "same-origin" || site === "none";
  const origin = req.headers.get("origin");
  return origin === null || hostOf(origin) === req.headers.get("host");
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
