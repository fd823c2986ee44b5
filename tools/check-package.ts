// The tarball as a stranger meets it: what is in it, what the tools that judge packages say,
// whether it works installed alone without any peer, and whether strict programs compile against
// it. Nothing here looks at the sources.
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./command.ts";
import { Steps } from "./steps.ts";
import { compileStranger } from "./stranger.ts";

interface Manifest {
  name: string;
  exports: Record<string, unknown>;
  dependencies: Record<string, string>;
}

const project = fileURLToPath(new URL("../../", import.meta.url));
const bin = (name: string): string => join(project, "node_modules/.bin", name);
// What npm itself reads.
const manifest = JSON.parse(await readFile(join(project, "package.json"), "utf8")) as Manifest;
const subpaths = Object.keys(manifest.exports)
  .filter((subpath) => subpath !== "./package.json")
  .map((subpath) => manifest.name + subpath.slice(1));
// The only files that may load what is bundled: an app's router and server, templates, arguments.
const withBundled = /^(index|admin|app\/|cli\/)/;

/** What an app answers, and the admin pages by their bridges to harpia() and to node:http. */
const SERVES = `
  const { createServer } = await import("node:http");
  const session = new Session({});
  await session.create({ userId: "ada" });
  const pages = createAdmin({ session, authorize: () => true });
  const app = harpia();
  app.get("/hello/:name", (req, res) => res.send("Hello " + req.params.name));
  app.use("/admin", pages.harpia);
  const server = app.listen({ port: 0, hostname: "127.0.0.1" });
  await server.ready;
  const node = createServer(pages.node).listen(0, "127.0.0.1");
  await new Promise((resolve) => node.once("listening", resolve));
  const expected = [
    [server.url + "/hello/Ada", "Hello Ada"],
    [server.url + "/admin/sessions", "ada"],
    ["http://127.0.0.1:" + node.address().port + "/admin/sessions", "ada"],
  ];
  for (const [url, text] of expected) {
    const answer = await fetch(url);
    const said = await answer.text();
    if (answer.status !== 200 || !said.includes(text))
      throw new Error(url + " answers " + answer.status + " " + said);
  }
  node.closeAllConnections();
  node.close();
  await server.close();`;

const folder = await mkdtemp(join(tmpdir(), "harpiats-package-"));
const alone = join(folder, "alone");
const installed = join(alone, "node_modules", manifest.name);
const LICENCES = "dist/THIRD-PARTY-LICENSES";
const strangers = join(folder, "stranger");
let tarball = "";
const steps = new Steps();

