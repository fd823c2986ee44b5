// Who is measured on which server. The first reader of a group is the raw client: what the others
// are held against.

const SELECT = "a prepared SELECT each";
const peer = (title, options, packages = []) => ({
  title,
  kind: options.part === "read" ? "part" : "peer",
  module: "express-session",
  options,
  packages,
});
const reader = (title, kind, module, options, packages = []) => ({
  title,
  kind,
  module,
  options,
  packages,
});

export const GROUPS = [
  {
    name: "Redis, node-redis",
    server: "redis",
    least: 1.3,
    candidates: [
      reader("a GET each", "raw", "redis", { reader: "get" }, ["redis"]),
      reader("a GET each, and JSON.parse", "part", "redis", { reader: "get and parse" }),
      reader("floor: gathered MGET, and JSON.parse", "floor", "redis", { reader: "gathered" }),
      reader("harpiats RedisStore, Session.fromRequest", "ours", "redis", { reader: "session" }, [
        "harpiats",
      ]),
      peer(
        "connect-redis, a request of express-session",
        { store: "connect-redis", part: "request" },
        ["connect-redis", "express-session"],
      ),
      peer("(connect-redis, the middleware alone)", { store: "connect-redis", part: "read" }),
    ],
  },
  {
    name: "Redis, node-redis, smaller sessions",
    server: "redis",
    least: 1.3,
    candidates: [
      reader("a GET each", "raw", "redis", { reader: "get", size: "login" }),
      reader("a GET each, and JSON.parse", "part", "redis", {
        reader: "get and parse",
        size: "login",
      }),
      reader("floor: gathered MGET, and JSON.parse", "floor", "redis", {
        reader: "gathered",
        size: "login",
      }),
      reader("harpiats RedisStore, Session.fromRequest", "ours", "redis", {
        reader: "session",
        size: "login",
      }),
    ],
  },
  {
    name: "PostgreSQL, pg with a pool of 10",
    server: "postgres",
    least: 2.5,
    candidates: [
      reader(SELECT, "raw", "postgres", { driver: "pg", reader: "select" }, ["pg"]),
      reader(`${SELECT}, and JSON.parse`, "part", "postgres", {
        driver: "pg",
        reader: "select and parse",
      }),
      reader(
        "harpiats PostgresStore, Session.fromRequest",
        "ours",
        "postgres",
        { driver: "pg", reader: "session" },
        ["harpiats"],
      ),
      peer(
        "connect-pg-simple, a request of express-session",
        { store: "connect-pg-simple", part: "request" },
        ["connect-pg-simple", "express-session"],
      ),
      peer("(connect-pg-simple, the middleware alone)", {
        store: "connect-pg-simple",
        part: "read",
      }),
    ],
  },
  {
    name: "PostgreSQL, postgres.js with a pool of 10",
    server: "postgres",
    candidates: [
      reader(
        `${SELECT}, pipelined`,
        "raw",
        "postgres",
        { driver: "postgres.js", reader: "select" },
        ["postgres"],
      ),
      reader(
        "harpiats PostgresStore, Session.fromRequest",
        "ours",
        "postgres",
        { driver: "postgres.js", reader: "session" },
        ["harpiats"],
      ),
    ],
  },
  {
    name: "MariaDB, mysql2 with a pool of 10",
    server: "mariadb",
    candidates: [
      reader(SELECT, "raw", "mysql", { reader: "select" }, ["mysql2"]),
      reader("harpiats MysqlStore, Session.fromRequest", "ours", "mysql", { reader: "session" }, [
        "harpiats",
      ]),
    ],
  },
  {
    name: "SQLite, a file, node:sqlite",
    server: "sqlite",
    candidates: [
      reader("a prepared SELECT each, and JSON.parse", "raw", "sqlite", { reader: "select" }),
      reader("harpiats SqliteStore, Session.fromRequest", "ours", "sqlite", { reader: "session" }, [
        "harpiats",
      ]),
    ],
    // In a file in WAL mode, synchronous = FULL: each is on disk when it is acknowledged.
    writes: [1, 64],
  },
];
