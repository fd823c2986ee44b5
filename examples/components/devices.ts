// "Your devices": the list of a user's own sessions, sign out there, sign out everywhere else. A
// component to copy: it is a function from what `session.list` gives to a piece of a page, and its
// style. Escapes every value; asks no store and knows no framework.
import type { ListedSession } from "harpiats/session";
import { html, raw } from "hono/html";

type Html = ReturnType<typeof html>;

export interface DevicesOptions {
  /** Milliseconds since the epoch. */
  now: number;
  /**
   * Where the forms go: one with the field `handle`, the other without fields. Both are POST,
   * behind your cross-site check.
   */
  signOutAction: string;
  signOutElsewhereAction: string;
  /**
   * Where somebody is by an address, if you know: "near Lisbon, Portugal". Without it the address
   * itself is shown.
   */
  placeOf?: (ip: string) => string | undefined;
}

/** The list, this device first, then by last use. */
export function devicesList(
  sessions: readonly ListedSession[],
  { now, signOutAction, signOutElsewhereAction, placeOf }: DevicesOptions,
): Html {
  const sorted = [...sessions].sort(
    (a, b) => Number(b.isCurrent) - Number(a.isCurrent) || b.lastSeenAt - a.lastSeenAt,
  );
  const others = sessions.filter(({ isCurrent }) => !isCurrent).length;
  const item = ({ handle, isCurrent, device, lastSeenAt, createdAt }: ListedSession): Html => {
    const name = device?.label || "Unknown device";
    const place = device?.ip && (placeOf?.(device.ip) ?? device.ip);
    return html`<li class="device-row">
      ${icon(name)}
      <div class="device-about">
        <p class="device-name"><bdi>${name}</bdi> ${isCurrent ? html`<span class="device-here">This device</span>` : ""}</p>
        <p class="device-when">${isCurrent ? "Active now" : html`Last seen ${ago(lastSeenAt, now)}`}${place ? html` · <bdi>${place}</bdi>` : ""}</p>
        <p class="device-when">Signed in ${ago(createdAt, now)}</p>
      </div>
      ${
        isCurrent
          ? ""
          : html`<form method="post" action="${signOutAction}">
        <input type="hidden" name="handle" value="${handle}">
        <button class="quiet" aria-label="Sign out on ${name}, last seen ${relative(lastSeenAt - now)}">Sign out</button>
      </form>`
      }
    </li>`;
  };
  return html`<ul class="device-list">${sorted.map(item)}</ul>
    ${
      others === 0
        ? ""
        : html`<details class="device-others"><summary>Sign out everywhere else</summary>
      <p>${others === 1 ? "One other device is" : `${others} other devices are`} signed out at once. You stay signed in here.</p>
      <form method="post" action="${signOutElsewhereAction}"><button>Sign out ${others} other ${others === 1 ? "device" : "devices"}</button></form>
    </details>`
    }`;
}

/** Goes with your page's own style, whose custom properties it uses. */
export const DEVICES_STYLE = `
.device-list { margin: 0 0 1.25rem; padding: 0; list-style: none; }
.device-row { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0.5rem 1rem; align-items: center; padding-block: 1rem; border-top: 1px solid var(--line); }
.device-row:first-child { border-top: 0; padding-top: 0; }
.device-row svg { width: 2rem; height: 2rem; color: var(--soft); }
.device-row form { grid-column: 2; }
.device-row p { margin: 0; overflow-wrap: anywhere; }
.device-row .device-name { display: flex; flex-wrap: wrap; gap: 0 0.5rem; align-items: center; font-weight: 600; }
.device-when { color: var(--soft); font-size: 0.9375rem; }
.device-here { padding: 0.0625rem 0.5rem; border-radius: 1rem; background: var(--tint); color: var(--text); font-size: 0.8125rem; font-weight: 600; }
.device-others summary { min-height: 2.75rem; padding-block: 0.625rem; cursor: pointer; font-weight: 600; }
@media (min-width: 30rem) {
  .device-row { grid-template-columns: auto minmax(0, 1fr) auto; }
  .device-row form { grid-column: auto; }
}
`;

const PHONE = '<rect x="9" y="3" width="14" height="26" rx="2.5"/><path d="M14.5 25.5h3"/>';
const SCREEN = '<rect x="4" y="5" width="24" height="17" rx="2"/><path d="M11 27h10M16 22v5"/>';

function icon(name: string): Html {
  const isPhone = /android|iphone|ios|mobile/i.test(name);
  return html`<svg aria-hidden="true" viewBox="0 0 32 32" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">${raw(isPhone ? PHONE : SCREEN)}</svg>`;
}

function ago(at: number, now: number): Html {
  return html`<time datetime="${new Date(at).toISOString()}">${relative(at - now)}</time>`;
}

const UNITS = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
] as const;

/** "2 hours ago", and nothing finer than minutes: last use is noted once a minute. */
function relative(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000);
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? [];
  return unit === undefined
    ? "a moment ago"
    : new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(
        Math.trunc(seconds / size),
        unit,
      );
}
