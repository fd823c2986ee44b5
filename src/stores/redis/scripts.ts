// The scripts that RedisStore runs in the server. Each is one atomic step that touches keys of one
// slot, but for those of `ONE_SERVER`, which also touch the user's index. They move texts: no value
// of the data is decoded here.
import { script } from "./prelude.ts";

// 5 the key.
const LIVE = /* lua */ `
local record = load(ARGV[5])
if record and record.unreadable then return 'unreadable' end
if not record or not record.isLive then return 'missing' end
`;

/** What concerns all records: the epoch's key is the last of KEYS, wherever it is. */
export const EPOCH = {
  /** Lets the first epoch begin, unless another has. 5 its number. */
  begin: script(/* lua */ `
if epoch == 'none' then
  redis.call('SET', epochKey, ARGV[5])
  return ARGV[5]
end
return epoch`),

  /** The next epoch: no record is of it. 5 a number for where there is none to count from. */
  next: script(/* lua */ `
local last = tonumber(epoch == 'none' and ARGV[5] or epoch)
-- First what needs no memory: then a server that has none left takes the rest as well.
redis.call('DEL', epochKey)
redis.call('SET', epochKey, string.format('%.0f', last + 1))
if channel ~= '' then redis.call('PUBLISH', channel, '{"type":"cleared"}') end
return 'done'`),
} as const;

/**
 * What concerns one record. What is said of a live one comes with its epoch, for where the script
 * did not see the present one.
 */
export const RECORD = {
  /**
   * 5 key, 6 and 7 the record before and after its epoch, 8 expiresAt, 9 createdAt in hexadecimal,
   * 10 user in JSON. Where the script does not see it: 11 the epoch, 12 another that is known to be
   * over. Answers with the outcome, `own` and the epoch of what is there.
   */
  insert: script(/* lua */ `
if epoch == 'none' then return { 'no epoch' } end
local outcome, found = occupant(ARGV[5], ARGV[9], ARGV[12])
if outcome then return { outcome, found.user == ARGV[10] and 'own' or '', found.epoch or '' } end
redis.call('SET', place(ARGV[5]), ARGV[6] .. (epoch or ARGV[11]) .. ARGV[7], 'PXAT', ARGV[8])
return { 'created', '' }`),

  /** 5 key. */
  isTaken: script(/* lua */ `
local outcome, found = occupant(ARGV[5], '')
return outcome and { 'taken', found.epoch } or { 'free' }`),

  /**
   * 5 key, 6 nextKey, 7 an epoch that is known to be over, or nothing, 8 facts in JSON, or nothing
   * for those that are there. A session leaves a pointer where it began, so that its user's index
   * entry stays true and a walk along the keys finds it. `taken` comes with the epoch of what is
   * there, too.
   */
  move: script(/* lua */ `
local key, nextKey = ARGV[5], ARGV[6]
local there = load(nextKey)
if there and there.change == change then return { 'done', there.epoch } end
${LIVE}
if key == nextKey then return 'taken' end
if there and there.unreadable then return 'unreadable next' end
local isWayBack = there and there.target and record.origin == nextKey
local isOver = there and there.revision and (not there.isLive or there.epoch == ARGV[7])
if there and not isWayBack and not isOver then return { 'taken', record.epoch, there.epoch or '' } end
local origin = record.origin or key
record.origin = origin ~= nextKey and origin or nil
if ARGV[8] ~= '' then record.rest = ',"facts":' .. ARGV[8] .. (record.user and ',"userId":' .. record.user or '') end
save(nextKey, record)
if not isWayBack then
  redis.call('SET', place(origin), '{"harpia":1,"movedTo":"' .. nextKey .. '"}', 'PXAT', record.endsAt)
end
if origin ~= key then redis.call('DEL', place(key)) end
tell('moved', key, nextKey)
return { 'done', record.epoch }`),

  /** 5 key. Answers with the entry and the user in JSON too, where there is one. */
  remove: script(/* lua */ `${LIVE}
drop(record)
tell('removed', ARGV[5])
return { 'done', record.epoch, record.user and entryOf(record), record.user }`),

  /** 5 entry, 6 user in JSON. Answers with the key, the record and its epoch, if it is live. */
  resolve: script(/* lua */ `
local record = follow(ARGV[5], ARGV[6])
if record and record.isLive then return { record.key, record.text, record.epoch } end
return {}`),

  /**
   * 5 entry, 6 user in JSON, 7 endsAt, 8 what to tell, then keys to leave alone. Of a session that
   * is not there it keeps a mark for as long as it could have lived: its creation may still be on
   * its way.
   */
  end: script(/* lua */ `
local record = follow(ARGV[5], ARGV[6])
if record and record.isLive then
  for at = 9, #ARGV do
    if ARGV[at] == record.key then return { 'kept' } end
  end
  drop(record)
  tell(ARGV[8], record.key)
  return { 'ended', record.key, record.epoch }
end
local first, created = ARGV[5]:match('^(.*):(%x+)$')
if load(first) then return { 'missing' } end
redis.call('SET', place(first), '{"harpia":1,"ended":"' .. created .. '"}', 'PXAT', ARGV[7])
return { 'marked', first }`),
} as const;

