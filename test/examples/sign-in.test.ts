// What people copy: every program of README, docs and examples that makes an application signs in
// and out, with tools/sign-in-checks.ts. A program that cannot do one of the checks says why.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { builtApps, checkApp, findApps } from "../../tools/sign-in-checks.ts";
import {
  type MariadbServer,
  skipWithoutMariadb,
  startMariadbServer,
} from "../support/mariadb-server.ts";
import {
  type PostgresServer,
  skipWithoutPostgres,
  startPostgresServer,
} from "../support/postgres-server.ts";
import { projectFolder } from "../support/project.ts";
import { type RedisServer, skipWithoutRedis, startRedisServer } from "../support/redis-server.ts";

const apps = findApps(join(projectFolder, ".build", "sign-in-test"));
const README = apps[0];
const { REDIS_URL, POSTGRES_URL, MYSQL_URL } = {
  REDIS_URL: skipWithoutRedis(),
  POSTGRES_URL: skipWithoutPostgres(),
  MYSQL_URL: skipWithoutMariadb(),
};

describe("a program of README, docs or examples", { concurrency: 3 }, () => {
  let redis: RedisServer | undefined;
  let postgres: PostgresServer | undefined;
  let mariadb: MariadbServer | undefined;

  before(async () => {
    [redis, postgres, mariadb] = await Promise.all([
      REDIS_URL === false ? startRedisServer() : undefined,
      POSTGRES_URL === false ? startPostgresServer() : undefined,
      MYSQL_URL === false ? startMariadbServer() : undefined,
    ]);
  });
  after(() => Promise.all([redis?.stop(), postgres?.stop(), mariadb?.stop()]));

  /** The addresses of the servers that run, by the names that the programs have for them. */
  function surroundings(at: string): Record<string, string> {
    const connection = mariadb?.connection;
    const database = at.includes("mysql")
      ? connection &&
        `mysql://${connection.user}@${connection.host}:${connection.port}/${connection.database}`
      : postgres?.url;
    return {
      SESSION_KEYS: randomBytes(32).toString("base64url"),
      ...(redis && { REDIS_URL: redis.url }),
      ...(database !== undefined && { DATABASE_URL: database }),
    };
  }

  for (const app of apps)
    it(`logs out, lets no visitor in and answers no hidden field: ${app.at}`, async (t) => {
      const { problems, skipped, held } = await checkApp(app, surroundings(app.at));
      for (const why of skipped) t.diagnostic(`${app.at}: skipped ${why}`);
      assert.deepEqual(problems, []);
      assert.ok(held.length + skipped.length > 0);
    });

  it("is skipped for a reason that is said", (t) => {
    for (const { at, skipped } of builtApps()) t.diagnostic(`${at}: skipped ${skipped.join()}`);
  });

  it("does all of it on the first page that people see", async () => {
    const first = README;
    assert.ok(first && first.at.startsWith("README.md"));
    const { held } = await checkApp(first);
    assert.deepEqual(held, ["gates: /profile", "hidden fields", "logout: /logout"]);
  });
});

describe("the checks", () => {
  // What each check is for, put back as it was taught once.
  const FAULTS: Record<string, [RegExp, string, RegExp]> = {
    "a logout of the first cookie alone": [
      /session\.delete\(req, res\)/,
      'session.delete(req.cookies.get("session_id"))',
      /leaves somebody signed in/,
    ],
    "a gate that asks for a session": [
      /session\.userFromRequest\(req, res\)/,
      "session.all && (await session.open(req).handle)",
      /lets a visitor in/,
    ],
    "an answer with a field of the library's own": [
      /res\.json\(user\)/,
      'res.json({ ...user, "csrf:secret": 1 })',
      /answers a hidden field/,
    ],
  };
  for (const [what, [right, wrong, said]] of Object.entries(FAULTS))
    it(`find ${what}`, async () => {
      assert.ok(README);
      const program = await readFile(README.file, "utf8");
      assert.match(program, right);
      const file = README.file.replace(/\.js$/, `-${what.replaceAll(/\W+/g, "-")}.js`);
      await writeFile(file, program.replace(right, wrong));
      const { problems } = await checkApp({ ...README, file });
      assert.match(problems.join("\n"), said);
    });
});
