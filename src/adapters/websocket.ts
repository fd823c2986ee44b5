// WebSockets: the session of an upgrade request, and the end of the socket when the session ends.
// For ws, Socket.IO, Bun, Deno and Hono alike: it looks at the request and closes the socket, and
// reads no message.
import { assertOptions, type Shape } from "../core/checks.ts";
import { origins } from "../core/http/cross-site.ts";
import { headerOf, type RequestLike } from "../core/http/http-messages.ts";
import type { RequestSession } from "../core/request/request-session.ts";
import type { Session } from "../core/session/session.ts";

/** What an upgrade request is held to. */
export interface UpgradeOptions {
  /**
   * The origins whose pages may connect, each exactly as a browser sends it:
   * `https://app.example.com`. Default: the host that the request was sent to. A request without an
   * origin is no browser's and carries nobody's cookie unasked (ASVS V4.4.2).
   */
  allowedOrigins?: readonly string[] | undefined;
}

/**
 * An upgrade request's session; or the status to refuse it with, 403 for a foreign origin, 401
 * where nobody is signed in. A visitor's session is refused too: where visitors may connect, use
 * `Session.open`.
 */
export type Upgrade<Data extends object, Input extends object = Data> =
  | {
      readonly isAllowed: true;
      readonly data: Readonly<Data>;
      readonly session: RequestSession<Data, Input>;
    }
  | { readonly isAllowed: false; readonly status: 401 | 403 };

/**
 * A socket as far as it is closed: `close` of ws, Bun, Deno, Hono and browsers, `disconnect` of
 * Socket.IO.
 */
export type Closable =
  | { close(code?: number, reason?: string): unknown }
  | { disconnect(close?: boolean): unknown };

const OPTIONS = { allowedOrigins: origins } satisfies Shape;
/** Policy violation (RFC 6455 7.4.1). */
const POLICY_VIOLATION = 1008;

/**
 * The session of an upgrade request: node's or fetch's, Socket.IO's `socket.handshake`, the context
 * of Hono.
 *
 * @throws StoreError when the store fails: refuse with 503, and nobody is logged out.
 */
export async function fromWebSocket<Data extends object, Input extends object = Data>(
  session: Pick<Session<Data, Input>, "open">,
  req: RequestLike,
  options: UpgradeOptions = {},
): Promise<Upgrade<Data, Input>> {
  assertOptions("fromWebSocket", options, OPTIONS);
  if (!isAllowedOrigin(req, options.allowedOrigins)) return { isAllowed: false, status: 403 };
  const own = session.open(req);
  const data = await own.user;
  return data === undefined
    ? { isAllowed: false, status: 401 }
    : { isAllowed: true, data, session: own };
}

/**
 * Closes a socket, with code 1008, when its session ends for whatever reason.
 *
 * @param closed fires when the socket closes by itself: then nothing is watched any more.
 */
export async function closeWithSession(
  socket: Closable,
  session: RequestSession<object>,
  closed?: AbortSignal,
): Promise<void> {
  const ended = await session.watch(closed);
  const close = (): void =>
    void ("close" in socket
      ? socket.close(POLICY_VIOLATION, "The session has ended")
      : socket.disconnect(true));
  if (ended.aborted) close();
  else ended.addEventListener("abort", close, { once: true });
}

function isAllowedOrigin(req: RequestLike, allowed: readonly string[] | undefined): boolean {
  const origin = headerOf(req, "origin");
  if (!origin) return true;
  if (allowed) return allowed.includes(origin);
  return URL.canParse(origin) && new URL(origin).host === headerOf(req, "host");
}
