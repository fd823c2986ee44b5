// express-session over connect-redis and connect-pg-simple, with the options that its README asks
// for. `part: "read"` is the middleware alone, until it calls `next`. `part: "request"` is what a
// request that only reads costs: `end` too, where it touches the store and waits for that.
import connectPgSimple from "connect-pg-simple";
import { RedisStore } from "connect-redis";
import expressSession from "express-session";
import pg from "pg";
import { createClient } from "redis";
import { cookieIn, nodeRequest, nodeResponse } from "../../read/messages.js";
import { dataOf, SESSIONS } from "../data.js";

const STORES = {
  "connect-redis": async ({ url, name }) =>
    new RedisStore({ client: await createClient({ url }).connect(), prefix: `${name}:` }),
  async "connect-pg-simple"({ url, name }) {
    const pool = new pg.Pool({ connectionString: url });
    // A schema of its own: its index has the same name whatever the table's.
    await pool.query(`CREATE SCHEMA ${name}`);
    return new (connectPgSimple(expressSession))({
      pool,
      schemaName: name,
      createTableIfMissing: true,
      pruneSessionInterval: false,
    });
  },
};

export async function setUp({ store, part, ...where }) {
  const middleware = expressSession({
    store: await STORES[store](where),
    secret: "a secret of at least 32 characters",
    resave: false,
    saveUninitialized: false,
  });
  const cookies = [await signIn(middleware, 0)];
  // The first one makes the table: only then all others at once.
  cookies.push(
    ...(await Promise.all(
      Array.from({ length: SESSIONS - 1 }, (_, at) => signIn(middleware, at + 1)),
    )),
  );
  return {
    read: (number) =>
      new Promise((resolve, reject) => {
        const req = nodeRequest(cookies[number]);
        const res = nodeResponse(req);
        // Middleware wraps this one and calls it in the end.
        res.end = () => resolve(req.session);
        middleware(req, res, (error) => {
          if (error) reject(new Error("Cannot read a session", { cause: error }));
          else if (part === "read") resolve(req.session);
          else res.end();
        });
      }),
    userOf: ({ userId }) => userId,
  };
}

function signIn(middleware, number) {
  return new Promise((resolve, reject) => {
    const req = nodeRequest(undefined);
    const res = nodeResponse(req);
    middleware(req, res, () => {
      Object.assign(req.session, dataOf(number));
      req.session.save((error) => {
        if (error) return reject(new Error("Cannot sign in", { cause: error }));
        res.end();
        resolve(cookieIn(res.getHeader("set-cookie")));
      });
    });
  });
}
