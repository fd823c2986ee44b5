// The tables of PostgresStore, the index, and the two functions that need more than one statement
// to be right.
//
// Everybody's sessions end with one write: the epoch in a table of one row grows, and a session
// lives only while its own, taken when it was created, is equal to it. Every statement compares by
// a subselect, with the eyes of its own snapshot:
// - A creation that ran meanwhile has the epoch of before, and is dead on arrival. One that begins
//   later has the new one.
// - A change that ran meanwhile, or waited for a row, may still answer that it was made: it was,
//   just before the end of all. It gives nothing a new epoch, so what it changed is over all the
//   same.
// - What is dead for good (`epoch <`) may be overwritten and pruned. Not what is merely unequal: to
//   a statement that began before the epoch grew, the sessions of afterwards are unequal too.

/** The version of the records that the statements write, and the only one that they change. */
export const RECORD_VERSION = 1;

export function quoteName(table: string): string {
  return table
    .split(".")
    .map((part) => `"${part}"`)
    .join(".");
}

/** The epoch that sessions live in now, as an expression. */
export function epochOf(table: string): string {
  return `(SELECT epoch FROM ${toEpochTable(table)})`;
}

export function toEpochTable(table: string): string {
  return quoteName(`${table}_epoch`);
}

/**
 * The functions' names, with the schema where there is one. A change of a body makes a new version
 * of its name.
 */
export function toFunctions(table: string): {
  create: string;
  removeByUser: string;
  signatures: string[];
} {
  const quote = (suffix: string): string => quoteName(`${table}_${suffix}`);
  const create = quote("create_1");
  const removeByUser = quote("remove_by_user_1");
  return {
    create,
    removeByUser,
    signatures: [
      `${create}(text,text,jsonb,jsonb,bigint,bigint,bigint,bigint,bigint,bigint,boolean,text)`,
      `${removeByUser}(text,text[],bigint,text)`,
    ],
  };
}

/**
 * Makes what is missing, of many processes at once exactly one, and changes nothing that is there.
 */
export function toSchema(table: string): string {
  return `-- Sessions of harpiats. "key" is a one-way function of a session's id; instants are milliseconds since the epoch.
SELECT pg_advisory_xact_lock(hashtextextended('harpiats schema ${table}', 0));

${toSchemaStatements(table)
  .map((statement) => `${statement};\n`)
  .join("\n")}`;
}

