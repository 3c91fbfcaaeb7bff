-- How many mails stand in each state among the contacts of each bucket, and a sum over their ids: where the
-- ledger has the same numbers, it has the same mails.
SELECT intDiv(contact, {bucket:UInt64}) AS bucket, final_state AS state, count() AS mails, sum(mark) AS mark
FROM
(
    SELECT
        max(contact_id) AS contact,
        CRC32(UUIDToNum(message_id)) AS mark,
        multiIf(
            max(state = 'bounced'), 'bounced', max(state = 'delivered'), 'delivered',
            max(state = 'unknown'), 'unknown', max(state = 'cancelled'), 'cancelled', ''
        ) AS final_state
    FROM smtp_messages FINAL
    WHERE team_id = {team_id:UInt32} AND broadcast_id = {broadcast_id:UInt32}
    GROUP BY message_id
)
WHERE final_state != ''
GROUP BY bucket, state
