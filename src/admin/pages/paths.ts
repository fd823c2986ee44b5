// Where the pages are: addresses below the base path, with all that comes from outside encoded.
import type { Site } from "./page.ts";

type Base = Pick<Site, "base">;

/**
 * The list, with a search or a cursor.
 *
 * @param before the cursors of the pages that were passed.
 */
export function listPath(
  { base }: Base,
  query: Record<string, string> = {},
  before: readonly string[] = [],
): string {
  const passed = before.map((cursor): [string, string] => ["before", cursor]);
  return `${base}/sessions${queryOf([...Object.entries(query), ...passed])}`;
}

/** One user's sessions. */
export function userPath({ base }: Base, userId: string): string {
  return `${base}/user${queryOf({ id: userId })}`;
}

/** One session. */
export function sessionPath({ base }: Base, handle: string): string {
  return `${base}/session${queryOf({ handle })}`;
}

const PAGE_TO_GO_BACK_TO = /^(\/|\/sessions|\/user)(?:\?([^#]*))?$/;

/** Back to a page that a form names, if it is one of ours, with a word on what was done. */
export function backPath({ base }: Base, path: string, done: string): string {
  const [, page = "/sessions", query = ""] = PAGE_TO_GO_BACK_TO.exec(path) ?? [];
  return `${base}${page}${queryOf({ ...Object.fromEntries(new URLSearchParams(query)), done })}`;
}

function queryOf(query: Record<string, string> | [string, string][]): string {
  const text = new URLSearchParams(query).toString();
  return text === "" ? "" : `?${text}`;
}
