// Holds a node response back at its first byte until the session is settled, once. Serves every
// framework that writes to node's response; knows nothing of sessions.

/** node's response, of http, https or http2, as far as it is held. */
export interface HoldableResponse {
  statusCode: number;
  readonly headersSent: boolean;
  readonly writableNeedDrain?: boolean;
  readonly writableEnded?: boolean;
  getHeader(name: string): unknown;
  setHeader(name: string, value: string | string[]): unknown;
  removeHeader(name: string): unknown;
  emit(event: "drain"): boolean;
  destroy(error?: Error): unknown;
}

/**
 * What to do at the moments that matter. Those that may wait may also answer at once, by returning
 * nothing.
 */
export interface HoldHooks {
  /**
   * Before the headers leave, with the status they will have. Called again if the response is begun
   * anew after a failure.
   */
  beforeHeaders(status: number): Promise<void> | undefined;
  /** The last moment to set headers. */
  writeHeaders(): void;
  /** Before the end, when the headers have left already. */
  beforeEnd(): Promise<void> | undefined;
  /** `beforeHeaders` failed: nothing has left, and the response is the framework's error path's. */
  onFailure(error: unknown): void;
}

type Method = (...args: unknown[]) => unknown;

// The calls that send, or make sure that something will be.
interface Sender {
  writeHead?: Method;
  write: Method;
  end: Method;
  flushHeaders?: Method;
}

type Sending = keyof Sender;

const IS_WAITING = Symbol("isWaiting");

interface WatchedResponse extends HoldableResponse {
  [IS_WAITING]?: () => boolean;
}

// Whoever looks meanwhile must not take the response for one that can still be begun. The same
// getter for all responses: with one for each, every response has a shape of its own, and that
// costs more than the whole session.
const HEADERS_SENT: PropertyDescriptor & ThisType<WatchedResponse> = {
  configurable: true,
  get() {
    return (
      this[IS_WAITING]?.() === true ||
      (Reflect.get(Object.getPrototypeOf(this) as object, "headersSent", this) as boolean)
    );
  },
};

// What describes a body that will not be sent.
const OF_THE_BODY = [
  "Content-Encoding",
  "Content-Length",
  "Content-Range",
  "ETag",
  "Last-Modified",
  "Transfer-Encoding",
  "Trailer",
];

const NONE: { name: Sending; args: unknown[] }[] = [];

/** Makes a response wait for its session. */
export function holdResponse(response: HoldableResponse, hooks: HoldHooks): void {
  // The four methods, whatever their overloads: they are only handed on.
  new HeldResponse(response as unknown as HoldableResponse & Sender, hooks).attach();
}

// One for each request: what most of them do not need, they do not pay for.
class HeldResponse {
  readonly #response: HoldableResponse & Sender;
  readonly #hooks: HoldHooks;
  // Written out: a map of them would cost more than the rest.
  readonly #writeHead: Method | undefined;
  readonly #write: Method;
  readonly #end: Method;
  readonly #flushHeaders: Method | undefined;
  #held: { name: Sending; args: unknown[] }[] = NONE;
  // Failed: what still calls here belongs to the answer that will not be given.
  #state: "open" | "waiting" | "begun" | "ending" | "failed" = "open";
  #isHeadDue = false;
  // Of two answers the second: whoever made the first may go on with it.
  readonly #isSecond: boolean;

  constructor(response: HoldableResponse & Sender, hooks: HoldHooks, isSecond = false) {
    this.#response = response;
    this.#hooks = hooks;
    this.#isSecond = isSecond;
    this.#writeHead = response.writeHead;
    this.#write = response.write;
    this.#end = response.end;
    this.#flushHeaders = response.flushHeaders;
  }

