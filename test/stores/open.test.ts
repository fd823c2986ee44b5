// What openStore does without a server: URLs, drivers that are not there, and SQLite and memory.
// Servers are test/cli's.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { stat } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { Session, StoreError } from "../../src/session.ts";
import { openStore } from "../../src/stores/open.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { listening } from "../support/waits.ts";

const hasSqlite =
  process.versions["bun"] !== undefined || (await import("node:module")).isBuiltin("node:sqlite");

async function refusal(url: string | undefined, options?: object): Promise<Error> {
  try {
    await (await openStore(url, options)).close();
  } catch (error) {
    assert.ok(error instanceof Error);
    return error;
  }
  throw new Error(`${url} was opened`);
}

describe("openStore", () => {
  it("opens memory, for tests and development", async () => {
    const { store, kind, address, close } = await openStore<{ userId: string }>("memory:");
    assert.deepEqual([kind, address], ["memory", "memory:"]);
    const session = new Session<{ userId: string }>({ store });
    const id = await session.create({ userId: "ada" });
    assert.deepEqual(await session.get(id), { userId: "ada" });
    await close();
    const { store: small } = await openStore("memory:?maxSessions=1");
    const one = new Session({ store: small });
    const first = await one.create({});
    await one.create({});
    assert.equal(await one.get(first), undefined);
  });

  it("refuses what is no file at once", { skip: process.platform === "win32" }, async () => {
    const folder = await temporaryFolder();
    const [pipe, socket] = [join(folder.path, "pipe"), join(folder.path, "socket")];
    execFileSync("mkfifo", [pipe]);
    const listener = createServer().listen(socket);
    await listening(listener);
    for (const [path, kind] of [
      [folder.path, "a folder"],
      [pipe, "a named pipe"],
      [socket, "a socket"],
      ["/dev/null", "a device"],
    ] as const)
      for (const migrate of [true, false])
        assert.match(
          (await refusal(`sqlite:${path}`, { migrate })).message,
          new RegExp(`there is ${kind}, expected a file`),
        );
    listener.close();
    await folder.remove();
  });

  it("says what a URL should be, and quotes nothing of it", async () => {
    const wrong: [string | undefined, RegExp][] = [
      ["", /begins with no scheme that is known, redis:\/\//],
      ["mongodb://root:s3cret@localhost/db", /begins with no scheme that is known/],
      ["s3cret", /begins with no scheme that is known/],
      ["root:s3cret@localhost", /begins with no scheme that is known/],
      ["postgres://root:s3cret@local host:99999/db", /postgres:\/\/ URL does not parse/],
      // A password with / ? # or @ that was not encoded.
      ["postgres://root:s3cret/4@localhost/db", /does not parse/],
      [
        "postgres://root:12/s3cret@localhost/db",
        /something where nothing is expected.*percent-encoded/,
      ],
      ["postgres://root:12#s3cret@localhost/db", /something where nothing is expected/],
      ["mysql://root:12?s3cret@localhost/db", /something where nothing is expected/],
      ["mysql://root:12/3?s3cret@localhost/db", /something where nothing is expected/],
      ["postgres://root:12?a=s3cret@localhost/db", /something where nothing is expected/],
      [
        "redis://:12?s3cret@localhost",
        /a parameter that redis does not know, prefix, notify, cluster are known|does not parse/,
      ],
      [
        "redis://localhost/s3cret",
        /redis:\/\/ URL has a path that is no number of a database, such as \/0/,
      ],
      ["redis:s3cret@localhost", /something where nothing is expected|does not parse/],
      ["redis://root:s3cret@localhost?prefx=x", /a parameter that redis does not know/],
      [
        "redis://root:s3cret@localhost?notify=maybe",
        /parameter notify of its URL is neither true nor false/,
      ],
      ["sqlite:", /sqlite: has no path/],
      ["sqlite:x.db?synchronous=off", /neither full nor normal/],
      [
        "sqlite:x.db?tabel=s3cret",
        /a parameter that sqlite does not know, table, synchronous are known/,
      ],
      ["memory:s3cret", /memory: alone is wanted/],
    ];
    for (const [url, message] of wrong) {
      const error = await refusal(url);
      assert.ok(error instanceof TypeError, `${url}: ${error}`);
      assert.match(error.message, message);
      assert.ok(!inspect(error, { depth: 8 }).includes("s3cret"), error.message);
    }
  });

  it("takes a user with an @ that came as a parameter of the driver's", async () => {
    const error = await refusal("postgres://127.0.0.1:1/db?user=me@tenant");
    assert.equal((error as StoreError).code, "ERR_STORE_UNAVAILABLE", String(error));
  });

  it("takes HARPIATS_STORE where no URL is given", async () => {
    const before = process.env["HARPIATS_STORE"];
    try {
      delete process.env["HARPIATS_STORE"];
      assert.match(
        (await refusal(undefined)).message,
        /its URL is not given, and HARPIATS_STORE is not set/,
      );
      process.env["HARPIATS_STORE"] = "";
      assert.match((await refusal(undefined)).message, /HARPIATS_STORE is not set/);
      process.env["HARPIATS_STORE"] = "memory:";
      assert.equal((await openStore()).kind, "memory");
    } finally {
      if (before === undefined) delete process.env["HARPIATS_STORE"];
      else process.env["HARPIATS_STORE"] = before;
    }
  });

  it("refuses options that mean nothing", async () => {
    assert.match((await refusal("memory:", { migrat: true })).message, /did you mean migrate/);
    assert.match(
      (await refusal("memory:", { connectTimeout: 0 })).message,
      /connectTimeout: got 0, expected seconds/,
    );
    assert.match((await refusal("memory:", { connectTimeout: "5" })).message, /connectTimeout/);
  });

  it(
    "gives up a server that takes connections and never answers, and leaves none of them open",
    { timeout: 20_000 },
    async () => {
      const server = createServer((socket) => socket.on("error", () => {}).resume());
      const port = await new Promise<number>((resolve) =>
        server.listen(0, "127.0.0.1", () => resolve(Object(server.address()).port as number)),
      );
      for (const address of [
        `redis://root:s3cr%23t@127.0.0.1:${port}`,
        `rediss://127.0.0.1:${port}`,
        `postgres://127.0.0.1:${port}/db`,
        `mysql://127.0.0.1:${port}/db`,
      ]) {
        const error = await refusal(address, { connectTimeout: 0.5 });
        assert.equal((error as StoreError).code, "ERR_STORE_UNAVAILABLE", String(error));
      }
      // Only once all of them are closed.
      await new Promise((resolve) => server.close(resolve));
    },
  );

  it("says in a StoreError that a server is not there, and never the password", async () => {
    // A port that was free a moment ago.
    const server = createServer();
    const port = await new Promise<number>((resolve) =>
      server.listen(0, "127.0.0.1", () => resolve(Object(server.address()).port as number)),
    );
    await new Promise((resolve) => server.close(resolve));
    for (const scheme of ["redis", "rediss", "postgres", "mysql"]) {
      const error = await refusal(
        `${scheme}://root:s3cr%23t@127.0.0.1:${port}/db`.replace(/(redis.*)\/db/, "$1/0"),
        { connectTimeout: 2 },
      );
      assert.ok(error instanceof StoreError, String(error));
      assert.equal(error.code, "ERR_STORE_UNAVAILABLE");
      assert.match(
        error.message,
        new RegExp(`^Cannot open ${scheme}://127\\.0\\.0\\.1:${port}/(db|0): .*ECONNREFUSED`),
      );
      assert.doesNotMatch(inspect(error, { depth: 8 }), /s3cr(%23|#)t/);
    }
  });

  if (hasSqlite) {
    it("opens a SQLite file of its owner's alone, and finds its sessions again", async () => {
      const folder = await temporaryFolder();
      const path = join(folder.path, "data", "sessions.db");
      const opened = await openStore<{ userId: string }>(
        `sqlite:${path}?table=logins&synchronous=normal`,
      );
      assert.deepEqual([opened.kind, opened.address], ["sqlite", `sqlite:${path}`]);
      const id = await new Session<{ userId: string }>({ store: opened.store }).create({
        userId: "ada",
      });
      await opened.close();
      const [file, parent] = await Promise.all([stat(path), stat(join(folder.path, "data"))]);
      if (process.platform !== "win32")
        assert.deepEqual([file.mode & 0o777, parent.mode & 0o777], [0o600, 0o700]);
      const again = await openStore<{ userId: string }>(`sqlite://${path}?table=logins`, {
        migrate: false,
      });
      assert.deepEqual(await new Session<{ userId: string }>({ store: again.store }).get(id), {
        userId: "ada",
      });
      await again.close();
      const other = await refusal(`sqlite:${folder.path}`);
      assert.ok(other instanceof StoreError, String(other));
      assert.match(other.message, /^Cannot open sqlite:.*there is a folder, expected a file/);
      await folder.remove();
    });

    it("makes no table with migrate: false", async () => {
      const folder = await temporaryFolder();
      const { store, close } = await openStore(`sqlite:${join(folder.path, "sessions.db")}`, {
        migrate: false,
      });
      await assert.rejects(async () => store.read(["00000000.x"]), /no such table/);
      await close();
      await folder.remove();
    });
  } else {
    it("says which SQLite is wanted where there is none", async () => {
      const error = await refusal("sqlite:sessions.db");
      assert.ok(error instanceof StoreError);
      assert.equal(error.code, "ERR_STORE_UNSUPPORTED");
      assert.equal(
        error.message,
        `Cannot open sqlite:sessions.db: Node ${process.versions.node} has no node:sqlite and better-sqlite3 is not installed, Node 22.13 or later or npm install better-sqlite3 is wanted`,
      );
    });
  }
});
