// Holds a node response back at its first byte until the session is settled, once. Serves every
// framework that writes to node's response; knows nothing of sessions.
//
//   state      why                          writeHead  flushHeaders  write      end        setHeader …
//   open       no byte was asked for        asks       asks          asks       asks       node
//   held       the head waits               refused    nothing       is kept    complete   refused
//   complete   the same, after the end      refused    nothing       after end  after end  refused
//   passing    the head may leave           node       node          node       asks       node
//   ending     the end waits                node       node          after end  after end  node
//   ended      node has the end             node       node          after end  after end  node
//   failed     another answer takes over    nothing    nothing       nothing    nothing    node
//
// "Asks" goes to held or ending where the hooks have something to wait for, and to passing or ended
// where they have not. "After end" is what node does with a write after the end, except that no
// process ends of it.
import {
  afterEnd,
  chunkOf,
  giveUp,
  isBegun,
  isTaken,
  lengthOf,
  type NodeResponse,
  takeHead,
} from "./calls.ts";
import { Connection } from "./connection.ts";
import { type Guise, guiseOf, headersSent } from "./guise.ts";

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
 * Called at each point where a response can be held. Return a promise to hold it, or undefined to
 * let it go.
 */
export interface HoldHooks {
  /**
   * Before the headers leave, with the status they will have. Called again if the response is begun
   * anew after a failure.
   */
  beforeHeaders(status: number): Promise<void> | undefined;
  /** The last moment to set headers. */
  writeHeaders(): void;
  /** The headers have not left after all: node has refused them. Takes back what was written. */
  unwriteHeaders(): void;
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

type State = "open" | "held" | "complete" | "passing" | "ending" | "ended" | "failed";

const HOLDER = Symbol("holder");

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

interface Call {
  readonly name: Sending;
  readonly args: unknown[];
}

const NONE: Call[] = [];

type Held = HoldableResponse & Sender & NodeResponse & { [HOLDER]?: HeldResponse };

/** Makes a response wait for its session; of several sessions, for all of them. */
export function holdResponse(response: HoldableResponse, hooks: HoldHooks): void {
  // The four methods, whatever their overloads: they are only handed on.
  const target = response as unknown as Held;
  const holder = target[HOLDER];
  if (holder) holder.join(hooks);
  else new HeldResponse(target, hooks).attach();
}

// One for each request: what most of them do not need, they do not pay for.
class HeldResponse {
  readonly #response: Held;
  #hooks: HoldHooks;
  // Written out: a map of them would cost more than the rest.
  readonly #writeHead: Method | undefined;
  readonly #write: Method;
  readonly #end: Method;
  readonly #flushHeaders: Method | undefined;
  #state: State = "open";
  #held: Call[] = NONE;
  #length = 0;
  #needsDrain = false;
  #guise: Guise | undefined;
  #status = 200;
  #message: unknown;
  #isHeadDue = false;
  #connection: Connection | undefined;
  // Of two answers the second: whoever made the first may go on with it, and is not at fault.
  readonly #isSecond: boolean;

  constructor(response: Held, hooks: HoldHooks, isSecond = false) {
    this.#response = response;
    this.#hooks = hooks;
    this.#isSecond = isSecond;
    this.#writeHead = response.writeHead;
    this.#write = response.write;
    this.#end = response.end;
    this.#flushHeaders = response.flushHeaders;
  }

