// A SQLite file through node:sqlite. Reads are synchronous; writes wait for the disk (synchronous =
// FULL), as they do by default.
import { DatabaseSync } from "node:sqlite";
import { Session } from "../../../dist/session.js";
import { SqliteStore } from "../../../dist/stores/sqlite.js";
import { signIn } from "./harpiats.js";

export async function setUp({ path, reader }) {
  const client = new DatabaseSync(path);
  const store = new SqliteStore({ client, pruneInterval: false });
  await store.migrate();
  // A request a minute writes its activity too: here every read is within that minute, however long
  // the run takes.
  const session = new Session({ store, touchInterval: 3600 });
  const requests = await signIn(session);
  if (reader === "session") {
    const ids = requests.map(({ headers }) => headers.cookie.slice(session.cookieName.length + 1));
    let writes = 0;
    return {
      read: (number) => session.fromRequest(requests[number]),
      write: (number) => session.update(ids[number], { theme: `theme-${writes++}` }),
      userOf: ({ userId }) => userId,
    };
  }
  const keys = client
    .prepare("SELECT key FROM harpiats_sessions ORDER BY json_extract(data, '$.signedInAt')")
    .all()
    .map(({ key }) => key);
  const select = client.prepare("SELECT data, expires_at FROM harpiats_sessions WHERE key = ?");
  const update = client.prepare(
    "UPDATE harpiats_sessions SET data = json_set(data, '$.theme', ?) WHERE key = ?",
  );
  let writes = 0;
  return {
    read: async (number) => JSON.parse(select.get(keys[number]).data),
    write: async (number) => update.run(`theme-${writes++}`, keys[number]).changes === 1,
    userOf: ({ userId }) => userId,
  };
}
