// The frame of every page: head, navigation, notice. Every value is escaped by `html`; nothing here
// asks a store.
import { html, raw } from "hono/html";

/** A piece of a page. */
export type Html = ReturnType<typeof html>;

/** What every page needs to know of where it stands. */
export interface Site {
  /** The path before all links, without a slash at its end. */
  readonly base: string;
  readonly title: string;
  /** Whether to offer "End everything": a three-method store cannot end all sessions. */
  readonly canEndEverything: boolean;
}

/** The mark beside the title: a wing. */
export const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" fill="none" stroke="currentColor" stroke-width="2.5" stroke-linecap="round" stroke-linejoin="round" color="#0b8f74"><path d="M4 24C10 24 13 21 15 16C17 11 21 7 28 6C28 16 22 26 4 24Z"/><path d="M13 20C18 19 22 16 25 11"/></svg>`;

export type Section = "overview" | "sessions" | "everything";

/** One page: its name, the section of the navigation it belongs to, and what it shows. */
export interface Page {
  readonly name: string;
  readonly section?: Section | undefined;
  /** What has just been done. */
  readonly notice?: string | undefined;
  readonly status?: number | undefined;
  readonly main: Html;
}

/**
 * The whole page as text. The script has the nonce of the Content-Security-Policy, so that no other
 * one runs.
 */
export async function framePage(site: Site, page: Page, nonce: string): Promise<string> {
  const { base } = site;
  const link = (section: Section, path: string, name: string): Html =>
    html`<li><a href="${base}${path}" ${page.section === section ? raw('aria-current="page"') : ""}>${name}</a></li>`;
  return String(
    await html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <meta name="robots" content="noindex">
    <title>${page.name} · ${site.title}</title>
    <link rel="icon" href="${base}/icon.svg" type="image/svg+xml">
    <link rel="stylesheet" href="${base}/admin.css">
    ${scriptTag(base, nonce)}
  </head>
  <body>
    <a class="skip" href="#main">Skip to the content</a>
    <header>
      <a class="brand" href="${base}/">${raw(ICON.replace("<svg", '<svg aria-hidden="true"').replace(' color="#0b8f74"', ""))} <bdi>${site.title}</bdi></a>
      <nav aria-label="Pages"><ul>
        ${link("overview", "/", "Overview")}
        ${link("sessions", "/sessions", "Sessions")}
        ${site.canEndEverything ? link("everything", "/end-everything", "End everything") : ""}
      </ul></nav>
    </header>
    <main id="main" tabindex="-1">
      ${page.notice === undefined ? "" : html`<p class="notice" role="status">${page.notice}</p>`}
      ${page.main}
    </main>
  </body>
</html>
`,
  );
}

// Neither holds anything to escape; and bundlers make of a tagged template with this end tag in it
// a call of a package that is not there.
function scriptTag(base: string, nonce: string): Html {
  return raw(`<script src="${base}/admin.js" nonce="${nonce}" defer></script>`);
}

/** A page that says what went wrong, in words for the operator. */
export function messagePage(status: number, name: string, text: string): Page {
  return { name, status, main: html`<h1>${name}</h1><p>${text}</p>` };
}
