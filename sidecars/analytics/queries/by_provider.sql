-- Each provider's share, told by the MX host: all domains that it hosts are one.
-- A mail that never found a host ('') has no provider. Opens and clicks are people's, each mail once.
SELECT
    mails.provider AS provider,
    count() AS mails,
    countIf(final_state = 'delivered') AS delivered,
    countIf(final_state = 'bounced') AS bounced,
    countIf(final_state = 'unknown') AS unknown,
    countIf(was_deferred) AS deferred,
    countIf(complained) AS complaints,
    countIf(opened) AS opened,
    countIf(clicked) AS clicked,
    quantileExactIf(0.5)(delivery_ms, final_state = 'delivered') AS median_delivery_ms
FROM
(
    SELECT
        message_id,
        argMax(provider, (provider != '', occurred_at)) AS provider,
        multiIf(
            max(state = 'bounced'), 'bounced', max(state = 'delivered'), 'delivered',
            max(state = 'unknown'), 'unknown', ''
        ) AS final_state,
        max(type = 'deferred' OR attempt > 1) AS was_deferred,  -- as in deferred.sql
        max(kind = 'complaint') AS complained,
        maxIf(delay_ms, type = 'delivered') AS delivery_ms
    FROM smtp_messages FINAL
    WHERE team_id = {team_id:UInt32} AND broadcast_id = {broadcast_id:UInt32}
    GROUP BY message_id
) AS mails
LEFT JOIN
(
    SELECT DISTINCT message_id, true AS opened
    FROM smtp_email_opens FINAL
    WHERE team_id = {team_id:UInt32} AND broadcast_id = {broadcast_id:UInt32} AND verdict = 'person'
) AS opens USING (message_id)
LEFT JOIN
(
    SELECT DISTINCT message_id, true AS clicked
    FROM smtp_email_clicks FINAL
    WHERE team_id = {team_id:UInt32} AND broadcast_id = {broadcast_id:UInt32}
        AND verdict = 'person' AND type = 'click'
) AS clicks USING (message_id)
GROUP BY provider
ORDER BY mails DESC, provider
