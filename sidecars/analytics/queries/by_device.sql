-- Where people's opens and clicks came from, by device ('': unknown, as behind an image proxy). Each mail once.
SELECT
    device,
    uniqExactIf(message_id, what = 'open') AS opens,
    uniqExactIf(message_id, what = 'click') AS clicks
FROM
(
    SELECT device, 'open' AS what, message_id
    FROM smtp_email_opens FINAL
    WHERE team_id = {team_id:UInt32} AND broadcast_id = {broadcast_id:UInt32} AND verdict = 'person'
    UNION ALL
    SELECT device, 'click', message_id
    FROM smtp_email_clicks FINAL
    WHERE team_id = {team_id:UInt32} AND broadcast_id = {broadcast_id:UInt32}
        AND verdict = 'person' AND type = 'click'
)
GROUP BY device
ORDER BY opens DESC, clicks DESC, device
