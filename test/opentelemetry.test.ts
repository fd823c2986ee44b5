// Metrics and spans through OpenTelemetry's own SDK: which come, by which names, and what they
// never say.
import assert from "node:assert/strict";
import { tracingChannel } from "node:diagnostics_channel";
import { afterEach, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import {
  ATTR_DB_OPERATION_BATCH_SIZE,
  ATTR_DB_OPERATION_NAME,
  ATTR_DB_QUERY_SUMMARY,
  ATTR_DB_SYSTEM_NAME,
  ATTR_ERROR_TYPE,
  DB_SYSTEM_NAME_VALUE_MYSQL,
  DB_SYSTEM_NAME_VALUE_POSTGRESQL,
  METRIC_DB_CLIENT_OPERATION_DURATION,
} from "@opentelemetry/semantic-conventions";
import {
  DB_SYSTEM_NAME_VALUE_REDIS,
  DB_SYSTEM_NAME_VALUE_SQLITE,
} from "@opentelemetry/semantic-conventions/incubating";
import { instrument, type InstrumentOptions } from "../src/opentelemetry.ts";
import { MemoryStore, Session, type SessionOptions, type SessionStore } from "../src/session.ts";
import { MysqlStore } from "../src/stores/mysql.ts";
import { PostgresStore } from "../src/stores/postgres.ts";
import { RedisStore } from "../src/stores/redis.ts";
import { SqliteStore } from "../src/stores/sqlite.ts";
import { ManualClock } from "../src/testing.ts";

interface Visitor {
  userId?: string;
  role?: string;
}
type Point = [labels: string, value: number];

const stops: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** A meter whose readings can be looked at. */
function measure(options: Omit<InstrumentOptions, "meterProvider"> = {}) {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  const stop = instrument({ ...options, meterProvider });
  stops.push(stop, () => meterProvider.shutdown());
  const read = async () => {
    exporter.reset();
    await reader.forceFlush();
    return exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
  };
  /**
   * The labels of a metric's points, but for the cookie's name, and their values: of a histogram
   * how many.
   */
  const pointsOf = async (name: string): Promise<Point[]> => {
    const metric = (await read()).find(({ descriptor }) => descriptor.name === name);
    return (metric?.dataPoints ?? []).map(({ attributes, value }): Point => {
      const labels = Object.entries(attributes).filter(
        ([label]) => label !== "harpiats.cookie.name",
      );
      return [
        labels.map(([, text]) => text).join(" "),
        typeof value === "number" ? value : value.count,
      ];
    });
  };
  return { read, pointsOf, stop };
}

function trace() {
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  });
  stops.push(instrument({ tracerProvider }), () => tracerProvider.shutdown());
  return exporter;
}

function begin(options: SessionOptions<Visitor> = {}) {
  const clock = new ManualClock();
  const session = new Session<Visitor>({
    clock,
    store: new MemoryStore<Visitor>({ clock }),
    idleTimeout: 1800,
    ...options,
  });
  const visit = (cookie: string): Promise<Visitor | undefined> =>
    session.fromRequest({ headers: { cookie: `session_id=${cookie}` } });
  return { clock, session, visit };
}

/** A store as if it were in another process, with methods of it replaced. */
function remote(replace: object = {}, store = new MemoryStore<Visitor>()): SessionStore<Visitor> {
  return new Proxy(store, {
    get(target, name) {
      if (name === "readSync") return undefined;
      if (Object.hasOwn(replace, name)) return Reflect.get(replace, name) as unknown;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" && name !== "constructor" ? value.bind(target) : value;
    },
  });
}

