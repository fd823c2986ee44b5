// From a URL to a store with its client: which opener, with which options. The one place that knows
// all the stores: it loads the one that is asked for, and that one its driver.
import { MemoryStore } from "../../core/memory/memory-store.ts";
import { type Opening, type OpeningOptions, toOpenError } from "./driver.ts";
import type { StoreUrl } from "./store-url.ts";

type GivenOptions = {
  [Name in keyof Omit<OpeningOptions, "url">]?: OpeningOptions[Name] | undefined;
};

const CONNECT_TIMEOUT = 5;

/** Makes a store and its client. Nothing has been sent when it resolves. */
// Harpia's default: data of unknown shape.
// oxlint-disable-next-line typescript/no-explicit-any
export async function beginOpening<Data extends Record<string, any>>(
  url: StoreUrl,
  given: GivenOptions = {},
): Promise<Opening<Data>> {
  const {
    connectTimeout = CONNECT_TIMEOUT,
    pruneInterval,
    onError = () => {},
    clock,
    wrap = (client) => client,
    isCreating = true,
  } = given;
  if (typeof connectTimeout !== "number" || !(connectTimeout > 0 && connectTimeout <= 3600))
    throw new RangeError(
      `Cannot use option connectTimeout ${String(connectTimeout)}: a number of seconds, more than 0 and at most 3600, are wanted`,
    );
  const options: OpeningOptions = {
    url,
    clock,
    connectTimeout,
    pruneInterval,
    onError,
    wrap,
    isCreating,
  };
  try {
    return withSubscriptionsEnded(await openKind<Data>(options));
  } catch (error) {
    throw toOpenError(url, error);
  }
}

// Harpia's default: data of unknown shape.
// oxlint-disable-next-line typescript/no-explicit-any
async function openKind<Data extends Record<string, any>>(
  options: OpeningOptions,
): Promise<Opening<Data>> {
  switch (options.url.kind) {
    case "redis":
      return (await import("./redis.ts")).openRedis<Data>(options);
    case "postgres":
      return (await import("./postgres.ts")).openPostgres<Data>(options);
    case "mysql":
      return (await import("./mysql.ts")).openMysql<Data>(options);
    case "sqlite":
      return (await import("./sqlite.ts")).openSqlite<Data>(options);
    case "memory":
      return openMemory<Data>(options);
  }
}

/**
 * A subscription has a connection of its own, which would keep the process alive: whoever opened
 * the store closes that, too.
 */
// Harpia's default: data of unknown shape.
// oxlint-disable-next-line typescript/no-explicit-any
function withSubscriptionsEnded<Data extends Record<string, any>>(
  opening: Opening<Data>,
): Opening<Data> {
  const { store, close } = opening;
  const subscribe = store.subscribe?.bind(store);
  if (!subscribe) return opening;
  const ends = new Set<() => Promise<void>>();
  store.subscribe = async (listener) => {
    const end = await subscribe(listener);
    ends.add(end);
    return () => (ends.delete(end) ? end() : Promise.resolve());
  };
  const closeAll = async (): Promise<void> => {
    await Promise.allSettled([...ends].map((end) => end()));
    ends.clear();
    await close();
  };
  return { ...opening, close: closeAll };
}

// Harpia's default: data of unknown shape.
// oxlint-disable-next-line typescript/no-explicit-any
function openMemory<Data extends Record<string, any>>({
  url,
  clock,
}: OpeningOptions): Opening<Data> {
  const given = url.parameters.get("maxSessions");
  const store = new MemoryStore<Data>({
    ...(given !== undefined && { maxSessions: Number(given) }),
    ...(clock && { clock }),
  });
  return { driver: "memory", store, connect: async () => {}, close: async () => {} };
}
