// Sessions in words: when, on which device, and what of the data may be shown. What comes from
// outside is cut and kept apart from its surroundings, so that no name turns the text around it.
import { html } from "hono/html";
import type { FoundSession } from "../../core/session/all-sessions.ts";
import { escapeUnseen } from "../../core/unseen.ts";
import type { Html } from "./page.ts";

const LONGEST_VALUE = 300;
const LONGEST_DATA = 2000;
const UNITS = [
  ["day", 86_400, 2],
  ["hour", 3600, 1],
  ["minute", 60, 1],
  ["second", 1, 0],
] as const;

/**
 * "in 24 hours", "5 minutes ago": in the largest unit of which there is enough. What is ahead is
 * rounded, so that a day that has just begun is one; what is past is cut.
 */
export function relativeTime(milliseconds: number): string {
  const whole = milliseconds > 0 ? Math.round : Math.trunc;
  const seconds = whole(milliseconds / 1000);
  const [unit, size] =
    UNITS.find(([, length, least]) => Math.abs(seconds) >= length * least) ?? UNITS[3];
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(whole(seconds / size), unit);
}

/** An instant as people say it, the exact one as its title. */
export function timeText(at: number, now: number): Html {
  if (Number.isNaN(new Date(at).getTime())) return html`at an unknown time`;
  const exact = new Intl.DateTimeFormat("en-GB", {
    dateStyle: "medium",
    timeStyle: "medium",
    timeZone: "UTC",
  }).format(at);
  return html`<time datetime="${new Date(at).toISOString()}" title="${exact} UTC">${relativeTime(at - now)}</time>`;
}

/** A value from outside. */
export function cutText(value: unknown, longest = LONGEST_VALUE): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}

/** The same in a `<bdi>`, so that right-to-left letters do not reorder the sentence around it. */
export function outsideText(value: unknown): Html {
  return html`<bdi>${cutText(value)}</bdi>`;
}

/**
 * The same for where no element keeps it apart: in a question, a label or a title. Whoever confirms
 * sees that the name holds what does not show.
 */
export function plainText(value: unknown, longest: number): string {
  return cutText(escapeUnseen(cutText(value, longest)), longest);
}

/** What is known of the device, in a line. */
export function deviceName({ device }: Pick<FoundSession<unknown>, "device">): string {
  const { label, userAgent } = device ?? {};
  return cutText(label || userAgent || "Unknown device", 120);
}

/** The fields that may be shown, of those that are there. */
export function shownData(
  data: unknown,
  fields: readonly string[],
): [field: string, text: string][] {
  const values = new Map(Object.entries(Object(data) as Record<string, unknown>));
  return fields
    .filter((field) => values.has(field))
    .map((field) => [field, cutText(values.get(field), LONGEST_DATA)]);
}

const ID = /^([\w-]{32})(\.[\w-]+)?$/;
const LONGEST_LIFE = 400 * 86_400;

/**
 * Whether a text looks like the id of a session that may live. An id is a secret: whoever pastes
 * one into a search field must not find it in the page.
 */
export function isLikeId(text: string, now: number): boolean {
  const [, id] = ID.exec(text.trim()) ?? [];
  if (id === undefined) return false;
  const bytes = atob(id.slice(0, 8).replaceAll("-", "+").replaceAll("_", "/"));
  const birth = [0, 1, 2, 3].reduce((sum, at) => sum * 256 + bytes.charCodeAt(at), 0);
  return Math.abs(now / 1000 - birth) < LONGEST_LIFE;
}
