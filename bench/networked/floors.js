// What is physically possible on the same server: the id is hashed, the requests of one turn of the
// event loop are one command of the driver, the record is parsed, and that is all. No deadlines, no
// conditions, no answer to anything that goes wrong: nobody could use these.
import http from "node:http";
import { keyIn, newKey } from "../floor.js";
import { gather } from "../gather.js";
import { DATA } from "../http/data.js";
import { greet, listen, sendJson } from "../http/servers.js";

/** Answers as ours do, over `{ insert, read, write }`. */
export function floor({ insert, read, write }, { writes = false } = {}) {
  let count = 0;
  const answer = async (req, res) => {
    if (req.url === "/login") {
      const { key, cookie } = newKey();
      await insert(key, JSON.stringify(DATA));
      res.setHeader("Set-Cookie", cookie);
      return sendJson(res, greet(DATA.name));
    }
    const key = keyIn(req.headers.cookie);
    const data = JSON.parse(await read(key));
    if (writes) await write(key, JSON.stringify({ ...data, count: ++count }));
    sendJson(res, greet(data.name));
  };
  return listen(http.createServer((req, res) => void answer(req, res)));
}

export const FLOORS = {
  async redis({ url }) {
    const { createClient } = await import("redis");
    const client = await createClient({ url }).connect();
    const write = gather((items) => client.mSet(items));
    return {
      insert: (key, text) => client.set(key, text),
      read: gather((keys) => client.mGet(keys)),
      write: (key, text) => write([key, text]),
    };
  },
  async postgres({ url }) {
    const { default: pg } = await import("pg");
    const pool = new pg.Pool({ connectionString: url });
    await pool
      .query("CREATE TABLE IF NOT EXISTS floor (key text PRIMARY KEY, data jsonb)")
      .catch(() => {});
    const read = gather(async (keys) => {
      const { rows } = await pool.query({
        name: "read",
        text: "SELECT key, data::text FROM floor WHERE key = ANY($1)",
        values: [keys],
      });
      const found = new Map(rows.map(({ key, data }) => [key, data]));
      return keys.map((key) => found.get(key));
    });
    const write = gather((items) => {
      const values = [items.map(([key]) => key), items.map(([, text]) => text)];
      return pool.query({
        name: "write",
        text: "UPDATE floor SET data = given.data::jsonb FROM unnest($1::text[], $2::text[]) AS given (key, data) WHERE floor.key = given.key",
        values,
      });
    });
    return {
      insert: (key, text) => pool.query("INSERT INTO floor VALUES ($1, $2)", [key, text]),
      read,
      write: (key, text) => write([key, text]),
    };
  },
  async sqlite({ folder }) {
    const { DatabaseSync } = await import("node:sqlite");
    const client = new DatabaseSync(`${folder}/floor-${process.pid}.db`);
    client.exec(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE floor (key TEXT PRIMARY KEY, data TEXT) STRICT",
    );
    const [insert, select, update] = [
      "INSERT INTO floor VALUES (?, ?)",
      "SELECT data FROM floor WHERE key = ?",
      "UPDATE floor SET data = ? WHERE key = ?",
    ].map((sql) => client.prepare(sql));
    const write = gather((items) => {
      client.exec("BEGIN IMMEDIATE");
      for (const [key, text] of items) update.run(text, key);
      client.exec("COMMIT");
    });
    return {
      insert: (key, text) => insert.run(key, text),
      read: (key) => select.get(key).data,
      write: (key, text) => write([key, text]),
    };
  },
};
