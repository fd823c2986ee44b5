// express-session with its MemoryStore and the options its README asks for. `part: "read"` is the
// middleware alone, until it calls `next`. `part: "request"` is what a request that only reads
// costs: `end` too, where it touches the store.
import expressSession from "express-session";
import { cookieIn, nodeRequest, nodeResponse } from "../messages.js";

const COOKIE = "connect.sid";

export async function setUp({ part }) {
  const middleware = expressSession({
    secret: "a secret of at least 32 characters",
    resave: false,
    saveUninitialized: false,
  });
  const toInput = (cookie) => {
    const req = nodeRequest(cookie);
    return { req, res: nodeResponse(req) };
  };
  return {
    cookieName: COOKIE,
    signIn: (data) =>
      new Promise((resolve) => {
        const { req, res } = toInput(undefined);
        middleware(req, res, () => {
          Object.assign(req.session, data);
          req.session.save(() => {
            res.end();
            resolve(cookieIn(res.getHeader("set-cookie")));
          });
        });
      }),
    toInput,
    // The store answers with setImmediate. All requests of a batch are under way together, as under
    // load: waiting for one after the other would charge each with a turn of the event loop.
    readAll: (inputs) =>
      new Promise((resolve) => {
        let open = inputs.length;
        for (const { req, res } of inputs) {
          middleware(req, res, () => {
            if (part === "request") res.end();
            if (--open === 0) resolve(inputs);
          });
        }
      }),
    toData: ({ req }) => req.session,
  };
}
