// Runs one program for sign-in-checks.ts, in a process of its own: the one that PROGRAM names.
// The program is as it is printed. It listens on a free port where it asks for a fixed one, and
// each Session that it makes is noted, so that the checks can begin a visitor's session in it.
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { Server } from "node:net";
import { setImmediate } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { serve } from "srvx";
import { csrfToken } from "harpiats/csrf";
import { Session } from "harpiats/session";
import {
  HIDDEN,
  NOT_FOR_VISITORS,
  type Question,
  type Ready,
  type Reply,
} from "./sign-in-protocol.ts";

/** Whoever an application signs in, whatever it calls the fields. */
const MEMBER = { userId: "ada", name: "ada", accountId: "ada", role: "admin", visits: 0, cart: [] };

const sessions = new Set<Session>();
/** Those that listen for visitors. */
const servers: Server[] = [];
let url: string | undefined;

// First, since it keeps the process alive when the program has nothing more to do.
process.on("message", (question: Question) => void answer(question));
noteSessions();
noteListening();
const program: Record<string, unknown> = await import(
  pathToFileURL(process.env["PROGRAM"] ?? "").href
);
url = await listens();
if (url === undefined) await serveExported(program["default"] ?? program["appUnderCheck"]);
send({ ready: true, url });

/** Notes the sessions whose methods are called: an instance is made where nobody sees it. */
function noteSessions(): void {
  const { prototype } = Session;
  for (const name of Reflect.ownKeys(prototype)) {
    const property = Object.getOwnPropertyDescriptor(prototype, name);
    if (name === "constructor" || typeof property?.value !== "function") continue;
    // A method: what it takes and gives is handed on as it is.
    const method = property.value as (this: Session, ...args: unknown[]) => unknown;
    Object.defineProperty(prototype, name, {
      ...property,
      value(this: Session, ...args: unknown[]) {
        sessions.add(this);
        return method.apply(this, args);
      },
    });
  }
}

/** A fixed port may be taken on this machine: each server gets a free one, and says which. */
function noteListening(): void {
  // The overloads are the callers': what they give is handed on, but for the port.
  const listen = Server.prototype.listen as (this: Server, ...args: unknown[]) => Server;
  Server.prototype.listen = function (this: Server, ...args: unknown[]): Server {
    const [first, ...others] = args;
    const isObject = typeof first === "object" && first !== null;
    const port = Number(isObject ? (first as { port?: unknown }).port : first);
    if (port !== NOT_FOR_VISITORS) servers.push(this);
    return isObject
      ? listen.call(this, { ...first, port: 0, host: "127.0.0.1" }, ...others)
      : listen.call(this, 0, "127.0.0.1", ...others.filter((other) => typeof other === "function"));
  };
}

/** Waits until the program's server listens. `undefined` where it has none, or has closed it. */
async function listens(): Promise<string | undefined> {
  // One that begins to listen when the module has ended.
  for (let turn = 0; turn < 10 && servers.length === 0; turn++) await setImmediate();
  const [server] = servers;
  if (!server) return undefined;
  if (!server.listening && server.address() === null)
    await once(server, "listening", { signal: AbortSignal.timeout(1000) }).catch(() => {});
  const address = server.address();
  return typeof address === "object" && address !== null
    ? `http://127.0.0.1:${address.port}`
    : undefined;
}

type FetchHandler = (request: Request) => Response | Promise<Response>;

/** Serves what a program exports, as its runtime would: by the shape of the framework. */
async function serveExported(exported: unknown): Promise<void> {
  const app = (exported ?? {}) as {
    callback?(): RequestListener;
    inject?: unknown;
    ready?(): Promise<unknown>;
    listen?(options: object): unknown;
    fetch?: FetchHandler;
    handle?: unknown;
    set?: unknown;
  };
  if (typeof app.callback === "function") createServer(app.callback()).listen(0);
  else if (typeof app.inject === "function") await app.listen?.({ port: 0 });
  else if (typeof app === "function" && "set" in app)
    // Express: an application is a listener with methods.
    createServer(app as unknown as RequestListener).listen(0);
  else {
    const fetch = typeof app.fetch === "function" ? app.fetch.bind(app) : exported;
    if (typeof fetch !== "function") return;
    const server = serve({ fetch: fetch as FetchHandler, port: 0, silent: true });
    await server.ready();
    url = server.url?.replace(/\/$/, "");
  }
  url ??= await listens();
}

async function answer({ number, ask, headers }: Question): Promise<void> {
  const found: [string, string][] = [];
  let isSignedIn = false;
  for (const session of sessions) {
    const response = new Response();
    if (ask === "visitor") {
      const own = session.open({ headers: {} });
      own.flash("unread", HIDDEN);
      await own.commit();
      own.writeTo(response);
    } else if (ask === "member") session.setCookie(response, await session.create(MEMBER));
    else if (ask === "hide") {
      const own = session.open({ headers: Object.fromEntries(headers) });
      own.flash("unread", HIDDEN);
      await csrfToken(own);
      await own.commit();
    } else
      isSignedIn ||= !!(await session.userFromRequest({ headers: Object.fromEntries(headers) }));
    found.push(...response.headers);
  }
  send({
    number,
    headers: found,
    isSignedIn,
    sessions: sessions.size,
    hasClosed: servers[0]?.listening === false,
  });
}

function send(message: Ready | Reply): void {
  process.send?.(message);
}
