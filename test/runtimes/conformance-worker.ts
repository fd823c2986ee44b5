// adapterConformance as a Worker, over workerd's own HTTP. / names the suites, /run/N runs one; the
// framework that it asks is served below /N by this same Worker, since the suite stages the store
// that the framework's session uses.
import { httpServerHandler } from "cloudflare:node";
import { createServer } from "node:http";
import { Elysia } from "elysia";
import { CloudflareAdapter } from "elysia/adapter/cloudflare-worker";
import { elysiaSession } from "../../src/adapters/elysia.ts";
import { adapterConformance, type AdapterConformanceOptions } from "../../src/testing.ts";
import {
  type Fetch,
  FETCH_APPS,
  harpiaApp,
  NODE_APPS,
  toResponse,
} from "../support/adapter-apps.ts";

type Parameters = globalThis.Parameters<AdapterConformanceOptions["start"]>;

interface Suite {
  readonly name: string;
  readonly before: (() => Promise<void>)[];
  readonly tests: [what: string, test: () => Promise<void>][];
  answer: Fetch | undefined;
  origin: string;
}

// Numbers that only this Worker knows.
let port = 8000;
const APPS: [name: string, make: (...parameters: Parameters) => Fetch][] = [
  ...Object.entries(FETCH_APPS),
  ["harpia()", (session, handle) => harpiaApp(session, handle).fetch],
  [
    "Elysia",
    (session, handle) => {
      const app = new Elysia({ adapter: CloudflareAdapter })
        .use(elysiaSession(session))
        .all("/*", ({ session: own, request }) =>
          toResponse(handle(own, new URL(request.url).pathname)),
        )
        .compile();
      return (request) => app.fetch(request);
    },
  ],
  ...Object.entries(NODE_APPS).map(([name, make]): (typeof APPS)[number] => [
    name,
    (session, handle) => {
      createServer(make(session, handle)).listen(++port);
      const server = httpServerHandler({ port });
      return (request) =>
        server.fetch(request, {}, { waitUntil() {}, passThroughOnException() {} });
    },
  ]),
];

const suites = APPS.map(([name, make], at): Suite => {
  const suite: Suite = { name, before: [], tests: [], answer: undefined, origin: "" };
  const runner = {
    describe: (_: string, tests: () => void): void => tests(),
    it: (what: string, test: () => Promise<void>): unknown => suite.tests.push([what, test]),
    before: (hook: () => Promise<void>): unknown => suite.before.push(hook),
    after: (): void => {},
  };
  adapterConformance(runner, {
    name,
    async start(session, handle) {
      suite.answer = make(session, handle);
      return {
        // Where it listens is known when somebody asks.
        get url() {
          return `${suite.origin}/${at}`;
        },
        close: async () => {},
      };
    },
  });
  return suite;
});
// While the Worker starts, which is when workerd lets Elysia compile its handlers.
for (const { before } of suites) for (const hook of before) await hook();

async function failuresOf({ tests }: Suite): Promise<string[]> {
  const failures: string[] = [];
  for (const [what, test] of tests) {
    try {
      await test();
    } catch (error) {
      failures.push(`${what}: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }
  return failures;
}

export default {
  async fetch(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const [, first = "", ...rest] = url.pathname.split("/");
    if (first === "") return Response.json(suites.map(({ name }) => name));
    const suite = suites[Number(first === "run" ? rest[0] : first)];
    if (!suite?.answer) return new Response("There is no such suite", { status: 404 });
    suite.origin = url.origin;
    if (first === "run")
      return Response.json({ tests: suite.tests.length, failures: await failuresOf(suite) });
    // Some tests let a request wait for another one. workerd takes a request that waits for nothing
    // of its own for one that hangs.
    const alive = setInterval(() => {}, 50);
    try {
      return await suite.answer(new Request(`${url.origin}/${rest.join("/")}`, request));
    } catch {
      return new Response("error", { status: 500 });
    } finally {
      clearInterval(alive);
    }
  },
};
