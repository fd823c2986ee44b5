// A shared cache by the rules of RFC 9111, as bad a neighbour as they permit: it stores all that it
// may, for ever where nobody says how long, serves whatever it may to whomever it may, and keeps
// Set-Cookie with the rest (RFC 9111 7.3).
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { type Listening, listen } from "../support/listen.ts";

/** What a broken cache would overlook: to see that a test would notice. */
export interface SharedCacheOptions {
  overlooks?: "vary" | "no-store";
}

export interface SharedCache extends Listening {
  /** How many answers came from the cache. */
  readonly hits: number;
}

interface Stored {
  readonly status: number;
  readonly headers: [name: string, value: string][];
  readonly body: Buffer;
  /** The request's values of the headers that Vary names. */
  readonly selectedBy: ReadonlyMap<string, string>;
  readonly isFresh: boolean;
}

interface Answer {
  readonly status: number;
  readonly headers: [name: string, value: string][];
  readonly body: Buffer;
}

// RFC 9110 15.1: those a cache may keep without being told how long.
const HEURISTICALLY_CACHEABLE = [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501];
const UNSAFE = ["POST", "PUT", "PATCH", "DELETE"];

/** Starts the cache in front of an origin. */
export async function startSharedCache(
  origin: string,
  options: SharedCacheOptions = {},
): Promise<SharedCache> {
  const stored = new Map<string, Stored[]>();
  let hits = 0;

  async function answer(req: IncomingMessage): Promise<Answer> {
    const uri = req.url ?? "/";
    if (req.method !== "GET" || directives(req.headers["cache-control"]).has("no-store")) {
      const fetched = await ask(origin, req);
      // RFC 9111 4.4.
      if (UNSAFE.includes(req.method ?? "") && fetched.status < 400) stored.delete(uri);
      return fetched;
    }
    const selected = stored.get(uri)?.findLast(({ selectedBy }) => isSelected(selectedBy, req));
    if (selected?.isFresh) {
      hits++;
      return selected;
    }
    const validators = selected ? validatorsOf(selected) : {};
    const fetched = await ask(origin, req, validators);
    if (selected && fetched.status === 304 && Object.keys(validators).length > 0) {
      hits++;
      const fresh = new Set(fetched.headers.map(([name]) => name.toLowerCase()));
      return {
        ...selected,
        headers: [
          ...selected.headers.filter(([name]) => !fresh.has(name.toLowerCase())),
          ...fetched.headers,
        ],
      };
    }
    const vary =
      options.overlooks === "vary"
        ? []
        : valuesOf(fetched, "vary").flatMap((value) =>
            value.split(",").map((name) => name.trim().toLowerCase()),
          );
    if (mayStore(fetched, req, options) && !vary.includes("*")) {
      const selectedBy = new Map(vary.map((name) => [name, fieldOf(req, name)]));
      const others = (stored.get(uri) ?? []).filter((one) => !isSelected(one.selectedBy, req));
      stored.set(uri, [...others, { ...fetched, selectedBy, isFresh: isFresh(fetched) }]);
    }
    return fetched;
  }

  const server = createServer((req, res) => {
    answer(req).then(
      (answered) => send(res, answered),
      () => res.writeHead(502).end(),
    );
  });
  const listening = await listen(server);
  return {
    ...listening,
    get hits() {
      return hits;
    },
  };
}

/** RFC 9111 3. */
function mayStore(
  answer: Answer,
  req: IncomingMessage,
  { overlooks }: SharedCacheOptions,
): boolean {
  const control = directives(valuesOf(answer, "cache-control").join(","));
  if (control.has("no-store") && overlooks !== "no-store") return false;
  if (control.has("private")) return false;
  if (
    req.headers.authorization !== undefined &&
    !["public", "s-maxage", "must-revalidate"].some((name) => control.has(name))
  )
    return false;
  const isExplicit =
    ["public", "max-age", "s-maxage"].some((name) => control.has(name)) ||
    valuesOf(answer, "expires").length > 0;
  return answer.status !== 304 && (isExplicit || HEURISTICALLY_CACHEABLE.includes(answer.status));
}

/** RFC 9111 4.2. A test lasts seconds: whatever has a lifetime at all lives. */
function isFresh(answer: Answer): boolean {
  const control = directives(valuesOf(answer, "cache-control").join(","));
  if (control.has("no-cache")) return false;
  const lifetime = control.get("s-maxage") ?? control.get("max-age");
  if (lifetime !== undefined) return Number(lifetime) > 0;
  const [expires] = valuesOf(answer, "expires");
  return expires === undefined || Date.parse(expires) > Date.now();
}

/** RFC 9111 4.1. */
function isSelected(selectedBy: ReadonlyMap<string, string>, req: IncomingMessage): boolean {
  return [...selectedBy].every(([name, value]) => fieldOf(req, name) === value);
}

/** RFC 9111 4.3.1. */
function validatorsOf(answer: Answer): Record<string, string> {
  const [etag] = valuesOf(answer, "etag");
  const [modified] = valuesOf(answer, "last-modified");
  return {
    ...(etag !== undefined && { "if-none-match": etag }),
    ...(modified !== undefined && { "if-modified-since": modified }),
  };
}

function directives(header: string | undefined): Map<string, string> {
  const parts = (header ?? "").split(",").map((part) => part.trim().toLowerCase());
  return new Map(
    parts.map((part): [string, string] => [
      part.split("=")[0] ?? "",
      (part.split("=")[1] ?? "").replaceAll('"', ""),
    ]),
  );
}

function valuesOf({ headers }: Answer, name: string): string[] {
  return headers.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value);
}

function fieldOf(req: IncomingMessage, name: string): string {
  return [req.headers[name] ?? ""].flat().join(",");
}

const HOP_BY_HOP = ["connection", "keep-alive", "transfer-encoding", "content-length"];

function ask(
  origin: string,
  req: IncomingMessage,
  validators: Record<string, string> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = Object.fromEntries(
      Object.entries(req.headers).filter(([name]) => !HOP_BY_HOP.includes(name)),
    );
    const asked = request(
      origin + (req.url ?? "/"),
      { method: req.method, headers: { ...headers, ...validators } },
      (res) => {
        const chunks: Buffer[] = [];
        res.on("data", (chunk: Buffer) => chunks.push(chunk));
        res.on("end", () => {
          const fields = Array.from(
            { length: res.rawHeaders.length / 2 },
            (_, at): [string, string] => [
              res.rawHeaders[2 * at] ?? "",
              res.rawHeaders[2 * at + 1] ?? "",
            ],
          );
          resolve({
            status: res.statusCode ?? 502,
            headers: fields.filter(([name]) => !HOP_BY_HOP.includes(name.toLowerCase())),
            body: Buffer.concat(chunks),
          });
        });
      },
    );
    asked.on("error", reject);
    req.pipe(asked);
  });
}

function send(res: ServerResponse, { status, headers, body }: Answer): void {
  for (const [name, value] of headers) res.appendHeader(name, value);
  res.writeHead(status).end(body);
}
