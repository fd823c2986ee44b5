// The entry as applications import it: from CommonJS, from a module, and in a strict program that
// says what its sessions hold.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { type InstalledPackage, installPackage } from "../support/installed-package.ts";
import { projectFolder } from "../support/project.ts";

const run = promisify(execFile);

const CLASSES = `
  for (const name of ["Store", "Cookie", "Session", "MemoryStore"])
    if (typeof session[name] !== "function") throw new Error(name);
  if (typeof session({ secret: "k", resave: false, saveUninitialized: false }) !== "function")
    throw new Error("factory");
  console.log("fine");
`;

const TYPED = `
import express from "express";
import session, { Cookie, MemoryStore, Store } from "harpiats/express-session";
import { RedisStore } from "harpiats/stores/redis";

declare module "harpiats/express-session" {
  interface SessionData { userId: string; views: number; passport: { user: string } }
}
declare const redis: ConstructorParameters<typeof RedisStore>[0]["client"];

class Mine extends session.Store {
  get(_sid: string, callback: (error?: unknown, found?: object | null) => void): void { callback(null, null); }
  set(_sid: string, _session: object, callback?: (error?: unknown) => void): void { callback?.(); }
  destroy(_sid: string, callback?: (error?: unknown) => void): void { callback?.(); }
}

const app = express();
app.use(session({ secret: ["new", "old"], store: new RedisStore({ client: redis }), cookie: { maxAge: 60_000, secure: "auto" }, resave: false, saveUninitialized: false, rolling: true }));
app.use(session({ secret: "k", store: new Mine(), cookie: (req) => ({ path: String(req.url) }), genid: (req) => String(req.headers["x-id"]) }));
app.use(session({ secret: "k", store: new MemoryStore() }));
app.get("/", (req, res, next) => {
  req.session.views = (req.session.views ?? 0) + 1;
  const user: string | undefined = req.session.userId ?? req.session.passport?.user;
  // @ts-expect-error it is a number
  req.session.views = "many";
  // @ts-expect-error nobody has said that there is such a field
  req.session.vews = 1;
  req.session.cookie.maxAge = 5000;
  req.session.regenerate((error) => { if (error) return next(error); req.session.save(() => res.send(req.sessionID + user)); });
  void req.session.destroy().then(() => req.sessionStore.load("id", (_error, found) => found?.cookie satisfies Cookie | undefined));
});
export const store: Store = new Mine();
`;

describe("harpiats/express-session, published", () => {
  let installed: InstalledPackage;
  before(async () => {
    installed = await installPackage(["express", "@types/express", "@types/node"]);
    await writeFile(join(installed.path, "package.json"), '{ "private": true, "type": "module" }');
  });
  after(() => installed.remove());

  for (const [kind, file, text] of [
    ["require", "main.cjs", 'const session = require("harpiats/express-session");'],
    ["import", "main.mjs", 'import session from "harpiats/express-session";'],
  ] as const) {
    it(`gives ${kind} the factory, with the classes on it`, async () => {
      await writeFile(join(installed.path, file), text + CLASSES);
      const program = run(process.execPath, ["--no-warnings", file], { cwd: installed.path });
      const { stdout } = await program;
      assert.equal(stdout, "fine\n");
    });
  }

  it("compiles in a strict program that says what its sessions hold", async () => {
    const options = {
      module: "nodenext",
      target: "es2022",
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      types: ["node"],
      preserveSymlinks: false,
    };
    await writeFile(join(installed.path, "main.ts"), TYPED);
    await writeFile(
      join(installed.path, "tsconfig.json"),
      JSON.stringify({ compilerOptions: options, files: ["main.ts"] }),
    );
    const { resolve } = createRequire(join(projectFolder, "package.json"));
    const tsc = join(resolve("typescript/package.json"), "../bin/tsc");
    await run(process.execPath, [tsc, "-p", "."], { cwd: installed.path }).catch(
      ({ stdout }: { stdout: string }) => assert.fail(stdout),
    );
  });
});
