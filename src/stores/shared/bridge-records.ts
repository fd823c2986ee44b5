// What the bridges to other people's stores have in common: the key, the text and the time to live
// of a record.
import { clock, DEFAULT_ABSOLUTE, life, refuseClient, type Shape } from "../../core/checks.ts";
import { type Clock, systemClock } from "../../core/clock.ts";
import { toJsonObject } from "../../core/data/json.ts";
import { birthOf, toStoreKey } from "../../core/ids/session-id.ts";

/** Options of every bridge. */
export interface BridgeOptions {
  /**
   * Seconds from a session's birth to its end, as in the `Session`: records are told to vanish
   * then. Default 30 days.
   */
  absoluteTimeout?: number | undefined;
  /** Default: the machine's. */
  clock?: Clock | undefined;
}

export const BRIDGE_OPTIONS = {
  absoluteTimeout: life,
  clock,
} satisfies Shape;

// Before the JSON text: the version of this format. It also keeps libraries that parse what looks
// like JSON away from it.
const VERSION = "v1:";

/** Makes records of ids and data, and data of records. */
export class BridgeRecords<Data> {
  readonly #lifetime: number;
  readonly #clock: Clock;

  constructor({ absoluteTimeout = DEFAULT_ABSOLUTE, clock = systemClock }: BridgeOptions) {
    this.#lifetime = absoluteTimeout * 1000;
    this.#clock = clock;
  }

  /**
   * Where an id's record is: one-way, so that whoever reads the store cannot become anybody. 52
   * characters of `0-9a-zA-Z._-`.
   */
  keyOf(id: string): string {
    return toStoreKey(id);
  }

  /** Milliseconds until a record may vanish. */
  timeToLive(id: string): number {
    const birth = birthOf(id);
    const end = birth < 0 ? Infinity : birth * 1000 + this.#lifetime;
    return Math.max(Math.min(end - this.#clock.now(), this.#lifetime), 1000);
  }

  /** @throws TypeError for what JSON would lose. */
  toText(data: Data): string {
    return VERSION + JSON.stringify(toJsonObject(data));
  }

  /** `undefined` for what is absent, foreign, corrupt or of another version. */
  toData(value: unknown): Data | undefined {
    if (typeof value !== "string" || !value.startsWith(VERSION)) return undefined;
    try {
      const data: unknown = JSON.parse(value.slice(VERSION.length));
      // What was stored under this version is what the caller's types say: `toText` wrote it.
      return typeof data === "object" && data !== null && !Array.isArray(data)
        ? (data as Data)
        : undefined;
    } catch {
      return undefined;
    }
  }
}

/** @throws TypeError that says which methods are wanted. */
export function assertMethods(
  option: string,
  value: unknown,
  methods: readonly string[],
  wanted: string,
): void {
  const missing = methods.find((method) => typeof Object(value)[method] !== "function");
  if (missing !== undefined) refuseClient(value, `${wanted}, with ${missing}()`, option);
}
