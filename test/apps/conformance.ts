// Held to adapterConformance inside its framework:
// `node conformance.js <name> <folder of the built application>`. The application runs in this
// process, since the session and what is done with it come from here.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { withSession } from "../../src/adapters/fetch.ts";
import type { RequestSession } from "../../src/session.ts";
import { adapterConformance } from "../../src/testing.ts";
import type { Fields } from "../../src/testing/conformance-bench.ts";
import { listen, type Listening, serveFetch } from "../support/listen.ts";

type Listener = (req: IncomingMessage, res: ServerResponse) => unknown;

const [name = "", folder = ""] = process.argv.slice(2);
const PREFIX = "/conformance";

/**
 * How each is served in this process. What is imported is of the application's own node_modules and
 * build: its shape is the framework's.
 */
const SERVERS: Record<string, () => Promise<Listening>> = {
  async next() {
    const { default: next } = await load<{
      default: (options: object) => {
        prepare(): Promise<void>;
        getRequestHandler(): Listener;
        close(): Promise<void>;
      };
    }>("node_modules/next/dist/server/next.js");
    const app = next({ dev: false, dir: folder, quiet: true });
    await app.prepare();
    const { url, close } = await serveListener(app.getRequestHandler());
    return { url, close: async () => void (await Promise.all([close(), app.close()])) };
  },
  async sveltekit() {
    const { handler } = await load<{ handler: Listener }>("build/handler.js");
    return serveListener(handler);
  },
  async "react-router"() {
    const { createRequestHandler } = await load<{
      createRequestHandler(build: unknown, mode: string): (request: Request) => Promise<Response>;
    }>("node_modules/react-router/dist/production/index.js");
    const handle = createRequestHandler(await load("build/server/index.js"), "production");
    return serveFetch((request) => handle(request));
  },
  async astro() {
    const { handler } = await load<{ handler: Listener }>("dist/server/entry.mjs");
    return serveListener(handler);
  },
};

adapterConformance(
  { describe, it, before, after },
  {
    name,
    async start(session, handle) {
      const conformance = {
        answer: (
          request: Request,
          next: (own: RequestSession<Fields>) => Response | Promise<Response>,
        ) => withSession(session, (_request, own) => next(own))(request),
        async respond(own: RequestSession<Fields>, path: string) {
          const { status, headers, body } = await handle(own, path.slice(PREFIX.length));
          return new Response(body, { status, headers });
        },
      };
      Object.assign(globalThis, { conformance });
      const serve = SERVERS[name];
      if (!serve) throw new Error(`There is no application ${name}`);
      const { url, close } = await serve();
      return { url: url + PREFIX, close };
    },
  },
);

async function load<Module>(path: string): Promise<Module> {
  // The shape is the framework's: what is not there fails loudly.
  return (await import(pathToFileURL(join(folder, path)).href)) as Module;
}

function serveListener(listener: Listener): Promise<Listening> {
  return listen(createServer((req, res) => void listener(req, res)));
}
