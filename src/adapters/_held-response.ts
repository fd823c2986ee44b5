// Holds a node response back at its first byte until the session is settled, once. Serves every framework that writes
// to node's response; knows nothing of sessions.

/** node's response, of http, https or http2, as far as it is held. */
export interface HoldableResponse {
  statusCode: number;
  readonly headersSent: boolean;
  readonly writableNeedDrain?: boolean;
  getHeader(name: string): unknown;
  setHeader(name: string, value: string | string[]): unknown;
  emit(event: "drain"): boolean;
  destroy(error?: Error): unknown;
}

/** What to do at the moments that matter. Those that may wait may also answer at once, by returning nothing. */
export interface HoldHooks {
  /** Before the headers leave, with the status they will have. Called again if the response is begun anew after a failure. */
  beforeHeaders(status: number): Promise<void> | undefined;
  /** The last moment to set headers. */
  writeHeaders(): void;
  /** Before the end, when the headers have left already. */
  beforeEnd(): Promise<void> | undefined;
  /** `beforeHeaders` failed: nothing has left, and the response is the framework's error path's. */
  onFailure(error: unknown): void;
}

// The calls that send, or make sure that something will be.
const SENDING = ["writeHead", "write", "end", "flushHeaders"] as const;
type Sending = (typeof SENDING)[number];
type Method = (...args: unknown[]) => unknown;

const IS_WAITING = Symbol("isWaiting");

interface WatchedResponse extends HoldableResponse {
  [IS_WAITING]?: () => boolean;
}

// Whoever looks meanwhile must not take the response for one that can still be begun. The same getter for all responses: with one for each,
// every response has a shape of its own, and that costs more than the whole session.
const HEADERS_SENT: PropertyDescriptor & ThisType<WatchedResponse> = {
  configurable: true,
  get() {
    return this[IS_WAITING]?.() === true || (Reflect.get(Object.getPrototypeOf(this) as object, "headersSent", this) as boolean);
  },
};

/** Makes a response wait for its session. */
export function holdResponse(response: HoldableResponse, hooks: HoldHooks): void {
  // The four methods, whatever their overloads: they are only handed on.
  const target = response as unknown as Record<Sending, Method>;
  const originals = new Map<Sending, Method>();
  const held: { name: Sending; args: unknown[] }[] = [];
  let state: "open" | "waiting" | "begun" = "open";

  const watched = response as WatchedResponse;
  // Of several that hold the same response each may be waiting.
  const isOtherWaiting = watched[IS_WAITING];
  watched[IS_WAITING] = () => state === "waiting" || isOtherWaiting?.() === true;
  if (!isOtherWaiting) Object.defineProperty(response, "headersSent", HEADERS_SENT);

  for (const name of SENDING) {
    const original = target[name];
    if (typeof original !== "function") continue;
    originals.set(name, original);
    target[name] = (...args) => intercept(name, args);
  }

  function intercept(name: Sending, args: unknown[]): unknown {
    if (state === "waiting") return hold(name, args);
    if (state === "begun") return name === "end" ? finish(args) : send(name, args);
    const status = name === "writeHead" ? takeHead(args) : response.statusCode;
    const settled = hooks.beforeHeaders(status);
    if (settled === undefined) {
      begin();
      return send(name, args);
    }
    state = "waiting";
    const answer = hold(name, args);
    settled.then(release).catch(fail);
    return answer;
  }

  function hold(name: Sending, args: unknown[]): unknown {
    // Compression asks for the head again and again as long as it has not left.
    if (name !== "writeHead" || held.length === 0) held.push({ name, args });
    // Full, as far as the writer is concerned: a pipe waits for `drain`.
    return name === "write" ? false : response;
  }

  function begin(): void {
    state = "begun";
    hooks.writeHeaders();
  }

  function release(): void {
    begin();
    const wrote = held.some(({ name }) => name === "write");
    const ended = held.some(({ name }) => name === "end");
    for (const { name, args } of held.splice(0)) {
      if (name === "end") finish(args);
      else send(name, args);
    }
    if (wrote && !ended && !response.writableNeedDrain) response.emit("drain");
  }

  function fail(error: unknown): void {
    held.length = 0;
    state = "open";
    hooks.onFailure(error);
  }

  function finish(args: unknown[]): unknown {
    const settled = hooks.beforeEnd();
    if (settled === undefined) return send("end", args);
    // Too late for an error page: a response that is cut off is no success.
    settled.then(
      () => send("end", args),
      (error: unknown) => response.destroy(error as Error),
    );
    return response;
  }

  function send(name: Sending, args: unknown[]): unknown {
    return originals.get(name)?.apply(response, args);
  }

  /** Turns the headers of a writeHead into headers that are set, so that none is lost beside ours (CVE-2025-7339). */
  function takeHead(args: unknown[]): number {
    const [status, second, third] = args;
    const headers = typeof second === "object" && second !== null ? second : third;
    const set = new Map<string, string[]>();
    for (const [name, value] of toPairs(headers)) {
      const values = set.get(name.toLowerCase()) ?? [];
      set.set(name.toLowerCase(), values);
      values.push(...[value].flat().map(String));
      response.setHeader(name, values.length === 1 ? (values[0] as string) : values);
    }
    args.splice(0, args.length, status, ...(typeof second === "string" ? [second] : []));
    return Number(status);
  }
}

function toPairs(headers: unknown): [string, unknown][] {
  if (typeof headers !== "object" || headers === null) return [];
  if (!Array.isArray(headers)) return Object.entries(headers).filter(([, value]) => value !== undefined);
  if (Array.isArray(headers[0])) return headers as [string, unknown][];
  const flat: unknown[] = headers;
  return Array.from({ length: flat.length / 2 }, (_, at) => [String(flat[2 * at]), flat[2 * at + 1]]);
}
