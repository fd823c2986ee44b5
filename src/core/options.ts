// What every constructor with options checks alike.
import { kindOf } from "./json.ts";

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
