// The cookie of one session, as applications of express-session know it: `req.session.cookie`.
// `expires` and `maxAge` are two faces of one instant.
import { type StringifyOptions, stringifySetCookie } from "cookie";

/** How long a session's cookie lives and where browsers send it. Milliseconds, as express-session has it. */
export interface CookieOptions {
  /** Milliseconds from now. Absent or `null`: until the browser is closed. */
  maxAge?: number | null | undefined;
  /** An instant instead of `maxAge`. */
  expires?: Date | null | undefined;
  /** Default `"/"`. Requests for other paths get no session. */
  path?: string | undefined;
  domain?: string | undefined;
  /** Default `true`. */
  httpOnly?: boolean | undefined;
  /** `"auto"`: as secure as the connection. */
  secure?: boolean | "auto" | undefined;
  /** `"auto"`: `"none"` on a secure connection, else `"lax"`. */
  sameSite?: boolean | "lax" | "strict" | "none" | "auto" | undefined;
  priority?: "low" | "medium" | "high" | undefined;
  partitioned?: boolean | undefined;
  /** Ignored: what the cookie had when it was stored. */
  originalMaxAge?: number | null | undefined;
}

/** What is stored of a cookie, and what Set-Cookie is made of. */
export interface CookieData {
  originalMaxAge: number | null;
  partitioned: boolean | undefined;
  priority: "low" | "medium" | "high" | undefined;
  expires: Date | null;
  secure: boolean | undefined;
  httpOnly: boolean;
  domain: string | undefined;
  path: string;
  sameSite: boolean | "lax" | "strict" | "none" | undefined;
}

// The setters take part in the order of the options, so the instant is one field behind both.
const INSTANT = Symbol("expires");

/**
 * `req.session.cookie`: what a handler sets here is in the Set-Cookie of its answer, and stored.
 *
 * @example
 * req.session.cookie.maxAge = 30 * 86_400_000; // 30 days: "remember me"
 */
export class Cookie {
  declare path: string;
  declare httpOnly: boolean;
  declare domain: string | undefined;
  declare secure: boolean | undefined;
  declare sameSite: boolean | "lax" | "strict" | "none" | undefined;
  declare priority: "low" | "medium" | "high" | undefined;
  declare partitioned: boolean | undefined;
  /** Milliseconds that the cookie got when it was made or last changed; `null` for a cookie of the browser's session. */
  declare originalMaxAge: number | null;
  declare [INSTANT]: Date | null;

  /** @throws TypeError for options that are no object, and for a `maxAge` that is no number. */
  constructor(options?: CookieOptions | CookieData | null) {
    Object.defineProperty(this, INSTANT, { value: null, writable: true });
    this.path = "/";
    this.maxAge = null;
    this.httpOnly = true;
    if (options === undefined || options === null) return;
    if (typeof options !== "object")
      throw new TypeError(
        `Cannot make a cookie: argument options is a ${typeof options}, expected an object`,
      );
    const given = options instanceof Cookie ? options.data : options;
    for (const [name, value] of Object.entries(given)) {
      if (name !== "data") Reflect.set(this, name, value);
    }
    this.originalMaxAge ??= this.maxAge;
  }

  /** When the cookie ends; `null` with the browser's session. */
  get expires(): Date | null {
    return this[INSTANT];
  }

  set expires(instant: Date | null) {
    this[INSTANT] = instant;
    this.originalMaxAge = this.maxAge;
  }

  /** Milliseconds that are left; `null` for a cookie of the browser's session. */
  get maxAge(): number | null {
    const instant = this[INSTANT];
    return instant instanceof Date ? instant.getTime() - Date.now() : instant;
  }

  set maxAge(milliseconds: number | null | undefined) {
    const given: unknown = milliseconds;
    if (typeof given === "number") {
      this.expires = new Date(Date.now() + given);
      return;
    }
    if (given && !(given instanceof Date))
      throw new TypeError(
        `Cannot set maxAge: it is a ${typeof given}, expected a number of milliseconds or null`,
      );
    this.expires = (given as Date | null | undefined) ?? null;
  }

  /** What is stored. */
  get data(): CookieData {
    return {
      originalMaxAge: this.originalMaxAge,
      partitioned: this.partitioned,
      priority: this.priority,
      expires: this[INSTANT],
      secure: this.secure,
      httpOnly: this.httpOnly,
      domain: this.domain,
      path: this.path,
      sameSite: this.sameSite,
    };
  }

  /** The text of a Set-Cookie header. @throws TypeError for an attribute that has no text, such as an invalid Date. */
  serialize(name: string, value: string): string {
    const { originalMaxAge: _stored, ...attributes } = this.data;
    // What is unset, or has been set to null, is left out.
    const set = Object.entries(attributes).filter(
      ([, attribute]) => attribute !== undefined && attribute !== null,
    );
    return stringifySetCookie({ name, value, ...Object.fromEntries(set) } as {
      name: string;
      value: string;
    } & StringifyOptions);
  }

  toJSON(): CookieData {
    return this.data;
  }
}
