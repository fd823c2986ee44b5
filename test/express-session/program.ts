// A program over express-session or over ours in its place, and a visitor who keeps its cookie.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { request } from "node:http";
import { after, describe } from "node:test";
import expressSession from "express-session";
import ours from "../../src/express-session.ts";
import { listen } from "../support/listen.ts";

/** What both offer, as far as the tests use it. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Bag = any;
export type Req = IncomingMessage & {
  session: Bag;
  sessionID: Bag;
  sessionStore: Bag;
  originalUrl?: string;
  secret?: string;
  secure?: boolean;
  cookies?: Record<string, string>;
  signedCookies?: Record<string, string | false>;
};
export type Factory = ((options?: Bag) => (req: Bag, res: Bag, next: Bag) => void) & {
  Store: Bag;
  Cookie: Bag;
  Session: Bag;
  MemoryStore: Bag;
};

/** Each in the same role: what is said of one must be true of the other. */
export const FACTORIES: Readonly<Record<string, Factory>> = {
  "express-session": expressSession as unknown as Factory,
  "harpiats/express-session": ours as unknown as Factory,
};

export const OPTIONS = { secret: "a secret of the tests", resave: false, saveUninitialized: false };

export interface Answer {
  status: number;
  text: string;
  headers: IncomingMessage["headers"];
  setCookies: string[];
  /** The name and the value of our cookie, to be sent again; empty where there is none. */
  cookie: string;
}

export interface Program {
  ask(path?: string, cookie?: string, headers?: Record<string, string>): Promise<Answer>;
  close(): Promise<unknown>;
}

export type Handler = (req: Req, res: ServerResponse, next: (error?: unknown) => void) => unknown;

/**
 * Serves a handler behind the middleware, and perhaps others before it.
 *
 * @param handler what it throws or rejects with is the error page, as `next(error)` is.
 */
export async function serve(
  middleware: (req: Bag, res: Bag, next: Bag) => void,
  handler: Handler,
  ...before: Handler[]
): Promise<Program> {
  const server = createServer((req, res) => {
    const fail = (error: unknown): void => {
      const { status = 500, message } = error as { status?: number; message: string };
      if (res.headersSent) return void res.destroy();
      res.statusCode = status;
      res.end(message);
    };
    const steps = [...before, middleware as Handler, handler];
    const next = (error?: unknown): void => {
      if (error) return fail(error);
      const step = steps.shift();
      try {
        Promise.resolve(step?.(req as Req, res, next)).catch(fail);
      } catch (error) {
        fail(error);
      }
    };
    next();
  });
  const { url, close } = await listen(server);
  return {
    close,
    ask: (path = "/", cookie = "", headers = {}) =>
      new Promise((resolve, reject) => {
        const sent = { ...(cookie && { cookie }), ...headers };
        const { port } = new URL(url);
        const call = request({ port, path, headers: sent, agent: false }, (res) => {
          const chunks: Buffer[] = [];
          res.on("data", (chunk: Buffer) => chunks.push(chunk));
          res.on("error", reject);
          res.on("end", () => {
            const setCookies = res.headers["set-cookie"] ?? [];
            resolve({
              status: res.statusCode ?? 0,
              text: Buffer.concat(chunks).toString(),
              headers: res.headers,
              setCookies,
              cookie: setCookies.at(-1)?.split(";", 1)[0] ?? "",
            });
          });
        });
        call.on("error", reject);
        call.end();
      }),
  };
}

export type Start = (
  options: Bag,
  handler: Handler,
  ...before: Handler[]
) => Promise<Program["ask"]>;

/** Says the same of both: each group of tests gets the factory, and what starts a program of it. */
export function onBoth(...groups: ((session: Factory, start: Start) => void)[]): void {
  for (const [name, session] of Object.entries(FACTORIES)) {
    describe(name, () => {
      const programs: Program[] = [];
      after(() => Promise.all(programs.map((program) => program.close())));
      const start: Start = async (options, handler, ...before) => {
        const program = await serve(session({ ...OPTIONS, ...options }), handler, ...before);
        programs.push(program);
        return program.ask;
      };
      for (const group of groups) group(session, start);
    });
  }
}

export const count: Handler = (req, res) => {
  req.session.visits = (req.session.visits ?? 0) + 1;
  res.end(String(req.session.visits));
};

export const show: Handler = (req, res) =>
  void res.end(JSON.stringify({ ...req.session, cookie: null }));

/** The id in a cookie of {@link Answer}. */
export const sessionIdIn = (cookie: string): string =>
  /^[^=]*=s:(.*)\.[^.]*$/.exec(decodeURIComponent(cookie))?.[1] ?? "";

export const attributesOf = ({ setCookies }: Answer): string =>
  setCookies[0]?.replace(/^[^;]*/, "") ?? "";
