// Short sessions for everybody, a long one for who asks to be remembered. Runs to its end by
// itself; the clock is moved by hand here, which an application leaves out.
import { withSession } from "harpiats/adapters/fetch";
import { Session } from "harpiats/session";
import { ManualClock } from "harpiats/testing";

const HOUR = 3_600_000;
const DAY = 86_400;
const clock = new ManualClock();
const session = new Session<{ userId: string }>({
  clock,
  lifetimes: "nist-aal2",
  longestTimeout: 60 * DAY,
});

const handler = withSession(session, async (request, own) => {
  const isRemembered = new URL(request.url).searchParams.has("remember");
  const longer = { persistent: true, absoluteTimeout: 60 * DAY, idleTimeout: 14 * DAY };
  if (request.method === "POST") await own.login({ userId: "ada" }, isRemembered ? longer : {});
  return new Response((await own.user)?.userId ?? "nobody");
});

async function signIn(path: string): Promise<{ cookie: string; attributes: string }> {
  const response = await handler(new Request(`https://example.com${path}`, { method: "POST" }));
  const [cookie = "", ...attributes] = (response.headers.getSetCookie()[0] ?? "").split("; ");
  return {
    cookie,
    attributes:
      attributes.find((attribute) => attribute.startsWith("Max-Age")) ??
      "until the browser is closed",
  };
}

async function visit(cookie: string): Promise<string> {
  return (await handler(new Request("https://example.com/", { headers: { cookie } }))).text();
}

const { idleTimeout, absoluteTimeout, longestTimeout } = session.policy;
console.log(
  `the policy: ${idleTimeout} s without activity, ${absoluteTimeout} s in all, ${longestTimeout} s at most for a single session`,
);

const usual = await signIn("/");
const remembered = await signIn("/?remember");
console.log(`the cookies: ${usual.attributes}; ${remembered.attributes}`);

clock.advance(2 * HOUR);
console.log(`two hours later: ${await visit(usual.cookie)}; ${await visit(remembered.cookie)}`);

clock.advance(10 * 24 * HOUR);
console.log(`ten days later: ${await visit(remembered.cookie)}`);

// Looking at the deadlines is no activity.
const id = remembered.cookie.slice("session_id=".length);
const { expiresAt = 0, endsAt = 0 } = (await session.deadlines(id)) ?? {};
const inDays = (at: number): number => Math.round((at - clock.now()) / (24 * HOUR));
console.log(
  `without another visit it ends in ${inDays(expiresAt)} days, at the latest in ${inDays(endsAt)}`,
);
