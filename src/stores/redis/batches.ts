// What changes records and nothing else, for several of them in one script: patches and later
// deadlines. A record is judged for itself, and no value of its data is decoded. What it is and
// when it is live, `stores/redis/prelude.ts` says for the other scripts.
import type { KeyedPatch, KeyedTouch, PatchOutcome, SessionPatch } from "../../core/store.ts";
import { plainScript, type Script } from "./prelude.ts";
import type { RecentTexts } from "./recent.ts";
import { formatPatchFields, type PatchFields, toRedisKey } from "./record.ts";
import type { Runner } from "./runner.ts";

// The keys are the records', and where the script sees it the epoch's. It answers with a letter for
// each record, as far as it came, and with the epoch of the last one, for where it did not see the
// present one. What is wanted of each stands in ARGV, at the place that `wanted` names.
const batch = (
  judge: string,
  { wanted, quick = "nil", end = "" }: { wanted: string; quick?: string; end?: string },
): Script =>
  plainScript(/* lua */ `
local find, sub, match = string.find, string.sub, string.match
local count = epochKey and #KEYS - 1 or #KEYS
local answers, changed, size, ofEpoch = {}, {}, 0, nil

local function write(at, text)
  redis.call('SET', KEYS[at], text, 'KEEPTTL')
  changed[#changed + 1] = sub(KEYS[at], #prefix + 2, #prefix + 9) .. sub(KEYS[at], #prefix + 11)
end

-- nil for what is no session.
local function judge(at, text, wanted)
${judge}
end

local function answer(at, text, wanted)
  if not text then return 'm' end
  if type(text) == 'string' then
    local letter = ${quick} or judge(at, text, wanted)
    if letter then return letter end
    local isMark = match(text, '^{"harpia":1,"movedTo":"[%w._-]+"}$') or match(text, '^{"harpia":1,"ended":"%x+"}$')
    return isMark and 'm' or 'u'
  end
  if find(text.err, 'WRONGTYPE', 1, true) then return 'u' end
  error(text.err)
end

for at = 1, count do
  -- Everybody waits for a script: with large records the client comes again for the rest.
  if size > 1048576 then break end
  local text = redis.pcall('GET', KEYS[at])
  local wanted = ${wanted}
  answers[at] = answer(at, text, wanted)
  size = size + #wanted + (type(text) == 'string' and #text or 0)
end
${end}
return { table.concat(answers), ofEpoch }`);

const LIVE = "if tonumber(expiresAt) <= now or (epoch and ofEpoch ~= epoch) then return 'm' end";
const BODY = `
  local lineEnd = past and find(text, '\\n', past, true)
  if not lineEnd or sub(text, lineEnd - 9, lineEnd) ~= ',"data":{\\n' or sub(text, -3) ~= '\\n}}' then return nil end`;

// ARGV 5 the epoch of all that is guessed, then three for each: the record before and after if it
// is as it was guessed, or nothing twice; and the change in lines: the revision or nothing, the
// facts in JSON or nothing, then names and values; a name without a value is taken away.
const PATCH = batch(
  /* lua */ `
  local revision, deadlines, expiresAt, foundEpoch, lastChange, past = match(text,
    '^{"harpia":1,"revision":(%d+)(,"createdAt":%-?%d+,"lastSeenAt":%-?%d+,"expiresAt":(%-?%d+),"endsAt":%-?%d+,"epoch":(%d+),"change":")([%w-]*)"()')${BODY}
  ofEpoch = foundEpoch
  ${LIVE}
  if lastChange == change then return 'd' end
  local atRevision, facts, next = match(wanted, '^([^\\n]*)\\n([^\\n]*)\\n()')
  if atRevision ~= '' and atRevision ~= revision then return 'c' end
  local rest = sub(text, past, lineEnd - 9)
  if facts ~= '' then
    local origin, others = match(rest, '^(,"origin":"[%w._-]+")(.*)$')
    local user = match(others or rest, '^.*(,"userId":".*",)$')
    rest = (origin or '') .. ',"facts":' .. facts .. (user or ',')
  end
  -- From the break before the first field to the one behind the last: a field is a line that begins with its name. No other place
  -- does: JSON has no line breaks of its own.
  local body = sub(text, lineEnd, -3)
  if body == '\\n\\n' then body = '\\n' end
  for name, value in string.gmatch(sub(wanted, next), '([^\\n]+)\\n([^\\n]*)\\n') do
    local from = find(body, '\\n' .. name, 1, true)
    local till = from and find(body, '\\n', from + 1, true)
    if from and value ~= '' then
      body = sub(body, 1, from) .. name .. value .. (till < #body and ',' or '') .. sub(body, till)
    elseif from and till == #body and from > 1 then
      -- The line before it is the last now, and ends without a comma.
      body = sub(body, 1, from - 2) .. '\\n'
    elseif from then
      body = sub(body, 1, from - 1) .. sub(body, till)
    elseif value ~= '' then
      body = (#body > 1 and sub(body, 1, -2) .. ',\\n' or '\\n') .. name .. value .. '\\n'
    end
  end
  if body == '\\n' then body = '\\n\\n' end
  write(at, '{"harpia":1,"revision":' .. string.format('%.0f', tonumber(revision) + 1) .. deadlines .. change .. '"' .. rest .. '"data":{' .. body .. '}}')
  return 'd'`,
  {
    wanted: "ARGV[3 * at + 5]",
    // As it was guessed, to the letter.
    quick:
      "(text ~= '' and text == ARGV[3 * at + 3] and epoch == ARGV[5] and (write(at, ARGV[3 * at + 4]) or 's'))",
    end: /* lua */ `
if channel ~= '' and #changed > 0 then
  redis.call('PUBLISH', channel, '{"type":"changed",' .. (#changed == 1 and '"key":"' .. changed[1] .. '"}' or '"keys":["' .. table.concat(changed, '","') .. '"]}'))
end`,
  },
);

