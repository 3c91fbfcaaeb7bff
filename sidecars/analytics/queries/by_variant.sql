-- What became of each variant's mails, each mail once: how it stands, and what people (and anybody) did with it.
SELECT
    variant_id,
    countIf(was_delivered AND NOT has_bounced) AS delivered,
    countIf(has_bounced) AS bounced,
    countIf(was_complained) AS complaints,
    countIf(was_opened) AS opened,
    countIf(was_opened_by_person) AS opened_by_people,
    countIf(was_clicked) AS clicked,
    countIf(was_clicked_by_person) AS clicked_by_people,
    countIf(has_left) AS unsubscribed
FROM
(
    SELECT
        message_id,
        max(of_variant) AS variant_id,
        max(what = 'delivered') AS was_delivered,
        max(what = 'bounced') AS has_bounced,
        max(what = 'complaint') AS was_complained,
        max(what = 'open') AS was_opened,
        max(what = 'open' AND by_person) AS was_opened_by_person,
        max(what = 'click') AS was_clicked,
        max(what = 'click' AND by_person) AS was_clicked_by_person,
        max(what = 'unsubscribe') AS has_left
    FROM
    (
        SELECT message_id, variant_id AS of_variant, if(kind = 'complaint', kind, state) AS what, 0 AS by_person
        FROM smtp_messages FINAL
        WHERE team_id = {team_id:UInt32} AND broadcast_id = {broadcast_id:UInt32}
        UNION ALL
        SELECT message_id, variant_id, 'open', verdict = 'person'
        FROM smtp_email_opens FINAL
        WHERE team_id = {team_id:UInt32} AND broadcast_id = {broadcast_id:UInt32}
        UNION ALL
        SELECT message_id, variant_id, type, verdict = 'person'
        FROM smtp_email_clicks FINAL
        WHERE team_id = {team_id:UInt32} AND broadcast_id = {broadcast_id:UInt32}
    )
    GROUP BY message_id
)
WHERE variant_id > 0
GROUP BY variant_id
ORDER BY variant_id
