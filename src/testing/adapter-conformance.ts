// What every adapter must do, over real HTTP: one list for ours and for anybody's. The adapter's
// test says how its framework is started; the requests and what is expected of them are here.
import { MemoryStore } from "../core/memory/memory-store.ts";
import type { RequestSession } from "../core/request/request-session.ts";
import { Session } from "../core/session/session.ts";
import type { SessionStore } from "../core/store.ts";
import {
  type AdapterBench,
  type AdapterConformanceOptions,
  type Answer,
  slowRequests,
  type StagedStore,
  type StartedApp,
} from "./adapter-bench.ts";
import type { Fields, TestRunner } from "./conformance-bench.ts";
import { pathTests } from "./conformance-paths.ts";

/** Runs the list of behaviours on an adapter. */
export function adapterConformance(runner: TestRunner, options: AdapterConformanceOptions): void {
  runner.describe(`${options.name} keeps the adapter's promises`, () => {
    const staged = stageStore(new MemoryStore<Fields>());
    const session = new Session<Fields>({ store: staged.store, cookie: { secure: false } });
    const told: string[] = [];
    let app: StartedApp | undefined;
    runner.before(
      async () =>
        void (app = await options.start(session, (own, path) => answerPath(own, path, told))),
    );
    runner.after(async () => void (await app?.close()));

    const bench: AdapterBench = {
      session,
      staged,
      told,
      async ask(path, browser, headers = {}) {
        const cookie =
          browser?.cookie === undefined
            ? {}
            : { cookie: `theme=dark; session_id=${browser.cookie}` };
        const response = await fetch(`${app?.url}${path}`, {
          redirect: "manual",
          headers: { ...cookie, ...headers },
        });
        told.push(`headers of ${path}`);
        const cookies = response.headers.getSetCookie();
        const ours = cookies
          .find((line) => line.startsWith("session_id="))
          ?.slice("session_id=".length)
          .split(";")[0];
        if (browser && ours !== undefined) browser.cookie = ours === "" ? undefined : ours;
        return {
          status: response.status,
          headers: response.headers,
          cookies,
          body: await response.text(),
        };
      },
    };
    pathTests(runner, bench);
  });
}

function stageStore(inner: SessionStore<Fields>): StagedStore {
  const calls: string[] = [];
  const staged: { -readonly [Name in keyof StagedStore]: StagedStore[Name] } = {
    store: inner,
    calls,
    onCall: () => {},
  };
  staged.store = new Proxy(inner, {
    get(target, name) {
      const member: unknown = name === "readSync" ? undefined : Reflect.get(target, name, target);
      if (typeof member !== "function" || name === "constructor") return member;
      return async (...args: unknown[]): Promise<unknown> => {
        calls.push(String(name));
        await staged.onCall(String(name));
        return Reflect.apply(member, target, args) as unknown;
      };
    },
  });
  return staged;
}

/** The application of the tests: what is done with the session is in the path. */
async function answerPath(
  session: RequestSession<Fields>,
  path: string,
  told: string[],
): Promise<Answer> {
  const [, action = "", name = "", value = ""] = path.split("/");
  const page = (body: unknown, headers: Record<string, string> = {}, status = 200): Answer => ({
    status,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body ?? null),
  });
  switch (action) {
    case "ignore":
      return page("ignored");
    case "read":
      return page(await session.data);
    case "user":
      return page(await session.user);
    case "public":
      return page(await session.data, { "cache-control": "public, max-age=60" });
    case "write":
      return page(writesOn(session));
    case "set":
      session.set(name, value);
      return page("set", {
        "cache-control": "public, max-age=600",
        "cdn-cache-control": "public, max-age=600",
        vary: "Accept-Encoding",
        "set-cookie": "theme=light; Path=/",
      });
    case "slow":
      await session.data;
      session.set(name, value);
      told.push("slow is waiting");
      await new Promise<void>((resolve) => slowRequests.push(resolve));
      return page("slow");
    case "redirect":
      await session.login({ userId: name });
      session.set("visited", true);
      return { status: 302, headers: { location: "/read" }, body: "" };
    case "login":
      await session.login({ userId: name });
      return page("welcome");
    case "logout":
      await session.destroy();
      return page("goodbye");
    case "rotate":
      return page(await session.rotate());
    case "count":
      return page(
        await session.update((data) => ({
          count: ((data["count"] as number | undefined) ?? 0) + 1,
        })),
      );
    case "flash":
      session.flash("notice", name);
      return page("flashed");
    case "take":
      return page(await session.takeFlash("notice"));
    case "throw":
      session.set("half", "done");
      throw new Error("the handler is broken");
    case "fail":
      await session.login({ userId: "nobody" });
      return page("failed", {}, 500);
    default:
      return page("nothing", {}, 404);
  }
}

/** What code for another library does to a session. @returns what passed without an error. */
function writesOn(session: RequestSession<Fields>): string[] {
  const tries: Record<string, () => unknown> = {
    "a field": () => Reflect.set(session, "userId", "mallory"),
    "a method": () => Reflect.set(session, "flash", {}),
    "a definition": () => Reflect.defineProperty(session, "cart", { value: [] }),
    "a deletion": () => Reflect.deleteProperty(session, "userId"),
    "a callback": () => Reflect.apply(session.destroy, session, [() => {}]),
    "a box on a method": () => Object.assign(session.flash, { notice: "for one visitor only" }),
  };
  return Object.keys(tries).filter((name) => {
    try {
      tries[name]?.();
      return true;
    } catch (error) {
      return !(error instanceof TypeError);
    }
  });
}
