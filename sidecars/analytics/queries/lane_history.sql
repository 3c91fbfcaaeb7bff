-- What each of our addresses sent to each provider on each day of UTC before `until`, and how it was received.
-- A complaint counts on the day on which its mail was tried. Mails are counted, however often their events
-- are there, so FINAL is not needed.
SELECT
    source_ip,
    provider,
    day,
    count() AS sent,
    countIf(was_deferred) AS deferred,
    countIf(was_bounced) AS bounced,
    countIf(message_id IN (
        SELECT message_id FROM smtp_messages WHERE kind = 'complaint' AND occurred_at >= {since:Date}
    )) AS complained
FROM
(
    SELECT
        source_ip,
        provider,
        toDate(occurred_at) AS day,
        message_id,
        max(type = 'deferred') AS was_deferred,
        max(type = 'bounced') AS was_bounced
    FROM smtp_messages
    WHERE occurred_at >= {since:Date} AND occurred_at < {until:Date} AND source_ip != '' AND provider != ''
        AND type IN ('delivered', 'deferred', 'bounced', 'unknown')
    GROUP BY source_ip, provider, day, message_id
)
GROUP BY source_ip, provider, day
ORDER BY source_ip, provider, day
