// Logins whose sessions are measured: the application on PORT (3000), what Prometheus scrapes on
// METRICS_PORT (9464), /metrics. dashboard.json beside this file shows it in Grafana.
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import harpia from "harpiats";
import { instrument } from "harpiats/opentelemetry";
import { Session } from "harpiats/session";

interface Visitor {
  userId: string;
  visits: number;
}

const { PORT = "3000", METRICS_PORT = "9464" } = process.env;
const sessions: Session<Visitor>[] = [];

// On a port of its own: metrics are for operators, and the application's port is for everybody.
const exporter = new PrometheusExporter({
  host: "127.0.0.1",
  port: Number(METRICS_PORT),
  preventServerStart: true,
});
const meterProvider = new MeterProvider({ readers: [exporter] });
// Before the first Session: what its store tells by itself, such as expiry, is heard from then on.
const stopMeasuring = instrument({ meterProvider, sessions: () => sessions });

// Without `secure`, so that every browser keeps the cookie on http://127.0.0.1. Leave it out behind
// HTTPS.
const session = new Session<Visitor>({ cookie: { secure: false } });
sessions.push(session);

const app = harpia();

app.post("/login", async (req, res) => {
  const { name } = (await req.json()) as { name?: unknown };
  // Here a password would be checked.
  if (typeof name !== "string" || name === "")
    return res.status(400).json({ error: "a name is wanted" });
  session.setCookie(res, await session.create({ userId: name, visits: 0 }));
  res.json({ userId: name });
});

app.get("/", async (req, res) => {
  if (!(await session.userFromRequest(req, res)))
    return res.status(401).json({ error: "sign in: POST /login" });
  await session.update(req, (data) => ({ visits: data.visits + 1 }));
  res.json((await session.get(req)) ?? {});
});

app.post("/logout", async (req, res) => {
  res.json({ isEnded: await session.delete(req, res) });
});

await exporter.startServer();
const server = app.listen({ port: Number(PORT), hostname: "127.0.0.1" });
await server.ready;
console.log(`The application is on ${server.url}`);

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, async () => {
    await server.close();
    stopMeasuring();
    await meterProvider.shutdown();
  });
}
