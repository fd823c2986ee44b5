// The pages of one session, of one user's sessions, and the one that ends everything.
import { html, raw } from "hono/html";
import type { AllSessions } from "../../core/session/all-sessions.ts";
import { type Html, messagePage, type Page, type Site } from "./page.ts";
import { userPath } from "./paths.ts";
import {
  cutText,
  deviceName,
  isLikeId,
  outsideText,
  plainText,
  shownData,
  timeText,
} from "./session-text.ts";
import { endForm, sessionList } from "./sessions-page.ts";

/** What has to be typed before everything ends. */
export const CONFIRMATION = "end everything";

// A user with more has a page that no one reads to its end.
const MOST_SHOWN = 200;

/** One session by its handle. */
export async function sessionPage<Data>(
  site: Site,
  all: AllSessions<Data>,
  handle: string,
  { now, showData }: { now: number; showData: readonly string[] },
): Promise<Page> {
  const session = await all.find(handle);
  if (!session)
    return messagePage(
      404,
      "No such session",
      "No session lives under this handle. It may have ended.",
    );
  const { userId, device, data } = session;
  const row = (name: string, value: Html | string): Html =>
    html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
  const back = userId === undefined ? "/sessions" : userPath({ base: "" }, userId);
  return {
    name: "One session",
    section: "sessions",
    main: html`
      <div class="head"><h1>${outsideText(deviceName(session))}</h1>${endForm(site, session, back)}</div>
      <div class="card">
        <dl class="facts">
          ${row("User", userId === undefined ? "Nobody" : html`<a href="${userPath(site, userId)}">${outsideText(userId)}</a>`)}
          ${row("Handle", html`<code>${session.handle}</code>`)}
          ${device?.userAgent ? row("User agent", outsideText(device.userAgent)) : ""}
          ${device?.ip ? row("Address", outsideText(device.ip)) : ""}
          ${row("Signed in", timeText(session.createdAt, now))}
          ${row("Last seen", timeText(session.lastSeenAt, now))}
          ${row("Ends without activity", timeText(session.expiresAt, now))}
          ${row("Ends at the latest", timeText(session.endsAt, now))}
          ${shownData(data, showData).map(([field, text]) => row(field, html`<code><bdi>${text}</bdi></code>`))}
        </dl>
        ${showData.length === 0 ? html`<p class="hint">What the application keeps in the session is not shown: <code>showData</code> names what may be.</p>` : ""}
      </div>`,
  };
}

/** All sessions of one user. */
export async function userPage<Data>(
  site: Site,
  all: AllSessions<Data>,
  userId: string,
  now: number,
): Promise<Page> {
  if (isLikeId(userId, now))
    return messagePage(
      400,
      "No such user",
      "This looks like the id of a session. An id signs in whoever has it: keep it out of addresses and search fields.",
    );
  const sessions = await all.ofUser(userId);
  const name = plainText(userId, 100);
  // The latest first: what is looked for is mostly what happened last.
  const shown = sessions.toReversed().slice(0, MOST_SHOWN);
  return {
    name: `Sessions of ${name}`,
    section: "sessions",
    main: html`
      <div class="head">
        <h1><bdi>${cutText(userId, 100)}</bdi></h1>
        ${sessions.length === 0 ? "" : endAllForm(site, userId, sessions.length)}
      </div>
      <p class="soft">${sessions.length === 0 ? "No live session." : `${sessions.length} live session${sessions.length === 1 ? "" : "s"}${shown.length < sessions.length ? `, the latest ${shown.length} are shown` : ""}.`}</p>
      ${sessionList(site, shown, { now, back: userPath({ base: "" }, userId), isOfOneUser: true })}
      ${sessions.length === 0 ? html`<p><a href="${site.base}/sessions">All sessions</a></p>` : ""}`,
  };
}

function endAllForm(site: Site, userId: string, count: number): Html {
  const question = `End all sessions of ${plainText(userId, 100)}, ${count} at present? The user is signed out everywhere at once.`;
  return html`<form method="post" action="${site.base}/end-user" data-confirm="${question}">
    <input type="hidden" name="user" value="${userId}">
    <button class="danger">End all sessions of this user</button>
  </form>`;
}

/**
 * Ends everything, once it has been typed.
 *
 * @param live how many sessions there are, in words; absent where the store does not tell.
 */
export function everythingPage(
  site: Site,
  live: string | undefined,
  { isWrong = false } = {},
): Page {
  return {
    name: "End everything",
    section: "everything",
    status: isWrong ? 400 : 200,
    main: html`
      <h1>End everything</h1>
      <p><b>${live === undefined ? "Every session" : `All sessions, ${live} at present,`}</b> of every user end at once, yours too where it is kept here. Everybody has to sign in again. This cannot be undone.</p>
      <form class="card narrow" method="post" action="${site.base}/end-everything">
        <label for="confirm">Type <b>${CONFIRMATION}</b></label>
        <input id="confirm" name="confirm" autocomplete="off" autocapitalize="none" spellcheck="false" required aria-describedby="${isWrong ? "confirm-wrong" : "confirm-hint"}" ${isWrong ? raw('aria-invalid="true"') : ""}>
        ${isWrong ? html`<p class="wrong" id="confirm-wrong" role="alert">This was not it: nothing has ended. Type ${CONFIRMATION}.</p>` : html`<p class="hint" id="confirm-hint">So that no slip of the hand does it.</p>`}
        <button class="danger">End every session</button>
      </form>`,
  };
}
