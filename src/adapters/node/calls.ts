// The arguments of the calls that send, read as node reads them, and what node does with such a
// call once the response has ended.

/** node's response, as far as its calls are looked at. */
export interface NodeResponse {
  statusCode: number;
  statusMessage?: unknown;
  /** Of http2 alone. */
  readonly stream?: unknown;
  readonly destroyed?: boolean;
  readonly headersSent: boolean;
  readonly writableHighWaterMark?: number;
  getHeader(name: string): unknown;
  setHeader(name: string, value: string | string[]): unknown;
  removeHeader(name: string): unknown;
  destroy(error?: Error): unknown;
  listenerCount?(event: string): number;
  emit(event: string, ...args: unknown[]): boolean;
  once?(event: string, listener: () => void): unknown;
}

type Callback = (error?: Error) => void;

/** The chunk of a write or an end. */
export function chunkOf([chunk]: readonly unknown[]): unknown {
  return typeof chunk === "function" ? undefined : chunk;
}

/** In bytes. */
export function lengthOf(args: readonly unknown[]): number {
  const chunk = chunkOf(args);
  if (chunk instanceof Uint8Array) return chunk.length;
  const [, encoding] = args;
  return typeof chunk === "string"
    ? Buffer.byteLength(chunk, typeof encoding === "string" ? (encoding as BufferEncoding) : "utf8")
    : 0;
}

function callbackOf(args: readonly unknown[]): Callback | undefined {
  return args.find((arg) => typeof arg === "function") as Callback | undefined;
}

// node's checkInvalidHeaderChar.
const NO_HEADER_TEXT = /[^\t\x20-\x7e\x80-\xff]/;

/**
 * Whether node would begin a response with this call, or throw at once: then it must throw where
 * the caller is.
 */
export function isBegun(response: NodeResponse, name: string, args: readonly unknown[]): boolean {
  const isHead = name === "writeHead";
  if (!isStatus(response, isHead ? args[0] : response.statusCode)) return false;
  if (response.stream !== undefined) return true;
  const message = isHead && typeof args[1] === "string" ? args[1] : response.statusMessage;
  return !NO_HEADER_TEXT.test(String(message ?? "")) && isTaken(response, name, args);
}

/** The same for a call that follows. */
export function isTaken({ stream }: NodeResponse, name: string, args: readonly unknown[]): boolean {
  const chunk = chunkOf(args);
  if (stream !== undefined) return true;
  return name === "write" ? isChunk(chunk) : name !== "end" || !chunk || isChunk(chunk);
}

function isChunk(value: unknown): boolean {
  return typeof value === "string" || value instanceof Uint8Array;
}

function isStatus({ stream }: NodeResponse, status: unknown): boolean {
  const [lowest, highest] = stream === undefined ? [100, 999] : [200, 599];
  // As node does it: a text of digits is a number too.
  const code = Number(status) | 0;
  return code >= lowest && code <= highest;
}

/**
 * A write or an end after the end. The callback gets node's error; so does whoever listens for
 * errors, and where nobody does, nobody is told: node would end the process.
 *
 * @param isQuiet tells nobody but the callback.
 */
export function afterEnd(
  response: NodeResponse,
  name: string,
  args: readonly unknown[],
  isQuiet: boolean,
): unknown {
  const callback = callbackOf(args);
  if (name === "end" && (response.stream !== undefined || !chunkOf(args))) {
    // No error: the end is what was asked for.
    if (callback && response.stream !== undefined) process.nextTick(callback);
    else if (callback) response.once?.("finish", callback);
    return response;
  }
  const error = Object.assign(new Error("write after end"), { code: "ERR_STREAM_WRITE_AFTER_END" });
  process.nextTick(() => {
    callback?.(error);
    const isHeard = !isQuiet && response.stream === undefined && !response.destroyed;
    if (isHeard && (response.listenerCount?.("error") ?? 0) > 0) response.emit("error", error);
  });
  return name === "write" ? false : response;
}

/** Calls back for a call whose answer is given up. */
export function giveUp(
  response: NodeResponse,
  name: string,
  args: readonly unknown[],
  error: unknown,
): void {
  const callback = callbackOf(args);
  if (!callback) return;
  if (name === "end") response.once?.("finish", callback);
  else process.nextTick(() => callback(error as Error));
}

/**
 * Turns the headers of a writeHead into headers that are set, so that none is lost beside ours
 * (CVE-2025-7339). Where node refuses one of them, none is set.
 */
export function takeHead(response: NodeResponse, args: unknown[]): number {
  const [status, second, third] = args;
  const headers = typeof second === "object" && second !== null ? second : third;
  const before: [string, unknown][] = [];
  try {
    for (const [name, value] of toPairs(headers)) {
      before.push([name, response.getHeader(name)]);
      response.setHeader(name, value as string);
    }
  } catch (error) {
    for (const [name, value] of before.toReversed())
      if (value === undefined) response.removeHeader(name);
      else response.setHeader(name, value as string);
    throw error;
  }
  args.splice(0, args.length, status, ...(typeof second === "string" ? [second] : []));
  return Number(status);
}

function toPairs(headers: unknown): Iterable<[string, unknown]> {
  if (typeof headers !== "object" || headers === null) return [];
  if (!Array.isArray(headers)) return Object.entries(headers).filter(([name]) => name !== "");
  const pairs = new Map<string, [string, unknown]>();
  for (const [name, value] of toList(headers)) {
    const there = pairs.get(name.toLowerCase());
    if (there) there[1] = [there[1], value].flat();
    else pairs.set(name.toLowerCase(), [name, value]);
  }
  return pairs.values();
}

function toList(headers: readonly unknown[]): [string, unknown][] {
  if (Array.isArray(headers[0])) return headers as [string, unknown][];
  return Array.from({ length: headers.length / 2 }, (_, at) => [
    String(headers[2 * at]),
    headers[2 * at + 1],
  ]);
}
