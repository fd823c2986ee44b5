// What `login` takes through each adapter: what the schema takes, as `create` does. Compiled and
// never run: `npm run check:types` is the test.
import { elysiaSession } from "../../src/adapters/elysia.ts";
import { expressSession } from "../../src/adapters/express.ts";
import { fastifySession } from "../../src/adapters/fastify.ts";
import { withSession } from "../../src/adapters/fetch.ts";
import { h3Session } from "../../src/adapters/h3.ts";
import { harpiaSession } from "../../src/adapters/harpia.ts";
import { honoSession } from "../../src/adapters/hono.ts";
import { koaSession } from "../../src/adapters/koa.ts";
import { type NextCookies, nextAction, nextSession } from "../../src/adapters/next.ts";
import { connectSession, withSession as withNodeSession } from "../../src/adapters/node.ts";
import { fromWebSocket } from "../../src/adapters/websocket.ts";
import { type RequestSession, Session, type StandardSchema } from "../../src/session.ts";

interface Input {
  userId: string;
  visits?: string;
}
interface Data {
  userId: string;
  visits: number;
}
type Own = Pick<RequestSession<Data, Input>, "login" | "user" | "set">;

declare const schema: StandardSchema<Input, Data>;
declare const cookies: NextCookies;
const session = new Session({ schema });

/** The input goes in, the output comes out. */
async function check(own: Own): Promise<void> {
  const visits: number | undefined = (await own.user)?.visits;
  void visits;
}

export async function throughEachAdapter(): Promise<void> {
  await check(session.open({ headers: {} }));
  await expressSession(session).of({}).login({ userId: "ada" });
  // @ts-expect-error what comes out does not go in
  await expressSession(session).of({}).login({ userId: "ada", visits: 1 });
  await connectSession(session).of({}).login({ userId: "ada" });
  // @ts-expect-error what comes out does not go in
  await connectSession(session).of({}).login({ userId: "ada", visits: 1 });
  await koaSession(session).of({}).login({ userId: "ada" });
  // @ts-expect-error what comes out does not go in
  await koaSession(session).of({}).login({ userId: "ada", visits: 1 });
  await fastifySession(session).of({}).login({ userId: "ada" });
  // @ts-expect-error what comes out does not go in
  await fastifySession(session).of({}).login({ userId: "ada", visits: 1 });
  await honoSession(session).of({}).login({ userId: "ada" });
  // @ts-expect-error what comes out does not go in
  await honoSession(session).of({}).login({ userId: "ada", visits: 1 });
  await h3Session(session).of({ context: {} }).login({ userId: "ada" });
  // @ts-expect-error what comes out does not go in
  await h3Session(session).of({ context: {} }).login({ userId: "ada", visits: 1 });
  await elysiaSession(session).of({}).login({ userId: "ada" });
  // @ts-expect-error what comes out does not go in
  await elysiaSession(session).of({}).login({ userId: "ada", visits: 1 });
  await harpiaSession(session).of({}).login({ userId: "ada" });
  // @ts-expect-error what comes out does not go in
  await harpiaSession(session).of({}).login({ userId: "ada", visits: 1 });
  await (await nextSession(session, cookies)).login({ userId: "ada" });
  // @ts-expect-error what comes out does not go in
  await (await nextSession(session, cookies)).login({ userId: "ada", visits: 1 });
  withSession(session, async (_req, own) => {
    await own.login({ userId: "ada" });
    // @ts-expect-error what comes out does not go in
    await own.login({ userId: "ada", visits: 1 });
    return new Response();
  });
  withNodeSession(session, async (_req, _res, own) => {
    await own.login({ userId: "ada" });
    // @ts-expect-error what comes out does not go in
    await own.login({ userId: "ada", visits: 1 });
  });
  nextAction(
    session,
    () => cookies,
    async (own) => {
      await own.login({ userId: "ada" });
      // @ts-expect-error what comes out does not go in
      await own.login({ userId: "ada", visits: 1 });
    },
  );
  const upgrade = await fromWebSocket(session, new Request("http://localhost/"));
  if ("session" in upgrade) {
    await check(upgrade.session);
    // @ts-expect-error what comes out does not go in
    await upgrade.session.login({ userId: "ada", visits: 1 });
  }
}

/** Without a schema both are the same, and one type names them. */
export async function withoutASchema(own: RequestSession<Data>): Promise<void> {
  const one: RequestSession<Data> = expressSession(new Session<Data>()).of({});
  await one.login({ userId: "ada", visits: 1 });
  // @ts-expect-error visits are counted
  await own.login({ userId: "ada" });
}
