// Reads a store's URL: which store, the parameters that are ours, and what the driver gets. Never
// quotes a URL: it may hold a password, also one that was written so that it does not parse.

/** What can be behind a URL. */
export type StoreKind = "redis" | "postgres" | "mysql" | "sqlite" | "memory";

/** A URL, read. */
export interface StoreUrl {
  readonly kind: StoreKind;
  /** For people: without user, password and parameters. */
  readonly address: string;
  /** For the driver: without the parameters that are ours. For SQLite the file's path. */
  readonly target: string;
  /** The parameters that are ours. */
  readonly parameters: ReadonlyMap<string, string>;
  /** What must not get into any message: the password, as it was written and as it is. */
  readonly secrets: readonly string[];
}

const SCHEMES: Record<string, StoreKind> = {
  redis: "redis",
  rediss: "redis",
  postgres: "postgres",
  postgresql: "postgres",
  mysql: "mysql",
  mariadb: "mysql",
  sqlite: "sqlite",
  memory: "memory",
};

const OWN: Record<StoreKind, readonly string[]> = {
  redis: ["prefix", "notify", "cluster"],
  postgres: ["table", "notify", "prepare"],
  mysql: ["table"],
  sqlite: ["table", "synchronous"],
  memory: ["maxSessions"],
};

// Their drivers understand more in a URL. The others would ignore it, and so a misspelt parameter.
const WITH_DRIVER_PARAMETERS: readonly StoreKind[] = ["postgres", "mysql"];
const WANTED =
  "redis://, rediss://, postgres://, mysql://, mariadb://, sqlite:path or memory: is wanted";

/** @throws TypeError that says what is wrong, without quoting more than the scheme. */
export function parseStoreUrl(text: unknown): StoreUrl {
  if (typeof text !== "string")
    throw new TypeError(`Cannot open a store: its URL is a ${typeof text}, ${WANTED}`);
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
  const kind =
    scheme === undefined || !Object.hasOwn(SCHEMES, scheme) ? undefined : SCHEMES[scheme];
  // What begins like a scheme may be a user's name: only what has // or is short and known is
  // quoted.
  if (scheme === undefined || kind === undefined)
    throw new TypeError(
      `Cannot open a store: its URL begins with no scheme that is known, ${WANTED}`,
    );
  return kind === "sqlite" || kind === "memory"
    ? parseLocal(kind, text.slice(scheme.length + 1))
    : parseServer(kind, scheme, text);
}

/** A file's path is taken as it is: not percent-decoded, relative to the working directory. */
function parseLocal(kind: "sqlite" | "memory", rest: string): StoreUrl {
  const mark = rest.indexOf("?");
  const path = (mark < 0 ? rest : rest.slice(0, mark)).replace(/^\/\//, "");
  if (kind === "sqlite" && path === "")
    throw new TypeError("Cannot open a store: sqlite: has no path, sqlite:./sessions.db is wanted");
  if (kind === "memory" && path !== "")
    throw new TypeError(
      "Cannot open a store: memory: is followed by something, memory: alone is wanted",
    );
  const { own } = split(kind, new URLSearchParams(mark < 0 ? "" : rest.slice(mark + 1)));
  return { kind, address: `${kind}:${path}`, target: path, parameters: own, secrets: [] };
}

function parseServer(kind: StoreKind, scheme: string, text: string): StoreUrl {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    // The error of URL quotes all of it.
    throw new TypeError(
      `Cannot open a store: its ${scheme}:// URL does not parse, ${scheme}://user:password@host:port/name is wanted, with user and password percent-encoded`,
    );
  }
  // An unencoded / ? or # in the password makes the rest of it a path, a parameter or a fragment.
  // What is before it may be a host and a port.
  const isCut =
    `${url.pathname}${url.host}`.includes("@") ||
    /[?&][^=&]*@/.test(url.search) ||
    (url.pathname.length < 2 && url.search.includes("@"));
  if (!text.slice(scheme.length).startsWith("://") || url.hash !== "" || isCut) {
    throw new TypeError(
      `Cannot open a store: its ${scheme}:// URL has something where nothing is expected, ${scheme}://user:password@host:port/name is wanted, with user and password percent-encoded`,
    );
  }
  // The drivers say of a name there only that the path is invalid, or take another database.
  if (kind === "redis" && !/^\/?\d*$/.test(url.pathname))
    throw new TypeError(
      `Cannot open a store: its ${scheme}:// URL has a path that is no number of a database, such as /0`,
    );
  const { own, others } = split(kind, url.searchParams);
  const address = `${scheme}://${url.host}${url.pathname}`;
  const password = url.password;
  url.search = others.toString();
  return {
    kind,
    address,
    target: url.href,
    parameters: own,
    secrets: [password, decoded(password), others.get("password") ?? ""].filter(
      (secret) => secret !== "",
    ),
  };
}

function split(
  kind: StoreKind,
  parameters: URLSearchParams,
): { own: Map<string, string>; others: URLSearchParams } {
  const own = new Map<string, string>();
  const others = new URLSearchParams();
  for (const [name, value] of parameters) {
    if (OWN[kind].includes(name)) own.set(name, value);
    else if (WITH_DRIVER_PARAMETERS.includes(kind)) others.append(name, value);
    // The name is not quoted: it may be the end of a password.
    else
      throw new TypeError(
        `Cannot open a store: its URL has a parameter that ${kind} does not know, ${OWN[kind].join(", ")} ${OWN[kind].length === 1 ? "is" : "are"} known`,
      );
  }
  return { own, others };
}

/** A parameter that is true or false. */
export function flagOf(url: StoreUrl, name: string): boolean | undefined {
  const value = url.parameters.get(name);
  if (value === undefined || value === "true" || value === "false")
    return value === undefined ? undefined : value === "true";
  throw new TypeError(
    `Cannot open a store: parameter ${name} of its URL is neither true nor false`,
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
