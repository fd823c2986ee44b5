// What the doctor asks PostgreSQL. Catalogues and settings that every user may read.
import { toFunctions } from "../../stores/postgres/schema.ts";
import { clockFinding, advice, fault, type Finding, ok, versionFinding } from "./findings.ts";

type Query = (sql: string) => Promise<unknown[][]>;

const COLUMNS = [
  "key",
  "user_id",
  "data",
  "facts",
  "revision",
  "created_at",
  "last_seen_at",
  "expires_at",
  "ends_at",
  "epoch",
  "version",
];
const SETTINGS = [
  "server_version",
  "default_transaction_isolation",
  "transaction_read_only",
  "server_encoding",
  "autovacuum",
  "fsync",
  "synchronous_commit",
] as const;
const APPLY = "harpiats schema --apply";

/** @param table a name that PostgresStore has accepted: it needs no quotes of its own. */
export async function examinePostgres(
  query: Query,
  options: { now: () => number; table: string },
): Promise<Finding[]> {
  const { table, now } = options;
  const [row = []] = await query(
    `SELECT ${SETTINGS.map((name) => `current_setting('${name}')`).join(", ")}`,
  );
  const setting = Object.fromEntries(SETTINGS.map((name, at) => [name, String(row[at])])) as Record<
    (typeof SETTINGS)[number],
    string
  >;
  const [[isThere] = []] = await query(`SELECT to_regclass('${quoted(table)}') IS NOT NULL`);
  return [
    versionFinding("PostgreSQL", setting.server_version, [12, 0]),
    await clockFinding(now, async () =>
      Number(
        (await query("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"))[0]?.[0],
      ),
    ),
    ...(isThere === true
      ? await tableFindings(query, table)
      : [fault("table", `there is no table ${table} where this user looks`, APPLY)]),
    setting.transaction_read_only === "off"
      ? ok("writing", "allowed")
      : fault(
          "writing",
          "this server, or this user, may only read",
          "connect to the primary: a replica learns late of a logout, and refuses to write",
        ),
    setting.default_transaction_isolation === "read committed"
      ? ok("isolation", "read committed")
      : fault(
          "isolation",
          `default_transaction_isolation is ${setting.default_transaction_isolation}`,
          "ALTER DATABASE … SET default_transaction_isolation = 'read committed': caps and signing a user out are refused otherwise",
        ),
    setting.server_encoding === "UTF8"
      ? ok("encoding", "UTF8")
      : fault(
          "encoding",
          `the database is in ${setting.server_encoding}`,
          "keep sessions in a database with ENCODING 'UTF8': other text is refused or comes back changed",
        ),
    setting.autovacuum === "on"
      ? ok("autovacuum", "on")
      : fault(
          "autovacuum",
          "off for the whole server",
          "autovacuum = on in postgresql.conf: each touch leaves a dead row",
        ),
    durabilityFinding(setting),
  ];
}

function durabilityFinding({
  fsync,
  synchronous_commit,
}: {
  fsync: string;
  synchronous_commit: string;
}): Finding {
  if (fsync !== "on")
    return fault(
      "durability",
      "fsync is off: a crash of the machine can destroy the whole database",
      "fsync = on in postgresql.conf",
    );
  if (synchronous_commit === "off")
    return advice(
      "durability",
      "synchronous_commit is off: a crash takes back the last moments, logouts too",
      "ALTER ROLE … SET synchronous_commit = on",
    );
  return ok("durability", "what was acknowledged is on disk");
}

async function tableFindings(query: Query, table: string): Promise<Finding[]> {
  const name = quoted(table);
  const columns = (
    await query(
      `SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass('${name}') AND attnum > 0 AND NOT attisdropped`,
    )
  ).map(([column]) => String(column));
  const missing = COLUMNS.filter((column) => !columns.includes(column));
  const indexes = await query(
    `SELECT i.indisvalid FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] WHERE i.indrelid = to_regclass('${name}') AND a.attname = 'user_id'`,
  );
  const [[isOff] = []] = await query(
    `SELECT coalesce('autovacuum_enabled=false' = ANY (reloptions) OR 'autovacuum_enabled=off' = ANY (reloptions), false) FROM pg_class WHERE oid = to_regclass('${name}')`,
  );
  const [functions = []] = await query(
    `SELECT ${toFunctions(table)
      .signatures.map((signature) => `to_regprocedure('${signature}') IS NOT NULL`)
      .join(", ")}`,
  );
  const findings = [
    missing.length === 0
      ? ok("table", `${table}, as expected`)
      : fault(
          "table",
          `${table} lacks ${missing.join(", ")}`,
          "it is another application's, or of another release: choose another by ?table= in the URL",
        ),
    indexes.some(([isValid]) => isValid === true)
      ? ok("index", "on user_id")
      : fault(
          "index",
          indexes.length === 0
            ? "there is none on user_id: each list and each login of a user reads the whole table"
            : "the one on user_id is not valid",
          `run the SQL of harpiats schema${indexes.length === 0 ? "" : ", after DROP INDEX"}`,
        ),
  ];
  if (functions.some((isThere) => isThere !== true))
    findings.push(fault("functions", "functions of this release are missing", APPLY));
  if (isOff === true)
    findings.push(
      fault(
        "table's autovacuum",
        `off for ${table}`,
        `ALTER TABLE ${table} RESET (autovacuum_enabled): each touch leaves a dead row`,
      ),
    );
  return findings;
}

/** As to_regclass wants it inside a text. */
function quoted(table: string): string {
  return table
    .split(".")
    .map((part) => `"${part}"`)
    .join(".");
}
