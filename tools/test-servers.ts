// The servers that tests start for themselves. Says which are missing, installs them where it may
// (root on Debian or Ubuntu), and says how to elsewhere. Starts none: each test starts and ends its
// own, on a free port and in a temporary folder.
import { access, constants, readdir, readFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { run } from "./command.ts";

interface TestServer {
  /** The program that tests start. */
  readonly program: string;
  /** Debian's package, for `apt-get install`. */
  readonly debianPackage: string;
  /** Folders beside PATH where distributions put it; `*` is any one name. */
  readonly folders?: readonly string[];
  /** The file in test/support that starts it: whoever imports that needs the server. */
  readonly support: string;
}

const SERVERS: readonly TestServer[] = [
  { program: "redis-server", debianPackage: "redis-server", support: "support/redis-server.js" },
  {
    program: "mariadbd",
    debianPackage: "mariadb-server",
    folders: ["/usr/sbin"],
    support: "support/mariadb-server.js",
  },
  // Debian keeps it off PATH, since several versions can live side by side.
  {
    program: "postgres",
    debianPackage: "postgresql",
    folders: ["/usr/lib/postgresql/*/bin"],
    support: "support/postgres-server.js",
  },
  {
    program: "pgbouncer",
    debianPackage: "pgbouncer",
    folders: ["/usr/sbin"],
    support: "support/pgbouncer-server.js",
  },
  // No servers, but programs that tests start all the same.
  { program: "chromium", debianPackage: "chromium", support: "browser/chromium.js" },
  { program: "openssl", debianPackage: "openssl", support: "support/certificate.js" },
];

/** Where a server's program is, for the tests too; `undefined` when it is not installed. */
export async function findServer(program: string): Promise<string | undefined> {
  const server = SERVERS.find((one) => one.program === program);
  const folders = [
    ...(process.env.PATH ?? "").split(delimiter),
    ...(await Promise.all((server?.folders ?? []).map(expand))).flat(),
  ];
  for (const folder of folders) {
    const path = join(folder, program);
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

/**
 * Makes sure that the servers of these tests are there, as far as it can.
 *
 * @param tests paths below `folder`, where the compiled tests are.
 * @returns what to tell about those that are still missing.
 */
export async function provideServers(folder: string, tests: readonly string[]): Promise<string[]> {
  const imported = await importsOf(tests.map((test) => join(folder, test)));
  const missing = await absentOf(
    SERVERS.filter(({ support }) => imported.has(join(folder, support))),
  );
  if (missing.length === 0) return [];
  const why = await install(missing.map(({ debianPackage }) => debianPackage));
  const stillMissing = await absentOf(missing);
  return stillMissing.map(
    ({ program, debianPackage }) =>
      `${program} is not installed (${why}): its tests are skipped. Debian, Ubuntu: sudo apt-get install ${debianPackage}`,
  );
}

/** These files and all that they import from files, at once or later. */
async function importsOf(files: readonly string[]): Promise<Set<string>> {
  const found = new Set(files);
  // A set that grows while it is gone through is gone through to its end.
  for (const file of found) {
    const text = await readFile(file, "utf8").catch(() => "");
    for (const [, specifier = ""] of text.matchAll(/\b(?:from|import)\s*\(?"(\.[^"]+)"/g))
      found.add(join(dirname(file), specifier));
  }
  return found;
}

async function absentOf(servers: readonly TestServer[]): Promise<TestServer[]> {
  const found = await Promise.all(servers.map(({ program }) => findServer(program)));
  return servers.filter((_, at) => found[at] === undefined);
}

/** @returns why nothing came of it, as far as anything did not. */
async function install(packages: readonly string[]): Promise<string> {
  if (process.getuid?.() !== 0) return "only root may install it";
  if (!(await isExecutable("/usr/bin/apt-get"))) return "there is no apt-get";
  process.stdout.write(`Installing ${packages.join(", ")} for the tests\n`);
  // Nothing asks, and nothing that is installed starts by itself: in single-user runlevel packages
  // start no services.
  const env = { DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  try {
    await run("apt-get", ["update", "-qq"], { env });
    await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], { env });
    return "apt-get installed another thing";
  } catch (error) {
    process.stderr.write(`${String(error)}\n`);
    return "apt-get failed, see above";
  }
}

async function expand(pattern: string): Promise<string[]> {
  const [before = "", after] = pattern.split("*");
  if (after === undefined) return [pattern];
  const names = await readdir(before).catch(() => []);
  // The newest version first.
  return names.sort((a, b) => Number(b) - Number(a)).map((name) => `${before}${name}${after}`);
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
