// What every constructor with options checks alike.

/**
 * @throws TypeError for options that are no object, or for a name among them that means nothing: a
 * misspelt one would be silently ignored.
 */
export function assertOptions(name: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== "object" || options === null)
    throw new TypeError(
      `Cannot make a ${name}: options is ${kindOf(options)}, an object is wanted`,
    );
  const unknown = Object.keys(options).filter((option) => !known.includes(option));
  if (unknown.length > 0)
    throw new TypeError(
      `Cannot make a ${name}: there is no option ${unknown.join(", ")}, there are ${known.join(", ")}`,
    );
}

/** Names what a value is, for messages, without showing it. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (value === undefined) return "undefined";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** 30 days in seconds. */
export const DEFAULT_ABSOLUTE = 2_592_000;

// Beyond this a sum of instants would leave the years that a Date can hold.
const LONGEST = 100 * 365 * 86_400;

/** @throws TypeError or RangeError for what is no number of seconds within the bounds. */
export function assertSeconds(
  name: string,
  value: unknown,
  least = 1,
  most = LONGEST,
): asserts value is number {
  if (typeof value !== "number")
    throw new TypeError(
      `Cannot use ${name}: it is ${kindOf(value)}, a number of seconds is wanted`,
    );
  if (!(value >= least && value <= most)) {
    throw new RangeError(
      `Cannot use ${name} ${value}: seconds from ${least} to ${most}${most === LONGEST ? " (100 years)" : ""} are wanted`,
    );
  }
}
