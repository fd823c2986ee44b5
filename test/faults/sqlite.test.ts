// SqliteStore when a process that writes is killed, while another goes on, and when the disk is
// full.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { Session, StoreError } from "../../src/session.ts";
import { SqliteStore } from "../../src/stores/sqlite.ts";
import { openForProcess, sqliteClient } from "../support/sqlite-clients.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { heard } from "../support/waits.ts";
import { spawn } from "../support/children.ts";

const ROUNDS = 8;
const writer = fileURLToPath(
  new URL(`./sqlite-writer.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url),
);

interface Acknowledged {
  n: number;
  isDeleted: boolean;
}

describe("SqliteStore under faults", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  before(async () => void (folder = await temporaryFolder()));
  after(() => folder.remove());

  it(`what a process had acknowledged is there after its SIGKILL, ${ROUNDS} times, and nobody else notices`, async () => {
    const path = join(folder.path, "killed.db");
    const opened = await openForProcess(path);
    const bystander = new Session({ store: opened.store });
    const own = await bystander.create({ n: 0 });
    for (let round = 0; round < ROUNDS; round++) {
      const acknowledged = await writeUntilKilled(
        path,
        50 + Math.random() * 200,
        async (isOver) => {
          // Until it is killed, which heard() below bounds.
          while (!isOver()) {
            assert.equal(await bystander.update(own, ({ n }) => ({ n: Number(n) + 1 })), true);
            assert.ok(await bystander.get(own));
          }
        },
      );
      assert.ok(acknowledged.size > 0, "the writer was killed before it wrote anything");
      await assertKept(path, acknowledged);
    }
    await opened.close();
  });

  it("a full disk is a StoreError for changes that need room, and nothing else", async () => {
    const client = (await sqliteClient()).open(join(folder.path, "full.db"));
    const store = new SqliteStore<Record<string, unknown>>({ client, pruneInterval: false });
    await store.migrate();
    const session = new Session({ store });
    const ids = await Promise.all(Array.from({ length: 10 }, (_, n) => session.create({ n })));
    client.exec("PRAGMA max_page_count = 1");
    const outcomes = await Promise.allSettled([
      ...Array.from({ length: 5 }, () => session.create({ big: "x".repeat(50_000) })),
      session.update(ids[0], { n: 100 }),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      [...new Array<string>(5).fill("rejected"), "fulfilled"],
    );
    for (const outcome of outcomes)
      assert.ok(outcome.status === "fulfilled" || outcome.reason instanceof StoreError);
    assert.deepEqual(
      await Promise.all(ids.map((id) => session.get(id))),
      ids.map((_, n) => ({ n: n === 0 ? 100 : n })),
    );
    client.exec("PRAGMA max_page_count = 1000000");
    assert.ok(await session.create({ big: "x".repeat(50_000) }));
    await store.close();
    client.close();
  });
});

/** Starts a writer, kills it some milliseconds after its first word, and gives what it had said. */
async function writeUntilKilled(
  path: string,
  life: number,
  meanwhile: (isOver: () => boolean) => Promise<void>,
): Promise<Map<string, Acknowledged>> {
  const child = spawn(
    process.execPath,
    [...process.execArgv.filter((flag) => !flag.startsWith("--test")), writer, path],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  child.stdout.once("data", () => setTimeout(() => child.kill("SIGKILL"), life));
  let isClosed = false;
  const closed = heard<[number | null, NodeJS.Signals | null]>(child, "close");
  child.once("close", () => (isClosed = true));
  await meanwhile(() => isClosed);
  assert.equal((await closed)[1], "SIGKILL");
  const acknowledged = new Map<string, Acknowledged>();
  // The last line may be half a line.
  for (const line of text.split("\n").slice(0, -1)) {
    const [what, id, n] = line.split(" ") as [string, string, string];
    acknowledged.set(id, { n: Number(n), isDeleted: what === "deleted" });
  }
  return acknowledged;
}

async function assertKept(
  path: string,
  acknowledged: ReadonlyMap<string, Acknowledged>,
): Promise<void> {
  const client = (await sqliteClient()).open(path);
  assert.deepEqual(
    { ...(client.prepare("PRAGMA integrity_check").get() as object) },
    { integrity_check: "ok" },
  );
  client.close();
  const { store, close } = await openForProcess(path);
  const session = new Session({ store });
  for (const [id, { n, isDeleted }] of acknowledged) {
    const data = await session.get(id);
    // A change may have been committed and not acknowledged any more; the next one was not asked
    // for before.
    if (isDeleted) assert.equal(data, undefined);
    else if (data) assert.ok(data["n"] === n || data["n"] === n + 1);
    else assert.equal(n, 3, "a session is gone that nobody had ended");
  }
  const listed = await store.listByUser("writer");
  const { length } = [...acknowledged].filter(([, { isDeleted }]) => !isDeleted);
  assert.ok(listed.length >= length - 20);
  await session.revokeAll("writer");
  await close();
}