/** One by one, without the lock that many processes need. */
export function toSchemaStatements(table: string): string[] {
  const at = quoteName(table);
  const name = table.split(".").at(-1) as string;
  const { create, removeByUser } = toFunctions(table);
  const epochs = toEpochTable(table);
  const epoch = epochOf(table);
  // What a user's sessions are counted or ended under: one such step at a time for each user.
  const lockUser = `IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'sessions need the isolation level READ COMMITTED, this is %', current_setting('transaction_isolation');
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('harpiats ${table} ' || of_user, 0));`;
  return [
    `CREATE TABLE IF NOT EXISTS ${at} (
  key text COLLATE "C" PRIMARY KEY,
  user_id text COLLATE "C",
  data jsonb NOT NULL,
  facts jsonb,
  revision bigint NOT NULL,
  created_at bigint NOT NULL,
  last_seen_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  ends_at bigint NOT NULL,
  epoch bigint NOT NULL,
  version smallint NOT NULL
) WITH (fillfactor = 80)`,
    `-- No index on expires_at: a touch then changes no index, and stays on its page (HOT), where fillfactor leaves room.
CREATE INDEX IF NOT EXISTS "${name}_user_id" ON ${at} (user_id) WHERE user_id IS NOT NULL`,
    `-- One row: a session lives while its epoch is this one. It begins at random, so that one that is made anew brings nothing back.
CREATE TABLE IF NOT EXISTS ${epochs} (one boolean PRIMARY KEY DEFAULT true CHECK (one), epoch bigint NOT NULL)`,
    `INSERT INTO ${epochs} (epoch) VALUES (floor(random() * 4503599627370496)::bigint) ON CONFLICT DO NOTHING`,
    `-- Creates a session within a user's cap. Each statement sees what was committed before it, so also what others committed
-- while this waited for the lock: one statement alone would count with the eyes of the moment before.
CREATE OR REPLACE FUNCTION ${create}(new_key text, of_user text, new_data jsonb, new_facts jsonb, created bigint, seen bigint,
  expires bigint, ends bigint, now_at bigint, cap bigint, evicts boolean, channel text, OUT outcome text, OUT evicted text)
LANGUAGE plpgsql AS $harpiats$
DECLARE
  excess bigint;
  rivals text[];
BEGIN
  ${lockUser}
  IF EXISTS (SELECT FROM ${at} WHERE key = new_key AND NOT ((expires_at <= now_at OR epoch < ${epoch}) AND version = 1 AND jsonb_typeof(data) = 'object')) THEN
    outcome := 'taken';
    RETURN;
  END IF;
  SELECT count(*) + 1 - cap INTO excess FROM ${at} WHERE user_id = of_user AND expires_at > now_at AND epoch = ${epoch} AND key <> new_key;
  IF excess > 0 AND NOT evicts THEN
    outcome := 'denied';
    RETURN;
  END IF;
  INSERT INTO ${at} AS present (key, user_id, data, facts, created_at, last_seen_at, expires_at, ends_at, epoch, revision, version)
  VALUES (new_key, of_user, new_data, new_facts, created, seen, expires, ends, ${epoch}, 1, 1)
  ON CONFLICT (key) DO UPDATE SET user_id = excluded.user_id, data = excluded.data, facts = excluded.facts, created_at = excluded.created_at,
    last_seen_at = excluded.last_seen_at, expires_at = excluded.expires_at, ends_at = excluded.ends_at, epoch = excluded.epoch, revision = 1
  WHERE (present.expires_at <= now_at OR present.epoch < excluded.epoch) AND present.version = 1 AND jsonb_typeof(present.data) = 'object';
  IF NOT FOUND THEN
    outcome := 'taken';
    RETURN;
  END IF;
  outcome := 'created';
  IF excess > 0 THEN
    -- A row that is locked is given no other key before it is deleted by this one. What ended while we waited for its lock
    -- has made way by itself: so all are locked, and counted again.
    SELECT array_agg(key ORDER BY created_at, key) INTO rivals FROM (SELECT key, created_at FROM ${at}
      WHERE user_id = of_user AND expires_at > now_at AND epoch = ${epoch} AND key <> new_key ORDER BY created_at, key FOR UPDATE) AS locked;
    rivals := rivals[1:COALESCE(cardinality(rivals), 0) + 1 - cap];
    DELETE FROM ${at} WHERE key = ANY (rivals);
    evicted := NULLIF(array_to_string(rivals, ' '), '');
    PERFORM pg_notify(channel, 'evicted ' || victim) FROM unnest(rivals) AS victim WHERE channel IS NOT NULL;
  END IF;
END
$harpiats$`,
    `-- Ends a user's sessions, also those whose version this one cannot read. A session that is given another key meanwhile is
-- looked at again when that is committed, and still is this user's. Answers the keys of those that were live.
CREATE OR REPLACE FUNCTION ${removeByUser}(of_user text, kept text[], now_at bigint, channel text) RETURNS SETOF text
LANGUAGE plpgsql AS $harpiats$
DECLARE
  ended record;
BEGIN
  ${lockUser}
  FOR ended IN DELETE FROM ${at} WHERE user_id = of_user AND key <> ALL (kept) RETURNING key, expires_at > now_at AND epoch = ${epoch} AS was_live LOOP
    IF ended.was_live THEN
      IF channel IS NOT NULL THEN
        PERFORM pg_notify(channel, 'removed ' || ended.key);
      END IF;
      RETURN NEXT ended.key;
    END IF;
  END LOOP;
END
$harpiats$`,
  ];
}
