-- The mails of a broadcast that were deferred at least once, whatever came after, to hold against the ledger. The
-- event of a deferral dies with an edge that dies before it is told; that there was one, the next attempt's number says.
SELECT DISTINCT message_id
FROM smtp_messages
WHERE team_id = {team_id:UInt32} AND broadcast_id = {broadcast_id:UInt32} AND (type = 'deferred' OR attempt > 1)
