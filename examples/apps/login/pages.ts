// The pages as text. Every value is escaped by `html`; nothing here knows of requests or sessions.
import type { ListedSession } from "harpiats/session";
import { html, raw } from "hono/html";
import { devicesList } from "../../components/devices.ts";
import { ICON } from "./style.ts";

/** What a session holds in this demo. */
export interface Visitor {
  userId: string;
  role?: string;
}

/** Instants in milliseconds since the epoch, as `session.deadlines` gives them. */
interface Deadlines {
  createdAt: number;
  lastSeenAt: number;
  expiresAt: number;
  endsAt: number;
}

interface Account {
  visitor: Visitor;
  deadlines: Deadlines;
  now: number;
  /** What has just been done. */
  notice?: string | undefined;
}

type Html = ReturnType<typeof html>;

export const ROLES: readonly string[] = ["member", "editor", "admin"];
export const LONGEST_NAME = 60;

const ROUTES = [
  ["POST /login", "signs in and sets the cookie"],
  ["GET /profile", "gives the session's data"],
  ["POST /update-role", "makes the role admin"],
  ["POST /logout", "ends the session"],
];

/** The first page: asks for a name, again with what was wrong about it. */
export function signInPage(given = "", wrong?: string): Html {
  return page(
    "Sign in",
    "narrow",
    html`
    <h1>Sign in</h1>
    <p class="soft">This is a demo: any name will do, and there is no password.</p>
    <form class="card" method="post" action="/sign-in">
      <label for="name">Your name</label>
      <input id="name" name="name" value="${given}" autocomplete="username" required maxlength="${LONGEST_NAME}"
        aria-describedby="${wrong ? "name-wrong" : "name-hint"}" ${wrong ? raw('aria-invalid="true"') : ""}>
      ${wrong ? html`<p class="wrong" id="name-wrong" role="alert">${wrong}</p>` : html`<p class="hint" id="name-hint">It is kept in your session, on this server, with what your browser says of itself.</p>`}
      <button class="wide">Sign in</button>
    </form>`,
  );
}

/** Who is signed in, what the session holds, and when it ends. */
export function accountPage({ visitor, deadlines, now, notice }: Account): Html {
  const role = visitor.role ?? "";
  const options = role === "" || ROLES.includes(role) ? ROLES : [...ROLES, role];
  return page(
    `${visitor.userId} is signed in`,
    "wide",
    html`
    ${notice ? html`<p class="notice" role="status">${notice}</p>` : ""}
    <h1>Hello, <bdi>${visitor.userId}</bdi></h1>
    <p class="soft">You are signed in. Reload this page to see that you stay so, and see <a href="/devices">your devices</a>${role === "admin" ? html` or <a href="/admin">everybody's sessions</a>` : ""}.</p>
    <div class="grid">
      <section class="card" aria-labelledby="session">
        <h2 id="session">This session</h2>
        <dl>
          ${Object.entries(visitor).map(([field, value]) => html`<div><dt><code>${field}</code></dt><dd>${typeof value === "string" ? value : JSON.stringify(value)}</dd></div>`)}
          ${instant("Signed in", deadlines.createdAt, now)}
          ${instant("Last seen", deadlines.lastSeenAt, now)}
          ${instant("Ends without activity", deadlines.expiresAt, now)}
          ${instant("Ends at the latest", deadlines.endsAt, now)}
        </dl>
      </section>
      <div class="stack">
        <section class="card" aria-labelledby="change">
          <h2 id="change">Change your role</h2>
          <form class="row" method="post" action="/role">
            <div>
              <label for="role">Role</label>
              <select id="role" name="role">
                ${options.map((option) => html`<option ${option === role ? raw("selected") : ""}>${option}</option>`)}
              </select>
            </div>
            <button>Save role</button>
          </form>
        </section>
        <section class="card" aria-labelledby="json">
          <h2 id="json">The same session as JSON</h2>
          <ul>
            ${ROUTES.map(([route, what]) => html`<li><code>${route}</code> <span class="soft">${what}</span></li>`)}
          </ul>
        </section>
      </div>
    </div>`,
    html`<form method="post" action="/sign-out"><button class="quiet">Sign out</button></form>`,
  );
}

/** Where else the user is signed in, and the buttons that end it. */
export function devicesPage({
  visitor,
  sessions,
  now,
  notice,
}: Pick<Account, "visitor" | "now" | "notice"> & { sessions: readonly ListedSession[] }): Html {
  return page(
    `Devices of ${visitor.userId}`,
    "medium",
    html`
    ${notice ? html`<p class="notice" role="status">${notice}</p>` : ""}
    <h1>Your devices</h1>
    <p class="soft">Where you are signed in as <bdi>${visitor.userId}</bdi>. If you do not know one of them, sign out there and change your password. <a href="/account">Back to your account</a></p>
    <section class="card" aria-label="Devices">
      ${devicesList(sessions, { now, signOutAction: "/devices/sign-out", signOutElsewhereAction: "/devices/sign-out-elsewhere" })}
    </section>`,
    html`<form method="post" action="/sign-out"><button class="quiet">Sign out</button></form>`,
  );
}

/** Why a form was not accepted. */
export function refusalPage(): Html {
  return page(
    "Not accepted",
    "narrow",
    html`
    <h1>Not accepted</h1>
    <p>This form came from another site. <a href="/">Start here</a> instead.</p>`,
  );
}

function page(
  title: string,
  width: "narrow" | "medium" | "wide",
  main: Html,
  action: Html | string = "",
): Html {
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${title} · harpiats</title>
    <link rel="icon" href="/icon.svg" type="image/svg+xml">
    <link rel="stylesheet" href="/style.css">
  </head>
  <body>
    <header>
      <a class="brand" href="/">${raw(ICON.replace("<svg", '<svg aria-hidden="true"').replace(' color="#0b8f74"', ""))} harpiats</a>
      ${action}
    </header>
    <main class="${width}">${main}</main>
    <footer>A demo of harpiats. Where its sessions are kept, its terminal says.</footer>
  </body>
</html>
`;
}

function instant(name: string, at: number, now: number): Html {
  const absolute = new Intl.DateTimeFormat("en-GB", {
    dateStyle: "medium",
    timeStyle: "short",
    timeZone: "UTC",
  }).format(at);
  return html`<div><dt>${name}</dt><dd><b>${relative(at - now)}</b><time datetime="${new Date(at).toISOString()}">${absolute} UTC</time></dd></div>`;
}

const UNITS = [
  ["day", 86_400, 2],
  ["hour", 3600, 1],
  ["minute", 60, 1],
  ["second", 1, 0],
] as const;

/**
 * "in 23 hours", "5 minutes ago": in the largest unit of which there is enough, cut and not rounded
 * up.
 */
function relative(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000);
  const [unit, size] =
    UNITS.find(([, length, least]) => Math.abs(seconds) >= length * least) ?? UNITS[3];
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(
    Math.trunc(seconds / size),
    unit,
  );
}
