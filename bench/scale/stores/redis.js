// Redis through node-redis. Filled by a script in the server, some hundred sessions a call: SET,
// ZADD and PEXPIREAT as RedisStore's own script does them. The record's text is that of one session
// which the store wrote itself, with another user and other instants.
import { createClient } from "redis";
import { RedisStore } from "../../../dist/stores/redis.js";
import { keyOf, MOST, recordOf, WINDOW } from "../ids.js";

const PREFIX = "harpiats:";
const USER = "user-template";
const CREATED = 1_111_111_111_111;
const BLOCK = 500;
const AT_ONCE = 8;

export async function open({ url, start }) {
  const client = await createClient({ url }).connect();
  const store = new RedisStore({ client, prefix: PREFIX });
  let empty = 0;
  const used = async () => Number(/used_memory:(\d+)/.exec(await client.info("memory"))[1]);
  return {
    store,
    async fill(from, to, isLate) {
      if (from === 0) empty = await used();
      const record = recordOf({ user: USER, createdAt: CREATED, start });
      const key = keyOf(MOST, start);
      await store.create(key, record);
      const text = await client.get(`${PREFIX}{${key.slice(0, 8)}}${key.slice(8)}`);
      await store.remove(key);
      const sha = await client.scriptLoad(scriptOf(text));
      const fixed = [
        PREFIX,
        String(record.expiresAt),
        String(record.endsAt),
        String(start - WINDOW),
      ];
      let next = from;
      const filler = async () => {
        while (next < to) {
          if (isLate()) throw new Error("late");
          const first = next;
          next = Math.min(to, first + BLOCK);
          const keys = Array.from({ length: next - first }, (_, at) => keyOf(first + at, start));
          await client.evalSha(sha, { keys: [], arguments: [...fixed, String(first), ...keys] });
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, filler));
    },
    bytes: async () => (await used()) - empty,
  };
}

function scriptOf(text) {
  const parts = text
    .split(new RegExp(`(${USER}|${CREATED})`))
    .map((part) =>
      part === USER ? "user" : part === String(CREATED) ? "created" : JSON.stringify(part),
    );
  return `local prefix, expires, ends, birth, first = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
for at = 6, #ARGV do
  local number, key = first + at - 6, ARGV[at]
  local created = string.format('%.0f', (birth + math.floor(number * ${WINDOW} / ${MOST})) * 1000)
  local user = 'user-' .. string.format('%.0f', number)
  redis.call('SET', prefix .. '{' .. key:sub(1, 8) .. '}' .. key:sub(9), ${parts.join(" .. ")}, 'PXAT', expires)
  local index = prefix .. 'user:{' .. user .. '}'
  redis.call('ZADD', index, ends, key .. ':' .. string.format('%x', tonumber(created)))
  redis.call('PEXPIREAT', index, ends)
end`;
}
