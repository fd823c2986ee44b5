// How an id travels: in our cookie, or as a bearer token where the application says so. Anywhere
// else it is nobody's.
import { type CookieOptions, writtenCookie } from "./cookies.ts";
import {
  forbidCaching,
  headerOf,
  type RequestLike,
  type ResponseLike,
  toHeaderPort,
} from "./http-messages.ts";

/** Reads ids from requests and writes them to responses. */
export interface Transport {
  /** The request's header that decides: for `Vary`. */
  readonly header: string;
  /** What a request carries, in the order in which it came. */
  read(req: RequestLike): string | string[] | undefined;
  write(res: ResponseLike, id: string, options?: CookieOptions): void;
  /** Throws for options that `write` would refuse, before anything is done that cannot be undone. */
  assertWritable(options: CookieOptions): void;
  /** Takes it back. */
  erase(res: ResponseLike, options?: CookieOptions): void;
}

const SCHEME = "bearer ";
/** Where a client that keeps no cookies finds its id, and the empty text when it has ended. */
const TOKEN_HEADER = "X-Auth-Token";

/** `Authorization: Bearer <id>` (RFC 6750, 2.1); a new id goes out as `X-Auth-Token`. */
export class BearerToken implements Transport {
  readonly header = "Authorization";

  read(req: RequestLike): string | undefined {
    const value = headerOf(req, "authorization");
    return value?.slice(0, SCHEME.length).toLowerCase() === SCHEME
      ? value.slice(SCHEME.length).trim()
      : undefined;
  }

  write(res: ResponseLike, id: string): void {
    toHeaderPort(res).setHeader(TOKEN_HEADER, id);
    // A cache that kept this response would hand out the session.
    forbidCaching(res);
  }

  assertWritable(options: CookieOptions): void {
    writtenCookie("cookie", options);
  }

  erase(res: ResponseLike): void {
    this.write(res, "");
  }
}
