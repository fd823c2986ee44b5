// An id as a bearer token, for a client that is no browser: it comes out in X-Auth-Token and goes
// in by Authorization. Runs to its end by itself.
import { withSession } from "harpiats/adapters/fetch";
import { Session } from "harpiats/session";

const session = new Session<{ userId: string }>({ transport: "bearer" });

const handler = withSession(session, async (request, own) => {
  const { pathname } = new URL(request.url);
  if (pathname === "/login") await own.login({ userId: "ada" });
  if (pathname === "/logout") await own.destroy();
  const user = await own.user;
  return Response.json(user ?? { error: "sign in first" }, {
    status: user || pathname === "/logout" ? 200 : 401,
  });
});

// What a client does: it sends the token that it was given last.
let token = "";
async function call(path: string, method = "GET"): Promise<Response> {
  const response = await handler(
    new Request(`https://api.example.com${path}`, {
      method,
      ...(token !== "" && { headers: { authorization: `Bearer ${token}` } }),
    }),
  );
  token = response.headers.get("x-auth-token") ?? token;
  return response;
}

const login = await call("/login", "POST");
console.log(
  `login: ${login.status}, a token of ${token.length} characters, ${login.headers.getSetCookie().length} cookies`,
);
console.log(
  `  Cache-Control: ${login.headers.get("cache-control")}, Vary: ${login.headers.get("vary")}`,
);
const kept = token;
console.log(`profile: ${await (await call("/profile")).text()}`);

// A browser sends cookies by itself: there an id counts for nothing.
const byCookie = await handler(
  new Request("https://api.example.com/profile", { headers: { cookie: `session_id=${kept}` } }),
);
console.log(`the same id in a cookie: ${byCookie.status}`);

await call("/logout", "POST");
console.log(`after the logout the token is ${token === "" ? "taken back" : "kept"}`);
token = kept;
console.log(`and used again: ${(await call("/profile")).status}`);
