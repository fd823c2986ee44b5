// The list of sessions: paged by the store's cursor, and searched by user, handle or device. A page
// is a bounded look: what it did not get to, it says, and links to.
import { html, raw } from "hono/html";
import type { AllSessions, FoundSession } from "../../core/session/all-sessions.ts";
import type { Html, Page, Site } from "./page.ts";
import { listPath, sessionPath, userPath } from "./paths.ts";
import { deviceName, isLikeId, outsideText, plainText, timeText } from "./session-text.ts";

const PAGE = 50;
// Redis may give a page that is nearly empty: it is asked again, so often at most.
const MOST_LOOKS = 8;
// Looking for a device goes through sessions: so many in one page.
const SEARCHED = 2000;
const SEARCHED_AT_ONCE = 500;

/** What the list is asked for. */
export interface ListQuery {
  readonly by: string;
  readonly q: string;
  readonly cursor: string | undefined;
  /** The cursors of the pages before, the first page's left out. */
  readonly before: readonly string[];
}

interface Found<Data> {
  sessions: FoundSession<Data>[];
  cursor?: string | undefined;
  /** How many were looked at. */
  looked: number;
}

// An address holds so many cursors: whoever went further goes back to the first page.
const MOST_BEFORE = 20;

const WAYS = [
  ["user", "User"],
  ["handle", "Handle"],
  ["device", "Device"],
] as const;

/** The page that shows a list. */
export async function sessionsPage<Data>(
  site: Site,
  all: AllSessions<Data>,
  query: ListQuery,
  now: number,
): Promise<Page> {
  const q = query.q.trim();
  if (isLikeId(q, now)) return refusalOfId(site, query);
  const isSearch = query.by === "device" && q !== "";
  const found = await (isSearch ? search(all, q, query.cursor) : list(all, query.cursor));
  const back = listPath(
    { base: "" },
    {
      ...(isSearch && { by: query.by, q }),
      ...(query.cursor !== undefined && { cursor: query.cursor }),
    },
  );
  return {
    name: isSearch ? "Sessions by device" : "Sessions",
    section: "sessions",
    main: html`
      <h1>Sessions</h1>
      ${searchForm(site, query)}
      ${isSearch ? html`<p class="soft">${found.sessions.length === 0 ? "None" : found.sessions.length} of the ${found.looked} sessions looked at${found.cursor === undefined ? "" : ", and there are more"}. <a href="${site.base}/sessions">All sessions</a></p>` : ""}
      ${!isSearch && found.sessions.length === 0 ? html`<p class="empty">${found.cursor === undefined ? "There are no sessions here." : "None on this page."}</p>` : ""}
      ${sessionList(site, found.sessions, { now, back, isOfOneUser: false })}
      ${pager(site, query, isSearch ? q : undefined, found.cursor)}`,
  };
}

function refusalOfId(site: Site, query: ListQuery): Page {
  const why =
    "This looks like the id of a session. An id signs in whoever has it: keep it out of addresses and search fields, and look for the session by its user or handle.";
  return {
    name: "Sessions",
    section: "sessions",
    status: 400,
    main: html`<h1>Sessions</h1>${searchForm(site, { ...query, q: "" })}<p class="wrong" role="alert">${why}</p>`,
  };
}

/** How sessions stand in a list. */
export interface ListContext {
  readonly now: number;
  /** Where to go when one was ended: a path below the base. */
  readonly back: string;
  readonly isOfOneUser: boolean;
}

/** Sessions one below the other: rows on a desktop, cards on a phone. */
export function sessionList(
  site: Site,
  sessions: readonly FoundSession<unknown>[],
  { now, back, isOfOneUser }: ListContext,
): Html {
  if (sessions.length === 0) return html``;
  const item = (session: FoundSession<unknown>): Html => {
    const { handle, userId, device, lastSeenAt, createdAt, expiresAt } = session;
    const name = deviceName(session);
    return html`<li>
      <div class="who">
        ${isOfOneUser ? "" : userId === undefined ? html`<span class="soft">Nobody</span>` : html`<a href="${userPath(site, userId)}">${outsideText(userId)}</a>`}
        <a class="device" href="${sessionPath(site, handle)}">${outsideText(name)}</a>
        ${device?.ip ? html`<span class="soft">${outsideText(device.ip)}</span>` : ""}
      </div>
      <dl>
        <div><dt>Last seen</dt><dd>${timeText(lastSeenAt, now)}</dd></div>
        <div><dt>Signed in</dt><dd>${timeText(createdAt, now)}</dd></div>
        <div><dt>Ends</dt><dd>${timeText(expiresAt, now)}</dd></div>
      </dl>
      ${endForm(site, session, back)}
    </li>`;
  };
  return html`<ul class="sessions${raw(isOfOneUser ? " own" : "")}">${sessions.map(item)}</ul>`;
}

