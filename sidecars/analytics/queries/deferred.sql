-- The mails of a broadcast that were deferred at least once, whatever came after, to hold against the ledger.
SELECT DISTINCT message_id
FROM smtp_messages
WHERE team_id = {team_id:UInt32} AND broadcast_id = {broadcast_id:UInt32} AND type = 'deferred'