/** Each: lastSeenAt, a space, expiresAt. */
const EXTEND = batch(
  /* lua */ `
  local beforeSeen, lastSeenAt, beforeDeadline, expiresAt, behind, foundEpoch, past = match(text,
    '^{"harpia":1,"revision":%d+,"createdAt":%-?%d+,"lastSeenAt":()(%-?%d+),"expiresAt":()(%-?%d+)(),"endsAt":%-?%d+,"epoch":(%d+),"change":"[%w-]*"()')${BODY}
  ofEpoch = foundEpoch
  ${LIVE}
  local seen, deadline = match(wanted, '^(%S+) (%S+)$')
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

const OUTCOMES: Record<string, BatchOutcome> = {
  s: "done",
  d: "done",
  m: "missing",
  c: "conflict",
  u: "unreadable",
};

export type BatchOutcome = PatchOutcome | "unreadable";

/** Changes records, each in one atomic step. @returns what came of each, in their order. */
export function patchRecords(
  runner: Runner,
  recent: RecentTexts,
  patches: readonly KeyedPatch<unknown>[],
): Promise<BatchOutcome[]> {
  return runBatch(runner, BATCH.patch, patches, (some, change) => {
    const now = runner.now();
    // What is kept afterwards is of this one, whatever was read meanwhile.
    const { epoch } = recent;
    const values = [epoch];
    const made = some.map(({ key, patch }) => {
      const fields = formatPatchFields(patch);
      const guess = recent.guess(key, {
        name: change,
        now,
        ifRevision: patch.ifRevision,
        hasFacts: patch.facts !== undefined,
        fields,
      });
      values.push(guess?.before ?? "", guess?.after ?? "", formatPatch(patch, fields));
      return guess?.after;
    });
    const onLetter = (letter: string, at: number): void => {
      const after = made[at];
      // Every one was asked for.
      const { key } = some[at] as KeyedPatch<unknown>;
      if (letter === "s" && after !== undefined) recent.keep(key, after, epoch);
      else recent.forget(key);
    };
    return { values, onLetter };
  });
}

/** Moves deadlines later, in the same way. */
export function extendRecords(
  runner: Runner,
  touches: readonly KeyedTouch[],
): Promise<BatchOutcome[]> {
  return runBatch(runner, BATCH.extend, touches, (some) => ({
    values: some.map(({ to }) => `${to.lastSeenAt} ${to.expiresAt}`),
  }));
}

interface Question {
  values: string[];
  onLetter?(letter: string, at: number): void;
}

async function runBatch<Item extends { key: string }>(
  runner: Runner,
  script: Script,
  items: readonly Item[],
  ask: (some: readonly Item[], change: string) => Question,
): Promise<BatchOutcome[]> {
  const outcomes: BatchOutcome[] = [];
  while (outcomes.length < items.length) {
    const rest = items.slice(outcomes.length);
    const change = runner.nextChange();
    const { values, onLetter } = ask(rest, change);
    const letters = await runner.changeSeveral(script, {
      keys: rest.map(({ key }) => toRedisKey(runner.prefix, key)),
      values,
      change,
    });
    if (letters === "")
      throw new TypeError(
        "Cannot use the answer of a script: it is empty, a letter for each record is wanted",
      );
    for (let at = 0; at < letters.length; at++) {
      const letter = letters.charAt(at);
      // Scripts answer with no other letters.
      outcomes.push(OUTCOMES[letter] as BatchOutcome);
      onLetter?.(letter, at);
    }
  }
  return outcomes;
}

function formatPatch({ ifRevision, facts }: SessionPatch<unknown>, fields: PatchFields): string {
  let text = `${ifRevision ?? ""}\n${facts ? JSON.stringify(facts) : ""}\n`;
  for (const [name, value] of fields) text += `${name}\n${value}\n`;
  return text;
}