  /** From now on the four calls come here. */
  attach(): void {
    const response = this.#response;
    if (this.#writeHead) response.writeHead = (...args) => this.#intercept("writeHead", args);
    response.write = (...args) => this.#intercept("write", args);
    response.end = (...args) => this.#intercept("end", args);
    if (this.#flushHeaders)
      response.flushHeaders = (...args) => this.#intercept("flushHeaders", args);
  }

  #intercept(name: Sending, args: unknown[]): unknown {
    if (this.#state === "waiting") return this.#hold(name, args);
    if (this.#state === "begun") return this.#pass(name, args);
    if (this.#state !== "open") return this.#drop(name);
    const status = name === "writeHead" ? this.#takeHead(args) : this.#response.statusCode;
    const settled = this.#hooks.beforeHeaders(status);
    if (settled === undefined) {
      this.#begin();
      if (name === "writeHead") this.#writeDueHead();
      return this.#send(name, args);
    }
    this.#wait();
    const answer = this.#hold(name, args);
    settled.then(() => this.#release()).catch((error: unknown) => this.#fail(error));
    return answer;
  }

  #wait(): void {
    this.#state = "waiting";
    const watched: WatchedResponse = this.#response;
    // Of several that hold the same response each may be waiting.
    const isOtherWaiting = watched[IS_WAITING];
    watched[IS_WAITING] = () => this.#state === "waiting" || isOtherWaiting?.() === true;
    if (!isOtherWaiting) Object.defineProperty(watched, "headersSent", HEADERS_SENT);
  }

  #hold(name: Sending, args: unknown[]): unknown {
    if (this.#held === NONE) this.#held = [];
    // Compression asks for the head again and again as long as it has not left.
    const isOver = this.#isSecond && this.#held.some((call) => call.name === "end");
    if (!isOver && (name !== "writeHead" || this.#held.length === 0))
      this.#held.push({ name, args });
    return this.#drop(name);
  }

  // Full, as far as the writer is concerned: a pipe waits for `drain`.
  #drop(name: Sending): unknown {
    return name === "write" ? false : this.#response;
  }

  #pass(name: Sending, args: unknown[]): unknown {
    if (this.#isSecond && this.#response.writableEnded) return this.#drop(name);
    if (name === "end") return this.#finish(args);
    if (name === "writeHead") this.#writeDueHead();
    return this.#send(name, args);
  }

  #begin(): void {
    this.#state = "begun";
    this.#isHeadDue = true;
    // Without a head to wait for, nothing comes between.
    if (!this.#writeHead) this.#writeDueHead();
  }

  // As late as can be: whoever else changes headers when they leave (on-headers) has been here
  // before.
  #writeDueHead(): void {
    if (!this.#isHeadDue) return;
    this.#isHeadDue = false;
    this.#hooks.writeHeaders();
  }

  #release(): void {
    this.#begin();
    const wrote = this.#held.some(({ name }) => name === "write");
    const ended = this.#held.some(({ name }) => name === "end");
    for (const { name, args } of this.#held.splice(0)) {
      this.#pass(name, args);
    }
    if (wrote && !ended && !this.#response.writableNeedDrain) this.#response.emit("drain");
  }

  #fail(error: unknown): void {
    this.#held = NONE;
    this.#state = "failed";
    const response = this.#response;
    // Without what others have put around them since, such as compression: it has begun a body
    // already, and would add no other.
    if (this.#writeHead) response.writeHead = this.#writeHead;
    response.write = this.#write;
    response.end = this.#end;
    if (this.#flushHeaders) response.flushHeaders = this.#flushHeaders;
    new HeldResponse(response, this.#hooks, true).attach();
    if (!response.headersSent) {
      for (const name of OF_THE_BODY) response.removeHeader(name);
      // A handler that goes on writing, faster than an error page is made, does not make a success
      // of it.
      const { statusCode } = Object(error) as { statusCode?: unknown };
      response.statusCode = typeof statusCode === "number" ? statusCode : 500;
    }
    this.#hooks.onFailure(error);
  }

  #finish(args: unknown[]): unknown {
    const settled = this.#hooks.beforeEnd();
    if (settled === undefined) return this.#send("end", args);
    // An end that comes again does not overtake this one.
    this.#state = "ending";
    // Too late for an error page: a response that is cut off is no success.
    settled.then(
      () => {
        this.#state = "begun";
        this.#send("end", args);
      },
      (error: unknown) => this.#response.destroy(error as Error),
    );
    return this.#response;
  }

  #send(name: Sending, args: unknown[]): unknown {
    return this.#methodOf(name)?.apply(this.#response, args);
  }

  #methodOf(name: Sending): Method | undefined {
    if (name === "end") return this.#end;
    if (name === "write") return this.#write;
    return name === "writeHead" ? this.#writeHead : this.#flushHeaders;
  }

  /**
   * Turns the headers of a writeHead into headers that are set, so that none is lost beside ours
   * (CVE-2025-7339).
   */
  #takeHead(args: unknown[]): number {
    const [status, second, third] = args;
    const headers = typeof second === "object" && second !== null ? second : third;
    const set = new Map<string, string[]>();
    for (const [name, value] of toPairs(headers)) {
      const values = set.get(name.toLowerCase()) ?? [];
      set.set(name.toLowerCase(), values);
      values.push(...[value].flat().map(String));
      this.#response.setHeader(name, values.length === 1 ? (values[0] as string) : values);
    }
    args.splice(0, args.length, status, ...(typeof second === "string" ? [second] : []));
    return Number(status);
  }
}

function toPairs(headers: unknown): [string, unknown][] {
  if (typeof headers !== "object" || headers === null) return [];
  if (!Array.isArray(headers))
    return Object.entries(headers).filter(([, value]) => value !== undefined);
  if (Array.isArray(headers[0])) return headers as [string, unknown][];
  const flat: unknown[] = headers;
  return Array.from({ length: flat.length / 2 }, (_, at) => [
    String(flat[2 * at]),
    flat[2 * at + 1],
  ]);
}