describe("instrument: metrics", () => {
  it("count how sessions begin, change and end, by reason", async () => {
    const { pointsOf } = measure();
    const { clock, session } = begin({ maxPerUser: { limit: 2, onLimit: "evict-oldest" } });
    const id = await session.create({ userId: "alice" });
    await session.update(id, { role: "user" });
    await session.delete(await session.rotate(id));
    for (const userId of ["bob", "bob", "bob", "carol", "carol"]) await session.create({ userId });
    await session.revokeAll("carol");
    clock.advance(1_803_000);
    assert.deepEqual(await pointsOf("harpiats.session.created"), [["", 6]]);
    assert.deepEqual(await pointsOf("harpiats.session.updated"), [["", 1]]);
    assert.deepEqual(await pointsOf("harpiats.session.rotated"), [["", 1]]);
    assert.deepEqual(await pointsOf("harpiats.session.ended"), [
      ["logout", 1],
      ["evicted", 1],
      ["revoked", 2],
      ["idle", 2],
    ]);
    assert.deepEqual(await pointsOf("harpiats.session.revocations"), [["user", 1]]);
  });

  it("count what was refused, by reason", async () => {
    const { pointsOf } = measure();
    const { session, visit } = begin();
    const id = await session.create({});
    for (const cookie of ["malformed", "worse", id.slice(0, 6) + "A".repeat(26)])
      await visit(cookie);
    assert.deepEqual(await pointsOf("harpiats.session.refused"), [
      ["malformed", 2],
      ["unknown", 1],
    ]);
  });

  it("count ids that were renewed", async () => {
    const { pointsOf } = measure();
    const { clock, session } = begin({ renewEvery: 300 });
    const id = await session.create({});
    clock.advance(301_000);
    await session.renew(id);
    assert.deepEqual(await pointsOf("harpiats.session.renewed"), [["", 1]]);
  });

  it("count an end once, whoever tells of it again", async () => {
    const { pointsOf } = measure();
    const store = new MemoryStore<Visitor>({ maxSessions: 1 });
    const [one, two] = [
      new Session<Visitor>({ store }),
      new Session<Visitor>({ store, cookieName: "other" }),
    ];
    for (const session of [one, two, one]) await session.create({});
    assert.deepEqual(await pointsOf("harpiats.session.ended"), [["evicted", 2]]);
  });

  it("count what is no session, and failures that no request waits for", async () => {
    const { pointsOf } = measure();
    const unreadable = (listener: (change: object) => void): Promise<() => void> => (
      listener({ type: "unreadable", key: "k" }),
      Promise.resolve(() => {})
    );
    await begin({ store: remote({ subscribe: unreadable }) }).session.create({});
    await begin({
      store: remote({ subscribe: () => Promise.reject(new Error("of the driver")) }),
    }).session.create({});
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(await pointsOf("harpiats.session.unreadable"), [["", 1]]);
    assert.deepEqual(await pointsOf("harpiats.session.errors"), [["", 1]]);
  });

  it("tell of the cookie, so that two Sessions of a process can be told apart", async () => {
    const { read } = measure();
    for (const cookieName of ["shop", "admin"]) await begin({ cookieName }).session.create({});
    const created = (await read()).find(
      ({ descriptor }) => descriptor.name === "harpiats.session.created",
    );
    assert.deepEqual(
      created?.dataPoints.map(({ attributes }) => attributes),
      [{ "harpiats.cookie.name": "shop" }, { "harpiats.cookie.name": "admin" }],
    );
  });

  it("measure operations of stores in seconds, by the conventions for database clients, failures by their code", async () => {
    const { read, pointsOf } = measure();
    const store = new MemoryStore<Visitor>();
    const slowly = async (...parameters: Parameters<typeof store.create>) => {
      await delay(30);
      return store.create(...parameters);
    };
    const { session } = begin({
      store: remote(
        { create: slowly, patch: () => Promise.reject(new Error("of the driver")) },
        store,
      ),
    });
    const id = await session.create({ userId: "alice" });
    await session.get(id);
    await assert.rejects(session.update(id, { role: "user" }));
    const points = await pointsOf(METRIC_DB_CLIENT_OPERATION_DURATION);
    assert.deepEqual(points, [
      ["memory subscribe", 1],
      ["memory create", 1],
      // A change by id looks first whether the id still holds.
      ["memory read", 2],
      ["memory patch ERR_STORE_UNAVAILABLE", 1],
    ]);
    const { descriptor, dataPoints } =
      (await read()).find(
        (metric) => metric.descriptor.name === METRIC_DB_CLIENT_OPERATION_DURATION,
      ) ?? assert.fail();
    assert.equal(descriptor.unit, "s");
    assert.deepEqual(Object.keys(dataPoints.at(-1)?.attributes ?? {}), [
      ATTR_DB_SYSTEM_NAME,
      ATTR_DB_OPERATION_NAME,
      ATTR_ERROR_TYPE,
    ]);
    const created = dataPoints.find(
      ({ attributes }) => attributes[ATTR_DB_OPERATION_NAME] === "create",
    )?.value;
    // In milliseconds it would be 30.
    assert.ok(
      typeof created === "object" &&
        "sum" in created &&
        Number(created.sum) > 0.02 &&
        Number(created.sum) < 20,
    );
  });

  it("measure reads that a store in this process answers at once, each once", async () => {
    const { pointsOf } = measure();
    const { session, visit } = begin();
    const id = await session.create({});
    await visit(id);
    await visit(id);
    assert.deepEqual((await pointsOf(METRIC_DB_CLIENT_OPERATION_DURATION)).at(-1), [
      "memory read",
      2,
    ]);
  });

  it("tell how many sessions live, of the stores that can say it", async () => {
    const sessions: Session<Visitor>[] = [];
    const { pointsOf } = measure({ sessions: () => sessions });
    const silent = begin({ store: remote({ count: undefined }) }).session;
    const failing = begin({
      store: remote({ count: () => Promise.reject(new Error("of the driver")) }),
    }).session;
    sessions.push(begin().session, silent, failing);
    for (const session of sessions) await session.create({});
    assert.deepEqual(await pointsOf("harpiats.session.live"), [["", 1]]);
  });

  it("have no id, no handle and no user in a label", async () => {
    const sessions: Session<Visitor>[] = [];
    const { read } = measure({ sessions: () => sessions });
    const { session, visit } = begin({ store: remote() });
    sessions.push(session);
    const handles: string[] = [];
    session.on("created", ({ handle }) => handles.push(handle));
    const id = await session.create({ userId: "alice" });
    await visit(id);
    await visit(`${id}x`);
    const next = await session.rotate(id);
    await session.list("alice");
    await session.revokeAll("alice");
    await visit(String(next));
    const text = JSON.stringify(await read());
    assert.ok(text.includes("harpiats.session.refused"));
    for (const secret of ["alice", id, String(next), ...handles])
      assert.ok(!text.includes(secret), secret);
  });
});

