// The response as a handler sees it: it collects status, headers and one body, and becomes a fetch
// Response when all handlers have ended. It sends nothing itself.
import { kindOf } from "../core/checks.ts";
import { HarpiaError } from "../core/errors.ts";
import { Cookies } from "../core/http/cookies.ts";
import { GuardedHeaders, type ResponseHeaders } from "./response-headers.ts";

/** What can be sent as it is. */
export type Body = string | Uint8Array | ArrayBuffer | ReadableStream<Uint8Array> | null;

/**
 * 301 and 308 are for ever, 302 and 307 for now; 303 says "get this instead", which is right after
 * a POST.
 */
export type RedirectStatus = 301 | 302 | 303 | 307 | 308;

/**
 * An HTTP response. It is answered once, by `send`, `json`, `html` or `redirect`; a second answer
 * throws HarpiaError `ERR_HEADERS_SENT`. Nothing leaves before every handler has ended: until then
 * headers can be changed.
 */
export interface Response {
  /** Changing them after the response was handed over throws HarpiaError `ERR_HEADERS_SENT`. */
  readonly headers: ResponseHeaders;
  readonly cookies: Pick<Cookies, "set" | "delete">;
  /** 200 until something else is set. */
  readonly statusCode: number;
  /** Sets the status. @throws RangeError for anything but a whole number from 200 to 599. */
  status(code: number): this;
  /** Answers with a body as it is; a text is `text/plain`, unless Content-Type was set. */
  send(body?: Body): void;
  /** Answers with JSON. @throws TypeError for what JSON cannot hold. */
  json(data: unknown): void;
  /** Answers with a page. Escape what is put into it. */
  html(page: string): void;
  /**
   * Sends the browser elsewhere. Characters that a header cannot hold are percent-encoded. Where it
   * goes is not checked: do not pass on an address from a request.
   *
   * @param status default 302.
   */
  redirect(url: string, status?: RedirectStatus): void;
}

interface HandoverOptions {
  hasReadCookies: boolean;
  isHead: boolean;
  onStreamError(error: unknown): void;
}

type ResponseClass = new (
  body: BodyInit | null,
  init: { status: number; headers: Headers },
) => globalThis.Response;
type BodyInit = ConstructorParameters<typeof globalThis.Response>[0];

