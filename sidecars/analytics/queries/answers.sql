-- How mails that had time to answer fared, by provider: those that an edge took between `since` and
-- `until`, of some of a team's broadcasts; 0 is what it submits, of one `stream` ("" for any: the edge knows of
-- no mail that comes back which one it was of). An event tells how long before it the edge took the mail.
-- A late DSN about the address (X.1.X of RFC 3463) is a hard bounce, too.
SELECT
    provider,
    count() AS mails,
    countIf(was_hard) AS hard_bounces,
    countIf(was_blocked) AS blocked,
    countIf(was_delivered) AS delivered,
    countIf(was_delivered AND complained) AS complaints
FROM
(
    SELECT
        message_id,
        argMax(provider, (provider != '', occurred_at)) AS provider,
        minIf(occurred_at - toIntervalMillisecond(ifNull(delay_ms, 0)), type != 'inbound') AS taken_at,
        anyIf(stream, type != 'inbound') AS of_stream,
        max(reason = 'hard_bounce' OR (reason = 'late_dsn' AND substring(enhanced, 2, 3) = '.1.')) AS was_hard,
        max(reason = 'blocked') AS was_blocked,
        max(state = 'delivered') AS was_delivered,
        max(kind = 'complaint') AS complained
    FROM smtp_messages FINAL
    WHERE team_id = {team_id:UInt32} AND broadcast_id IN {broadcast_ids:Array(UInt32)}
        AND occurred_at >= {since:DateTime64(3, 'UTC')}
    GROUP BY message_id
)
WHERE taken_at BETWEEN {since:DateTime64(3, 'UTC')} AND {until:DateTime64(3, 'UTC')}
    AND ({stream:String} = '' OR of_stream = {stream:String})
GROUP BY provider
