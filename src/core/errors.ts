// The two error classes of the package and the codes they carry.
// A message never holds an id, a cookie value, a secret or session data.

/**
 * Every code that an error of this package carries. Codes are stable: branch on them, never on
 * messages. `docs/errors.md` lists the cause and the cure of each.
 */
export type ErrorCode =
  | "ERR_COOKIES_READ_ONLY"
  | "ERR_CROSS_SITE"
  | "ERR_DATA_INVALID"
  | "ERR_HEADERS_SENT"
  | "ERR_NESTED_UPDATE"
  | "ERR_NO_RESPONSE"
  | "ERR_NOT_FRESH"
  | "ERR_NOT_SIGNED_IN"
  | "ERR_SESSION_ENDED"
  | "ERR_STORE_CONFLICT"
  | "ERR_STORE_TIMEOUT"
  | "ERR_STORE_UNAVAILABLE"
  | "ERR_STORE_UNSUPPORTED"
  | "ERR_TOO_MANY_SESSIONS"
  | "ERR_USER_CHANGED";

/** One thing a schema found wrong, in the words of the schema library. */
export interface DataIssue {
  readonly message: string;
  readonly path: readonly PropertyKey[];
}

// What error handlers answer with. A visitor has caused these, and the message says nothing secret.
const STATUS: Partial<Record<ErrorCode, number>> = {
  ERR_CROSS_SITE: 403,
  ERR_NOT_SIGNED_IN: 401,
};

/** An error that a caller can act on. {@link ErrorCode} says which one it is. */
export class HarpiaError extends Error {
  override name = "HarpiaError";
  readonly code: ErrorCode;
  /**
   * With `ERR_DATA_INVALID`: what the schema found wrong. They may quote the data: do not log them
   * unread.
   */
  declare readonly issues?: readonly DataIssue[];
  /**
   * What the error handlers of Express, Fastify, Koa and others answer with: 401 with
   * `ERR_NOT_SIGNED_IN`, 403 with `ERR_CROSS_SITE`, else none.
   */
  declare readonly status?: number;
  declare readonly statusCode?: number;
  /** Whether the message may be shown to the visitor. */
  declare readonly expose?: boolean;

  constructor(
    code: ErrorCode,
    message: string,
    details: { cause?: unknown; issues?: readonly DataIssue[] } = {},
  ) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.code = code;
    if (details.issues) this.issues = details.issues;
    const status = STATUS[code];
    if (status === undefined) return;
    Object.assign(this, { status, statusCode: status, expose: true });
    // Hono asks an error for its response. Not enumerable, so that logs do not show it.
    Object.defineProperty(this, "getResponse", {
      value: () => new Response(status === 403 ? "Forbidden" : "Unauthorized", { status }),
    });
  }
}

/**
 * The store did not do what it was asked: whether the session lives is unknown.
 * It is never turned into "no session": an outage must not log everybody out (ASVS V16.5.3).
 */
export class StoreError extends HarpiaError {
  override name = "StoreError";
  /**
   * What the error handlers of Express, Fastify, Koa and others answer with: the service is
   * unavailable.
   */
  override readonly statusCode = 503;
  override readonly status = 503;
  /**
   * That the message is no visitor's business: NestJS and Koa ask, and answer with the words of the
   * status alone.
   */
  override readonly expose = false;

  /** The same for Hono, which asks an error for its response. */
  getResponse(): object {
    return new Response("Service Unavailable", { status: this.status });
  }

  /** The class of the store, such as `RedisStore`. */
  readonly store: string;
  /** The store's method that failed, such as `read`. */
  readonly operation: string;

  constructor(
    code:
      | "ERR_STORE_CONFLICT"
      | "ERR_STORE_TIMEOUT"
      | "ERR_STORE_UNAVAILABLE"
      | "ERR_STORE_UNSUPPORTED",
    message: string,
    details: { store: string; operation: string; cause?: unknown },
  ) {
    super(code, message, "cause" in details ? { cause: details.cause } : {});
    this.store = details.store;
    this.operation = details.operation;
  }
}
