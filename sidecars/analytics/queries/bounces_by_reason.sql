-- Why mails bounced. The first bounce of a mail is the one that the ledger keeps, as it leaves that state never.
SELECT reason, count() AS mails
FROM
(
    SELECT argMin(reason, occurred_at) AS reason
    FROM smtp_messages FINAL
    WHERE team_id = {team_id:UInt32} AND broadcast_id = {broadcast_id:UInt32} AND state = 'bounced'
    GROUP BY message_id
)
GROUP BY reason
ORDER BY mails DESC, reason