/** What concerns a user's index alone, in the user's slot. KEYS 1 is the index. */
export const INDEX = {
  /**
   * 5 entry, 6 endsAt, 7 limit or nothing, then entries that are gone. Answers with the others
   * where they are too many.
   */
  enter: script(/* lua */ `
for at = 8, #ARGV do redis.call('ZREM', KEYS[1], ARGV[at]) end
local others = ARGV[7] ~= '' and redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[2], '+inf', 'WITHSCORES')
if others and #others / 2 >= tonumber(ARGV[7]) and not redis.call('ZSCORE', KEYS[1], ARGV[5]) then return others end
enter(KEYS[1], ARGV[5], ARGV[6])
return {}`),

  entries: script(/* lua */ `
sweep(KEYS[1])
return redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')`),

  /** 5 and on: entries. */
  leave: script(/* lua */ `
for at = 5, #ARGV do redis.call('ZREM', KEYS[1], ARGV[at]) end
return 'done'`),
} as const;

/**
 * The same as several of the above in one step, where the index and the records are on one server.
 */
export const ONE_SERVER = {
  /**
   * KEYS 2 is the index. 5 to 10 as in insert, 11 entry, 12 endsAt, 13 limit or nothing, 14 what
   * happens at the limit.
   */
  insert: script(/* lua */ `
local index, entry = KEYS[2], ARGV[11]
if epoch == 'none' then return { 'no epoch' } end
local outcome = occupant(ARGV[5], ARGV[9])
if outcome then return { outcome } end
local rivals, gone, excess = {}, {}, 0
if ARGV[13] ~= '' then
  for _, other in ipairs(redis.call('ZRANGE', index, 0, -1)) do
    local rival = follow(other, ARGV[10])
    if rival and rival.isLive then
      rivals[#rivals + 1] = { entry = other, record = rival, createdAt = tonumber(rival.createdAt) }
    else
      gone[#gone + 1] = other
    end
  end
  excess = #rivals + 1 - tonumber(ARGV[13])
  if excess > 0 and ARGV[14] == 'deny' then return { 'denied' } end
  table.sort(rivals, function(a, b)
    if a.createdAt ~= b.createdAt then return a.createdAt < b.createdAt end
    return a.entry < b.entry
  end)
end
-- First what needs memory: a server that has none left refuses it, and nothing has happened.
redis.call('SET', place(ARGV[5]), ARGV[6] .. epoch .. ARGV[7], 'PXAT', ARGV[8])
local answer = { 'created' }
for at = 1, excess do
  gone[#gone + 1] = rivals[at].entry
  drop(rivals[at].record)
  tell('evicted', rivals[at].record.key)
  answer[#answer + 1] = rivals[at].record.key
end
for _, other in ipairs(gone) do redis.call('ZREM', index, other) end
enter(index, entry, ARGV[12])
return answer`),

  /** 5 key. */
  remove: script(/* lua */ `${LIVE}
drop(record)
if record.user then redis.call('ZREM', indexOf(record.user), entryOf(record)) end
tell('removed', ARGV[5])
return { 'done', record.epoch }`),

  /** KEYS 1 is the index. 5 user in JSON. Answers with the epoch, then keys and records. */
  list: script(/* lua */ `
sweep(KEYS[1])
local answer = { epoch }
for _, entry in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local record = follow(entry, ARGV[5])
  if record and record.isLive then
    answer[#answer + 1] = record.key
    answer[#answer + 1] = record.text
  end
end
return answer`),

  /** KEYS 1 is the index. 5 user in JSON, then keys to leave alone. Answers how many it ended. */
  removeByUser: script(/* lua */ `
local isKept = {}
for at = 6, #ARGV do isKept[ARGV[at]] = true end
local count = 0
for _, entry in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local record = follow(entry, ARGV[5])
  if not record or not isKept[record.key] then
    redis.call('ZREM', KEYS[1], entry)
    if record and record.isLive then
      drop(record)
      tell('removed', record.key)
      count = count + 1
    end
  end
end
return count`),
} as const;
