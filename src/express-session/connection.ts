// What is known of a request's way here: is the connection secure, which path was asked for.

/** node's request, and what Express and cookie-parser add. */
export interface SessionRequest {
  headers: Record<string, string | string[] | undefined>;
  url?: string | undefined;
  originalUrl?: string | undefined;
  secure?: boolean | undefined;
  /** cookie-parser's, which verifies with it. */
  secret?: unknown;
  cookies?: unknown;
  signedCookies?: unknown;
  socket?: object | null | undefined;
  connection?: object | null | undefined;
  session?: unknown;
  sessionID?: unknown;
  sessionStore?: unknown;
}

/**
 * @param proxy `true` believes `X-Forwarded-Proto`, `false` nothing but the socket; unset, Express
 * decides by "trust proxy".
 */
export function isSecure(req: SessionRequest, proxy: boolean | undefined): boolean {
  const { encrypted } = (req.socket ?? req.connection ?? {}) as { encrypted?: unknown };
  if (encrypted) return true;
  if (proxy === false) return false;
  if (proxy === undefined) return req.secure === true;
  const header = [req.headers["x-forwarded-proto"]].flat()[0] ?? "";
  return (header.split(",", 1)[0] as string).trim().toLowerCase() === "https";
}

/** The path that was asked for, also below the mount point of an application, and of an absolute URL. */
export function pathOf(req: SessionRequest): string {
  const target = req.originalUrl ?? req.url ?? "";
  const absolute = /^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i.exec(target);
  const path = target.slice(absolute?.[0].length ?? 0);
  const end = path.search(/[?#]/);
  return (end === -1 ? path : path.slice(0, end)) || "/";
}
