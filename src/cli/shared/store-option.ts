// `--store` and HARPIATS_STORE: opens the store for a command and closes it afterwards. Creates no
// table and no file, unless the command exists to create one.
import type { Command } from "commander";
import type { SessionStore } from "../../core/store.ts";
import { type Opening, type OpeningOptions, toOpenError } from "../../stores/open/driver.ts";
import { beginOpening } from "../../stores/open/opening.ts";
import { parseStoreUrl, type StoreUrl } from "../../stores/open/store-url.ts";
import type { CommandIo } from "./command-io.ts";
import { CommandError } from "./exit-codes.ts";
import { withProgress } from "./progress.ts";

/** Sessions of an application that is not known here. */
export type AnyData = Record<string, unknown>;
export type AnyStore = SessionStore<AnyData>;

export interface StoreOptions {
  store?: string;
}

/** Adds the option to a command. */
export function takesStore(command: Command): Command {
  return command.option(
    "-s, --store <url>",
    "open the store at this URL: redis://, postgres://, mysql://, sqlite:path (default: the environment variable HARPIATS_STORE)",
  );
}

export function storeUrl(io: CommandIo, options: StoreOptions): StoreUrl {
  const text = options.store ?? io.env["HARPIATS_STORE"];
  if (text === undefined || text === "") {
    throw new CommandError(
      "Which store? Give --store URL or set HARPIATS_STORE, such as redis://localhost:6379, postgres://user:password@host/database or sqlite:./sessions.db",
    );
  }
  const url = readUrl(text);
  if (url.kind === "memory")
    throw new CommandError(
      "memory: is the memory of the application's own process: another process cannot look into it",
    );
  return url;
}

function readUrl(text: string): StoreUrl {
  try {
    return parseStoreUrl(text);
  } catch (error) {
    throw new CommandError((error as Error).message);
  }
}

/** Opens the store, hands it over, and closes it whatever comes. */
export async function withStore<T>(
  io: CommandIo,
  options: StoreOptions,
  work: (opening: Opening<AnyData>, url: StoreUrl) => Promise<T>,
): Promise<T> {
  return withServer(io, options, async (opening, url) => {
    await opening.probe?.();
    return work(opening, url);
  });
}

/** The same for whoever wants to see for himself whether the server will do. */
export async function withServer<T>(
  io: CommandIo,
  options: StoreOptions,
  work: (opening: Opening<AnyData>, url: StoreUrl) => Promise<T>,
): Promise<T> {
  const url = storeUrl(io, options);
  return usingStore(url, {}, async (opening) => {
    await withProgress(io, `Connecting to ${url.address}`, () => opening.connect());
    return work(opening, url);
  });
}

/** The same before anything was sent. */
export async function usingStore<T>(
  url: StoreUrl,
  options: Partial<Pick<OpeningOptions, "wrap" | "isCreating">>,
  work: (opening: Opening<AnyData>) => Promise<T>,
): Promise<T> {
  const opening = await beginOpening<AnyData>(url, {
    pruneInterval: false,
    isCreating: false,
    ...options,
  });
  try {
    return await work(opening);
  } catch (error) {
    throw error instanceof CommandError ? error : toOpenError(url, error);
  } finally {
    await opening.close().catch(() => {});
  }
}
