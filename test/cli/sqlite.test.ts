// The command on a SQLite file, as it is when it is installed: every command, with what it is meant
// for and what it is not.
import assert from "node:assert/strict";
import { chmod, open, readdir, writeFile } from "node:fs/promises";
import { get, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { Session } from "../../src/session.ts";
import type { OpenStoreOptions, OpenedStore } from "../../src/stores/open.ts";
import {
  commandRunner,
  type RunCommand,
  type Ran,
  spawnNode,
  type Surroundings,
} from "../support/command.ts";
import { installPackage, type InstalledPackage } from "../support/installed-package.ts";
import { requireApart } from "../support/packages-apart.ts";
import { exitOf, firstLine, heard } from "../support/waits.ts";
import { spawn } from "../support/children.ts";

type Visitor = { userId: string; role?: string };

describe("harpiats, on SQLite", () => {
  let installed: InstalledPackage;
  let run: (argv: string, given?: Surroundings) => Promise<Ran>;
  let openStore: (url: string, options?: OpenStoreOptions) => Promise<OpenedStore<Visitor>>;
  let Database: new (path: string) => { exec(sql: string): void; close(): void };
  let number = 0;

  /** A store with a session of Ada's and two of Grace's. */
  async function filled(): Promise<{
    url: string;
    path: string;
    ids: string[];
    handles: string[];
    sql(text: string): Promise<void>;
  }> {
    const path = join(installed.path, `${++number}.db`);
    const url = `sqlite:${path}`;
    const { store, close } = await openStore(url);
    const session = new Session<Visitor>({ store });
    const ids: string[] = [];
    for (const userId of ["ada", "grace", "grace"])
      ids.push(
        await session.create(
          { userId, role: "s3cret role" },
          { device: { label: "Firefox on Linux", ip: "192.0.2.7" } },
        ),
      );
    const handles = [...(await session.list("ada")), ...(await session.list("grace"))].map(
      ({ handle }) => handle,
    );
    await close();
    const sql = async (text: string): Promise<void> => {
      const database = new Database(path);
      database.exec(text);
      database.close();
    };
    return { url, path, ids, handles, sql };
  }

  before(async () => {
    installed = await installPackage(["better-sqlite3"], "compiled");
    // What tests/support says it is.
    Database = (await requireApart("better-sqlite3", "better-sqlite3")) as typeof Database;
    // The exports of the files named.
    run = commandRunner((await installed.load("cli/program.js"))["runCommand"] as RunCommand);
    openStore = (await installed.load("stores/open.js"))["openStore"] as typeof openStore;
  });
  after(() => installed.remove());

  it("says what is wrong with its arguments, and ends with 2", async () => {
    const { url, handles } = await filled();
    const wrong: [string, RegExp][] = [
      ["", /Usage: harpiats/],
      ["lst", /unknown command 'lst'/],
      ["sessions lst", /Did you mean list\?/],
      ["sessions list", /Which store\? Give --store URL or set HARPIATS_STORE/],
      ["sessions list --store memory:", /another process cannot look into it/],
      ["sessions list --store mongodb://x", /no scheme that is known/],
      [`sessions list --store ${url} --limit none`, /A number of at least 1 is wanted/],
      [`sessions list --store ${url} --colour`, /unknown option '--colour'/],
      [`sessions show --store ${url}`, /missing required argument 'handle'/],
      [`sessions show ada --store ${url}`, /This is no handle/],
      [
        `sessions revoke --store ${url}`,
        /Which sessions\? Give one of: a handle, --user ID, --all/,
      ],
      [`sessions revoke ${handles[0]} --all --store ${url}`, /Which sessions\?/],
      [`sessions revoke --all --store ${url}`, /nobody can be asked here. Give --yes/],
      [`sessions revoke --user ada --store ${url}`, /nobody can be asked here. Give --yes/],
      ["size", /required option '--users <number>'/],
      ["size --users 10M --idle 7", /A time is wanted, such as 90s, 15m, 12h or 7d/],
      ["size --users 10M --daily 3", /A share is wanted/],
      ["secret --keep 2", /--keep belongs to --rotate/],
      ["secret --rotate", /Which secrets are to be rotated\?/],
      ["doctor --config ./there-is-none.js", /Cannot load \.\/there-is-none\.js/],
      ["bench --sessions 0 --store sqlite:x", /A number of at least 1 is wanted/],
      ["admin --port 99999", /A port from 0 to 65535/],
    ];
    for (const [argv, message] of wrong) {
      const { code, out, err } = await run(argv);
      assert.deepEqual([code, out], [2, ""], argv);
      assert.match(err, message);
    }
    const missing = await run(`sessions list --store sqlite:${installed.path}/none.db`);
    assert.deepEqual(
      [missing.code, missing.err],
      [3, `harpiats: Cannot open sqlite:${installed.path}/none.db: there is no such file\n`],
    );
    assert.ok(!(await readdir(installed.path)).includes("none.db"), "looking made a file");
  });

  it("lists, shows and counts sessions, and no id and no data unless it is asked for", async () => {
    const { url, ids, handles } = await filled();
    const env = { HARPIATS_STORE: url };
    const list = await run("sessions list", { env });
    assert.equal(list.code, 0);
    const lines = list.out.trimEnd().split("\n");
    assert.match(lines[0] ?? "", /^HANDLE +USER +SIGNED IN +LAST SEEN +ENDS +DEVICE$/);
    assert.deepEqual(
      lines
        .slice(1)
        .map((line) => line.split(/ {2,}/)[0])
        .sort(),
      [...handles].sort(),
    );
    assert.match(
      list.out,
      /  ada +20\d\d-\d\d-\d\d \d\d:\d\d:\d\d .*  Firefox on Linux, 192\.0\.2\.7\n/,
    );
    assert.equal((await run("sessions list --limit 2", { env })).out.split("\n").length, 4);
    assert.equal((await run("sessions list --user grace", { env })).out.split("\n").length, 4);
    const json = (await run("sessions list --json --user ada", { env })).out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(Object.keys(json[0] ?? {}), [
      "handle",
      "userId",
      "createdAt",
      "lastSeenAt",
      "expiresAt",
      "endsAt",
      "device",
    ]);
    const nobody = await run("sessions list --user nobody", { env });
    assert.deepEqual(
      [nobody.code, nobody.out, nobody.err],
      [0, "", "This user has no live session.\n"],
    );

    const shown = await run(`sessions show ${handles[0]}`, { env });
    assert.match(shown.out, /^User +ada$/m);
    assert.match(shown.out, /^Fields +userId, role$/m);
    assert.deepEqual(
      JSON.parse((await run(`sessions show ${handles[0]} --json --show-data`, { env })).out).data,
      { userId: "ada", role: "s3cret role" },
    );
    const gone = `${handles[0]?.slice(0, 9)}${"A".repeat(43)}`;
    assert.deepEqual(await run(`sessions show ${gone}`, { env }), {
      code: 1,
      out: "",
      err: "There is no live session with this handle.\n",
    });
    const asId = await run(`sessions show ${ids[0]}`, { env });
    assert.equal(asId.code, 2);

    assert.equal((await run("sessions count", { env })).out, "3\n");
    assert.deepEqual(JSON.parse((await run("sessions count --user grace --json", { env })).out), {
      sessions: 2,
    });
    for (const { out, err } of [list, shown, asId]) {
      for (const id of ids) assert.ok(!(out + err).includes(id), "an id is shown");
      assert.ok(!out.includes("s3cret"), "data is shown");
    }
    assert.ok((await run("sessions list --show-data", { env })).out.includes("s3cret role"));
  });

  it("lets nothing that a user wrote speak to the terminal", async () => {
    const { url, sql } = await filled();
    await sql(
      `UPDATE harpiats_sessions SET facts = '{"device":{"label":"\\u001b[2J\\u202egnp.exe\\u009b31m"}}', user_id = 'a' || char(7) || 'b'`,
    );
    for (const flags of ["", " --json"]) {
      const { out } = await run(`sessions list --store ${url}${flags}`);
      // oxlint-disable-next-line no-control-regex
      assert.doesNotMatch(out, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
      assert.match(out, /\\u001b\[2J\\u202egnp\.exe\\u009b31m/);
    }
  });

  it("shows what does not show, and labels that are no text", async () => {
    const { url, sql } = await filled();
    const unseen = "\u200b\u{e0041}\u2060\u00ad\ufeff\u3164\u00a0\ufe0f\u2800";
    await sql(
      `UPDATE harpiats_sessions SET facts = '${JSON.stringify({ device: { label: `x${unseen}y`, ip: { v: 4 } } })}', user_id = 'a${unseen}'`,
    );
    for (const flags of ["", " --json"]) {
      const { out } = await run(`sessions list --store ${url}${flags}`);
      assert.doesNotMatch(out, /(?![ \n])[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/u);
      assert.ok(
        out.includes("x\\u200b\\udb40\\udc41\\u2060\\u00ad\\ufeff\\u3164\\u00a0\\ufe0f\\u2800y"),
        out,
      );
      assert.doesNotMatch(out, /\[object Object\]/);
      assert.match(out, /\{"v":4\}/);
    }
    await sql(`UPDATE harpiats_sessions SET facts = '{"device":{"label":{"name":"phone"}}}'`);
    const { out } = await run(`sessions list --store ${url}`);
    assert.match(out, /\{"name":"phone"\}/);
  });

  it("ends one session, a user's, and everybody's, and asks before it ends many", async () => {
    const { url, ids, handles } = await filled();
    const env = { HARPIATS_STORE: url };
    const { store, close } = await openStore(url);
    const look = new Session<Visitor>({ store });
    assert.deepEqual(await run(`sessions revoke ${handles[0]}`, { env }), {
      code: 0,
      out: "The session has ended.\n",
      err: "",
    });
    assert.equal(await look.get(ids[0]), undefined);
    assert.equal((await run(`sessions revoke ${handles[0]}`, { env })).code, 1);
    const refused = await run("sessions revoke --user grace", { env, typed: "no\n" });
    assert.deepEqual([refused.code, (await look.list("grace")).length], [2, 2]);
    assert.match(
      refused.err,
      /End every session of this user in sqlite:.*\? \[y\/N\].*Nothing was ended\.\n$/s,
    );
    assert.match(
      (await run("sessions revoke --user grace", { env, typed: "y\n" })).out,
      /2 sessions have ended\./,
    );
    assert.deepEqual(await look.list("grace"), []);
    await look.create({ userId: "ada" });
    assert.equal((await run("sessions revoke --all", { env, typed: "y\n" })).code, 2);
    assert.equal((await look.list("ada")).length, 1);
    assert.match(
      (await run("sessions revoke --all", { env, typed: "sign everybody out\n" })).out,
      /Every session that there was has ended\./,
    );
    assert.equal((await look.list("ada")).length, 0);
    await look.create({ userId: "ada" });
    assert.deepEqual(JSON.parse((await run("sessions revoke --all --yes --json", { env })).out), {
      ended: "all",
    });
    assert.equal((await look.list("ada")).length, 0);
    await close();
  });

  it("prunes what has expired", async () => {
    const { url, sql } = await filled();
    await sql("UPDATE harpiats_sessions SET expires_at = 1 WHERE user_id = 'grace'");
    assert.equal((await run(`prune --store ${url}`)).out, "2 expired sessions were deleted.\n");
    assert.deepEqual(JSON.parse((await run(`prune --store ${url} --json`)).out), { pruned: 0 });
  });

  it("prints the schema without a server, and makes it where that is asked for", async () => {
    const path = join(installed.path, "new.db");
    const printed = await run(`schema --store sqlite:${path}?table=logins`);
    assert.match(printed.out, /^CREATE TABLE IF NOT EXISTS "logins" \(/);
    // Without their drivers too.
    const pg = await run("schema --store postgres://127.0.0.1:1/x?table=logins&notify=true");
    assert.deepEqual([pg.code, pg.err], [0, ""]);
    assert.match(pg.out, /CREATE TABLE IF NOT EXISTS "?logins/);
    const mysql = await run("schema --store mysql://127.0.0.1:1/x?table=logins");
    assert.deepEqual([mysql.code, mysql.err], [0, ""]);
    assert.match(mysql.out, /CREATE TABLE IF NOT EXISTS `?logins/);
    assert.match(
      (await run("schema --apply --store postgres://127.0.0.1:1/x")).err,
      /neither pg nor postgres is installed/,
    );
    assert.equal((await run("schema --store postgres://127.0.0.1:1/x?table=A-b")).code, 2);
    assert.ok(!(await readdir(installed.path)).includes("new.db"));
    assert.match(
      (await run(`schema --apply --store sqlite:${path}`)).out,
      /^The tables are there in sqlite:/,
    );
    assert.equal((await run(`sessions count --store sqlite:${path}`)).out, "0\n");
  });

  it("measures the store beside the sessions, and leaves nothing", async () => {
    const { url, path } = await filled();
    const { out, code } = await run(`bench --store ${url}?synchronous=normal --sessions 50 --json`);
    assert.equal(code, 0);
    const { operations, sessionsPerGB } = JSON.parse(out) as {
      operations: { operation: string; p50: number; p99: number; perSecond: number }[];
      sessionsPerGB: number;
    };
    assert.deepEqual(
      operations.map(({ operation }) => operation),
      ["create", "read", "patch", "touch", "remove"],
    );
    for (const { p50, p99, perSecond } of operations)
      assert.ok(p50 > 0 && p50 <= p99 && perSecond > 0);
    assert.ok(sessionsPerGB > 100_000 && sessionsPerGB < 10_000_000, String(sessionsPerGB));
    assert.ok(!(await readdir(installed.path)).some((name) => name.includes("bench")));
    assert.equal((await run(`sessions count --store sqlite:${path}`)).out, "3\n");
    assert.match(
      (await run(`bench --store ${url} --sessions 10`)).out,
      /^OPERATION +P50 MS +P99 MS +PER SECOND +ROUND TRIPS\ncreate /,
    );
  });

  it("finds the faults of a file, and none where there is none", async () => {
    const { url, path, sql } = await filled();
    const findings = async (): Promise<Record<string, string>> => {
      const { code, out } = await run(`doctor --store ${url} --json`);
      const found = JSON.parse(out) as {
        faults: number;
        findings: { check: string; status: string; found: string; mend?: string }[];
      };
      assert.equal(code, found.faults === 0 ? 0 : 1);
      for (const { status, mend } of found.findings)
        assert.equal(mend === undefined, status === "ok");
      return Object.fromEntries(
        found.findings
          .filter(({ status }) => status !== "ok")
          .map(({ check, found: text }) => [check, text]),
      );
    };
    assert.deepEqual(await findings(), {});
    assert.match(
      (await run(`doctor --store ${url}`)).out,
      /^ok      version +SQLite 3\..*\n\n0 faults, 0 pieces of advice\n$/s,
    );
    await sql("PRAGMA journal_mode = DELETE");
    await sql("DROP INDEX harpiats_sessions_user_id");
    await chmod(path, 0o644);
    assert.deepEqual(await findings(), {
      journal: "journal_mode is delete: every reader waits for every writer",
      index: "there is none on user_id: each list and each login of a user reads the whole table",
      rights: "other users of this machine can read the file",
    });
    await run(`schema --apply --store ${url}`);
    await chmod(path, 0o600);
    assert.deepEqual(await findings(), {});
    await sql("ALTER TABLE harpiats_sessions DROP COLUMN facts");
    assert.deepEqual(Object.keys(await findings()), ["table", "trial"]);
    await sql("DROP TABLE harpiats_sessions");
    assert.deepEqual(Object.keys(await findings()), ["table", "trial"]);
    assert.match(
      (await run(`doctor --store ${url}?synchronous=normal`)).out,
      /^advice +durability +synchronous=normal/m,
    );

    const damaged = await filled();
    await damaged.sql("PRAGMA wal_checkpoint(TRUNCATE)");
    const file = await open(damaged.path, "r+");
    await file.write(Buffer.alloc(200, 255), 0, 200, 4096);
    await file.close();
    const { code, out } = await run(`doctor --store ${damaged.url}`);
    assert.equal(code, 1);
    assert.match(out, /^FAULT +file +damaged/m);
  });

  it("finds the faults of a cookie", async () => {
    const config = join(installed.path, "session.js");
    const examine = async (options: string): Promise<Record<string, string>> => {
      const file = config.replace(".js", `${++number}.js`);
      await writeFile(
        file,
        `import { Session } from "harpiats/session";\nexport const session = new Session(${options});\n`,
      );
      const { out } = await run(`doctor --config ${file} --json`);
      return Object.fromEntries(
        (
          JSON.parse(out) as { findings: { check: string; status: string; found: string }[] }
        ).findings
          .filter(({ status }) => status !== "ok")
          .map(({ check, status }) => [check, status]),
      );
    };
    assert.deepEqual(await examine('{ cookieName: "__Host-id" }'), { store: "advice" });
    assert.deepEqual(
      await examine(
        "{ cookie: { secure: false, httpOnly: false }, idleTimeout: false, absoluteTimeout: 40 * 86400 }",
      ),
      {
        "cookie's Secure": "fault",
        "cookie's HttpOnly": "fault",
        "idle limit": "advice",
        "absolute limit": "advice",
        store: "advice",
      },
    );
    assert.deepEqual(await examine('{ cookie: { sameSite: "none", domain: "example.org" } }'), {
      "cookie's SameSite": "advice",
      "cookie's Domain": "advice",
      store: "advice",
    });
    assert.deepEqual(await examine("{}"), { "cookie's name": "advice", store: "advice" });
    await writeFile(config, "export const session = {};\n");
    assert.match((await run(`doctor --config ${config}`)).err, /exports no Session/);
  });

  it("is a program that says nothing of experimental features, and ends with its code", async () => {
    const { url, sql } = await filled();
    const published = await installPackage(["better-sqlite3"]);
    const [list, failed] = await Promise.all([
      spawnNode([published.bin, "sessions", "list", "--store", url]),
      spawnNode([published.bin, "sessions", "list", "--store", "redis://127.0.0.1:1"]),
    ]);
    assert.deepEqual([list.code, list.out.split("\n").length, list.err], [0, 5, ""]);
    assert.deepEqual([failed.code, failed.out], [3, ""]);
    assert.equal(
      failed.err,
      "harpiats: Cannot open redis://127.0.0.1:1: neither redis nor ioredis is installed, npm install redis is wanted\n",
    );

    // `… | head -1`, of more than a pipe holds.
    await sql(`WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 3000) INSERT INTO harpiats_sessions
      SELECT printf('%08x.%043d', n, n), version, data, revision, created_at, last_seen_at, expires_at, ends_at, user_id, facts FROM (SELECT * FROM harpiats_sessions LIMIT 1), numbers`);
    const cut = spawn(process.execPath, [published.bin, "sessions", "list", "--store", url], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const errors = text(cut.stderr);
    cut.stdout.once("data", () => cut.stdout.destroy());
    assert.deepEqual([await exitOf(cut), await errors], [[0, null], ""]);
    await published.remove();
  });

  it("serves its pages to whoever has the link, and to nobody else", async () => {
    const { url } = await filled();
    const published = await installPackage(["better-sqlite3"]);
    const pages = spawn(process.execPath, [published.bin, "admin", "--view-only", "--store", url], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const line = await firstLine(pages);
    const { origin, pathname, port } = new URL(line);
    const sessions = await fetch(`${line}/sessions`);
    assert.equal(sessions.status, 200);
    assert.match(await sessions.text(), /grace/);
    assert.equal(
      (
        await fetch(`${line}/everything`, {
          method: "POST",
          headers: { origin },
          body: new URLSearchParams({}),
        })
      ).status,
      403,
    );
    for (const path of ["/", "/admin", `${pathname.slice(0, -1)}/sessions`])
      assert.equal((await fetch(origin + path)).status, 404, path);
    const rebound = get({
      host: "127.0.0.1",
      port,
      path: `${pathname}/sessions`,
      headers: { host: `evil.test:${port}` },
    });
    const [answer] = await heard<[IncomingMessage]>(rebound, "response");
    assert.equal(answer.statusCode, 403);
    answer.destroy();
    pages.kill("SIGTERM");
    assert.deepEqual(await exitOf(pages), [0, null]);
    await published.remove();
  });
});
