// The command and openStore on MariaDB, with each fault that the doctor says it finds.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createPool, type Pool } from "mysql2/promise";
import { runCommand } from "../../src/cli/program.ts";
import { Session } from "../../src/session.ts";
import { openStore } from "../../src/stores/open.ts";
import { commandRunner } from "../support/command.ts";
import { faultsOf, startOlder } from "../support/doctor.ts";
import {
  type MariadbServer,
  skipWithoutMariadb,
  startMariadbServer,
} from "../support/mariadb-server.ts";

type Visitor = { userId: string; role?: string };

describe("harpiats, on MariaDB", { skip: skipWithoutMariadb() }, () => {
  let server: MariadbServer;
  let pool: Pool;
  let url: string;
  const run = commandRunner(runCommand);
  const sql = (text: string) => pool.query(text);

  before(async () => {
    server = await startMariadbServer({ isDurable: true });
    pool = createPool(server.connection);
    url = `mysql://root:s3cret@127.0.0.1:${server.port}/harpiats`;
  });
  after(async () => {
    await pool.end();
    await server.stop();
  });

  it("opens a store by its URL, makes its table, and closes it", async () => {
    const { store, kind, address, close } = await openStore<Visitor>(
      `${url.replace("mysql", "mariadb")}?table=logins&timezone=Z`,
    );
    assert.deepEqual([kind, address], ["mysql", `mariadb://127.0.0.1:${server.port}/harpiats`]);
    const session = new Session<Visitor>({ store });
    const id = await session.create({ userId: "ada" });
    assert.deepEqual(await session.get(id), { userId: "ada" });
    await close();
    await assert.rejects(session.get(id));
    await assert.rejects(
      openStore(url.replace("/harpiats", "/nowhere")),
      (error: Error) =>
        /^Cannot open mysql:\/\/127\.0\.0\.1:\d+\/nowhere: Unknown database 'nowhere'/.test(
          error.message,
        ) && !error.message.includes("s3cret"),
    );
  });

  it("makes the schema, then lists, counts, ends and prunes", async () => {
    const env = { HARPIATS_STORE: url };
    const before = await run("sessions list", { env });
    assert.deepEqual([before.code, before.out], [3, ""]);
    assert.match(before.err, /Table 'harpiats\.harpiats_sessions' doesn't exist/);
    assert.match(
      (await run("schema", { env })).out,
      /^CREATE TABLE IF NOT EXISTS `harpiats_sessions` \(/,
    );
    assert.match((await run("schema --apply", { env })).out, /The tables are there/);
    const { store, close } = await openStore<Visitor>(url, { migrate: false });
    const session = new Session<Visitor>({ store });
    for (const userId of ["ada", "grace", "grace"])
      await session.create({ userId, role: "s3cret" });
    assert.equal((await run("sessions count", { env })).out, "3\n");
    const list = (await run("sessions list --json", { env })).out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { handle: string });
    assert.equal(list.length, 3);
    assert.match((await run(`sessions show ${list[0]?.handle}`, { env })).out, /^Handle /);
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
    const { code, out } = await run(`bench --store ${url} --sessions 100 --json`);
    assert.equal(code, 0);
    const { operations, bytesEach } = JSON.parse(out) as {
      operations: { operation: string; roundTrips: number }[];
      bytesEach: number;
    };
    for (const { operation, roundTrips } of operations)
      assert.ok(roundTrips >= 1 && roundTrips < 1.5, `${operation} ${roundTrips}`);
    assert.ok(bytesEach > 200 && bytesEach < 4000, String(bytesEach));
    const [tables] = (await sql("SHOW TABLES LIKE 'harpiats_bench%'")) as unknown as [unknown[]];
    assert.deepEqual(tables, []);
  });

  it("finds each of the faults that it says it finds", async () => {
    const faults = (at = url, now?: () => number) => faultsOf(run, at, now);
    assert.deepEqual(await faults(), {});
    assert.deepEqual(await faults(url, () => Date.now() - 60_000), { clock: "fault" });

    await sql("SET GLOBAL innodb_flush_log_at_trx_commit = 2");
    assert.deepEqual(await faults(), { durability: "advice" });
    await sql("SET GLOBAL innodb_flush_log_at_trx_commit = 1");
    await sql("SET GLOBAL read_only = ON");
    assert.equal((await faults())["writing"], "fault");
    await sql("SET GLOBAL read_only = OFF");

    await sql("ALTER TABLE harpiats_sessions DROP KEY by_user");
    assert.deepEqual(await faults(), { index: "fault" });
    await sql("ALTER TABLE harpiats_sessions ADD KEY by_user (user_id)");
    await sql(
      "ALTER TABLE harpiats_sessions MODIFY user_id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NULL",
    );
    assert.deepEqual(await faults(), { collations: "fault" });
    await sql(
      "ALTER TABLE harpiats_sessions MODIFY user_id VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NULL",
    );
    await sql("ALTER TABLE harpiats_sessions ENGINE=MyISAM");
    assert.deepEqual(await faults(), { engine: "fault" });
    await sql("ALTER TABLE harpiats_sessions ENGINE=InnoDB");
    assert.deepEqual(await faults(), {});
    await sql("ALTER TABLE harpiats_sessions DROP COLUMN facts");
    assert.deepEqual(await faults(), { table: "fault", trial: "fault" });
    assert.deepEqual(await faults(`${url}?table=none`), { table: "fault", trial: "fault" });

    const [[row]] = (await sql("SELECT VERSION() AS version")) as unknown as [
      [{ version: string }],
    ];
    const [major = ""] = row.version.split("-");
    const older = await startOlder(server.port, major, major.replace(/^10\.\d\d/, "10.01"));
    assert.equal(
      (await faults(`mysql://root@127.0.0.1:${older.port}/harpiats`))["version"],
      "fault",
    );
    await older.close();
  });
});
