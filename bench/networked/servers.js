// The servers that are put under load with their sessions in a store: node's own, one without a
// session, ours as it comes, with the near cache and with a write in every request, and the usual
// library. GET /login begins a session, GET / uses it and answers with a line of JSON.
import http from "node:http";
import { DATA } from "../http/data.js";
import { greet, listen, listenBare, SECRET, sendJson, writerOf } from "../http/servers.js";
import { floor, FLOORS } from "./floors.js";

const USES = {
  harpiats: {},
  "harpiats with the near cache": { nearCache: {} },
  "harpiats, read and written": { writes: true },
};

async function harpiats(store, { writes = false, nearCache }) {
  const { Session } = await import("../../dist/session.js");
  // Over plain http clients that are no browsers would not send a Secure cookie back.
  const session = new Session({
    store,
    cookie: { secure: false },
    ...(nearCache && { nearCache }),
  });
  const write = writerOf(session);
  const answer = async (req, res) => {
    if (req.url === "/login") session.setCookie(res, await session.create(DATA));
    if (req.url === "/login" || !writes)
      return sendJson(res, greet((await session.fromRequest(req))?.name));
    return write(req, res);
  };
  return listen(http.createServer((req, res) => void answer(req, res)));
}

async function usual(store) {
  const { default: session } = await import("express-session");
  const middleware = session({ store, secret: SECRET, resave: false, saveUninitialized: false });
  return listen(
    http.createServer((req, res) =>
      middleware(req, res, () => {
        if (req.url === "/login") Object.assign(req.session, DATA);
        sendJson(res, greet(req.session.name));
      }),
    ),
  );
}

const STORES = {
  async redis({ url }) {
    const { createClient } = await import("redis");
    const { RedisStore } = await import("../../dist/stores/redis.js");
    return new RedisStore({ client: await createClient({ url }).connect() });
  },
  async postgres({ url }, { nearCache }) {
    const { default: pg } = await import("pg");
    const { PostgresStore } = await import("../../dist/stores/postgres.js");
    const store = new PostgresStore({
      client: new pg.Pool({ connectionString: url }),
      pruneInterval: false,
      table: nearCache ? "near_sessions" : "sessions",
      notify: nearCache !== undefined,
    });
    await store.migrate();
    return store;
  },
  async sqlite({ folder }) {
    const { DatabaseSync } = await import("node:sqlite");
    const { SqliteStore } = await import("../../dist/stores/sqlite.js");
    const store = new SqliteStore({
      client: new DatabaseSync(`${folder}/${process.pid}.db`),
      pruneInterval: false,
    });
    await store.migrate();
    return store;
  },
};

const USUAL = {
  async "express-session with connect-redis"({ url }) {
    const { createClient } = await import("redis");
    const { RedisStore } = await import("connect-redis");
    return usual(
      new RedisStore({ client: await createClient({ url }).connect(), prefix: "usual:" }),
    );
  },
  async "express-session with connect-pg-simple"({ url }) {
    const { default: session } = await import("express-session");
    const { default: connect } = await import("connect-pg-simple");
    return usual(
      new (connect(session))({
        conString: url,
        createTableIfMissing: true,
        tableName: "usual",
        pruneSessionInterval: false,
      }),
    );
  },
};

function group(store, usualName) {
  const ours = Object.entries(USES).filter(([, use]) => !use.nearCache || store !== "sqlite");
  return {
    none: listenBare,
    floor: async (options) => floor(await FLOORS[store](options)),
    "floor, read and written": async (options) =>
      floor(await FLOORS[store](options), { writes: true }),
    ...Object.fromEntries(
      ours.map(([name, use]) => [
        name,
        async (options) => harpiats(await STORES[store](options, use), use),
      ]),
    ),
    ...(usualName && { [usualName]: USUAL[usualName] }),
  };
}

/** By store, then by what uses it. */
export const SERVERS = {
  redis: group("redis", "express-session with connect-redis"),
  postgres: group("postgres", "express-session with connect-pg-simple"),
  sqlite: group("sqlite"),
};
