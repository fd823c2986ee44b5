// Three checks of every program of README, docs and examples that makes an application, since people
// copy them: a logout with two cookies of our name logs out; a visitor with a message waiting passes
// no gate; no field of the library's own is answered. Each program runs as it is printed, in a
// process of its own, and is asked over HTTP. What a program does not have is skipped, and said.
import type { ChildProcess } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { fork } from "../test/support/children.ts";
import { compile, compiledFile, markdownFiles, programsOf } from "./fences.ts";
import {
  HIDDEN,
  NOT_FOR_VISITORS,
  type Question,
  type Ready,
  type Reply,
} from "./sign-in-protocol.ts";

/** What was found about one program. */
export interface Finding {
  at: string;
  /** What was checked and holds. */
  held: string[];
  /** What could not be checked, and why. */
  skipped: string[];
  problems: string[];
}

export interface App {
  /** Where it stands, for messages. */
  at: string;
  text: string;
  /** The JavaScript to run. */
  file: string;
  /** The variables that it needs to run at all, such as the address of a server. */
  needs: string[];
}

interface Route {
  method: string;
  path: string;
}

const HOST = fileURLToPath(new URL("sign-in-host.js", import.meta.url));
const LONGEST_START = 60_000;
const LONGEST_ANSWER = 30_000;
/** A stream has answered enough after this. */
const LONGEST_BODY = 500;

