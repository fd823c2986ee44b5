// What the doctor asks a SQLite file, and the file system about it.
import { stat } from "node:fs/promises";
import { advice, fault, type Finding, ok } from "./findings.ts";

type Query = (sql: string) => Promise<unknown[][]>;

const COLUMNS = [
  "key",
  "version",
  "data",
  "revision",
  "created_at",
  "last_seen_at",
  "expires_at",
  "ends_at",
  "user_id",
  "facts",
];
const OTHERS = 0o077;

/** @param table a name that SqliteStore has accepted. */
export async function examineSqlite(
  query: Query,
  options: { table: string; path: string; synchronous: string | undefined },
): Promise<Finding[]> {
  const { table, path, synchronous = "full" } = options;
  const one = async (sql: string): Promise<string> => String((await query(sql))[0]?.[0]);
  const mode = await one("PRAGMA journal_mode");
  const columns = (await query(`SELECT name FROM pragma_table_info('${table}')`)).map(
    ([name]) => name,
  );
  const missing = COLUMNS.filter((column) => !columns.includes(column));
  const indexes = await query(
    `SELECT 1 FROM pragma_index_list('${table}') AS list, pragma_index_info(list.name) AS info WHERE info.name = 'user_id' AND info.seqno = 0`,
  );
  const damage = await one("PRAGMA quick_check(1)");
  const findings: Finding[] = [
    ok("version", `SQLite ${await one("SELECT sqlite_version()")}`),
    mode === "wal"
      ? ok("journal", "WAL")
      : fault(
          "journal",
          `journal_mode is ${mode}: every reader waits for every writer`,
          "PRAGMA journal_mode = WAL, or harpiats schema --apply",
        ),
    synchronous === "full"
      ? ok("durability", "what was acknowledged is on disk")
      : advice(
          "durability",
          `synchronous=${synchronous}: a power cut takes back the last moments, logouts too`,
          "take synchronous=normal from the URL",
        ),
    damage === "ok" ? ok("file", "whole") : fault("file", `damaged: ${damage}`, "restore a copy"),
  ];
  if (columns.length === 0)
    findings.push(fault("table", `there is no table ${table}`, "harpiats schema --apply"));
  else {
    findings.push(
      missing.length === 0
        ? ok("table", `${table}, as expected`)
        : fault(
            "table",
            `${table} lacks ${missing.join(", ")}`,
            "it is another application's, or of another release: choose another by ?table= in the URL",
          ),
    );
    findings.push(
      indexes.length > 0
        ? ok("index", "on user_id")
        : fault(
            "index",
            "there is none on user_id: each list and each login of a user reads the whole table",
            "harpiats schema --apply",
          ),
    );
  }
  const rights = process.platform === "win32" ? 0 : (await stat(path)).mode;
  findings.push(
    (rights & OTHERS) === 0
      ? ok("rights", "its owner's alone")
      : fault("rights", "other users of this machine can read the file", `chmod 600 ${path}*`),
  );
  return findings;
}
