// `harpiats sessions list | show | count`: looks, and changes nothing. Goes through a store page by
// page: a million sessions take no more memory than a few hundred.
import { isHandle } from "../../core/session/user-sessions.ts";
import type { KeyedSession } from "../../core/store.ts";
import { type CommandIo, tell, write } from "../shared/command-io.ts";
import { CommandError, DONE, FOUND_WANTING } from "../shared/exit-codes.ts";
import { count, instant, printable, row, writeJson } from "../shared/output.ts";
import { type Progress, withProgress } from "../shared/progress.ts";
import {
  type AnyData,
  type AnyStore,
  type StoreOptions,
  withStore,
} from "../shared/store-option.ts";

export interface ListOptions extends StoreOptions {
  user?: string;
  limit?: number;
  showData?: boolean;
  json?: boolean;
}

const PAGE = 500;
const WIDTHS = [52, 24, 19, 19, 19];
const HEAD = ["HANDLE", "USER", "SIGNED IN", "LAST SEEN", "ENDS", "DEVICE"];

export async function listSessions(io: CommandIo, options: ListOptions): Promise<number> {
  const { limit = Infinity } = options;
  return withStore(io, options, async ({ store }) => {
    let shown = 0;
    // Where the list itself is on the terminal, it is the progress.
    const isQuiet = io.stdout.isTTY === true;
    const list = async (progress: Progress): Promise<void> => {
      for await (const page of pagesOf(store, options.user)) {
        for (const found of page) {
          if (shown === 0 && options.json !== true) await write(io, row(HEAD, WIDTHS));
          await (options.json === true
            ? writeJson(io, toJson(found, options))
            : write(io, toLines(found, options)));
          if (++shown >= limit || io.stdout.destroyed) return;
        }
        progress.at(count(shown, "session"));
      }
    };
    await (isQuiet ? list({ at: () => {} }) : withProgress(io, "Listing", list));
    if (shown === 0)
      tell(
        io,
        options.user === undefined ? "No session is live." : "This user has no live session.",
      );
    return DONE;
  });
}

export async function countSessions(io: CommandIo, options: ListOptions): Promise<number> {
  return withStore(io, options, async ({ store }) => {
    let sessions = 0;
    await withProgress(io, "Counting", async (progress) => {
      for await (const page of pagesOf(store, options.user)) {
        sessions += page.length;
        progress.at(count(sessions, "session"));
      }
    });
    await (options.json === true ? writeJson(io, { sessions }) : write(io, `${sessions}\n`));
    return DONE;
  });
}

export async function showSession(
  io: CommandIo,
  handle: string,
  options: ListOptions,
): Promise<number> {
  assertHandle(handle);
  return withStore(io, options, async ({ store }) => {
    const [session] = await store.read([handle]);
    if (!session) {
      tell(io, "There is no live session with this handle.");
      return FOUND_WANTING;
    }
    const found = { key: handle, session };
    if (options.json === true) await writeJson(io, toJson(found, options));
    else await write(io, toText(found, options));
    return DONE;
  });
}

/**
 * A handle that is none may be an id, pasted by mistake: it is not repeated, and it is asked of no
 * store.
 */
export function assertHandle(handle: string): void {
  if (!isHandle(handle))
    throw new CommandError(
      "This is no handle: 8 hex digits, a dot and 43 characters are wanted, as `harpiats sessions list` shows them. If it is a session's id, somebody can sign in with it: keep it to yourself",
    );
}

/** All live sessions, or a user's, some at a time. */
async function* pagesOf(
  store: AnyStore,
  user: string | undefined,
): AsyncGenerator<readonly KeyedSession<AnyData>[]> {
  if (user !== undefined) return yield await store.listByUser(user);
  let cursor: string | undefined;
  do {
    const page = await store.scan(cursor, { limit: PAGE });
    yield page.sessions;
    cursor = page.cursor;
  } while (cursor !== undefined);
}

function deviceOf({ session }: KeyedSession<AnyData>): string {
  const { label, userAgent, ip } = session.facts?.device ?? {};
  // A store may hold what no release of ours wrote.
  return [label ?? userAgent, ip]
    .filter((part: unknown) => part !== undefined && part !== null)
    .map((part) => (typeof part === "string" ? part : JSON.stringify(part)))
    .join(", ");
}

function toLines(found: KeyedSession<AnyData>, { showData }: ListOptions): string {
  const { key, session } = found;
  const line = row(
    [
      key,
      session.userId ?? "-",
      instant(session.createdAt),
      instant(session.lastSeenAt),
      instant(session.expiresAt),
      deviceOf(found),
    ],
    WIDTHS,
  );
  return showData === true ? `${line}  ${printable(JSON.stringify(session.data))}\n` : line;
}

function toText(found: KeyedSession<AnyData>, { showData }: ListOptions): string {
  const { key, session } = found;
  const lines: [string, unknown][] = [
    ["Handle", key],
    ["User", session.userId ?? "nobody"],
    ["Device", deviceOf(found) || "unknown"],
    ["Signed in", `${instant(session.createdAt)} UTC`],
    ["Last seen", `${instant(session.lastSeenAt)} UTC`],
    ["Ends without activity", `${instant(session.expiresAt)} UTC`],
    ["Ends at the latest", `${instant(session.endsAt)} UTC`],
    // Names of fields are the application's, not the user's.
    ["Fields", Object.keys(session.data).join(", ") || "none"],
  ];
  if (showData === true) lines.push(["Data", JSON.stringify(session.data)]);
  return lines.map(([name, value]) => `${name.padEnd(22)} ${printable(value)}\n`).join("");
}

function toJson({ key, session }: KeyedSession<AnyData>, { showData }: ListOptions): object {
  const { userId, createdAt, lastSeenAt, expiresAt, endsAt, facts, data } = session;
  return {
    handle: key,
    ...(userId !== undefined && { userId }),
    ...Object.fromEntries(
      Object.entries({ createdAt, lastSeenAt, expiresAt, endsAt }).map(([name, at]) => [
        name,
        new Date(at).toISOString(),
      ]),
    ),
    ...(facts?.device && { device: facts.device }),
    ...(showData === true && { data }),
  };
}
