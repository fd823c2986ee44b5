// The example as Prometheus meets it, and its dashboard: every name that it asks for is one that a
// scrape gives.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { instrument } from "../../src/opentelemetry.ts";
import { MemoryStore, Session } from "../../src/session.ts";
import { ManualClock } from "../../src/testing.ts";
import { Browser } from "../support/http.ts";
import { projectFolder } from "../support/project.ts";
import { end, exitOf, firstLine, listening } from "../support/waits.ts";
import { spawn } from "../support/children.ts";
import { freePort } from "../support/server-process.ts";

const program = fileURLToPath(
  new URL(`../../examples/opentelemetry/server${extname(import.meta.url)}`, import.meta.url),
);

/** The series of a scrape: name, labels, value. */
function seriesOf(
  text: string,
): Map<string, { labels: Map<string, Set<string>>; values: number[] }> {
  const found = new Map<string, { labels: Map<string, Set<string>>; values: number[] }>();
  for (const [, name = "", labels = "", value = ""] of text.matchAll(
    /^([a-z_]+)(?:\{(.*)\})? (\S+)/gm,
  )) {
    const series = found.get(name) ?? { labels: new Map<string, Set<string>>(), values: [] };
    found.set(name, series);
    series.values.push(Number(value));
    for (const [, label = "", of = ""] of labels.matchAll(/(\w+)="([^"]*)"/g))
      series.labels.set(label, (series.labels.get(label) ?? new Set()).add(of));
  }
  return found;
}

/** Does everything that has a metric of its own, once. */
async function doEverything(sessions: Session<{ userId: string }>[]): Promise<void> {
  const clock = new ManualClock();
  const store = new MemoryStore<{ userId: string }>({ clock });
  const told = new Proxy(store, {
    get(target, name) {
      if (name === "subscribe")
        return (listener: (change: object) => void) => (
          listener({ type: "unreadable", key: "k" }),
          Promise.reject(new Error("of the driver"))
        );
      if (name === "patch" || name === "listByUser")
        return name === "patch"
          ? target.patch.bind(target)
          : () => Promise.reject(new Error("of the driver"));
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" && name !== "constructor" ? value.bind(target) : value;
    },
  });
  const session = new Session<{ userId: string }>({ clock, store: told, renewEvery: 300 });
  sessions.push(session);
  const id = await session.create({ userId: "alice" });
  await session.update(id, { userId: "alice" });
  clock.advance(301_000);
  await session.renew(id);
  const rotated = await session.rotate(await session.create({ userId: "bob" }));
  await session.delete(rotated);
  await session.revokeAll("alice");
  await session.get("malformed");
  await session.list("alice").catch(() => {});
  await session.create({ userId: "carol" });
  await new Promise((resolve) => setImmediate(resolve));
}

describe("examples/opentelemetry", () => {
  it("gives Prometheus what happened to its sessions", async (t) => {
    const metricsPort = await freePort();
    const child = spawn(process.execPath, [program], {
      env: { PATH: process.env["PATH"], PORT: "0", METRICS_PORT: String(metricsPort) },
      stdio: ["ignore", "pipe", "inherit"],
    });
    t.after(() => end(child));
    const line = await firstLine(child);
    const browser = new Browser(/http:\/\/\S+$/.exec(line)?.[0] ?? assert.fail(line));
    const login = await browser.fetch("/login", {
      method: "POST",
      body: JSON.stringify({ name: "Ada" }),
      headers: { "content-type": "application/json" },
    });
    assert.equal(login.status, 200);
    assert.deepEqual(await (await browser.fetch("/")).json(), { userId: "Ada", visits: 1 });
    const scrape = async () => (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    const first = seriesOf(await scrape());
    assert.deepEqual(first.get("harpiats_session_created_total")?.values, [1]);
    assert.deepEqual(first.get("harpiats_session_live")?.values, [1]);
    await browser.fetch("/logout", { method: "POST" });
    const text = await scrape();
    const second = seriesOf(text);
    assert.deepEqual(
      [...(second.get("harpiats_session_ended_total")?.labels.get("harpiats_reason") ?? [])],
      ["logout"],
    );
    assert.deepEqual(second.get("harpiats_session_live")?.values, [0]);
    assert.deepEqual(
      [...(second.get("db_client_operation_duration_count")?.labels.get("db_system_name") ?? [])],
      ["memory"],
    );
    for (const secret of [
      "Ada",
      ...login.headers.getSetCookie().map((cookie) => cookie.slice(0, 40)),
    ])
      assert.ok(!text.includes(secret), secret);
    child.kill("SIGTERM");
    assert.deepEqual(await exitOf(child), [0, null]);
  });

  it("has a dashboard whose queries use only names and labels that a scrape has", async (t) => {
    const exporter = new PrometheusExporter({ preventServerStart: true });
    const meterProvider = new MeterProvider({ readers: [exporter] });
    const sessions: Session<{ userId: string }>[] = [];
    const stop = instrument({ meterProvider, sessions: () => sessions });
    const server = createServer((req, res) => exporter.getMetricsRequestHandler(req, res)).listen(
      0,
      "127.0.0.1",
    );
    t.after(async () => {
      stop();
      server.close();
      await meterProvider.shutdown();
    });
    await listening(server);
    await doEverything(sessions);
    // It listens on TCP.
    const { port } = server.address() as AddressInfo;
    const series = seriesOf(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
    const dashboard = await readFile(
      `${projectFolder}examples/opentelemetry/dashboard.json`,
      "utf8",
    );
    // What Grafana would read.
    const { panels } = JSON.parse(dashboard) as {
      panels: { title: string; targets: { expr: string; legendFormat: string }[] }[];
    };
    const asked = new Set<string>();
    for (const { title, targets } of panels) {
      for (const { expr, legendFormat } of targets) {
        const names = [...expr.matchAll(/([a-z_]+)\{/g)].map(([, name = ""]) => name);
        assert.ok(names.length > 0, `${title}: ${expr}`);
        for (const name of names) {
          asked.add(name);
          assert.ok(series.has(name), `${title} asks for ${name}`);
        }
        // `job` and `instance` are Prometheus's own, `le` the exporter's.
        const known = new Set([
          "job",
          "instance",
          "le",
          ...names.flatMap((name) => [...(series.get(name)?.labels.keys() ?? [])]),
        ]);
        const labels = [
          ...expr.matchAll(/(\w+)(?:=~|!=)/g),
          ...legendFormat.matchAll(/\{\{(\w+)\}\}/g),
        ].map(([, label = ""]) => label);
        const grouped = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = ""]) =>
          list.split(", "),
        );
        for (const label of [...labels, ...grouped])
          assert.ok(known.has(label), `${title} asks for the label ${label}`);
      }
    }
    const ours = [...series.keys()].filter((name) => name.startsWith("harpiats_"));
    assert.deepEqual(
      ours.filter((name) => !asked.has(name)),
      [],
      "and shows all that there is",
    );
  });
});
