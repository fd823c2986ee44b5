// The admin pages as a middleware of harpia(): its request becomes fetch's, and the answer its
// response. A bridge and nothing more.

/** A request of harpia(), as far as it is needed. */
export interface HarpiaRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Iterable<[string, string]>;
  text(): Promise<string>;
}

/** A response of harpia(), as far as it is needed. */
export interface HarpiaResponse {
  readonly headers: {
    set(name: string, value: string): void;
    append(name: string, value: string): void;
  };
  status(code: number): { send(body?: ArrayBuffer | null): void };
}

/**
 * A middleware: `app.use("/admin", admin.harpia)`. What is not under the base path goes to `next`.
 */
export type HarpiaHandler = (
  req: HarpiaRequest,
  res: HarpiaResponse,
  next: () => unknown,
) => Promise<unknown>;

/** Makes the middleware of a handler that gives `undefined` for what is not under its path. */
export function toHarpiaHandler(
  answer: (request: Request) => Promise<Response | undefined>,
): HarpiaHandler {
  return async (req, res, next) => {
    const hasBody = req.method !== "GET" && req.method !== "HEAD";
    const request = new Request(req.url, {
      method: req.method,
      headers: [...req.headers],
      ...(hasBody && { body: await req.text() }),
    });
    const response = await answer(request);
    if (!response) return next();
    for (const [name, value] of response.headers) {
      if (name === "set-cookie") res.headers.append(name, value);
      else res.headers.set(name, value);
    }
    return res.status(response.status).send(response.body ? await response.arrayBuffer() : null);
  };
}
