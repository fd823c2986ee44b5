// Ids that change every 15 minutes, two tabs that renew at once, and a stolen id that betrays
// itself. Runs to its end by itself; the clock is moved by hand here, which an application leaves
// out.
import { withSession } from "harpiats/adapters/fetch";
import { Session } from "harpiats/session";
import { ManualClock } from "harpiats/testing";

const clock = new ManualClock();
const session = new Session<{ userId: string }>({
  clock,
  renewEvery: 900,
  renewOverlap: 60,
  onSuperseded: "revoke",
});
session.on("renewed", () => console.log("  event: renewed"));
session.on("refused", ({ reason }) => console.log(`  event: refused, ${reason}`));
session.on("ended", ({ reason }) => console.log(`  event: ended, ${reason}`));

const handler = withSession(session, async (request, own) => {
  if (request.method === "POST") await own.login({ userId: "ada" });
  return new Response((await own.user)?.userId ?? "nobody");
});

/** A request with a cookie. @returns the answer, and the cookie that the browser has after it. */
async function visit(cookie: string, method = "GET"): Promise<{ answer: string; cookie: string }> {
  const response = await handler(
    new Request("https://example.com/", { method, headers: { cookie } }),
  );
  return {
    answer: await response.text(),
    cookie: response.headers.getSetCookie()[0]?.split(";")[0] ?? cookie,
  };
}

const { cookie: first } = await visit("", "POST");

clock.advance(900_000);
console.log("15 minutes later two tabs ask at once:");
const [one, other] = await Promise.all([visit(first), visit(first)]);
console.log(
  `  both are ${one.answer}, a new id: ${one.cookie !== first}, the same one: ${one.cookie === other.cookie}`,
);

const late = await visit(first);
console.log(`a request that was sent before: ${late.answer}`);
console.log(`the new id: ${(await visit(one.cookie)).answer}`);

clock.advance(60_000);
console.log("a minute later somebody comes with the former id:");
console.log(`  that is ${(await visit(first)).answer}`);
console.log(`and whoever has the new one: ${(await visit(one.cookie)).answer}`);
