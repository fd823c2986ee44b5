// PostgresStore while PostgreSQL is killed and started again, and while the network stalls, cuts
// and delays. With fsync, as in production: what was acknowledged before must be there afterwards.
import assert from "node:assert/strict";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "pg";
import postgres from "postgres";
import { Session, StoreError } from "../../src/session.ts";
import { type PostgresClient, PostgresStore } from "../../src/stores/postgres.ts";
import { openWatch, watchThroughRestart } from "../races/multi-process-watch.ts";
import {
  type PostgresServer,
  skipWithoutPostgres,
  startPostgresServer,
} from "../support/postgres-server.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { until } from "../support/waits.ts";

interface Data {
  n: number;
}

/**
 * What a visitor knows of a session. A change whose answer was lost may be made at any time
 * afterwards, or never.
 */
interface Known {
  id: string;
  acknowledged: number;
  unknown: Set<number>;
  end: "no" | "tried" | "acknowledged";
}

// Milliseconds. A server that was killed recovers in seconds, also on a loaded machine.
const LONGEST_LOAD = 60_000;
const VISITORS = 16;

/**
 * Visitors who sign in, do things and sign out, until they are told to stop. Every rejection must
 * be a StoreError.
 */
class Load {
  readonly sessions: Known[] = [];
  readonly errors = new Map<string, number>();
  answers = 0;
  readonly #session: Session<Data>;
  #isOver = false;
  readonly #visitors: Promise<unknown>;

  constructor(session: Session<Data>) {
    this.#session = session;
    this.#visitors = Promise.all(Array.from({ length: VISITORS }, () => this.#visit())).catch(
      (error: unknown) => {
        this.#isOver = true;
        throw error;
      },
    );
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#visitors;
  }

  /** Waits until so many more requests were answered. */
  async goOn(requests: number): Promise<void> {
    const enough = this.answers + requests;
    const isEnough = (): boolean => this.answers >= enough || this.#isOver;
    // The visitors stay until they are stopped, unless one of them found a broken promise.
    await Promise.race([
      this.#visitors,
      until(`${requests} more answers`, isEnough, { limit: LONGEST_LOAD }),
    ]);
  }

  async #visit(): Promise<void> {
    while (!this.#isOver) {
      const id = await this.#try(() => this.#session.create({ n: 0 }));
      if (id === undefined) continue;
      const known: Known = { id, acknowledged: 0, unknown: new Set(), end: "no" };
      this.sessions.push(known);
      for (let n = 1; n <= 5 && !this.#isOver; n++) {
        known.unknown.add(n);
        const isUpdated = await this.#try(() => this.#session.update(id, { n }));
        assert.notEqual(isUpdated, false, "an update was told that a live session is gone");
        if (isUpdated) {
          known.unknown.delete(n);
          known.acknowledged = n;
        }
        const found = await this.#try(async () => ({ data: await this.#session.get(id) }));
        if (found) assertKnown(found.data, known);
      }
      if (this.sessions.length % 2 === 0) continue;
      known.end = "tried";
      if ((await this.#try(() => this.#session.delete(id))) !== undefined)
        known.end = "acknowledged";
    }
  }

  async #try<T>(request: () => Promise<T>): Promise<T | undefined> {
    try {
      const answer = await request();
      this.answers++;
      return answer;
    } catch (error) {
      assert.ok(error instanceof StoreError, String(error));
      this.errors.set(error.code, (this.errors.get(error.code) ?? 0) + 1);
      // As a visitor would not try again at once.
      await sleep(5);
      return undefined;
    }
  }
}

function assertKnown(data: Data | undefined, { acknowledged, unknown }: Known): void {
  assert.ok(data, "a live session is gone");
  assert.ok(
    data.n === acknowledged || unknown.has(data.n),
    `n is ${data.n}, ${acknowledged} was acknowledged, ${[...unknown].join()} not`,
  );
}

const CLIENTS: {
  name: string;
  open(url: string): { client: PostgresClient; close(): Promise<unknown> };
}[] = [
  {
    name: "pg",
    open(url) {
      const pool = new Pool({ connectionString: url, connectionTimeoutMillis: 1000 });
      // Without a listener an idle connection that breaks ends the process, says pg's
      // documentation.
      pool.on("error", () => {});
      return { client: pool, close: () => pool.end() };
    },
  },
  {
    name: "postgres.js",
    open(url) {
      // What it asks for array types while it connects is awaited by nobody: cut there, it would
      // end the process by an unhandled rejection.
      const sql = postgres(url, {
        onnotice() {},
        connect_timeout: 1,
        backoff: () => 0.1,
        fetch_types: false,
      });
      // After so many faults it may wait for ever for a connection to end, if it is let.
      return { client: sql, close: () => sql.end({ timeout: 1 }) };
    },
  },
];

