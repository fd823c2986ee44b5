// What changes records and nothing else, for several of them in one script: patches and later
// deadlines. Scripts compare and replace; what a change makes of a record is decided in record.ts.
import { StoreError } from "../../core/errors.ts";
import type { KeyedPatch, KeyedTouch, PatchOutcome, SessionPatch } from "../../core/store.ts";
import { plainScript, type Script } from "./prelude.ts";
import type { RecentRecords } from "./recent.ts";
import {
  type Base,
  changedRecord,
  formatPatchFields,
  type PatchFields,
  toBase,
  toRedisKey,
  toText,
} from "./record.ts";
import type { Runner } from "./runner.ts";

// Of records that one script is sent, reads and writes: everybody waits for it.
const MOST_CHARACTERS = 1_048_576;

// A record is judged for itself, and no value of its data is decoded. The keys are the records', and
// where the script sees it the epoch's. It answers with a letter for each record, as far as it came,
// with the epoch of the last one, for where it did not see the present one, and with the texts that
// were asked for. What is wanted of each stands in ARGV.
const batch = (judge: string, { wanted, end = "" }: { wanted: string; end?: string }): Script =>
  plainScript(/* lua */ `
local find, sub, match = string.find, string.sub, string.match
local count = epochKey and #KEYS - 1 or #KEYS
local answers, changed, reply, size, ofEpoch = {}, {}, { '', false }, 0, nil

-- nil for what is no session.
local function judge(at, text)
${judge}
end

local function answer(at, text)
  if not text then return 'm' end
  if type(text) == 'string' then
    local letter = judge(at, text)
    if letter then return letter end
    local isMark = match(text, '^{"harpia":1,"movedTo":"[%w._-]+"}$') or match(text, '^{"harpia":1,"ended":"%x+"}$')
    return isMark and 'm' or 'u'
  end
  if find(text.err, 'WRONGTYPE', 1, true) then return 'u' end
  error(text.err)
end

for at = 1, count do
  -- Everybody waits for a script: with large records the client comes again for the rest.
  if size > ${MOST_CHARACTERS} then break end
  local text = redis.pcall('GET', KEYS[at])
  answers[at] = answer(at, text)
  size = size + #${wanted} + (type(text) == 'string' and #text or 0)
end
${end}
reply[1], reply[2] = table.concat(answers), ofEpoch or false
return reply`);

const LIVE = "if tonumber(expiresAt) <= now or (epoch and ofEpoch ~= epoch) then return 'm' end";

// Stands for no change: its name has another character than any name has.
const NO_CHANGE = "?";

// ARGV 5 and on, two for each: the name of the change that made the record as it is known, and what
// follows the name of the change that is to be. A record that another change has made is answered
// with: the caller makes its change of that one.
const PATCH = batch(
  /* lua */ `
  local revision, deadlines, expiresAt, foundEpoch, lastChange = match(text,
    '^{"harpia":1,"revision":(%d+)(,"createdAt":%-?%d+,"lastSeenAt":%-?%d+,"expiresAt":(%-?%d+),"endsAt":%-?%d+,"epoch":(%d+),"change":")([%w-]*)"')
  if not revision or sub(text, -3) ~= '\\n}}' then return nil end
  ofEpoch = foundEpoch
  ${LIVE}
  if lastChange == change then return 'd' end
  if lastChange ~= ARGV[2 * at + 3] then
    reply[#reply + 1] = text
    return 'x'
  end
  redis.call('SET', KEYS[at], '{"harpia":1,"revision":' .. string.format('%.0f', tonumber(revision) + 1) .. deadlines .. change .. '"' .. ARGV[2 * at + 4], 'KEEPTTL')
  changed[#changed + 1] = sub(KEYS[at], #prefix + 2, #prefix + 9) .. sub(KEYS[at], #prefix + 11)
  return 'd'`,
  {
    wanted: "ARGV[2 * at + 4]",
    end: /* lua */ `
if channel ~= '' and #changed > 0 then
  redis.call('PUBLISH', channel, '{"type":"changed",' .. (#changed == 1 and '"key":"' .. changed[1] .. '"}' or '"keys":["' .. table.concat(changed, '","') .. '"]}'))
end`,
  },
);

// ARGV 5 and on: lastSeenAt, a space, expiresAt.
const EXTEND = batch(
  /* lua */ `
  local beforeSeen, lastSeenAt, beforeDeadline, expiresAt, behind, foundEpoch = match(text,
    '^{"harpia":1,"revision":%d+,"createdAt":%-?%d+,"lastSeenAt":()(%-?%d+),"expiresAt":()(%-?%d+)(),"endsAt":%-?%d+,"epoch":(%d+),"change":"[%w-]*"')
  if not beforeSeen or sub(text, -3) ~= '\\n}}' then return nil end
  ofEpoch = foundEpoch
  ${LIVE}
  local seen, deadline = match(ARGV[at + 4], '^(%S+) (%S+)$')
  if tonumber(seen) <= tonumber(lastSeenAt) then seen = lastSeenAt end
  if tonumber(deadline) <= tonumber(expiresAt) then deadline = expiresAt end
  if seen ~= lastSeenAt or deadline ~= expiresAt then
    redis.call('SET', KEYS[at], sub(text, 1, beforeSeen - 1) .. seen .. sub(text, beforeSeen + #lastSeenAt, beforeDeadline - 1) .. deadline .. sub(text, behind), 'PXAT', deadline)
  end
  return 'd'`,
  { wanted: "ARGV[at + 4]" },
);

