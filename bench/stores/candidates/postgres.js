// PostgreSQL through the pool of pg (10 connections, as it comes) or postgres.js (10 as well,
// pipelined). Every reader reads the same rows: those that PostgresStore wrote.
import pg from "pg";
import postgres from "postgres";
import { Session } from "../../../dist/session.js";
import { PostgresStore } from "../../../dist/stores/postgres.js";
import { signIn } from "./harpiats.js";

export async function setUp({ url, name, driver, reader }) {
  // Notices of what exists already are nobody's business here.
  const client =
    driver === "pg"
      ? new pg.Pool({ connectionString: url })
      : postgres(url, { onnotice: () => {} });
  const store = new PostgresStore({ client, table: name, pruneInterval: false });
  await store.migrate();
  // A request a minute writes its activity too: here every read is within that minute, however long
  // the run takes.
  const session = new Session({ store, touchInterval: 3600 });
  const requests = await signIn(session);
  const ask =
    driver === "pg"
      ? async (config) => (await client.query(config)).rows
      : ({ text, values = [] }) => client.unsafe(text, values, { prepare: true }).values();
  await ask({ text: `ANALYZE ${name}` });
  if (reader === "session")
    return {
      read: (number) => session.fromRequest(requests[number]),
      userOf: ({ userId }) => userId,
    };
  const keys = (
    await ask({ text: `SELECT key FROM ${name} ORDER BY data->>'signedInAt'`, rowMode: "array" })
  ).map(([key]) => key);
  // Text costs the client least; as jsonb it parses it, as an application would have it.
  const column = reader === "select" ? "data::text" : "data";
  const text = `SELECT ${column}, expires_at FROM ${name} WHERE key = $1`;
  const toData = reader === "select" ? JSON.parse : (data) => data;
  return {
    read: async (number) =>
      (await ask({ name: "select_one", text, values: [keys[number]], rowMode: "array" }))[0][0],
    userOf: (data) => toData(data).userId,
  };
}
