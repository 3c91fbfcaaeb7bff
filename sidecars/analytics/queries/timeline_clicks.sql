-- One mail's clicks and its unsubscribe.
SELECT
    event_id, type, method, occurred_at, link_index, url, verdict, reasons, ip, country, network, device, os,
    browser, user_agent
FROM smtp_email_clicks FINAL
WHERE team_id = {team_id:UInt32} AND broadcast_id = {broadcast_id:UInt32} AND message_id = {message_id:UUID}
ORDER BY occurred_at
