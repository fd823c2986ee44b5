// One request on its way through its handlers, until there is a response. Every request ends in
// exactly one, whatever the handlers do; an error becomes a 500 or 503 that says nothing, and is
// told to whoever operates the server.
import { HarpiaError, StoreError } from "../core/errors.ts";
import type { ErrorHandler, Middleware, Next } from "./handler.ts";
import { faultStatusOf, IncomingRequest } from "./request.ts";
import { OutgoingResponse } from "./response.ts";
import type { Match } from "./route-table.ts";

// Milliseconds from a handler's return without a promise to its answer. Then its status is sent
// alone, or it is an error: nobody is kept waiting for ever.
const LONGEST_SILENCE = 10_000;
// Where the status has no body, there is nothing more to wait for but a header.
const BODILESS_SILENCE = 50;

interface ExchangeOptions {
  path: string;
  match: Match<Middleware>;
  onError: ErrorHandler | undefined;
}

/** Runs the handlers of one request. */
export class Exchange {
  readonly #match: Match<Middleware>;
  readonly #onError: ErrorHandler | undefined;
  readonly #req: IncomingRequest;
  readonly #res: OutgoingResponse;

  constructor(request: globalThis.Request, options: ExchangeOptions) {
    this.#match = options.match;
    this.#onError = options.onError;
    this.#req = new IncomingRequest(request, options.path, options.match);
    this.#res = new OutgoingResponse(this.#req);
  }

  /** Resolves when every handler has ended. Never rejects for what a handler does. */
  async toFetchResponse(
    Class: Parameters<OutgoingResponse["toFetchResponse"]>[0],
  ): Promise<globalThis.Response> {
    await this.#run(0);
    const { hasReadCookies, method } = this.#req;
    return this.#res.toFetchResponse(Class, {
      hasReadCookies,
      isHead: method === "HEAD",
      onStreamError: (error) => void this.#fail(error),
    });
  }

  async #run(index: number): Promise<void> {
    const route = this.#match[0][index]?.[0];
    if (!route) {
      if (!this.#res.isAnswered) this.#res.sendPlain(404);
      return;
    }
    let rest: Promise<void> | undefined;
    let onNext: (() => void) | undefined;
    const next: Next = (error) => {
      // Node's callbacks say null where there is no error.
      if (error !== undefined && error !== null)
        rest = Promise.resolve(rest).then(() => this.#fail(error));
      else if (!this.#res.isHandedOver)
        rest ??= this.#run(index + 1).then(() => this.#enter(index));
      onNext?.();
      return rest ?? Promise.resolve();
    };
    try {
      this.#enter(index);
      const result = route.handler(this.#req, this.#res, next);
      if (isPromise(result)) await result;
      else if (!this.#res.isAnswered && !rest) {
        // A handler of callbacks: it answers, or calls next, in its own time, which is limited.
        let timer: ReturnType<typeof setTimeout> | undefined;
        await new Promise<void>((resolve) => {
          onNext = this.#res.onAnswer = resolve;
          timer = setTimeout(resolve, this.#res.isBodiless ? BODILESS_SILENCE : LONGEST_SILENCE);
        });
        clearTimeout(timer);
      }
      await rest;
      if (!rest && !this.#res.isAnswered) this.#endWithoutAnswer(route.path);
    } catch (error) {
      // What runs behind may still answer: it must not do so after the error has.
      await rest;
      await this.#fail(error);
    }
  }

  #enter(index: number): void {
    this.#req.layer = index;
  }

  #endWithoutAnswer(path: string): void {
    if (this.#res.hasStatus) return this.#res.sendStatusAlone();
    throw new HarpiaError(
      "ERR_NO_RESPONSE",
      `Cannot answer ${this.#req.method} ${path}: its handler ended without an answer, send(), json(), html(), redirect(), status() or next() is wanted`,
    );
  }

  async #fail(error: unknown): Promise<void> {
    const isLate = this.#res.isHandedOver;
    if (!isLate) this.#res.reset();
    const status = faultStatusOf(error);
    if (status === undefined) await this.#tell(error);
    if (isLate || this.#res.isAnswered) return;
    if (this.#res.hasStatus) this.#res.send();
    else this.#res.sendPlain(status ?? (error instanceof StoreError ? error.statusCode : 500));
  }

  async #tell(error: unknown): Promise<void> {
    if (!this.#onError) return warn(error);
    try {
      await this.#onError(toError(error), this.#req, this.#res);
    } catch (second) {
      // It answers every error, and this one comes too late for an answer: it was told, which is
      // all there is to do.
      if (this.#res.isHandedOver && second instanceof HarpiaError) return;
      warn(error);
      warn(second);
      if (!this.#res.isHandedOver) this.#res.reset();
    }
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === "function";
}

function toError(error: unknown): Error {
  return error instanceof Error
    ? error
    : new Error("A handler threw what is no Error, see error.cause", { cause: error });
}

/** The way of Node, Bun and Deno to tell of what nobody handles, without ending the process. */
function warn(error: unknown): void {
  globalThis.process?.emitWarning?.(toError(error));
}
