-- The state of each mail of a broadcast to the contacts of a range, and when the last word on it was taken in.
SELECT
    message_id,
    multiIf(
        max(state = 'bounced'), 'bounced', max(state = 'delivered'), 'delivered',
        max(state = 'unknown'), 'unknown', max(state = 'cancelled'), 'cancelled', 'accepted'
    ) AS state,
    max(processed_at) AS at
FROM smtp_messages FINAL
WHERE
    team_id = {team_id:UInt32} AND broadcast_id = {broadcast_id:UInt32}
    AND contact_id BETWEEN {lo:UInt64} AND {hi:UInt64}
GROUP BY message_id
