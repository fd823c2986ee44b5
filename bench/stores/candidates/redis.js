// Redis through node-redis, one connection, as it comes: what is sent in one turn of the event loop
// is one packet. Every reader reads the same records: those that RedisStore wrote.
import { createClient } from "redis";
import { Session } from "../../../dist/session.js";
import { RedisStore } from "../../../dist/stores/redis.js";
import { gather } from "../../gather.js";
import { signIn } from "./harpiats.js";

export async function setUp({ url, name, reader, size }) {
  const client = await createClient({ url }).connect();
  // A request a minute writes its activity too: here every read is within that minute, however long
  // the run takes.
  const session = new Session({
    store: new RedisStore({ client, prefix: `${name}:` }),
    touchInterval: 3600,
  });
  const requests = await signIn(session, size);
  if (reader === "session")
    return {
      read: (number) => session.fromRequest(requests[number]),
      userOf: ({ userId }) => userId,
    };
  // In no order: each key is read as often as any other.
  const keys = await client.keys(`${name}:{*`);
  const users = new Map(
    (await client.mGet(keys)).map((text) => [text, JSON.parse(text).data.userId]),
  );
  if (reader === "get")
    return { read: (at) => client.get(keys[at]), userOf: (text) => users.get(text) };
  if (reader === "get and parse")
    return {
      read: async (at) => JSON.parse(await client.get(keys[at])).data,
      userOf: ({ userId }) => userId,
    };
  const gathered = gather((list) => client.mGet(list));
  return {
    read: async (at) => JSON.parse(await gathered(keys[at])).data,
    userOf: ({ userId }) => userId,
  };
}
