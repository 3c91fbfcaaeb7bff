-- What happened in each hour, UTC. Opens and clicks are people's, each mail once an hour.
SELECT
    hour,
    uniqExactIf(message_id, what = 'delivered') AS delivered,
    uniqExactIf(message_id, what = 'bounced') AS bounced,
    uniqExactIf(message_id, what = 'unknown') AS unknown,
    uniqExactIf(message_id, what = 'open') AS opens,
    uniqExactIf(message_id, what = 'click') AS clicks
FROM
(
    SELECT toStartOfHour(occurred_at) AS hour, toString(state) AS what, message_id
    FROM smtp_messages FINAL
    WHERE team_id = {team_id:UInt32} AND broadcast_id = {broadcast_id:UInt32} AND state != ''
    UNION ALL
    SELECT toStartOfHour(occurred_at), 'open', message_id
    FROM smtp_email_opens FINAL
    WHERE team_id = {team_id:UInt32} AND broadcast_id = {broadcast_id:UInt32} AND verdict = 'person'
    UNION ALL
    SELECT toStartOfHour(occurred_at), 'click', message_id
    FROM smtp_email_clicks FINAL
    WHERE team_id = {team_id:UInt32} AND broadcast_id = {broadcast_id:UInt32}
        AND verdict = 'person' AND type = 'click'
)
GROUP BY hour
ORDER BY hour
