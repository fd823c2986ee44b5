// The last word on caching, for node's responses: what an application says to caches after our
// cookie was set is looked at when the head leaves, in its final state.
import { forbidCaching, isCachingHeader, type ResponseLike } from "./http-messages.ts";

type WriteHead = (this: NodeHead, ...args: unknown[]) => unknown;

interface NodeHead {
  writeHead: WriteHead;
  getHeader(name: string): unknown;
  readonly headersSent: boolean;
}

// What was there before, by response. No closure for each: it would hold on to a dead response.
const former = new WeakMap<object, WriteHead>();

/**
 * Sees to it that a response which carries a cookie of ours is kept by no cache, whatever is said
 * to caches after this call. Does nothing for what is no response of node's, nor has one beneath.
 */
export function keepLastWord(res: ResponseLike): void {
  const head = nodeHeadOf(res);
  if (!head || former.has(head)) return;
  former.set(head, head.writeHead);
  head.writeHead = writeHead;
}

function writeHead(this: NodeHead, ...args: unknown[]): unknown {
  const original = former.get(this) as WriteHead;
  // An application that took the cookie away again may keep its response where it likes.
  const hasCookie = this.getHeader("set-cookie") !== undefined || args.some(hasSetCookie);
  if (this.headersSent || !hasCookie) return original.apply(this, args);
  // Node's response, by what was asked of it when it was followed.
  forbidCaching(this as unknown as ResponseLike);
  return original.apply(
    this,
    args.map((arg) => (typeof arg === "object" && arg !== null ? withoutCaching(arg) : arg)),
  );
}

/** Headers as writeHead takes them: an object, a flat list or a list of pairs. */
function withoutCaching(headers: object): object {
  if (!Array.isArray(headers))
    return Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, valueOf(name, value)]),
    );
  return headers.map((item: unknown, at) => {
    if (Array.isArray(item)) return [item[0], valueOf(item[0], item[1])];
    return at % 2 === 1 ? valueOf(headers[at - 1], item) : item;
  });
}

/** Fastify hands its headers over with the head. */
function hasSetCookie(headers: unknown): boolean {
  if (typeof headers !== "object" || headers === null) return false;
  const names = Array.isArray(headers) ? headers.flat().map(String) : Object.keys(headers);
  return names.some((name) => name.toLowerCase() === "set-cookie");
}

function valueOf(name: unknown, value: unknown): unknown {
  return isCachingHeader(String(name)) ? "no-store" : value;
}

function nodeHeadOf(res: ResponseLike): NodeHead | undefined {
  // Fastify's reply and Koa's context have node's response beneath.
  const { raw, res: inner } = res as { raw?: unknown; res?: unknown };
  return [res, raw, inner].find(
    (one): one is NodeHead =>
      typeof (one as Partial<NodeHead> | undefined)?.writeHead === "function" &&
      typeof (one as Partial<NodeHead>).getHeader === "function",
  );
}
