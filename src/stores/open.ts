// harpiats/stores/open: the store that a URL names, with a client of its own. Of the stores and the
// drivers it loads only what the URL asks for.
import {
  assertOptions,
  boolean,
  callback,
  clock,
  LONGEST_WAIT,
  seconds,
  type Shape,
} from "../core/checks.ts";
import type { Clock } from "../core/clock.ts";
import type { SessionStore } from "../core/store.ts";
import { toOpenError } from "./open/driver.ts";
import { beginOpening } from "./open/opening.ts";
import { parseStoreUrl, type StoreKind } from "./open/store-url.ts";

export type { StoreKind };

/** How `openStore` connects, and whether it makes tables. */
export interface OpenStoreOptions {
  /**
   * Whether tables that are missing are made. Default `true`; `false` where a migration of yours
   * makes them, or the user may not.
   */
  migrate?: boolean | undefined;
  /** Seconds that a connection may take to open. Default 5. */
  connectTimeout?: number | undefined;
  /**
   * Seconds between two prunings by this process; `false` for none. Default 900. Redis and memory
   * expire by themselves.
   */
  pruneInterval?: number | false | undefined;
  /**
   * Told of a connection that broke while nothing used it; it is opened again by itself. Default:
   * nothing, since the next request that cannot reach the store is a `StoreError`.
   */
  onError?: ((error: Error) => void) | undefined;
  /** Default: the machine's. */
  clock?: Clock | undefined;
}

/** A store that was opened, with the connections that it uses. */
// Harpia's default: data of unknown shape.
// oxlint-disable-next-line typescript/no-explicit-any
export interface OpenedStore<Data extends Record<string, any> = Record<string, any>> {
  /** For `new Session({ store })`. */
  readonly store: SessionStore<Data>;
  readonly kind: StoreKind;
  /** Where it is, for a log: the URL without user, password and parameters. */
  readonly address: string;
  /** Ends the store and its connections. Call it when the server has answered its last request. */
  close(): Promise<void>;
}

const OPTIONS = {
  migrate: boolean,
  connectTimeout: seconds(0.001, LONGEST_WAIT),
  // As the stores that prune take it: a day at most.
  pruneInterval: seconds(1, 86_400, false),
  onError: callback,
  clock,
} satisfies Shape;

/**
 * Opens the store that a URL names: `redis://`, `rediss://`, `postgres://`, `mysql://`,
 * `mariadb://`, `sqlite:path` or `memory:`.
 *
 * The driver is an optional peer of this package, loaded only now: redis or ioredis, pg or
 * postgres, mysql2, better-sqlite3 where the runtime has no SQLite of its own. The URL's parameters
 * `table`, `prefix` and others are in docs/stores/open.md.
 *
 * @param url default: the environment variable `HARPIATS_STORE`.
 * @throws TypeError for a URL that is none; StoreError `ERR_STORE_UNSUPPORTED` where no driver is
 * installed, and `ERR_STORE_UNAVAILABLE` where the store cannot be reached. No message holds the
 * URL's password.
 */
// Harpia's default: data of unknown shape.
// oxlint-disable-next-line typescript/no-explicit-any
export async function openStore<Data extends Record<string, any> = Record<string, any>>(
  url?: string,
  options: OpenStoreOptions = {},
): Promise<OpenedStore<Data>> {
  assertOptions("openStore", options, OPTIONS);
  // Set to nothing is not set.
  const given = url ?? (process.env["HARPIATS_STORE"] || undefined);
  if (given === undefined)
    throw new TypeError("Cannot open a store: its URL is not given, and HARPIATS_STORE is not set");
  const parsed = parseStoreUrl(given);
  const opening = await beginOpening<Data>(parsed, options);
  try {
    await opening.connect();
    await opening.probe?.();
    if (options.migrate !== false) await opening.migrate?.();
  } catch (error) {
    await opening.close().catch(() => {});
    throw toOpenError(parsed, error);
  }
  return {
    store: opening.store,
    kind: parsed.kind,
    address: parsed.address,
    close: () => opening.close(),
  };
}
