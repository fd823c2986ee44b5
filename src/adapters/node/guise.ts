// What a node response says of itself while it is held: what node's own would say, had the head and
// the end been sent. Decides nothing.
import type { NodeResponse } from "./calls.ts";

/** A response's looks, as far as they differ from node's own. */
export interface Guise {
  /** The head has been asked for. */
  head(): void;
  /** So many bytes of the body have. @param isFull whether the writer waits for drain. */
  body(bytes: number, isFull: boolean): void;
  /** The end has. */
  end(): void;
  /** From now on node answers. */
  takeOff(): void;
}

/** @param delayDestroy is asked once the end has been; says whether it destroys later. */
export function guiseOf(response: NodeResponse, delayDestroy: () => boolean): Guise {
  return isNodes(response)
    ? new FieldGuise(response, delayDestroy)
    : new AccessorGuise(response, delayDestroy);
}

/** What node http keeps in fields, which its methods and getters read. */
interface Fields extends NodeResponse {
  _header: string | null;
  _trailer: string;
  outputSize: number;
  finished: boolean;
}

const SENT = "HTTP/1.1 200 OK\r\n\r\n";

/** Whether these fields are what node's answers are made of: other runtimes have some of them. */
function isNodes(response: NodeResponse): response is Fields {
  const fields = response as Fields;
  if (typeof fields.outputSize !== "number" || fields._trailer === undefined) return false;
  if (fields._header !== null) return fields.headersSent;
  fields._header = SENT;
  const isRead = fields.headersSent;
  fields._header = null;
  return isRead;
}

/**
 * Writes node's fields, so that node's own methods refuse what they would refuse. It costs next to
 * nothing; accessors on each response cost more than the whole session.
 */
class FieldGuise implements Guise {
  readonly #response: Fields;
  readonly #delayDestroy: () => boolean;
  #isHead = false;
  #isEnd = false;
  #length = 0;
  #isFull: boolean | undefined;
  #trailer = "";

  constructor(response: Fields, delayDestroy: () => boolean) {
    this.#response = response;
    this.#delayDestroy = delayDestroy;
  }

  head(): void {
    this.#isHead = true;
    this.#response._header = SENT;
  }

  body(bytes: number, isFull: boolean): void {
    this.#length += bytes;
    this.#response.outputSize += bytes;
    if (isFull && this.#isFull === undefined)
      Object.defineProperty(this.#response, "writableNeedDrain", {
        configurable: true,
        get: () =>
          this.#isFull
            ? this.#response.destroyed !== true
            : Reflect.get(
                Object.getPrototypeOf(this.#response) as object,
                "writableNeedDrain",
                this.#response,
              ),
      });
    this.#isFull = isFull || this.#isFull;
  }

  end(): void {
    this.#isEnd = true;
    this.#trailer = this.#response._trailer;
    this.#response.finished = true;
    // Not all has been sent: what is buffered says so.
    if (this.#length === 0) this.body(1, false);
    this.#isFull = this.#isFull === undefined ? undefined : false;
    const { destroy } = this.#response;
    this.#response.destroy = (error) =>
      !error && this.#isEnd && this.#delayDestroy()
        ? this.#response
        : destroy.call(this.#response, error);
  }

  takeOff(): void {
    const response = this.#response;
    if (this.#isHead) response._header = null;
    this.#isHead = false;
    response.outputSize -= this.#length;
    this.#length = 0;
    this.#isFull = this.#isFull === undefined ? undefined : false;
    if (!this.#isEnd) return;
    response.finished = false;
    response._trailer = this.#trailer;
    this.#isEnd = false;
  }
}

type Method = (...args: unknown[]) => unknown;

/** Puts accessors and methods before those of http2, and of other runtimes. */
class AccessorGuise implements Guise {
  readonly #response: NodeResponse;
  #isHead = false;
  #isEnd = false;
  #length = 0;
  #isFull = false;

  constructor(response: NodeResponse, delayDestroy: () => boolean) {
    this.#response = response;
    this.#answer("headersSent", (own) => this.#isHead || own);
    this.#answer("writableEnded", (own) => this.#isEnd || own);
    this.#answer("finished", (own) => this.#isEnd || own);
    this.#answer("writableFinished", (own) => !this.#isEnd && own);
    this.#answer("writableLength", (own) => this.#length + Number(own));
    this.#answer("writableNeedDrain", (own) => (this.#isHead ? this.#isFull : own));
    this.#refuse("setHeader", "set");
    this.#refuse("setHeaders", "set");
    this.#refuse("appendHeader", "append");
    this.#refuse("removeHeader", "remove");
    this.#replace("addTrailers", () => this.#isEnd);
    this.#replace("setTrailer", () => this.#isEnd);
    this.#replace("destroy", ([error]) => !error && this.#isEnd && delayDestroy());
    // The head is on its way, for compression of old.
    this.#replace("_implicitHeader", () => this.#isHead);
  }

  head(): void {
    this.#isHead = true;
  }

  body(bytes: number, isFull: boolean): void {
    this.#length += bytes;
    this.#isFull ||= isFull;
  }

  end(): void {
    this.#isEnd = true;
    this.#isFull = false;
  }

  takeOff(): void {
    this.#isHead = false;
    this.#isEnd = false;
    this.#isFull = false;
    this.#length = 0;
  }

  #answer(name: string, answer: (own: unknown) => unknown): void {
    const response = this.#response;
    if (!(name in response)) return;
    let own = Object.getOwnPropertyDescriptor(response, name)?.value as unknown;
    const isOwn = Object.hasOwn(response, name);
    Object.defineProperty(response, name, {
      configurable: true,
      get: () =>
        answer(
          isOwn ? own : Reflect.get(Object.getPrototypeOf(response) as object, name, response),
        ),
      set: (value: unknown) => {
        own = value;
      },
    });
  }

  #refuse(name: string, verb: string): void {
    this.#replace(name, () => {
      if (this.#isHead) throw headersSent(this.#response, verb);
      return false;
    });
  }

  /** @param deal says whether it has dealt with the call. */
  #replace(name: string, deal: (args: unknown[]) => boolean): void {
    const response = this.#response;
    const method: unknown = Reflect.get(response, name);
    if (typeof method !== "function") return;
    const replaced: Method = (...args) =>
      deal(args) ? response : (method as Method).apply(response, args);
    Reflect.set(response, name, replaced);
  }
}

/** node's error for a head that has been sent. */
export function headersSent({ stream }: NodeResponse, verb: string): Error {
  return stream === undefined
    ? Object.assign(new Error(`Cannot ${verb} headers after they are sent to the client`), {
        code: "ERR_HTTP_HEADERS_SENT",
      })
    : Object.assign(new Error("Response has already been initiated."), {
        code: "ERR_HTTP2_HEADERS_SENT",
      });
}
