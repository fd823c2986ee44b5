import fastifyCookie from "@fastify/cookie";
import fastifySession from "@fastify/session";
import fastify from "fastify";

// Where it is to last: connect-redis, connect-mongo or another.
export const store = new fastifySession.MemoryStore();

const app = fastify();
app.register(fastifyCookie);
app.register(fastifySession, {
  secret: "a long random text of 32 characters",
  store,
  saveUninitialized: false,
  cookie: { secure: false },
});

app.get("/", async (request) => ({
  userId: request.session.userId ?? null,
  visits: request.session.visits ?? 0,
}));

app.post("/login/:name", async (request, reply) => {
  await request.session.regenerate();
  request.session.userId = request.params.name;
  return reply.redirect("/");
});

app.post("/visit", async (request) => {
  request.session.visits = (request.session.visits ?? 0) + 1;
  return { done: true };
});

app.post("/logout", async (request, reply) => {
  await request.session.destroy();
  return reply.redirect("/");
});

export default app;
