// What the doctor asks MySQL or MariaDB. Settings and information_schema, which every user may
// read.
import { clockFinding, advice, fault, type Finding, ok, versionFinding } from "./findings.ts";

type Query = (sql: string) => Promise<unknown[][]>;

const NUMBERS = [
  "version",
  "revision",
  "created_at",
  "last_seen_at",
  "expires_at",
  "ends_at",
  "epoch",
];
/** What decides whether two texts are the same. */
const COLLATIONS: Record<string, string> = {
  session_key: "ascii_bin",
  user_id: "ascii_bin",
  user_text: "utf8mb4_bin",
  data: "utf8mb4_bin",
  facts: "utf8mb4_bin",
};
const APPLY = "harpiats schema --apply";

/** @param table a name that MysqlStore has accepted: it needs no quotes of its own. */
export async function examineMysql(
  query: Query,
  options: { now: () => number; table: string },
): Promise<Finding[]> {
  const [[version, isReadOnly, flush] = []] = await query(
    "SELECT VERSION(), @@GLOBAL.read_only, @@GLOBAL.innodb_flush_log_at_trx_commit",
  );
  const isMariadb = String(version).includes("MariaDB");
  return [
    isMariadb
      ? versionFinding("MariaDB", String(version), [10, 6])
      : versionFinding("MySQL", String(version), [8, 0]),
    await clockFinding(options.now, async () =>
      Number((await query("SELECT CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000 AS UNSIGNED)"))[0]?.[0]),
    ),
    ...(await tableFindings(query, options.table)),
    [0, "0", "OFF"].includes(isReadOnly as number | string)
      ? ok("writing", "allowed")
      : fault(
          "writing",
          "the server is read_only",
          "connect to the primary: a replica learns late of a logout, and refuses to write",
        ),
    Number(flush) === 1
      ? ok("durability", "what was acknowledged is on disk")
      : advice(
          "durability",
          `innodb_flush_log_at_trx_commit is ${String(flush)}: a crash takes back the last second, logouts too`,
          "SET GLOBAL innodb_flush_log_at_trx_commit = 1, and in my.cnf",
        ),
  ];
}

async function tableFindings(query: Query, table: string): Promise<Finding[]> {
  const [name = "", database] = table.split(".").toReversed();
  const here = `table_schema = ${database === undefined ? "DATABASE()" : `'${database}'`} AND table_name = '${name}'`;
  const [[engine] = []] = await query(`SELECT engine FROM information_schema.tables WHERE ${here}`);
  if (engine === undefined) return [fault("table", `there is no table ${table}`, APPLY)];
  const columns = new Map(
    (
      await query(
        `SELECT column_name, collation_name FROM information_schema.columns WHERE ${here}`,
      )
    ).map(([column, collation]) => [String(column), collation]),
  );
  const missing = [...NUMBERS, ...Object.keys(COLLATIONS)].filter((column) => !columns.has(column));
  const wrong = Object.entries(COLLATIONS).filter(
    ([column, collation]) => columns.has(column) && columns.get(column) !== collation,
  );
  const indexed = (
    await query(
      `SELECT column_name FROM information_schema.statistics WHERE ${here} AND seq_in_index = 1`,
    )
  ).map(([column]) => column);
  return [
    missing.length === 0
      ? ok("table", `${table}, as expected`)
      : fault(
          "table",
          `${table} lacks ${missing.join(", ")}`,
          "it is another application's, or of another release: choose another by ?table= in the URL",
        ),
    String(engine) === "InnoDB"
      ? ok("engine", "InnoDB")
      : fault(
          "engine",
          `${table} is in ${String(engine)}, which has no transactions`,
          `ALTER TABLE ${table} ENGINE=InnoDB`,
        ),
    wrong.length === 0
      ? ok("collations", "as expected")
      : fault(
          "collations",
          wrong.map(([column]) => `${column} is ${String(columns.get(column))}`).join(", "),
          `ALTER TABLE ${table} MODIFY … COLLATE ${wrong.map(([column, collation]) => `${collation} (${column})`).join(", ")}, as in harpiats schema: two users may be taken for one`,
        ),
    indexed.includes("user_id")
      ? ok("index", "on user_id")
      : fault(
          "index",
          "there is none on user_id: each list and each login of a user reads the whole table",
          `ALTER TABLE ${table} ADD KEY by_user (user_id)`,
        ),
  ];
}
