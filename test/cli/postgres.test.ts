// The command and openStore on PostgreSQL: with each client that may be installed, and with each
// fault that the doctor says it finds.
import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { Pool } from "pg";
import { runCommand } from "../../src/cli/program.ts";
import { Session } from "../../src/session.ts";
import { openStore } from "../../src/stores/open.ts";
import { commandRunner } from "../support/command.ts";
import { faultsOf, startOlder } from "../support/doctor.ts";
import { installPackage } from "../support/installed-package.ts";
import {
  type PostgresServer,
  skipWithoutPostgres,
  startPostgresServer,
} from "../support/postgres-server.ts";
import { exitOf, until } from "../support/waits.ts";
import { spawn } from "../support/children.ts";

type Visitor = { userId: string; role?: string };

describe("harpiats, on PostgreSQL", { skip: skipWithoutPostgres() }, () => {
  let server: PostgresServer;
  let pool: Pool;
  const run = commandRunner(runCommand);
  const sql = (text: string) => pool.query(text);
  const url = (database: string, user = "postgres"): string =>
    `postgres://${user}@127.0.0.1:${server.port}/${database}`;

  before(async () => {
    server = await startPostgresServer({ isDurable: true });
    pool = new Pool({ connectionString: server.url });
    pool.on("error", () => {});
    await sql("CREATE DATABASE shop");
  });
  after(async () => {
    await pool.end();
    await server.stop();
  });

  it("opens a store by its URL, makes its table where it may, and closes it, subscriptions too", async () => {
    const { store, kind, address, close } = await openStore<Visitor>(
      `${url("postgres", "postgres:s3cret")}?table=logins&notify=true&application_name=shop`,
    );
    assert.deepEqual([kind, address], ["postgres", `postgres://127.0.0.1:${server.port}/postgres`]);
    const session = new Session<Visitor>({ store });
    const id = await session.create({ userId: "ada" });
    await store.subscribe?.(() => {});
    assert.deepEqual(await session.get(id), { userId: "ada" });
    assert.equal((await sql("SELECT FROM logins")).rowCount, 1);
    assert.equal(
      (await sql("SELECT FROM pg_stat_activity WHERE application_name = 'shop'")).rowCount !== 0,
      true,
    );
    await close();
    await assert.rejects(session.get(id));
    const missing = await openStore(`${url("postgres")}?table=none`, { migrate: false });
    await assert.rejects(
      async () => missing.store.read(["00000000.x"]),
      /relation "none" does not exist/,
    );
    await missing.close();
    await assert.rejects(
      openStore(url("nowhere", "postgres:s3cret")),
      (error: Error) =>
        /^Cannot open postgres:\/\/127\.0\.0\.1:\d+\/nowhere: database "nowhere" does not exist/.test(
          error.message,
        ) && !error.message.includes("s3cret"),
    );
  });

  it("takes postgres.js where there is no pg", async () => {
    const installed = await installPackage(["postgres"]);
    const { openStore: open } = (await installed.load("stores/open.js")) as {
      openStore: typeof openStore;
    };
    const { store, close } = await open<Visitor>(`${server.url}?table=by_js`);
    const id = await new Session<Visitor>({ store }).create({ userId: "ada" });
    assert.deepEqual(await new Session<Visitor>({ store }).get(id), { userId: "ada" });
    await close();
    await assert.rejects(
      open("postgres://u:s3cret@127.0.0.1:1/x"),
      /^StoreError: Cannot open postgres:\/\/127\.0\.0\.1:1\/x: .*ECONNREFUSED/,
    );
    await installed.remove();
  });

  it("makes the schema, then lists, counts, ends and prunes", async () => {
    const env = { HARPIATS_STORE: url("shop") };
    const before = await run("sessions list", { env });
    assert.deepEqual([before.code, before.out], [3, ""]);
    assert.match(before.err, /relation "harpiats_sessions" does not exist/);
    assert.match((await run("schema", { env })).out, /^-- Sessions of harpiats/);
    assert.match((await run("schema --apply", { env })).out, /The tables are there/);
    const { store, close } = await openStore<Visitor>(url("shop"), { migrate: false });
    const session = new Session<Visitor>({ store });
    for (const userId of ["ada", "grace", "grace"])
      await session.create({ userId, role: "s3cret" });
    assert.equal((await run("sessions count", { env })).out, "3\n");
    const list = (await run("sessions list --json --limit 2", { env })).out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { handle: string });
    assert.equal(list.length, 2);
    assert.equal((await run(`sessions revoke ${list[0]?.handle}`, { env })).code, 0);
    assert.equal((await run(`sessions revoke ${list[0]?.handle}`, { env })).code, 1);
    assert.equal((await run("sessions revoke --user grace --yes", { env })).code, 0);
    await session.create({ userId: "lin" });
    assert.equal((await run("sessions revoke --all --yes", { env })).code, 0);
    assert.equal((await run("sessions count", { env })).out, "0\n");
    assert.equal((await run("prune --json", { env })).code, 0);
    await close();
  });

  it("measures the store, and leaves no table", async () => {
    const relations = async () =>
      (await sql("SELECT count(*)::int AS n FROM pg_class")).rows[0].n as number;
    const before = await relations();
    const { code, out } = await run(
      `bench --store ${server.url}?options=-c%20synchronous_commit%3Doff --sessions 50 --json`,
    );
    assert.equal(code, 0);
    const { operations, bytesEach } = JSON.parse(out) as {
      operations: { operation: string; roundTrips: number }[];
      bytesEach: number;
    };
    assert.deepEqual(
      operations.map(({ roundTrips }) => roundTrips),
      [1, 1, 1, 1, 1],
    );
    // Pages are 8 kB and fifty sessions are few: how many pages are half empty is the server's affair.
    assert.ok(bytesEach > 200 && bytesEach < 20_000, String(bytesEach));
    assert.equal(await relations(), before);
  });

  it("takes away what it measured with when somebody interrupts it", async () => {
    const left = async (): Promise<number> =>
      (await sql("SELECT FROM pg_namespace WHERE nspname LIKE 'harpiats_bench_%'")).rowCount ?? 0;
    const installed = await installPackage(["pg"]);
    const bench = spawn(
      process.execPath,
      [installed.bin, "bench", "--store", url("postgres"), "--sessions", "200k"],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    try {
      await until("it to have begun", async () => {
        assert.equal(bench.exitCode, null);
        return (await left()) > 0;
      });
      bench.kill("SIGINT");
      assert.deepEqual(
        [await text(bench.stdout), await text(bench.stderr), (await exitOf(bench))[0]],
        ["", "harpiats: Interrupted\n", 130],
      );
      assert.equal(await left(), 0);
    } finally {
      bench.kill("SIGKILL");
      await installed.remove();
    }
  });

  it("finds each of the faults that it says it finds", async () => {
    const shop = url("shop");
    const faults = (at = shop, now?: () => number) => faultsOf(run, at, now);
    const inShop = new Pool({ connectionString: shop, max: 1 });
    assert.deepEqual(await faults(), {});
    assert.deepEqual(await faults(shop, () => Date.now() + 60_000), { clock: "fault" });

    for (const [setting, expected] of [
      ["default_transaction_isolation = 'repeatable read'", { isolation: "fault" }],
      ["default_transaction_read_only = on", { writing: "fault", trial: "fault" }],
      ["synchronous_commit = off", { durability: "advice" }],
    ] as const) {
      await sql(`ALTER DATABASE shop SET ${setting}`);
      assert.deepEqual(await faults(), expected);
      await sql(`ALTER DATABASE shop RESET ${setting.split(" ")[0]}`);
    }
    const isNow = async (setting: string, value: string): Promise<boolean> =>
      (await sql(`SELECT current_setting('${setting}') AS now`)).rows[0].now === value;
    for (const [setting, check] of [
      ["autovacuum", "autovacuum"],
      ["fsync", "durability"],
    ] as const) {
      await sql(`ALTER SYSTEM SET ${setting} = off`);
      await sql("SELECT pg_reload_conf()");
      await until(`${setting} to be off`, () => isNow(setting, "off"));
      assert.deepEqual(await faults(), { [check]: "fault" });
      await sql(`ALTER SYSTEM RESET ${setting}`);
      await sql("SELECT pg_reload_conf()");
      await until(`${setting} to be on`, () => isNow(setting, "on"));
    }

    await inShop.query("ALTER TABLE harpiats_sessions SET (autovacuum_enabled = false)");
    assert.deepEqual(await faults(), { "table's autovacuum": "fault" });
    await inShop.query("ALTER TABLE harpiats_sessions RESET (autovacuum_enabled)");

    await inShop.query(
      "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'harpiats_sessions_user_id'::regclass",
    );
    assert.deepEqual(await faults(), { index: "fault" });
    await inShop.query("DROP INDEX harpiats_sessions_user_id");
    assert.deepEqual(await faults(), { index: "fault" });

    const functions = await inShop.query(
      "SELECT oid::regprocedure::text AS name FROM pg_proc WHERE proname LIKE 'harpiats_sessions_remove_by_user%'",
    );
    await inShop.query(`DROP FUNCTION ${functions.rows[0].name}`);
    assert.deepEqual(await faults(), { index: "fault", functions: "fault" });
    await inShop.query("ALTER TABLE harpiats_sessions DROP COLUMN facts");
    assert.deepEqual(await faults(), {
      table: "fault",
      index: "fault",
      functions: "fault",
      trial: "fault",
    });
    await inShop.end();

    assert.equal((await faults(`${shop}?table=none`))["table"], "fault");
    await sql("CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE 'C'");
    await run(`schema --apply --store ${url("ascii")}`);
    assert.deepEqual(await faults(url("ascii")), { encoding: "fault" });
    await sql("CREATE ROLE reader LOGIN");
    assert.deepEqual(await faults(url("ascii", "reader")), { encoding: "fault", trial: "fault" });

    const version = (await sql("SHOW server_version")).rows[0].server_version as string;
    const older = await startOlder(server.port, version, `11${version.slice(2)}`);
    assert.equal(
      (await faults(`postgres://postgres@127.0.0.1:${older.port}/ascii`))["version"],
      "fault",
    );
    await older.close();
  });
});