try {
  if (await steps.do("npm pack builds and packs", pack)) {
    await judge();
    if (await steps.do("installs alone, with no peer", installAlone)) await useAlone();
    if (await steps.do("installs in a stranger's TypeScript project", installAtStranger)) {
      await compileStranger(steps, {
        folder: strangers,
        subpaths,
        newest: join(project, "node_modules/typescript"),
      });
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
steps.end();

async function pack(): Promise<void> {
  await run("npm", ["pack", "--pack-destination", folder], { cwd: project });
  const [name] = (await readdir(folder)).filter((file) => file.endsWith(".tgz"));
  if (name === undefined) throw new Error("npm pack left no tarball");
  tarball = join(folder, name);
}

/** What the tools that judge packages say. */
async function judge(): Promise<void> {
  await steps.do("publint --strict", () =>
    run(bin("publint"), [tarball, "--strict"], { cwd: project }),
  );
  await steps.do("are the types wrong? (esm-only)", () =>
    run(bin("attw"), [tarball, "--profile", "esm-only", "--no-emoji"], { cwd: project }),
  );
}

async function installAlone(): Promise<void> {
  await mkdir(alone);
  await writeFile(join(alone, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const said = await run("npm", ["install", "--no-audit", "--no-fund", tarball], {
    cwd: alone,
    withErrors: true,
  });
  if (/\bwarn\b/i.test(said)) throw new Error(`npm warns a newcomer: ${said}`);
  const folder = join(alone, "node_modules");
  const names = (await readdir(folder)).filter((name) => !name.startsWith("."));
  expectSame(names, [manifest.name, "cookie"], "node_modules");
  expectSame(await readdir(join(folder, ".bin")), [manifest.name], "node_modules/.bin");
}

async function useAlone(): Promise<void> {
  await steps.do("holds what is built and what is read, and nothing else", async () => {
    const names = await readdir(installed, { recursive: true, withFileTypes: true });
    const files = names
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(installed.length + 1));
    const strange = files.filter(
      (file) =>
        !/^dist\/.*\.(js|d\.ts)$|^dist\/THIRD-PARTY-LICENSES$|^(package\.json|LICENSE|(README|CHANGELOG|SECURITY|ARCHITECTURE|CONTRIBUTING)\.md)$|^docs\/.*\.(md|json|svg)$|^examples\/(?!.*(node_modules|\.data|sessions\/session)\/)|^bench\/(README|RESULTS)\.md$/.test(
          file,
        ),
    );
    if (strange.length > 0) throw new Error(`The tarball holds ${strange.join(", ")}`);
    for (const file of ["LICENSE", "README.md", "CHANGELOG.md", LICENCES])
      if (!files.includes(file)) throw new Error(`The tarball has no ${file}`);
  });
  for (const subpath of subpaths) {
    await steps.do(`import ${subpath}`, () =>
      evaluate(
        `if (Object.keys(await import("${subpath}")).length === 0) throw new Error("exports nothing")`,
      ),
    );
    await steps.do(`require ${subpath}`, () => evaluate(requires(subpath)));
  }
  await steps.do("declarations name nothing but themselves, dependencies and node", () =>
    checkDeclarations(),
  );
  await steps.do("the command runs, and says which driver is missing", async () => {
    const command = join(alone, "node_modules/.bin/harpiats");
    const version = await run(command, ["--version"], { cwd: alone });
    if (!/^\d+\.\d+\.\d+/.test(version)) throw new Error(`harpiats --version says ${version}`);
    const said = await run(command, ["sessions", "list", "--store", "redis://127.0.0.1:1"], {
      cwd: alone,
    }).catch(String);
    if (!said.includes("neither redis nor ioredis is installed, npm install redis is wanted"))
      throw new Error(`harpiats says ${said}`);
  });
  await steps.do("the command helps", async () => {
    const command = join(alone, "node_modules/.bin/harpiats");
    const help = await run("npx", [manifest.name, "--help"], { cwd: alone });
    if (!help.includes("sessions")) throw new Error(`harpiats --help says ${help}`);
    const words = await run(command, ["complete", "--", ""], { cwd: alone });
    if (!words.includes("doctor")) throw new Error(`harpiats complete says ${words}`);
  });
  await steps.do("import: an app and the admin pages serve", () =>
    evaluate(`
      const { default: harpia } = await import("${manifest.name}");
      const { createAdmin } = await import("${manifest.name}/admin");
      const { Session } = await import("${manifest.name}/session");
      ${SERVES}`),
  );
  await steps.do("require: an app and the admin pages serve", () =>
    evaluate(`
      import { createRequire } from "node:module";
      const require = createRequire(process.cwd() + "/");
      const { default: harpia } = require("${manifest.name}");
      const { createAdmin } = require("${manifest.name}/admin");
      const { Session } = require("${manifest.name}/session");
      ${SERVES}`),
  );
  await steps.do("only the app, the admin pages and the command load what is bundled", checkLoads);
  await steps.do("SECURITY.md names the versions that are bundled", checkVersions);
}

/** Follows the imports of each entry to the files of bundled packages. */
async function checkLoads(): Promise<void> {
  const dist = join(installed, "dist");
  const texts = new Map<string, string>();
  for (const name of await readdir(dist, { recursive: true }))
    if (name.endsWith(".js")) texts.set(name, await readFile(join(dist, name), "utf8"));
  const holdsBundled = (name: string): boolean =>
    /^\/\/ .*node_modules\//m.test(texts.get(name) ?? "");
  const entries = [...texts.keys()].filter((name) => !name.startsWith("shared/"));
  const loading = entries.filter((entry) => reachedFrom(entry, texts).some(holdsBundled));
  if (!loading.includes("index.js"))
    throw new Error("the app loads nothing bundled: this check proves nothing");
  const strange = loading.filter((name) => !withBundled.test(name));
  if (strange.length > 0) throw new Error(`${strange.join(", ")} load what is bundled`);
}

function reachedFrom(entry: string, texts: ReadonlyMap<string, string>): string[] {
  const reached = [entry];
  for (const name of reached) {
    const found = (texts.get(name) ?? "").matchAll(/\b(?:from|import) "(\.[^"]+)"/g);
    for (const [, specifier = ""] of found) {
      const path = join(dirname(name), specifier);
      if (!reached.includes(path)) reached.push(path);
    }
  }
  return reached;
}

/** An advisory against one of them is ours to answer: readers must see which version we carry. */
async function checkVersions(): Promise<void> {
  const licences = await readFile(join(installed, LICENCES), "utf8");
  const bundled = [...licences.matchAll(/^(\S+@\d\S*) \([^)]+\)\n-+$/gm)].map(
    ([, one]) => one ?? "",
  );
  const page = await readFile(join(installed, "SECURITY.md"), "utf8");
  const [, list = ""] = /<!-- bundled -->([\s\S]*?)<!-- \/bundled -->/.exec(page) ?? [];
  const named = [...list.matchAll(/`([^`]+@\d[^`]*)`/g)].map(([, one]) => one ?? "");
  expectSame(named, bundled, "the list of bundled packages in SECURITY.md");
}

async function installAtStranger(): Promise<void> {
  await cp(join(project, "test/package/stranger"), strangers, {
    recursive: true,
    filter: (path) => !path.includes("node_modules"),
  });
  await run("npm", ["ci", "--no-audit", "--no-fund"], { cwd: strangers });
  await run("npm", ["install", "--no-save", "--no-audit", "--no-fund", tarball], {
    cwd: strangers,
  });
}

function evaluate(program: string): Promise<string> {
  return run(process.execPath, ["--input-type=module", "-e", program], { cwd: alone });
}

function requires(subpath: string): string {
  return `import { createRequire } from "node:module";
    const require = createRequire(process.cwd() + "/");
    const required = require("${subpath}");
    const imported = await import("${subpath}");
    for (const name of Object.keys(imported)) if (name !== "module.exports" && required[name] !== imported[name]) throw new Error(name + " is another when required");`;
}

/**
 * Types of a peer in a declaration would break every program that does not have it. One that no
 * other names, and that is no subpath's, nobody reads.
 */
async function checkDeclarations(): Promise<void> {
  const allowed = [...Object.keys(manifest.dependencies), "node:"];
  const faults: string[] = [];
  const named = new Set(
    subpaths.map((subpath) => `${subpath.slice(manifest.name.length + 1) || "index"}.d.ts`),
  );
  const found: string[] = [];
  for (const name of await readdir(join(installed, "dist"), { recursive: true })) {
    if (!name.endsWith(".d.ts")) continue;
    found.push(name);
    const text = await readFile(join(installed, "dist", name), "utf8");
    for (const [, specifier = ""] of text.matchAll(
      /(?:\bfrom|\bimport|\bimport\()\s*"([^"]+)"|<reference [^>]*"([^"]+)"/g,
    )) {
      const isOwn = specifier.startsWith("./") || specifier.startsWith("../");
      if (isOwn) named.add(join(dirname(name), specifier.replace(/\.js$/, ".d.ts")));
      if (
        isOwn
          ? !specifier.endsWith(".js")
          : !allowed.some(
              (one) =>
                specifier === one || specifier.startsWith(one.endsWith(":") ? one : `${one}/`),
            )
      ) {
        faults.push(`${name} names ${specifier}`);
      }
    }
  }
  faults.push(
    ...found.filter((name) => !named.has(name)).map((name) => `${name} is named by none`),
  );
  if (faults.length > 0) throw new Error(faults.join("\n"));
}

function expectSame(actual: readonly string[], expected: readonly string[], what: string): void {
  const [have, want] = [actual, expected].map((names) => [...names].sort().join(", "));
  if (have !== want) throw new Error(`${what} holds ${have}, wanted is ${want}`);
}
