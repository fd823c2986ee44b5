// Checks options against a declared shape, to the depth: unknown names, wrong types, values out of range. It knows no option itself.
// A message says what kind of value was given and never shows a text, because the text may be a secret.

/** Throws when a value is not one that an option takes. */
export type Check = (name: string, value: unknown) => void;
/** The options that an object may have. An absent option, and one that is `undefined`, is not checked. */
export type Shape = Readonly<Record<string, Check>>;

/** 30 days in seconds. */
export const DEFAULT_ABSOLUTE = 2_592_000;
// Seconds. A request that waits longer than ten minutes was meant to wait for milliseconds.
export const LONGEST_WAIT = 600;
// Seconds, 400 days: no browser keeps a cookie longer (RFC 6265bis, 5.5), and a longer life is most
// often milliseconds.
export const LONGEST_LIFE = 400 * 86_400;
// A longer list of names hides the one that was misspelt.
const MOST_LISTED = 10;

/** @throws TypeError or RangeError that names the option, says what was given, and what is expected. */
export function assertOptions(owner: string, options: unknown, shape: Shape): void {
  if (!isObject(options))
    throw new TypeError(
      `Invalid options of ${owner}: got ${describe(options)}, expected an object`,
    );
  checkShape(owner, "", options, shape);
}

/** Fails for a value that an option does not take. */
export function invalid(
  name: string,
  value: unknown,
  expected: string,
  kind: typeof TypeError | typeof RangeError = TypeError,
): never {
  throw new kind(`Invalid option ${name}: got ${describe(value)}, expected ${expected}`);
}

/** Fails for a client or store of another library that is none. */
export function refuseClient(client: unknown, expected: string, what = "client"): never {
  const isPromise = typeof Object(client).then === "function";
  const got = isPromise ? "a promise, which has to be awaited" : kindOf(client);
  // A text is most often a URL.
  const advice = typeof client === "string" ? " (openStore takes a URL)" : "";
  throw new TypeError(`Cannot use this ${what}: got ${got}, expected ${expected}${advice}`);
}

/** A check by a condition. */
export function check(expected: string, isValid: (value: unknown) => boolean): Check {
  return (name, value) => isValid(value) || invalid(name, value, expected);
}

export const boolean: Check = check("true or false", (value) => typeof value === "boolean");
export const callback: Check = check("a function", (value) => typeof value === "function");
export const text: Check = check(
  "a string that is not empty",
  (value) => typeof value === "string" && value !== "",
);
export const texts: Check = check(
  "a list of strings",
  (value) => Array.isArray(value) && value.every((each) => typeof each === "string" && each !== ""),
);
/** An option that is checked elsewhere. */
export const unchecked: Check = () => {};

/** One of some texts. */
export function oneOf(...values: readonly string[]): Check {
  const quoted = values.map((value) => `"${value}"`);
  return check(`${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`, (value) =>
    values.includes(value as string),
  );
}

/** A text of a form. A wrong form is a RangeError where a wrong kind is a TypeError. */
export function pattern(form: RegExp, expected: string): Check {
  return check(expected, (value) => typeof value === "string" && form.test(value));
}

/** An object that has some methods. */
export function having(what: string, ...methods: readonly string[]): Check {
  const names = methods.map((method) => `${method}()`).join(" and ");
  return (name, value) => {
    if (!methods.every((method) => typeof Object(value)[method] === "function"))
      invalid(name, value, `${what}, with ${names}`);
  };
}

export const clock: Check = having("a Clock", "now", "schedule");

/** A number of seconds. @param also a value that is taken as well, such as `false`. */
export function seconds(least: number, most: number, also?: unknown): Check {
  const bounds = `from ${least} to ${most}${also === undefined ? "" : `, or ${String(also)}`}`;
  return (name, value) => {
    if (also !== undefined && value === also) return;
    if (typeof value !== "number") invalid(name, value, `seconds ${bounds}`);
    // What is far too long is most often milliseconds.
    const unit = value > most && value < Infinity ? "seconds (not milliseconds)" : "seconds";
    if (!(value >= least && value <= most)) invalid(name, value, `${unit} ${bounds}`, RangeError);
  };
}

/** How long a session lives, in seconds. */
export const life: Check = seconds(1, LONGEST_LIFE);

/** @throws TypeError or RangeError for a value that is no number of seconds within the bounds. */
export function assertSeconds(
  name: string,
  value: unknown,
  least = 1,
  most = LONGEST_LIFE,
): asserts value is number {
  seconds(least, most)(name, value);
}