/** The button that ends one session. */
export function endForm(site: Site, session: FoundSession<unknown>, back: string): Html {
  const name = `${session.userId === undefined ? "nobody" : plainText(session.userId, 80)} on ${plainText(deviceName(session), 120)}`;
  return html`<form method="post" action="${site.base}/end" data-confirm="End the session of ${name}? Whoever uses it is signed out at once.">
    <input type="hidden" name="handle" value="${session.handle}">
    <input type="hidden" name="back" value="${back}">
    <button class="danger" aria-label="End the session of ${name}">End</button>
  </form>`;
}

function searchForm(site: Site, { by, q }: ListQuery): Html {
  return html`<form class="search" method="get" action="${site.base}/sessions" role="search">
    <div><label for="by">Search by</label>
      <select id="by" name="by">${WAYS.map(([value, name]) => html`<option value="${value}" ${value === by ? raw("selected") : ""}>${name}</option>`)}</select></div>
    <div class="grow"><label for="q">For</label>
      <input id="q" name="q" type="search" value="${q}" maxlength="400" autocomplete="off" aria-describedby="q-hint"></div>
    <button>Search</button>
    <p class="hint" id="q-hint">A user's id or a handle exactly as it is, upper and lower case; or any part of a device's name or address.</p>
  </form>`;
}

function pager(
  site: Site,
  { cursor, by, before }: ListQuery,
  q: string | undefined,
  next: string | undefined,
): Html {
  const search: Record<string, string> = q === undefined ? {} : { by, q };
  const passed = [...before, ...(cursor === undefined ? [] : [cursor])].slice(-MOST_BEFORE);
  const [previous, ...earlier] = before.toReversed();
  const back = { ...search, ...(previous !== undefined && { cursor: previous }) };
  if (cursor === undefined && next === undefined) return html``;
  return html`<nav class="pager" aria-label="More sessions">
    ${cursor === undefined ? "" : html`<a class="button quiet" href="${listPath(site, search)}">First page</a>`}
    ${cursor === undefined ? "" : html`<a class="button quiet" rel="prev" href="${listPath(site, back, earlier.toReversed())}">Previous page</a>`}
    ${next === undefined ? "" : html`<a class="button quiet" rel="next" href="${listPath(site, { ...search, cursor: next }, passed)}">${q === undefined ? "Next page" : "Look further"}</a>`}
  </nav>`;
}

async function list<Data>(all: AllSessions<Data>, from: string | undefined): Promise<Found<Data>> {
  const sessions: FoundSession<Data>[] = [];
  let cursor = from;
  for (let look = 0; look < MOST_LOOKS && sessions.length < PAGE / 2; look++) {
    const page = await all.scan(cursor, { limit: PAGE });
    sessions.push(...page.sessions);
    cursor = page.cursor;
    if (cursor === undefined) break;
  }
  // A store pages in an order of its own: what was used last comes first on each page.
  sessions.sort((one, other) => other.lastSeenAt - one.lastSeenAt);
  return { sessions, cursor, looked: sessions.length };
}

async function search<Data>(
  all: AllSessions<Data>,
  q: string,
  from: string | undefined,
): Promise<Found<Data>> {
  const wanted = q.toLowerCase();
  const isWanted = ({ device }: FoundSession<Data>): boolean =>
    [device?.label, device?.userAgent, device?.ip].some(
      (value) => typeof value === "string" && value.toLowerCase().includes(wanted),
    );
  const found: Found<Data> = { sessions: [], cursor: from, looked: 0 };
  for (
    let look = 0;
    look < 2 * MOST_LOOKS && found.looked < SEARCHED && found.sessions.length < PAGE;
    look++
  ) {
    const page = await all.scan(found.cursor, { limit: SEARCHED_AT_ONCE });
    found.looked += page.sessions.length;
    found.sessions.push(...page.sessions.filter(isWanted));
    found.cursor = page.cursor;
    if (page.cursor === undefined) break;
  }
  return found;
}
