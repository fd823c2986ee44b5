// harpiats/device: what a request says of its device, in words for the list of one's own devices.
// Brings no parser of user agents and keeps nothing: a Session does, where the application asks for
// it.
import { assertOptions, boolean, check, having, invalid, type Shape } from "./core/checks.ts";
import { headerOf, type RequestLike } from "./core/http/http-messages.ts";
import type { DeviceFacts } from "./core/store.ts";

/** What reads a user agent: `Bowser` of bowser, or anything with such a `parse`. */
export interface UserAgentParser {
  parse(userAgent: string): {
    browser?: { name?: string | undefined };
    os?: { name?: string | undefined };
  };
}

/** What is kept of a device, and what reads its user agent. */
export interface DeviceOptions {
  /** Makes the label. */
  parser: UserAgentParser;
  /**
   * The address, as your framework knows it: it says whose word is taken for it behind a proxy.
   * Default: none is kept. It is personal data, and says about where somebody is.
   */
  ip?: string | undefined;
  /**
   * Whether the user agent is kept as well. Default `false`: the label is enough for a list of
   * devices, and tells less of people.
   */
  keepUserAgent?: boolean | undefined;
}

// Longer ones are nobody's browser, and would be kept with every session.
const LONGEST_USER_AGENT = 512;
const LONGEST_NAME = 40;
const LONGEST_IP = 64;
const OPTIONS = {
  parser: having("a parser of user agents, such as Bowser of bowser", "parse"),
  ip: check("a string", (value) => typeof value === "string"),
  keepUserAgent: boolean,
} satisfies Shape;
// Control and format characters, such as those that turn the direction of what follows, halves of
// pairs, and what has no meaning.
const INVISIBLE = /\p{C}/gu;

/**
 * The device of a request: `{ label: "Firefox on Windows" }`, with `ip` and `userAgent` where they
 * are asked for. `undefined` where nothing is known. Whatever a visitor sends is short, visible
 * text here, and still only the visitor's word.
 *
 * `new Session({ device: (req) => deviceOf(req, { parser: Bowser }) })`
 *
 * @throws TypeError for options that make no sense and for what is no request; never for what a
 * visitor sent.
 */
export function deviceOf(req: RequestLike, options: DeviceOptions): DeviceFacts | undefined {
  assertOptions("deviceOf", options, OPTIONS);
  if (options.parser === undefined)
    invalid("parser", undefined, "a parser of user agents, such as Bowser of bowser");
  const { parser, keepUserAgent = false } = options;
  const userAgent = toVisible(headerOf(req, "user-agent"), LONGEST_USER_AGENT);
  const label = userAgent && labelOf(parser, userAgent);
  const ip = toVisible(options.ip, LONGEST_IP);
  const device: DeviceFacts = {
    ...(keepUserAgent && userAgent && { userAgent }),
    ...(ip && { ip }),
    ...(label && { label }),
  };
  return Object.keys(device).length === 0 ? undefined : device;
}

function labelOf(parser: UserAgentParser, userAgent: string): string {
  try {
    const { browser, os } = parser.parse(userAgent);
    // Names are taken from the user agent, too, where it is a browser that the parser does not
    // know.
    return [browser?.name, os?.name]
      .map((name) => toVisible(name, LONGEST_NAME))
      .filter(Boolean)
      .join(" on ");
  } catch {
    // A parser's mistake must not keep anybody from signing in.
    return "";
  }
}

function toVisible(text: unknown, longest: number): string {
  if (typeof text !== "string") return "";
  // Cut before and after: the expression never sees megabytes, and no pair of surrogates is left in
  // half.
  return text
    .slice(0, 2 * longest)
    .replace(INVISIBLE, "")
    .trim()
    .slice(0, longest)
    .replace(INVISIBLE, "");
}
