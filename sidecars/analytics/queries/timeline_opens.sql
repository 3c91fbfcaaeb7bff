-- One mail's opens.
SELECT
    event_id, 'open' AS type, occurred_at, verdict, reasons, ip, country, network, device, os, browser, user_agent
FROM smtp_email_opens FINAL
WHERE team_id = {team_id:UInt32} AND broadcast_id = {broadcast_id:UInt32} AND message_id = {message_id:UUID}
ORDER BY occurred_at
