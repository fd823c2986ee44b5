// What opening any store needs: a driver that is there, and errors that tell no secret. Imports a
// driver only when asked, by a name that neither the compiler nor a bundler looks up: whoever uses
// another database need not have it.
import { inspect } from "node:util";
import type { Clock } from "../../core/clock.ts";
import { StoreError } from "../../core/errors.ts";
import type { SessionStore } from "../../core/store.ts";
import type { StoreUrl } from "./store-url.ts";

/** What an opener gets. */
export interface OpeningOptions {
  readonly url: StoreUrl;
  readonly clock: Clock | undefined;
  /** Seconds. */
  readonly connectTimeout: number;
  readonly pruneInterval: number | false | undefined;
  readonly onError: (error: Error) => void;
  /** Whether a file that is not there is made. */
  readonly isCreating: boolean;
  /** Put between the store and its client, such as what counts. */
  readonly wrap: <Client extends object>(client: Client) => Client;
}

/** A store with its client, and the client's own voice. Nothing has been sent yet. */
// The data's type is the caller's to say; nothing here looks inside.
// oxlint-disable-next-line typescript/no-explicit-any
export interface Opening<Data extends Record<string, any>> {
  /** The driver's name. */
  readonly driver: string;
  readonly store: SessionStore<Data>;
  /** Reaches the server, or rejects. */
  connect(): Promise<void>;
  /** Rejects where the server is reached and will not do. */
  probe?(): Promise<void>;
  /** Makes what is missing, where the store has a schema. */
  migrate?(): Promise<void>;
  schema?(): string;
  /** Asks the database itself: rows as lists. */
  query?(sql: string): Promise<unknown[][]>;
  /** Asks Redis itself. */
  command?(...words: string[]): Promise<unknown>;
  close(): Promise<void>;
}

/** A module of a package, by the name of its package. */
export type Loaded = Record<string, unknown>;

const NOT_THERE = ["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND", "ERR_UNKNOWN_BUILTIN_MODULE"];

/**
 * The first of several packages that is there.
 *
 * @param what which store, for the message.
 * @throws StoreError `ERR_STORE_UNSUPPORTED` that says what to install.
 */
export async function loadDriver(
  url: StoreUrl,
  names: readonly string[],
  wanted: string,
): Promise<{ name: string; module: Loaded }> {
  for (const name of names) {
    try {
      const module = (await import(/* webpackIgnore: true */ /* @vite-ignore */ name)) as Loaded;
      return { name, module };
    } catch (error) {
      const { code, message } = Object(error) as { code?: unknown; message?: unknown };
      // A package that is there and misses one of its own is not "not installed".
      const isAbsent =
        NOT_THERE.includes(String(code)) && String(message).includes(name.split("/")[0] as string);
      if (!isAbsent) throw error;
    }
  }
  throw new StoreError("ERR_STORE_UNSUPPORTED", `Cannot open ${url.address}: ${wanted}`, {
    store: url.kind,
    operation: "open",
  });
}

/**
 * What a module exports under a name, itself or in its default export: drivers in CommonJS have
 * both.
 */
export function exportOf(module: Loaded, name: string): unknown {
  return module[name] ?? (Object(module["default"]) as Loaded)[name];
}

/** An error of a driver as ours, without the URL's password. */
export function toOpenError(url: StoreUrl, error: unknown): Error {
  if (error instanceof StoreError || error instanceof TypeError || error instanceof RangeError)
    return error;
  const said = messageOf(error);
  const hasSecret = url.secrets.some((secret) => inspect(error, { depth: 8 }).includes(secret));
  const shown = url.secrets.reduce((text, secret) => text.replaceAll(secret, "***"), said);
  const details = { store: url.kind, operation: "open", ...(!hasSecret && { cause: error }) };
  return new StoreError(
    "ERR_STORE_UNAVAILABLE",
    `Cannot open ${url.address}: ${shown}${url.kind === "sqlite" ? "" : ", a server that answers is wanted"}`,
    details,
  );
}

/** Several addresses of one name fail as one error without a message of its own. */
function messageOf(error: unknown): string {
  const { message, code, errors } = Object(error) as {
    message?: string;
    code?: string;
    errors?: readonly unknown[];
  };
  if (message) return message.trim();
  const first = errors?.[0];
  return first === undefined ? String(code ?? "it failed") : messageOf(first);
}
