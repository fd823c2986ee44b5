// What every script of RedisStore begins with: how a record is read and written in the server,
// without decoding a value.
import { createHash } from "node:crypto";

/** A script and the name under which the server keeps it. */
export interface Script {
  readonly sha: string;
  readonly source: string;
}

// Every script: ARGV 1 the prefix, 2 now, 3 the channel or nothing, 4 the name of this change. On
// one server the last of KEYS is the epoch's: a record of another epoch is not live. A sharded
// server has it in another slot, and the client compares. A record's head is written in one order
// only, so that a pattern finds its parts. Its `change` is the last change: a client that sends a
// command again after a lost connection gets the answer of the first time.
const SITUATION = /* lua */ `
local prefix, now, channel, change = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local epochKey = KEYS[#KEYS] == prefix .. 'epoch' and KEYS[#KEYS]
local epoch = epochKey and ((redis.call('GET', epochKey) or ''):match('^%d+$') or 'none')
`;

const PRELUDE = /* lua */ `
local HEAD = '^{"harpia":1,"revision":(%d+),"createdAt":(%-?%d+),"lastSeenAt":(%-?%d+),"expiresAt":(%-?%d+),"endsAt":(%-?%d+),"epoch":(%d+),"change":"([%w-]*)"(.*),"data":{$'

local function place(key)
  return prefix .. '{' .. key:sub(1, 8) .. '}' .. key:sub(9)
end

local function load(key)
  local text = redis.pcall('GET', place(key))
  if not text then return nil end
  if type(text) == 'table' then
    if text.err:find('WRONGTYPE', 1, true) then return { unreadable = true } end
    error(text.err)
  end
  local lineEnd = text:find('\\n', 1, true)
  if lineEnd and text:sub(-3) == '\\n}}' then
    local revision, createdAt, lastSeenAt, expiresAt, endsAt, ofEpoch, lastChange, rest = text:sub(1, lineEnd - 1):match(HEAD)
    if rest then
      local origin, others = rest:match('^,"origin":"([%w._-]+)"(.*)$')
      rest = others or rest
      return {
        key = key, text = text, revision = revision, createdAt = createdAt, lastSeenAt = lastSeenAt, expiresAt = expiresAt,
        endsAt = endsAt, epoch = ofEpoch, change = lastChange, origin = origin, rest = rest, user = rest:match('^.*,"userId":(".*")$'),
        body = text:sub(lineEnd + 1, -4), isLive = tonumber(expiresAt) > now and (not epoch or ofEpoch == epoch)
      }
    end
  end
  local target = text:match('^{"harpia":1,"movedTo":"([%w._-]+)"}$')
  local ended = text:match('^{"harpia":1,"ended":"(%x+)"}$')
  if target or ended then return { target = target, ended = ended } end
  return { unreadable = true }
end

local function save(key, record)
  redis.call('SET', place(key), '{"harpia":1,"revision":' .. record.revision .. ',"createdAt":' .. record.createdAt
    .. ',"lastSeenAt":' .. record.lastSeenAt .. ',"expiresAt":' .. record.expiresAt .. ',"endsAt":' .. record.endsAt
    .. ',"epoch":' .. record.epoch .. ',"change":"' .. change .. '"' .. (record.origin and ',"origin":"' .. record.origin .. '"' or '') .. record.rest
    .. ',"data":{\\n' .. record.body .. '\\n}}', 'PXAT', record.expiresAt)
end

local function tell(kind, key, nextKey)
  if channel == '' then return end
  redis.call('PUBLISH', channel, '{"type":"' .. kind .. '","key":"' .. key .. '"' .. (nextKey and ',"nextKey":"' .. nextKey .. '"' or '') .. '}')
end

local function entryOf(record)
  return (record.origin or record.key) .. ':' .. string.format('%x', tonumber(record.createdAt))
end

-- The record, live or not, that an entry of a user's index is about.
local function follow(entry, user)
  local first, created = entry:match('^(.*):(%x+)$')
  local record = load(first)
  if record and record.target then record = load(record.target) end
  if record and record.revision and record.user == user and (record.origin or record.key) == first
    and string.format('%x', tonumber(record.createdAt)) == created then return record end
  return nil
end

local function drop(record)
  redis.call('DEL', place(record.key))
  if record.origin then redis.call('DEL', place(record.origin)) end
end

-- nil if a session may be put under a key, otherwise why not, and what is there. over: an epoch that is known to be over.
local function occupant(key, created, over)
  local found = load(key)
  if not found then return nil end
  if found.unreadable then return 'unreadable', found end
  if found.change == change then return 'created', found end
  if found.ended == created then return 'created', found end
  if found.ended or (found.revision and not found.isLive) or (over and found.epoch == over) then return nil end
  return 'taken', found
end

local function indexOf(user)
  return prefix .. 'user:{' .. user:sub(2, -2):gsub("[^%w%-_.!~*'()]", function(char)
    return string.format('%%%02X', char:byte())
  end) .. '}'
end

local function sweep(index)
  redis.call('ZREMRANGEBYSCORE', index, '-inf', ARGV[2])
end

-- An index lives as long as the longest of its sessions can.
local function enter(index, entry, endsAt)
  redis.call('ZADD', index, endsAt, entry)
  sweep(index)
  local last = redis.call('ZRANGE', index, -1, -1, 'WITHSCORES')[2]
  if last then redis.call('PEXPIREAT', index, last) end
end
`;

/** Makes a script of its body. */
export function script(body: string): Script {
  return plainScript(PRELUDE + body);
}

/**
 * The same without the functions about records: to make them takes the server as long as a change
 * of one record.
 */
export function plainScript(body: string): Script {
  const source = SITUATION + body;
  return { source, sha: createHash("sha1").update(source).digest("hex") };
}
