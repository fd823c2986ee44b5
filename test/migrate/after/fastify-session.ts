import fastify from "fastify";
import { fastifySession } from "harpiats/adapters/fastify";
import { Session } from "harpiats/session";

export interface Data {
  userId: string;
  visits?: number;
}

const app = fastify();
// On plain http only here. Where it is to last: store: new RedisStore({ client }) or another.
export const sessions = fastifySession(new Session<Data>({ cookie: { secure: false } }));
app.register(sessions);

app.get("/", async (request) => {
  const data = await sessions.of(request).data;
  return { userId: data?.userId ?? null, visits: data?.visits ?? 0 };
});

app.post<{ Params: { name: string } }>("/login/:name", async (request, reply) => {
  await sessions.of(request).login({ userId: request.params.name });
  return reply.redirect("/");
});

app.post("/visit", async (request) => {
  await sessions.of(request).update((data) => ({ visits: (data.visits ?? 0) + 1 }));
  return { done: true };
});

app.post("/logout", async (request, reply) => {
  await sessions.of(request).destroy();
  return reply.redirect("/");
});

export default app;