describe("PostgresStore under faults", { skip: skipWithoutPostgres() }, () => {
  let server: PostgresServer;
  let proxy: TcpProxy;
  before(async () => {
    server = await startPostgresServer({ isDurable: true });
    proxy = await startTcpProxy(server.port);
  });
  after(async () => {
    await proxy.close();
    await server.stop();
  });

  for (const { name, open } of CLIENTS) {
    const opened = async (
      url: string,
    ): Promise<{ session: Session<Data>; close(): Promise<unknown> }> => {
      const { client, close } = open(url);
      const store = new PostgresStore<Data>({ client, pruneInterval: false });
      await store.migrate();
      return { session: new Session<Data>({ store, storeTimeout: 0.5 }), close };
    };
    const throughProxy = (): string => server.url.replace(`:${server.port}/`, `:${proxy.port}/`);

    it(`with ${name}: SIGKILL under load loses nothing that was acknowledged, and the client recovers by itself`, async () => {
      const { session, close } = await opened(server.url);
      const load = new Load(session);
      await load.goOn(500);
      await server.kill();
      await sleep(200);
      await server.start();
      await load.goOn(500);
      await load.stop();
      assert.ok(load.errors.size > 0);
      for (const known of load.sessions) {
        const data = await session.get(known.id);
        if (known.end === "acknowledged")
          assert.equal(data, undefined, "a session that was ended is back");
        if (known.end === "no") assertKnown(data, known);
      }
      await close();
    });

    it(`with ${name}: a server that stalls is a StoreError in time, and is used again when it answers`, async () => {
      const { session, close } = await opened(throughProxy());
      const load = new Load(session);
      await load.goOn(200);
      proxy.stall();
      await until("a timeout", () => load.errors.has("ERR_STORE_TIMEOUT"));
      proxy.restore();
      await load.goOn(200);
      await load.stop();
      for (const known of load.sessions)
        if (known.end === "no") assertKnown(await session.get(known.id), known);
      await close();
    });

    it(`with ${name}: cut connections are a StoreError, slow ones only slow`, async () => {
      const { session, close } = await opened(throughProxy());
      const load = new Load(session);
      for (let cuts = 0; cuts < 5; cuts++) {
        await load.goOn(100);
        proxy.cut();
      }
      await load.goOn(100);
      proxy.delay(10);
      await load.goOn(100);
      proxy.restore();
      await load.stop();
      assert.ok(load.errors.has("ERR_STORE_UNAVAILABLE"));
      for (const known of load.sessions)
        if (known.end === "no") assertKnown(await session.get(known.id), known);
      await close();
    });
  }

  it("a session that another process watches is ended there at once, when the server was killed and has come back meanwhile", async (test) => {
    const opener = new URL(
      `../support/postgres-clients.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`,
      import.meta.url,
    );
    const opened = await openWatch({
      name: "PostgresStore",
      opener,
      target: () => `${server.url}#notify`,
    });
    test.after(() => opened.close());
    await watchThroughRestart(opened, async () => {
      await server.kill();
      await sleep(200);
      await server.start();
    });
  });

  it("with pg and its query_timeout: connections whose other end has vanished are replaced", async () => {
    const ports: { isDead: boolean }[] = [];
    // Nothing says that they are broken, and new ones work: a failover that left no trace.
    const forwarder = createServer((client) => {
      const target = connect(server.port, "127.0.0.1");
      const port = { isDead: false };
      ports.push(port);
      const forward = (from: Socket, to: Socket): void => {
        from.on("error", () => {});
        from.on("close", () => to.destroy());
        from.on("data", (chunk) => void (port.isDead || to.write(chunk)));
      };
      forward(client, target);
      forward(target, client);
    });
    await new Promise<void>((resolve) => forwarder.listen(0, "127.0.0.1", resolve));
    const { port } = forwarder.address() as AddressInfo;
    const pool = new Pool({
      connectionString: server.url.replace(`:${server.port}/`, `:${port}/`),
      query_timeout: 600,
    });
    pool.on("error", () => {});
    const store = new PostgresStore<Data>({ client: pool, pruneInterval: false });
    await store.migrate();
    const load = new Load(new Session<Data>({ store, storeTimeout: 0.3 }));
    await load.goOn(100);
    for (const one of ports) one.isDead = true;
    await until("a timeout", () => load.errors.has("ERR_STORE_TIMEOUT"));
    await load.goOn(100);
    await load.stop();
    await pool.end();
    forwarder.close();
  });
});