/** The scripts, by what they do. */
export const BATCH = { patch: PATCH, extend: EXTEND } as const;

export type BatchOutcome = PatchOutcome | "unreadable";

const OUTCOMES: Record<string, BatchOutcome> = { d: "done", m: "missing", u: "unreadable" };

// Each means that another change came first: so many in a row is no contention any more.
const MOST_CONFLICTS = 1000;

/** A patch until it is answered. */
interface Attempt {
  at: number;
  key: string;
  patch: SessionPatch<unknown>;
  fields: PatchFields;
  /** The record that the change is made of. */
  base?: Base;
  conflicts: number;
}

/**
 * Changes records, each in one atomic step: compare-and-swap by the name of the record's last
 * change. Of a record that is not known here the first call is a look.
 *
 * @returns the outcome of each, in their order.
 */
export async function patchRecords(
  runner: Runner,
  recent: RecentRecords,
  patches: readonly KeyedPatch<unknown>[],
): Promise<(BatchOutcome | StoreError)[]> {
  const outcomes: (BatchOutcome | StoreError)[] = [];
  let waiting = patches.map(({ key, patch }, at): Attempt => ({
    at,
    key,
    patch,
    fields: formatPatchFields(patch),
    conflicts: 0,
  }));
  while (waiting.length > 0) {
    const change = runner.nextChange();
    const made = changesOf(recent, waiting, change);
    // A change that is asked for next is made of these: they reach the server first.
    made.forEach(({ after }, n) => after && recent.keep((waiting[n] as Attempt).key, after));
    const { letters, texts } = await askFor(runner, BATCH.patch, {
      keys: made.map((_, n) => (waiting[n] as Attempt).key),
      values: made.flatMap(({ expected, after }) => [expected, after?.tail ?? ""]),
      change,
    });
    const again: Attempt[] = [];
    let text = 0;
    for (let n = 0; n < letters.length; n++) {
      const attempt = waiting[n] as Attempt;
      const letter = letters.charAt(n);
      if (letter !== "d") recent.forget(attempt.key);
      const outcome =
        letter === "x"
          ? judged(attempt, toText(texts[text++]))
          : (OUTCOMES[letter] as BatchOutcome);
      if (outcome === undefined) again.push(attempt);
      else outcomes[attempt.at] = outcome;
    }
    waiting = [...again, ...waiting.slice(letters.length)];
  }
  return outcomes;
}

/** As many changes as one script bears, at least one. */
function changesOf(recent: RecentRecords, waiting: readonly Attempt[], change: string): Made[] {
  const made: Made[] = [];
  let size = 0;
  for (const attempt of waiting) {
    if (size > MOST_CHARACTERS) break;
    const next = changeOf(recent, attempt, change);
    made.push(next);
    size += next.after?.tail.length ?? 0;
  }
  return made;
}

interface Made {
  expected: string;
  /** Nothing: a look. */
  after?: Base;
}

function changeOf(recent: RecentRecords, attempt: Attempt, change: string): Made {
  const { key, patch, fields } = attempt;
  const base = attempt.base ?? recent.get(key);
  // What is known here may be old, so a revision that differs is no conflict yet.
  if (!base || (patch.ifRevision ?? base.revision) !== base.revision)
    return { expected: NO_CHANGE };
  attempt.base = base;
  const after = changedRecord(base, change, { fields, facts: patch.facts });
  return { expected: base.change, after };
}

/**
 * Looks at a record that another change has made. @returns `undefined` where the change is to be
 * tried again.
 */
function judged(attempt: Attempt, text: string): BatchOutcome | StoreError | undefined {
  const found = toBase(text);
  if (!found) return "unreadable";
  if ((attempt.patch.ifRevision ?? found.revision) !== found.revision) return "conflict";
  attempt.base = found;
  if (attempt.conflicts++ < MOST_CONFLICTS) return undefined;
  return new StoreError(
    "ERR_STORE_CONFLICT",
    `Cannot update a session: ${MOST_CONFLICTS} times another change came first`,
    { store: "RedisStore", operation: "patch" },
  );
}

/** Moves deadlines later, each in one atomic step. @returns the outcome of each, in their order. */
export async function extendRecords(
  runner: Runner,
  touches: readonly KeyedTouch[],
): Promise<BatchOutcome[]> {
  const outcomes: BatchOutcome[] = [];
  while (outcomes.length < touches.length) {
    const rest = touches.slice(outcomes.length);
    const { letters } = await askFor(runner, BATCH.extend, {
      keys: rest.map(({ key }) => key),
      values: rest.map(({ to }) => `${to.lastSeenAt} ${to.expiresAt}`),
      change: runner.nextChange(),
    });
    for (const letter of letters) outcomes.push(OUTCOMES[letter] as BatchOutcome);
  }
  return outcomes;
}

async function askFor(
  runner: Runner,
  script: Script,
  { keys, values, change }: { keys: readonly string[]; values: string[]; change: string },
): Promise<{ letters: string; texts: unknown[] }> {
  const answer = await runner.changeSeveral(script, {
    keys: keys.map((key) => toRedisKey(runner.prefix, key)),
    values,
    change,
  });
  if (!/^[dmux]+$/.test(answer.letters) || answer.letters.length > keys.length)
    throw new TypeError("Cannot use the answer of a script: expected a letter for each record");
  return answer;
}
