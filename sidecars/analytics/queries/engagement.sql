-- The mails of a broadcast that were opened, clicked or left by, whoever did it, and whether a person did.
SELECT message_id, what, max(verdict = 'person') AS by_person
FROM
(
    SELECT message_id, 'opened' AS what, verdict
    FROM smtp_email_opens FINAL
    WHERE team_id = {team_id:UInt32} AND broadcast_id = {broadcast_id:UInt32}
    UNION ALL
    SELECT message_id, if(type = 'click', 'clicked', 'unsubscribed'), verdict
    FROM smtp_email_clicks FINAL
    WHERE team_id = {team_id:UInt32} AND broadcast_id = {broadcast_id:UInt32}
)
GROUP BY message_id, what