const MAKES_AN_APP =
  /\bcreateServer\((?!\))|\b(?:withSession|harpia|[Ff]astify|express|NestFactory\.create)\(|\bnew (?:Hono|Elysia|H3|Koa)\b|\bloginApp\(/;
const EXPORTABLE =
  /^(?:export )?const (\w+) = (?:withSession|withCsrf|new Hono|new Elysia|new H3|new Koa|express\(|fastify\(|harpia\()/m;
/** Applications that a framework builds: `npm run test:apps` builds and visits them. */
const BUILT = ["next", "sveltekit", "react-router", "astro"];

/** Routes that no text shows: their frameworks make them. */
const HINTS: Record<string, Route[]> = {
  "docs/frameworks/trpc.md": [
    { method: "POST", path: "/trpc/login" },
    { method: "GET", path: "/trpc/me" },
    { method: "POST", path: "/trpc/logout" },
  ],
  "docs/migrate/koa-session.md": [
    { method: "POST", path: "/login/ada" },
    { method: "GET", path: "/" },
    { method: "POST", path: "/logout" },
  ],
};

/**
 * Finds the programs, and compiles those of the pages.
 *
 * @param folder where to, below the project, emptied first.
 * @throws Error with what the compiler says.
 */
export function findApps(folder: string): App[] {
  const fences = markdownFiles()
    .flatMap((page) => programsOf(page, folder))
    .filter(({ text }) => MAKES_AN_APP.test(text))
    .map((program) => ({ ...program, text: program.text + exportOf(program.text) }));
  const problems = compile(fences, folder);
  if (problems.length > 0) throw new Error(problems.join("\n"));
  const pages = fences.map((fence) => ({
    at: fence.at,
    text: fence.text,
    file: compiledFile(fence),
    needs: [],
  }));
  return [...pages, ...examples(folder)];
}

function examples(folder: string): App[] {
  const found = ["people", "stores", "opentelemetry"].flatMap((part) =>
    readdirSync(join("examples", part))
      .filter((name) => name.endsWith(".ts"))
      .map((name) => join("examples", part, name)),
  );
  mkdirSync(join(folder, "examples"), { recursive: true });
  return [...found, "examples/apps/login/server.ts"].flatMap((at) => {
    const parts = at.endsWith("login/server.ts") ? [at, at.replace("server.ts", "app.ts")] : [at];
    const text = parts.map((part) => readFileSync(part, "utf8")).join("\n");
    if (!MAKES_AN_APP.test(text)) return [];
    const compiled = resolve(".build", at.replace(/\.ts$/, ".js"));
    const exported = exportOf(text);
    const copy = join(folder, "examples", at.replaceAll("/", "-").replace(/\.ts$/, ".js"));
    if (exported !== "") writeFileSync(copy, readFileSync(compiled, "utf8") + exported);
    const needs = [...text.matchAll(/\b(\w+_URL|SESSION_KEYS)\b(?=.* = process\.env)/g)].map(
      ([name]) => name,
    );
    return [{ at, text, file: exported === "" ? compiled : copy, needs }];
  });
}

/** What hands the application of a program out that neither exports it nor listens. */
function exportOf(text: string): string {
  if (/export default|listen\(|serve\(/.test(text)) return "";
  const name = EXPORTABLE.exec(text)?.[1];
  return name === undefined ? "" : `\nexport { ${name} as appUnderCheck };`;
}

/** What `npm run test:apps` does instead, for the report. */
export function builtApps(): Finding[] {
  return BUILT.map((name) => ({
    at: `examples/apps/${name}`,
    held: [],
    skipped: [
      "everything: its framework builds it. npm run test:apps signs out there with two cookies and looks for hidden fields",
    ],
    problems: [],
  }));
}

/** The routes that a program's text shows. */
function routesOf({ at, text }: App): Route[] {
  const hinted = HINTS[at.replace(/:\d+$/, "")];
  if (hinted) return hinted;
  const routes: Route[] = [];
  const add = (method: string, path: string): void => {
    const plain = `/${path.replace(/^\//, "").replaceAll(/:\w+/g, "ada")}`;
    if (!routes.some((route) => route.method === method && route.path === plain))
      routes.push({ method, path: plain });
  };
  for (const [, method = "", path = ""] of text.matchAll(
    /\.(get|post|put|patch|delete)(?:<.*>)?\(\s*"(\/[^"]*)"/g,
  ))
    add(method.toUpperCase(), path);
  for (const [, method = "", path = ""] of text.matchAll(/@(Get|Post)\("([^"]*)"\)/g))
    add(method.toUpperCase(), path);
  for (const [, path = ""] of text.matchAll(/\b(?:pathname|path|url) === "(\/[^"]*)"/g))
    add(isSignIn(path) || isSignOut(path) ? "POST" : "GET", path);
  for (const [, path = ""] of text.matchAll(/\.startsWith\("(\/[^"]*)"\)/g))
    if (path.endsWith("/")) add("POST", `${path}ada`);
    else add("GET", path);
  for (const [, path = ""] of text.matchAll(/\.use\(\s*"(\/[^"]*)"/g)) add("GET", path);
  if (!routes.some(({ path }) => isSignIn(path)) && /\.login\(/.test(text)) add("POST", "/");
  if (!routes.some(({ method, path }) => method === "GET" && path === "/")) add("GET", "/");
  return routes;
}

const isSignIn = (path: string): boolean => /\/(?:log|sign)-?in(?:\/ada)?$/.test(path);
const isSignOut = (path: string): boolean => /\/(?:log|sign)-?out$/.test(path);

/** Runs one program and does the checks. */
export async function checkApp(app: App, env: Record<string, string> = {}): Promise<Finding> {
  const finding: Finding = { at: app.at, held: [], skipped: [], problems: [] };
  const missing = app.needs.filter((name) => env[name] === undefined);
  if (missing.length > 0) {
    finding.skipped.push(`everything: ${missing.join(" and ")} is not set here`);
    return finding;
  }
  const running = new RunningProgram(app.file, env);
  try {
    const url = await running.ready;
    if (url === undefined)
      finding.skipped.push("everything: it runs to its end by itself, and serves nobody");
    else await new Checks(app, running, url, finding).run();
  } catch (error) {
    if (running.printed.includes("ERR_UNKNOWN_BUILTIN_MODULE"))
      finding.skipped.push("everything: it needs a newer Node");
    else if (await running.hasClosed()) finding.skipped.push("everything: it stops by itself");
    else finding.problems.push(`${(error as Error).message}\n${running.printed}`);
  } finally {
    await running.stop();
  }
  return finding;
}

/** A process with the program, and what is asked of its sessions. */
class RunningProgram {
  /** Where it listens, `undefined` where it does not. */
  readonly ready: Promise<string | undefined>;
  printed = "";
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (message: Reply) => void>();
  readonly #closed: Promise<void>;
  #number = 0;

  constructor(file: string, env: Record<string, string>) {
    this.#child = fork(HOST, {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      execArgv: ["--no-warnings"],
      // What it writes to the folder that it runs in stays out of the project's own.
      cwd: dirname(file),
      env: {
        PATH: process.env["PATH"],
        PORT: "0",
        METRICS_PORT: String(NOT_FOR_VISITORS),
        SQLITE_FILE: ":memory:",
        HARPIATS_STORE: "memory:",
        NODE_ENV: "production",
        PROGRAM: file,
        ...env,
      },
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => (this.printed += text));
    this.#closed = new Promise((resolve) => this.#child.once("close", () => resolve()));
    const started = new Promise<string | undefined>((resolve, reject) => {
      this.#child.on("message", (message: Ready | Reply) => {
        if ("ready" in message) resolve(message.url);
        else this.#waiting.get(message.number)?.(message);
      });
      void this.#closed.then(() => reject(new Error("The program has ended")));
    });
    this.ready = limited(started, LONGEST_START, "the program's start");
  }

  async ask(ask: Question["ask"], headers: Headers = new Headers()) {
    const number = ++this.#number;
    const answer = new Promise<Reply>((resolve) => this.#waiting.set(number, resolve));
    this.#child.send({ number, ask, headers: [...headers] } satisfies Question);
    return limited(answer, LONGEST_ANSWER, `an answer of its session: ${ask}`);
  }

  /** Whether the program has stopped to serve, though its process lives. */
  async hasClosed(): Promise<boolean> {
    return this.#child.connected && (await this.ask("isSignedIn")).hasClosed;
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#closed;
  }
}

interface Answer {
  status: number;
  location: string | null;
  body: string;
  headers: Headers;
}

class Checks {
  readonly #running: RunningProgram;
  readonly #url: string;
  readonly #finding: Finding;
  readonly #routes: Route[];
  readonly #signInRoute: Route | undefined;

  constructor(app: App, running: RunningProgram, url: string, finding: Finding) {
    this.#running = running;
    this.#url = url;
    this.#finding = finding;
    this.#routes = routesOf(app);
    this.#signInRoute =
      this.#routes.find(({ path }) => isSignIn(path)) ??
      (/\.login\(/.test(app.text)
        ? this.#routes.find(({ method }) => method === "POST")
        : undefined);
  }

  async run(): Promise<void> {
    const others = this.#routes.filter(
      (route) => route !== this.#signInRoute && !isSignIn(route.path) && !isSignOut(route.path),
    );
    const pages = others.filter(({ method }) => method === "GET");
    const nobody = await this.#visit(pages);
    const signedIn = await this.#signIn();
    if ((await this.#running.ask("isSignedIn")).sessions === 0)
      return void this.#finding.skipped.push("everything: no Session of ours serves its requests");
    const member = signedIn ?? toCredential(toHeaders(await this.#running.ask("member")));
    if (!(await this.#isSignedIn(member)))
      return void this.#finding.problems.push("its sign-in signs nobody in");
    const seen = await this.#visit(pages, member);
    // A page is a gate where nobody sees something else than somebody who is signed in; what changes
    // something is one where it refuses nobody. It is not tried as a member: it may sign out.
    const changes = others.filter(({ method }) => method !== "GET");
    const refused = await this.#visit(changes);
    await this.#checkGates([
      ...pages.filter((_page, at) => seen[at] !== nobody[at]),
      ...changes.filter((_change, at) => /^40[13] /.test(refused[at] ?? "")),
    ]);
    await this.#checkHidden(pages, member);
    await this.#checkLogout();
  }

  async #isSignedIn(headers: Headers): Promise<boolean> {
    return (await this.#running.ask("isSignedIn", headers)).isSignedIn;
  }

  /** Signs in as the program has it. `undefined` where it has no sign-in. */
  async #signIn(): Promise<Headers | undefined> {
    const route = this.#signInRoute;
    if (!route) return undefined;
    const fields = { name: "ada", userId: "ada", username: "ada", password: "ada", card: "4111" };
    for (const body of [JSON.stringify(fields), new URLSearchParams(fields)]) {
      const headers = new Headers(
        typeof body === "string" ? { "content-type": "application/json" } : {},
      );
      const credential = toCredential((await this.#send(route, headers, body)).headers);
      if ([...credential].length > 0) return credential;
    }
    throw new Error(`Cannot sign in: ${route.method} ${route.path} gives neither cookie nor token`);
  }

  async #checkGates(gates: Route[]): Promise<void> {
    if (gates.length === 0)
      return void this.#finding.skipped.push("gates: no page of it asks who is there");
    const nobody = await this.#visit(gates);
    const visitor = await this.#visit(gates, await this.#visitor());
    for (const [at, { method, path }] of gates.entries())
      if (visitor[at] !== nobody[at])
        this.#finding.problems.push(
          `${method} ${path} lets a visitor in with a message waiting: ${visitor[at]}, nobody sees ${nobody[at]}`,
        );
    this.#finding.held.push(`gates: ${gates.map(({ path }) => path).join(" ")}`);
  }

  /** What a visitor sends to whom a message is to be shown. */
  async #visitor(): Promise<Headers> {
    return toCredential(toHeaders(await this.#running.ask("visitor")));
  }

  async #checkHidden(pages: Route[], member: Headers): Promise<void> {
    await this.#running.ask("hide", member);
    for (const headers of [member, await this.#visitor()])
      for (const page of pages) {
        const { body } = await this.#send(page, headers);
        if (/flash:|csrf:secret|harpiats:visitor/.test(body) || body.includes(HIDDEN))
          this.#finding.problems.push(
            `${page.method} ${page.path} answers a hidden field: ${body}`,
          );
      }
    if (await this.#isSignedIn(member)) this.#finding.held.push("hidden fields");
    else this.#finding.skipped.push("hidden fields: each of its pages signs in anew");
  }

  async #checkLogout(): Promise<void> {
    // One below another path ends somebody else's session, such as another device's.
    const depth = (path: string): number => path.split("/").length;
    const routes = this.#routes.filter(({ path }) => isSignOut(path));
    const least = Math.min(...routes.map(({ path }) => depth(path)));
    if (routes.length === 0) return void this.#finding.skipped.push("logout: it has no sign-out");
    if (!(await this.#signIn()))
      return void this.#finding.skipped.push("logout: it has no sign-in");
    for (const route of routes) if (depth(route.path) === least) await this.#checkSignOut(route);
  }

  async #checkSignOut(route: Route): Promise<void> {
    const [cookie] = toPairs(await this.#signIn());
    if (cookie === undefined)
      return void this.#finding.skipped.push("two cookies: it takes bearer tokens");
    const name = cookie.slice(0, cookie.indexOf("="));
    const visitor = toPairs(await this.#visitor());
    const jars: Record<string, string[]> = {
      "no id": [`${name}=stale`],
      "an id of nobody": [`${name}=${"A".repeat(32)}`],
      "a visitor's id": visitor,
      "another live id of the user": toPairs(await this.#signIn()),
    };
    for (const [what, others] of Object.entries(jars))
      for (const isFirst of [true, false]) {
        const own = toPairs(await this.#signIn());
        const all = isFirst ? [...others, ...own] : [...own, ...others];
        const headers = new Headers({ cookie: all.join("; "), "content-type": "application/json" });
        await this.#send(route, headers, route.method === "POST" ? "{}" : undefined);
        for (const kept of all) {
          if (await this.#isSignedIn(new Headers({ cookie: kept })))
            this.#finding.problems.push(
              `${route.method} ${route.path} leaves somebody signed in: ${what} came ${isFirst ? "before" : "after"} the cookie`,
            );
        }
      }
    this.#finding.held.push(`logout: ${route.path}`);
  }

  /** What each page answers, so that two visits can be compared. */
  async #visit(pages: Route[], headers: Headers = new Headers()): Promise<string[]> {
    const answers: string[] = [];
    for (const page of pages) {
      const { status, location, body } = await this.#send(page, headers);
      // Numbers of a moment, such as a port or the time, and masked tokens differ by themselves.
      answers.push(`${status} ${location ?? ""} ${body.replaceAll(/[\w-]{24,}|\d+/g, "#")}`);
    }
    return answers;
  }

  async #send(
    { method, path }: Route,
    headers: Headers = new Headers(),
    body?: string | URLSearchParams,
  ): Promise<Answer> {
    const response = await fetch(this.#url + path, {
      method,
      headers,
      redirect: "manual",
      signal: AbortSignal.timeout(LONGEST_ANSWER),
      ...(body !== undefined && { body }),
    });
    return {
      status: response.status,
      location: response.headers.get("location"),
      body: await beginningOf(response),
      headers: response.headers,
    };
  }
}

/** The body, of a stream that does not end what came so far. */
async function beginningOf(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (!reader) return "";
  const timer = setTimeout(() => void reader.cancel(), LONGEST_BODY);
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
  }
  clearTimeout(timer);
  return text;
}

function toHeaders(message: Ready | Reply): Headers {
  return new Headers("headers" in message ? message.headers : []);
}

/** What a client sends from then on: the cookies that it was given, or the token. */
function toCredential(given: Headers): Headers {
  const token = given.get("x-auth-token");
  if (token !== null) return new Headers({ authorization: `Bearer ${token}` });
  const pairs = given
    .getSetCookie()
    .map((line) => line.split(";")[0] ?? "")
    .filter((pair) => !pair.endsWith("="));
  return new Headers(pairs.length > 0 ? { cookie: pairs.join("; ") } : {});
}

function toPairs(credential: Headers | undefined): string[] {
  return credential?.get("cookie")?.split("; ") ?? [];
}

function limited<T>(promise: Promise<T>, limit: number, what: string): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`Waited ${limit} ms for ${what}`)), limit);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
