// The admin pages on node's request and response: http, Express, Connect, and by `request.raw` and
// `ctx.req` Fastify and Koa. A bridge and nothing more: srvx makes the Request.
import type { IncomingMessage, ServerResponse } from "node:http";

/** A request as Express hands it over: mounted, and perhaps with a body that was read already. */
interface MountedRequest extends IncomingMessage {
  readonly originalUrl?: string;
  readonly body?: unknown;
}

/** A request listener, and a middleware of Express and Connect. */
export type NodeHandler = (
  req: IncomingMessage,
  res: ServerResponse,
  next?: (error?: unknown) => void,
) => void;

/** What answers: `undefined` for what is not under its path. */
export type Answer = (request: Request, fields?: URLSearchParams) => Promise<Response | undefined>;

/** Makes a node handler. What is not under the base path goes to `next`, or is a 404. */
export function toNodeHandler(isBelow: (path: string) => boolean, answer: Answer): NodeHandler {
  return (req, res, next) => {
    const fail = (error: unknown): void => {
      if (next && !res.headersSent) return next(error);
      process.emitWarning(error instanceof Error ? error : String(error));
      if (res.headersSent) return void res.destroy();
      res.statusCode = 500;
      res.end("Internal Server Error");
    };
    respond(req, res, { isBelow, answer, next }).catch(fail);
  };
}

interface Parts {
  isBelow: (path: string) => boolean;
  answer: Answer;
  next: ((error?: unknown) => void) | undefined;
}

async function respond(
  req: MountedRequest,
  res: ServerResponse,
  { isBelow, answer, next }: Parts,
): Promise<void> {
  // Express cuts off url what the middleware is mounted on.
  const url = req.originalUrl ?? req.url ?? "/";
  if (!isBelow(url.split("?")[0] ?? "")) {
    if (next) return next();
    res.statusCode = 404;
    return void res.end("Not Found");
  }
  // Where it is asked for: elsewhere there is no node.
  const { NodeRequest } = await import("srvx/node");
  req.url = url;
  const request = new NodeRequest({ req, res });
  const response =
    (await answer(request, fieldsOf(req.body))) ?? new Response("Not Found", { status: 404 });
  res.statusCode = response.status;
  for (const [name, value] of response.headers)
    if (name !== "set-cookie") res.setHeader(name, value);
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) res.appendHeader("set-cookie", cookies);
  res.end(req.method === "HEAD" ? undefined : Buffer.from(await response.arrayBuffer()));
}

/** The fields of a form that a body parser before us has read. */
function fieldsOf(body: unknown): URLSearchParams | undefined {
  if (typeof body !== "object" || body === null || Buffer.isBuffer(body)) return undefined;
  const texts = Object.entries(body).filter(
    (field): field is [string, string] => typeof field[1] === "string",
  );
  return new URLSearchParams(texts);
}