const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
const WITHOUT_BODY: readonly number[] = [204, 205, 304];
const PLAIN_TEXT: Record<number, string> = {
  400: "Bad Request",
  401: "Unauthorized",
  404: "Not Found",
  413: "Content Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** See {@link Response}. */
export class OutgoingResponse implements Response {
  /** The request that it answers, as Express has it: `session.delete(id, res)` reads its cookies. */
  readonly req: object | undefined;
  readonly headers = new GuardedHeaders();
  /** Called at the answer. */
  onAnswer: (() => void) | undefined;
  #cookies: Cookies | undefined;
  #status: number | undefined;
  #body: Body = null;
  #isAnswered = false;
  #isHandedOver = false;
  #isByStatus = false;

  constructor(req?: object) {
    this.req = req;
  }

  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  get isHandedOver(): boolean {
    return this.#isHandedOver;
  }

  get hasStatus(): boolean {
    return this.#status !== undefined;
  }

  /** Whether its status has no body: it says all there is to say. */
  get isBodiless(): boolean {
    return this.#status !== undefined && WITHOUT_BODY.includes(this.#status);
  }

  get cookies(): Pick<Cookies, "set" | "delete"> {
    return (this.#cookies ??= new Cookies(undefined, this));
  }

  get statusCode(): number {
    return this.#status ?? 200;
  }

  status(code: number): this {
    if (!Number.isInteger(code) || code < 200 || code > 599)
      throw new RangeError(
        `Cannot use status ${String(code)}: a whole number from 200 to 599 is wanted`,
      );
    this.#assertOpen("set a status");
    this.#status = code;
    return this;
  }

  send(body: Body = null): void {
    // Too late, and what it asks for was done.
    if (body === null && this.#isByStatus) return;
    if (
      body !== null &&
      typeof body !== "string" &&
      !isBytes(body) &&
      !(body instanceof ReadableStream)
    ) {
      throw new TypeError(
        `Cannot send this body: it is ${kindOf(body)}, a string, bytes or a ReadableStream are wanted, or json()`,
      );
    }
    if (body instanceof ReadableStream && body.locked)
      throw new TypeError("Cannot send this stream: somebody else is reading it");
    if (typeof body === "string") this.#answer(body, "text/plain; charset=utf-8");
    else this.#answer(body);
  }

  json(data: unknown): void {
    const text = JSON.stringify(data) as string | undefined;
    if (text === undefined)
      throw new TypeError(`Cannot answer with JSON: the data is ${kindOf(data)}`);
    this.#answer(text, "application/json");
  }

  html(page: string): void {
    this.#answer(String(page), "text/html; charset=utf-8");
  }

  redirect(url: string, status: RedirectStatus = 302): void {
    if (!REDIRECTS.includes(status))
      throw new RangeError(
        `Cannot redirect with status ${String(status)}: one of ${REDIRECTS.join(", ")} is wanted`,
      );
    this.#assertOpen("redirect");
    this.headers.set("location", toHeaderUrl(url));
    this.#status = status;
    this.#answer(null);
  }

  /** Answers with the words that belong to a status, and nothing else. */
  sendPlain(status: number): void {
    this.status(status).send(PLAIN_TEXT[status]);
  }

  /** Answers with the status that was set, for a handler that said nothing else. */
  sendStatusAlone(): void {
    this.send();
    this.#isByStatus = true;
  }

  /** Takes back an answer that an error has made void. Cookies and other headers stay. */
  reset(): void {
    this.#status = undefined;
    this.#body = null;
    this.#isAnswered = false;
    this.headers.dropBody();
  }

  /** Ends all changes. */
  toFetchResponse(Class: ResponseClass, options: HandoverOptions): globalThis.Response {
    this.#isHandedOver = true;
    const status = this.statusCode;
    const isBodiless = options.isHead || WITHOUT_BODY.includes(status);
    if (options.isHead && !this.headers.has("content-length")) this.#describeLength();
    if (this.#body instanceof ReadableStream) {
      if (isBodiless) this.#body.cancel().catch(options.onStreamError);
      else this.#body = watch(this.#body, options.onStreamError);
    }
    const headers = this.headers.close(options.hasReadCookies);
    // Every Body is one that fetch takes; how it types them differs between the runtimes.
    return new Class(isBodiless ? null : (this.#body as BodyInit), { status, headers });
  }

  #answer(body: Body, contentType?: string): void {
    this.#assertOpen("answer");
    if (contentType !== undefined && !this.headers.has("content-type"))
      this.headers.set("content-type", contentType);
    this.#body = body;
    this.#isAnswered = true;
    this.onAnswer?.();
  }

  #assertOpen(verb: string): void {
    if (this.#isAnswered || this.#isHandedOver)
      throw new HarpiaError(
        "ERR_HEADERS_SENT",
        `Cannot ${verb}: this request has been answered, one answer is wanted`,
      );
  }

  /** HEAD tells how long the body of a GET would be (RFC 9110 9.3.2). */
  #describeLength(): void {
    if (typeof this.#body === "string")
      this.headers.set("content-length", String(new TextEncoder().encode(this.#body).length));
    else if (this.#body !== null && isBytes(this.#body))
      this.headers.set("content-length", String(this.#body.byteLength));
  }
}

function isBytes(body: unknown): body is Uint8Array | ArrayBuffer {
  return body instanceof Uint8Array || body instanceof ArrayBuffer;
}

/** The same stream, telling of its error: the server only cuts the connection. */
function watch(
  stream: ReadableStream<Uint8Array>,
  onError: (error: unknown) => void,
): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  let isCancelled = false;
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (isCancelled) return;
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        if (isCancelled) return;
        onError(error);
        controller.error(error);
      }
    },
    cancel(reason) {
      isCancelled = true;
      return reader.cancel(reason);
    },
  });
}

/** What a Location header can hold. A backslash is encoded too: browsers take it for a slash. */
function toHeaderUrl(url: string): string {
  return String(url)
    .replace(/\p{Surrogate}/gu, "\uFFFD")
    .replace(/[^!-[\]-~]+/g, encodeURIComponent);
}
