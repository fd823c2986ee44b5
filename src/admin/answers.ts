// What every answer of the admin pages has in common: kept by nobody, framed by nobody, running no
// script but the pages' own.
import { framePage, type Page, type Site } from "./pages/page.ts";

const HEADERS = {
  "cache-control": "no-store",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  // Not no-referrer: forms would say that they come from nowhere.
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/**
 * A page. Only the script with this answer's nonce runs in it: not even one that a visitor has
 * uploaded to the same host.
 */
export async function pageAnswer(site: Site, page: Page): Promise<Response> {
  const nonce = crypto.randomUUID();
  const policy = `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`;
  const headers = {
    ...HEADERS,
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": policy,
  };
  return new Response(await framePage(site, page, nonce), { status: page.status ?? 200, headers });
}

/** A file of ours: style, script, icon. */
export function fileAnswer([type, text]: readonly [type: string, text: string]): Response {
  return new Response(text, {
    headers: { ...HEADERS, "content-type": type, "content-security-policy": "default-src 'none'" },
  });
}

/** A chart. Its letters have inline styles: allowed in this image alone, in which nothing runs. */
export function chartAnswer(svg: string): Response {
  return new Response(svg, {
    headers: {
      ...HEADERS,
      "content-type": "image/svg+xml",
      "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    },
  });
}

/** On to another page, after a form. */
export function redirectAnswer(location: string): Response {
  return new Response(null, { status: 303, headers: { ...HEADERS, location } });
}

/** A refusal for whoever may not see a page. */
export function textAnswer(
  status: number,
  text: string,
  headers: Record<string, string> = {},
): Response {
  return new Response(text, {
    status,
    headers: {
      ...HEADERS,
      "content-type": "text/plain",
      "content-security-policy": "default-src 'none'",
      ...headers,
    },
  });
}