/** A whole number. */
export function whole(least: number, most = Number.MAX_SAFE_INTEGER): Check {
  const from = least === Number.MIN_SAFE_INTEGER ? "" : ` from ${least}`;
  const expected = `a whole number${from}${most === Number.MAX_SAFE_INTEGER ? "" : ` to ${most}`}`;
  return (name, value) => {
    if (typeof value !== "number") invalid(name, value, expected);
    if (!(Number.isInteger(value) && value >= least && value <= most))
      invalid(name, value, expected, RangeError);
  };
}

/** Options within an option. */
export function nested(shape: Shape): Check {
  return (name, value) => {
    if (!isObject(value)) invalid(name, value, "an object");
    checkShape(name, `${name}.`, value, shape);
  };
}

function checkShape(owner: string, prefix: string, options: object, shape: Shape): void {
  for (const name of Object.keys(options))
    if (!Object.hasOwn(shape, name)) refuseName(owner, prefix, name, Object.keys(shape));
  for (const [name, check] of Object.entries(shape)) {
    const value = (options as Record<string, unknown>)[name];
    if (value !== undefined) check(prefix + name, value);
  }
}

// What other libraries call it (express-session, its stores, iron-session), and what it is here:
// the first name that the owner has. Where there is none the text says why.
const ELSEWHERE: Readonly<Record<string, readonly string[] | string>> = {
  age: ["maxAge"],
  cookieoptions: ["cookie"],
  genid: "the library makes the ids, 160 random bits each",
  key: ["keys", "cookieName"],
  keys: ["secrets"],
  lifetime: ["absoluteTimeout"],
  maxage: ["absoluteTimeout"],
  name: ["cookieName"],
  password: ["secrets"],
  proxy: "a cookie is Secure by cookie.secure, whatever a proxy says",
  resave: "a session is written when it has changed",
  rolling: ["idleTimeout"],
  saveuninitialized: "a session begins with the first field that is set",
  signed: "ids are signed by the option secrets of the Session",
  ttl: ["absoluteTimeout"],
  expires: ["absoluteTimeout"],
  overwrite: "a cookie of the same name is always replaced",
  encode: "a session's cookie needs no encoding",
  timeout: ["idleTimeout"],
  unset: "session.destroy() ends a session",
};
// By the server: the record holds the end, and no store of ours has an option for it.
const DEADLINES = "the deadlines are the options idleTimeout and absoluteTimeout of the Session";

function refuseName(owner: string, prefix: string, name: string, known: readonly string[]): never {
  const elsewhere = Object.hasOwn(ELSEWHERE, name.toLowerCase())
    ? ELSEWHERE[name.toLowerCase()]
    : undefined;
  const same = Array.isArray(elsewhere) ? elsewhere.find((one) => known.includes(one)) : undefined;
  const near = known.toSorted((a, b) => distance(name, a) - distance(name, b))[0] ?? "";
  const isNear = distance(name, near) <= Math.ceil(near.length / 3);
  const meant = same ?? (isNear ? near : undefined);
  if (meant !== undefined)
    throw new TypeError(`Invalid option ${prefix}${name}: did you mean ${prefix}${meant}?`);
  const reason =
    typeof elsewhere === "string"
      ? elsewhere
      : elsewhere?.some((one) => one.endsWith("Timeout"))
        ? DEADLINES
        : undefined;
  const listed = known.length > MOST_LISTED ? "" : `, expected ${known.join(", ")}`;
  throw new TypeError(
    `Invalid option ${prefix}${name}: ${owner} has no such option${reason ? `, ${reason}` : listed}`,
  );
}

/** How many letters differ (Levenshtein), whatever their case. */
function distance(a: string, b: string): number {
  let row = [...b, ""].map((_, at) => at);
  for (const [at, letter] of [...a.toLowerCase()].entries()) {
    const next = [at + 1];
    for (const [to, other] of [...b.toLowerCase()].entries()) {
      // Each row has a field more than the text has letters.
      const [above, left, before] = [row[to + 1], next[to], row[to]] as [number, number, number];
      next.push(Math.min(above + 1, left + 1, before + (letter === other ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function describe(value: unknown): string {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (value === "") return "an empty string";
  return value instanceof Date ? "a Date" : kindOf(value);
}

/** Names what a value is, for messages, without showing it. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (value === undefined) return "undefined";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