  /** Replaces the response's methods, so that its calls can be held. */
  attach(): void {
    const response = this.#response;
    response[HOLDER] = this;
    if (this.#writeHead) response.writeHead = (...args) => this.#intercept("writeHead", args);
    response.write = (...args) => this.#intercept("write", args);
    response.end = (...args) => this.#intercept("end", args);
    if (this.#flushHeaders)
      response.flushHeaders = (...args) => this.#intercept("flushHeaders", args);
  }

  /** One more that has to be waited for. */
  join(hooks: HoldHooks): void {
    // Too late for a cookie: from now on that is refused before anything is stored.
    if (this.#state !== "open") hooks.writeHeaders();
    this.#hooks = new JoinedHooks(this.#hooks, hooks);
  }

  #intercept(name: Sending, args: unknown[]): unknown {
    switch (this.#state) {
      case "open":
        return this.#ask(name, args);
      case "held":
        return this.#hold(name, args);
      case "passing":
        return this.#pass(name, args);
      case "failed":
        return name === "write" ? false : this.#response;
      case "complete":
      case "ending":
      case "ended":
        return this.#late(name, args);
    }
  }

  #ask(name: Sending, args: unknown[]): unknown {
    // Throws as node does, and nothing is asked for.
    if (!isBegun(this.#response, name, args)) return this.#send(name, args);
    const status =
      name === "writeHead" ? takeHead(this.#response, args) : this.#response.statusCode;
    const settled = this.#hooks.beforeHeaders(status);
    if (settled !== undefined) return this.#wait(settled, name, args);
    this.#begin();
    try {
      if (name === "writeHead") this.#writeDueHead();
      return name === "end" ? this.#sendEnd(args) : this.#send(name, args);
    } catch (error) {
      this.#recall();
      throw error;
    }
  }

  #wait(settled: Promise<void>, name: Sending, args: unknown[]): unknown {
    const response = this.#response;
    if (name === "writeHead") {
      // As node's writeHead leaves them.
      response.statusCode = Number(args[0]);
      if (typeof args[1] === "string" && this.#hasMessage) response.statusMessage = args[1];
    }
    this.#status = response.statusCode;
    if (this.#hasMessage) this.#message = response.statusMessage;
    this.#state = "held";
    this.#disguise().head();
    const answer = this.#keep(name, args);
    settled.then(() => this.#release()).catch((error: unknown) => this.#fail(error));
    return answer;
  }

  #hold(name: Sending, args: unknown[]): unknown {
    if (name === "writeHead") throw headersSent(this.#response, "write");
    if (name === "flushHeaders") return undefined;
    return isTaken(this.#response, name, args) ? this.#keep(name, args) : this.#send(name, args);
  }

  #keep(name: Sending, args: unknown[]): unknown {
    if (this.#held === NONE) this.#held = [];
    this.#held.push({ name, args });
    const bytes = lengthOf(args);
    this.#length += bytes;
    const isFull =
      name === "write" && this.#length >= (this.#response.writableHighWaterMark ?? 16_384);
    this.#needsDrain ||= isFull;
    this.#guise?.body(bytes, isFull);
    if (name === "end") {
      this.#state = "complete";
      this.#connection = Connection.of(this.#response);
      this.#guise?.end();
    }
    return name === "write" ? !isFull : this.#response;
  }

  #late(name: Sending, args: unknown[]): unknown {
    const isNodes = this.#state === "ended" && name === "end" && !chunkOf(args);
    if (name === "write" || (name === "end" && !isNodes))
      return afterEnd(this.#response, name, args, this.#isSecond);
    return this.#state === "complete" ? this.#hold(name, args) : this.#pass(name, args);
  }

  #pass(name: Sending, args: unknown[]): unknown {
    if (name === "writeHead") this.#writeDueHead();
    return name === "end" && this.#state === "passing"
      ? this.#finish(args)
      : this.#send(name, args);
  }

  #begin(): void {
    this.#state = "passing";
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

  /** node has refused the head, by throwing: what comes next is another answer, an error page. */
  #recall(): void {
    if (this.#response.headersSent) return;
    if (!this.#isHeadDue) this.#hooks.unwriteHeaders();
    this.#isHeadDue = false;
    this.#state = "open";
  }

  #release(): void {
    const response = this.#response;
    // What was assigned since comes too late for this head, as it does in node.
    const { statusCode } = response;
    const statusMessage = this.#hasMessage ? response.statusMessage : undefined;
    this.#guise?.takeOff();
    this.#begin();
    if (statusCode !== this.#status) response.statusCode = this.#status;
    if (statusMessage !== this.#message) response.statusMessage = this.#message;
    for (const { name, args } of this.#held.splice(0)) this.#pass(name, args);
    if (statusCode !== this.#status) response.statusCode = statusCode;
    if (statusMessage !== this.#message) response.statusMessage = statusMessage;
    if (this.#state === "passing" && this.#needsDrain && !response.writableNeedDrain)
      response.emit("drain");
  }

  #fail(error: unknown): void {
    const response = this.#response;
    const held = this.#held;
    this.#held = NONE;
    if (this.#state !== "held" && this.#state !== "complete") this.#recall();
    this.#state = "failed";
    this.#guise?.takeOff();
    for (const { name, args } of held) giveUp(response, name, args, error);
    // Without what others have put around them since, such as compression: it has begun a body
    // already, and would add no other.
    if (this.#writeHead) response.writeHead = this.#writeHead;
    response.write = this.#write;
    response.end = this.#end;
    if (this.#flushHeaders) response.flushHeaders = this.#flushHeaders;
    const second = new HeldResponse(response, this.#hooks, true);
    second.attach();
    if (response.headersSent) second.#state = "passing";
    else {
      for (const name of OF_THE_BODY) response.removeHeader(name);
      if (this.#hasMessage) response.statusMessage = undefined;
      // A handler that goes on writing, faster than an error page is made, does not make a success
      // of it.
      const { statusCode } = Object(error) as { statusCode?: unknown };
      response.statusCode = typeof statusCode === "number" ? statusCode : 500;
    }
    this.#connection?.release();
    this.#hooks.onFailure(error);
  }

  #finish(args: unknown[]): unknown {
    const settled = this.#hooks.beforeEnd();
    if (settled === undefined) return this.#sendEnd(args);
    this.#state = "ending";
    this.#disguise().end();
    settled
      .then(() => this.#sendEnd(args))
      .catch((error: unknown) => {
        this.#state = "ended";
        this.#guise?.takeOff();
        this.#connection?.release();
        // Too late for an error page: a response that is cut off is no success.
        this.#response.destroy(error as Error);
      });
    return this.#response;
  }

  #sendEnd(args: unknown[]): unknown {
    this.#guise?.takeOff();
    // Until it is done: the end of http2 writes by the method.
    this.#state = "passing";
    const answer = this.#send("end", args);
    this.#state = "ended";
    this.#connection?.release();
    return answer;
  }

  #disguise(): Guise {
    // After the end node has the bytes, and cuts nothing off.
    return (this.#guise ??= guiseOf(
      this.#response,
      () => this.#state === "complete" && this.#connection?.delay() === true,
    ));
  }

  /** http2 has none. */
  get #hasMessage(): boolean {
    return this.#response.stream === undefined;
  }

  #send(name: Sending, args: unknown[]): unknown {
    return this.#methodOf(name)?.apply(this.#response, args);
  }

  #methodOf(name: Sending): Method | undefined {
    if (name === "end") return this.#end;
    if (name === "write") return this.#write;
    return name === "writeHead" ? this.#writeHead : this.#flushHeaders;
  }
}

/** Of several sessions of one response. */
class JoinedHooks implements HoldHooks {
  readonly #first: HoldHooks;
  readonly #second: HoldHooks;
  #failing: HoldHooks;

  constructor(first: HoldHooks, second: HoldHooks) {
    this.#first = first;
    this.#second = second;
    this.#failing = first;
  }

  beforeHeaders(status: number): Promise<void> | undefined {
    return this.#both((hooks) => hooks.beforeHeaders(status));
  }

  writeHeaders(): void {
    this.#first.writeHeaders();
    this.#second.writeHeaders();
  }

  unwriteHeaders(): void {
    this.#first.unwriteHeaders();
    this.#second.unwriteHeaders();
  }

  beforeEnd(): Promise<void> | undefined {
    return this.#both((hooks) => hooks.beforeEnd());
  }

  onFailure(error: unknown): void {
    this.#failing.onFailure(error);
  }

  #both(ask: (hooks: HoldHooks) => Promise<void> | undefined): Promise<void> | undefined {
    const asked = [this.#first, this.#second].flatMap((hooks) => {
      const settled = ask(hooks)?.catch((error: unknown) => {
        this.#failing = hooks;
        throw error;
      });
      return settled ? [settled] : [];
    });
    return asked.length > 0 ? Promise.all(asked).then(() => {}) : undefined;
  }
}
