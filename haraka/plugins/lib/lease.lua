-- Leases slots and connections of lanes to an edge. The time is that of Redis, in microseconds.
--
-- KEYS: the live edges; then for each lane its budget (hash) and its counter of the day
-- ARGV: edge; time, or '' for the real one; lease and horizon in microseconds; 1 if the edge goes; then for each lane
--   interval of its slots in microseconds, slots asked for, connections of all edges, connections open, connections
--   wanted, ceiling of the day or -1, leased and returned slots of the day that the edge knows of, slots that it returns
-- Answers: number of live edges; then for each lane
--   slots, microseconds until the first, connections, leased and returned slots of the day or -1, milliseconds before
--   which there are no more
--
-- A counter of the day has `leased` and `returned`: both only grow, so what any edge remembers of them is right to put
-- back where Redis has lost its data.
-- A budget has `next`, the instant of the first slot that nobody has, and a field for each edge:
--   connections it has:connections it wants:since when it has any, or none:when it was last heard
-- An instant that lies further ahead than any is ever set was set before the clock was put back.

local CEILING_RETRY_MS = 5000
-- Where there are fewer connections than edges, an edge has one for so long, or for so many slots, while others wait.
local TURN = 3000000
local TURN_SLOTS = 3
local NO_CONNECTION_RETRY_MS = 250
local REMEMBER_MS = 60000
local REMEMBER_DAY_SECONDS = 3 * 86400

local edge, lease, horizon = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4])
local now = tonumber(ARGV[2])
if not now then
    local time = redis.call('TIME')
    now = time[1] * 1000000 + time[2]
end

if ARGV[5] == '1' then
    redis.call('ZREM', KEYS[1], edge)
else
    redis.call('ZADD', KEYS[1], string.format('%.0f', now), edge)
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', now - lease))
redis.call('ZREMRANGEBYSCORE', KEYS[1], string.format('(%.0f', now + lease), '+inf')
local answer = { redis.call('ZCARD', KEYS[1]) }

-- What the other edges have and want of a lane; forgets those that were not heard.
local function others(fields, budget)
    local found = {}
    for i = 1, #fields, 2 do
        local name = fields[i]
        if name ~= edge and name ~= 'next' then
            local has, wants, since, heard = string.match(fields[i + 1], '(%d+):(%d+):(%d+):(%d+)')
            if math.abs(now - tonumber(heard)) > lease then
                redis.call('HDEL', budget, name)
            else
                found[#found + 1] = { has = tonumber(has), wants = tonumber(wants), since = tonumber(since) }
            end
        end
    end
    return found
end

-- Each gets what it wants while there is enough; else an equal share; else, with less than one each, turns.
local function connections(all, wants, mine, rest, turn)
    local wanting, taken = 1, 0
    for _, other in ipairs(rest) do
        taken = taken + other.has
        if other.wants > 0 then wanting = wanting + 1 end
    end
    local share = math.floor(all / wanting)
    local others_wait, others_wait_longer = false, false
    for _, other in ipairs(rest) do
        if other.has < math.min(other.wants, math.max(share, 1)) then
            others_wait = true
            if other.has == 0 and other.since < mine.since then others_wait_longer = true end
        end
    end
    local free = math.max(0, math.min(wants, all - taken))
    if not others_wait then return free end
    if share >= 1 then return math.min(free, share) end
    if mine.has > 0 then return now - mine.since < turn and math.min(free, 1) or 0 end
    return others_wait_longer and 0 or math.min(free, 1)
end

for lane = 1, (#KEYS - 1) / 2 do
    local budget, counter = KEYS[2 * lane], KEYS[2 * lane + 1]
    local first = 5 + (lane - 1) * 9
    local function argument(i) return tonumber(ARGV[first + i]) end
    local interval, asked, limit, open = argument(1), argument(2), argument(3), argument(4)
    local wants, ceiling, returns = argument(5), argument(6), argument(9)

    local fields = redis.call('HGETALL', budget)
    local rest = others(fields, budget)
    local next_slot, mine = 0, { has = 0, since = now }
    for i = 1, #fields, 2 do
        if fields[i] == 'next' then next_slot = tonumber(fields[i + 1]) end
        if fields[i] == edge then
            local has, _, since = string.match(fields[i + 1], '(%d+):(%d+):(%d+)')
            mine = { has = tonumber(has), since = math.min(tonumber(since), now) }
        end
    end

    local allowed = connections(limit, wants, mine, rest, math.max(TURN, TURN_SLOTS * interval))

    local retry = 0
    if next_slot > now + horizon + interval then next_slot = now end
    local at = math.max(now, next_slot)
    local room = math.max(0, math.floor((now + horizon - at) / interval) + 1)
    local share = math.max(1, math.floor(horizon / interval / (#rest + 1)))
    local slots = math.min(asked, room, share)
    if asked > 0 and room == 0 then retry = math.ceil((at - now - horizon) / 1000) end
    -- A slot without a connection is wasted.
    if asked > 0 and allowed == 0 and open == 0 then
        slots = 0
        retry = math.max(retry, NO_CONNECTION_RETRY_MS)
    end
    local leased, returned = -1, -1
    if ceiling >= 0 then
        local count = redis.call('HMGET', counter, 'leased', 'returned')
        leased = math.max(tonumber(count[1]) or 0, argument(7))
        returned = math.max(tonumber(count[2]) or 0, argument(8)) + returns
        local remaining = math.max(0, ceiling - (leased - returned))
        if asked > 0 and remaining == 0 then retry = CEILING_RETRY_MS end
        slots = math.min(slots, remaining)
        leased = leased + slots
        redis.call('HSET', counter, 'leased', leased, 'returned', returned)
        redis.call('EXPIRE', counter, REMEMBER_DAY_SECONDS)
    end
    if slots > 0 then next_slot = at + slots * interval end

    -- A connection that is open is one that the provider sees, allowed or not.
    local has = math.max(allowed, open)
    if asked == 0 and wants == 0 and has == 0 then
        redis.call('HDEL', budget, edge)
    else
        local since = (has > 0) == (mine.has > 0) and mine.since or now
        local state = string.format('%.0f:%.0f:%.0f:%.0f', has, wants, since, now)
        redis.call('HSET', budget, edge, state, 'next', string.format('%.3f', next_slot))
    end
    redis.call('PEXPIRE', budget, REMEMBER_MS + math.max(0, math.ceil((next_slot - now) / 1000)))

    answer[#answer + 1] = slots
    answer[#answer + 1] = math.floor(at - now)
    answer[#answer + 1] = allowed
    answer[#answer + 1] = leased
    answer[#answer + 1] = returned
    answer[#answer + 1] = math.max(0, retry)
end
return answer
