// Reads that are spared, and a logout in another process that is heard at once: REDIS_URL=redis://localhost:6379. Runs to its end by itself;
// two Sessions with a connection each stand for two processes.
import { tracingChannel } from "node:diagnostics_channel";
import { setTimeout } from "node:timers/promises";
import { Session } from "harpiats/session";
import { RedisStore } from "harpiats/stores/redis";
import { createClient } from "redis";

const { REDIS_URL } = process.env;
if (!REDIS_URL) {
  console.error("Cannot start: REDIS_URL is not set, redis://user:password@host:6379 is wanted");
  process.exit(1);
}

async function connect() {
  const client = createClient({ url: REDIS_URL ?? "" });
  client.on("error", (error: Error) => console.error(`Redis: ${error.message}`));
  await client.connect();
  const session = new Session({
    store: new RedisStore<{ userId: string }>({ client }),
    nearCache: { maxAge: 5 },
  });
  return { client, session };
}

const [here, elsewhere] = await Promise.all([connect(), connect()]);

// Every operation of a store goes out on this channel: reads are counted.
let reads = 0;
const count = (message: object): void =>
  void ("operation" in message && message.operation === "read" && reads++);
tracingChannel("harpiats:store").subscribe({
  start: count,
  end: () => {},
  asyncStart: () => {},
  asyncEnd: () => {},
  error: () => {},
});

const id = await here.session.create({ userId: "ada" });
const request = { headers: { cookie: `session_id=${id}` } };
// It keeps nothing before it hears messages.
let asked: number;
do {
  asked = reads;
  await here.session.fromRequest(request);
} while (reads > asked);

reads = 0;
for (let visit = 0; visit < 100; visit++) await here.session.fromRequest(request);
console.log(`100 visits, ${reads} reads`);

console.log("another process signs out");
const since = Date.now();
await elsewhere.session.delete(id);
while (await here.session.fromRequest(request)) await setTimeout(1);
console.log(
  `here it has ended ${Date.now() - since < 2500 ? "long before maxAge was over" : "late"}`,
);

// What is written beside the requests is finished, and the subscriptions end; the clients are this
// program's.
for (const { session, client } of [here, elsewhere]) {
  await session.close();
  await client.quit();
}
