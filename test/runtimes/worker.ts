// A Worker as somebody would write it: a session in module scope, six routes. workerd.ts bundles it
// and asks it. Some of those that listen to its channels throw, which on workerd throws through
// whoever publishes.
import { channel, tracingChannel } from "node:diagnostics_channel";
import { Session } from "../../src/session.ts";

const session = new Session<{ userId: string; role?: string; visits?: number }>();
const idOf = (request: Request): string | undefined =>
  /session_id=([^;]+)/.exec(request.headers.get("cookie") ?? "")?.[1];

const heard: string[] = [];
channel("harpiats:session:created").subscribe(() => heard.push("created"));
tracingChannel("harpiats:store").asyncEnd.subscribe(() => heard.push("asyncEnd"));
for (const hostile of [channel("harpiats:session:ended"), tracingChannel("harpiats:store").start]) {
  hostile.subscribe(() => {
    throw new Error("of a subscriber");
  });
}

const routes: Record<string, (request: Request, headers: Headers) => Promise<unknown>> = {
  async "/login"(_request, headers) {
    const id = await session.create({ userId: "123" });
    session.setCookie(headers, id);
    return { id };
  },
  async "/profile"(request) {
    return (await session.fromRequest(request)) ?? null;
  },
  "/update-role": (request) => session.update(idOf(request), { role: "admin" }),
  "/heard": () => Promise.resolve(heard),
  "/count": (request) =>
    session.update(idOf(request), ({ visits = 0 }) => ({ visits: visits + 1 })),
  // workerd ends a request that waits for nothing that it knows of.
  "/hang": (request) => session.update(idOf(request), () => new Promise(() => {})),
  "/logout": (request, headers) => session.delete(idOf(request), headers),
};

export default {
  async fetch(request: Request): Promise<Response> {
    const headers = new Headers({ "content-type": "application/json" });
    const answer = await routes[new URL(request.url).pathname]?.(request, headers);
    return new Response(JSON.stringify(answer), { headers });
  },
};