describe("instrument: spans", () => {
  it("are one for each operation, by the conventions for database clients", async () => {
    const exporter = trace();
    const { session } = begin({ store: remote() });
    const ids = await Promise.all([1, 2, 3].map(() => session.create({ userId: "alice" })));
    exporter.reset();
    await Promise.all(ids.map((id) => session.get(id)));
    const [span, ...others] = exporter.getFinishedSpans();
    assert.equal(others.length, 0);
    assert.equal(span?.name, "read sessions");
    assert.deepEqual(span.attributes, {
      [ATTR_DB_SYSTEM_NAME]: "memory",
      [ATTR_DB_OPERATION_NAME]: "read",
      [ATTR_DB_QUERY_SUMMARY]: "read sessions",
      [ATTR_DB_OPERATION_BATCH_SIZE]: 3,
    });
  });

  it("name the databases as the conventions do", () => {
    const exporter = trace();
    const channels = tracingChannel("harpiats:store");
    const stores = [
      [RedisStore, DB_SYSTEM_NAME_VALUE_REDIS],
      [PostgresStore, DB_SYSTEM_NAME_VALUE_POSTGRESQL],
      [MysqlStore, DB_SYSTEM_NAME_VALUE_MYSQL],
      [SqliteStore, DB_SYSTEM_NAME_VALUE_SQLITE],
    ] as const;
    for (const [{ name }] of stores) {
      const operation = { operation: "read", store: name, keys: 1 };
      channels.start.publish(operation);
      channels.asyncEnd.publish(operation);
    }
    assert.deepEqual(
      exporter
        .getFinishedSpans()
        .map(({ attributes, kind }) => [attributes[ATTR_DB_SYSTEM_NAME], kind]),
      stores.map(([, system]) => [system, 2]),
    );
  });

  it("say that an operation failed, and nothing of the driver's", async () => {
    const exporter = trace();
    const { session } = begin({
      store: remote({ create: () => Promise.reject(new Error("of key 1234")) }),
    });
    await assert.rejects(session.create({}));
    const span = exporter.getFinishedSpans().find(({ name }) => name === "create sessions");
    assert.deepEqual(span?.status, {
      code: 2,
      message: "Cannot create: MemoryStore failed, see error.cause",
    });
    assert.equal(span.attributes[ATTR_ERROR_TYPE], "ERR_STORE_UNAVAILABLE");
    assert.deepEqual(span.events, []);
  });

  it("are there for a read that is answered at once", async () => {
    const exporter = trace();
    const { session, visit } = begin();
    const id = await session.create({});
    exporter.reset();
    await visit(id);
    const [span, ...others] = exporter.getFinishedSpans();
    assert.equal(others.length, 0);
    assert.deepEqual(
      [span?.name, span?.kind, Object.keys(span?.attributes ?? {})],
      ["read sessions", 0, [ATTR_DB_SYSTEM_NAME, ATTR_DB_OPERATION_NAME, ATTR_DB_QUERY_SUMMARY]],
    );
  });
});

describe("instrument", () => {
  it("ends with the function that it returns", async () => {
    const { pointsOf, stop } = measure();
    const { session } = begin();
    await session.create({});
    stop();
    stop();
    await session.create({});
    assert.deepEqual(await pointsOf("harpiats.session.created"), [["", 1]]);
  });

  it("wants a provider", () => {
    assert.throws(() => instrument(undefined as unknown as InstrumentOptions), {
      name: "TypeError",
      message: "Invalid options of instrument: got undefined, expected an object",
    });
    for (const options of [{}, { meterProvider: undefined }]) {
      assert.throws(() => instrument(options as InstrumentOptions), {
        name: "TypeError",
        message:
          "Cannot instrument: there is neither a meterProvider nor a tracerProvider, at least one is wanted",
      });
    }
  });

  it("changes nothing where a provider throws", async () => {
    const fail = (): never => assert.fail("of a provider");
    const broken = { add: fail, record: fail, addCallback: () => {}, removeCallback: () => {} };
    const meterProvider = {
      getMeter: () => ({
        createCounter: () => broken,
        createHistogram: () => broken,
        createObservableGauge: () => broken,
      }),
    };
    stops.push(
      instrument({ meterProvider, tracerProvider: { getTracer: () => ({ startSpan: fail }) } }),
    );
    const { session } = begin();
    const id = await session.create({ userId: "alice" });
    assert.deepEqual(await session.get(id), { userId: "alice" });
    assert.equal(await session.delete(id), true);
  });
});
