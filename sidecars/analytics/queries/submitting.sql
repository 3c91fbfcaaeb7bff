-- Teams and streams whose programs submitted so much since a moment that a share of it can be judged: mails have
-- two events or more, so some are here that have too few of them.
SELECT team_id, stream
FROM smtp_messages
WHERE broadcast_id = 0 AND type != 'inbound' AND occurred_at >= {since:DateTime64(3, 'UTC')}
GROUP BY team_id, stream
HAVING count() >= {least_mails:UInt32}
