-- How a broadcast's mails stand: each mail counts once, by the last that can be said of it.
-- A bounce is the last word, for a DSN may follow a delivery; it is the rule of the ledger's moves too.
-- FINAL, here and elsewhere: copies of an event count once before they are merged, and the latest version counts.
SELECT
    countIf(final_state = 'delivered') AS delivered,
    countIf(final_state = 'bounced') AS bounced,
    countIf(final_state = 'unknown') AS unknown,
    countIf(final_state = 'cancelled') AS cancelled,
    countIf(final_state = '') AS waiting,
    countIf(was_deferred) AS deferred,
    countIf(complained) AS complaints,
    countIf(answered_automatically) AS auto_replies
FROM
(
    SELECT
        multiIf(
            max(state = 'bounced'), 'bounced', max(state = 'delivered'), 'delivered',
            max(state = 'unknown'), 'unknown', max(state = 'cancelled'), 'cancelled', ''
        ) AS final_state,
        max(type = 'deferred' OR attempt > 1) AS was_deferred,  -- as in deferred.sql
        max(kind = 'complaint') AS complained,
        max(kind = 'auto_reply') AS answered_automatically
    FROM smtp_messages FINAL
    WHERE team_id = {team_id:UInt32} AND broadcast_id = {broadcast_id:UInt32}
    GROUP BY message_id
)
