-- The state of each mail of a broadcast that was heard of, to hold against the ledger.
SELECT
    message_id,
    multiIf(
        max(state = 'bounced'), 'bounced', max(state = 'delivered'), 'delivered',
        max(state = 'unknown'), 'unknown', max(state = 'cancelled'), 'cancelled', 'accepted'
    ) AS state
FROM smtp_messages FINAL
WHERE team_id = {team_id:UInt32} AND broadcast_id = {broadcast_id:UInt32}
GROUP BY message_id
