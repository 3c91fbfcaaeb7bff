-- Clicks by verdict, and in all (verdict ''), as opens.sql.
SELECT verdict, count() AS total, uniqExact(message_id) AS unique
FROM smtp_email_clicks FINAL
WHERE team_id = {team_id:UInt32} AND broadcast_id = {broadcast_id:UInt32} AND type = 'click'
GROUP BY GROUPING SETS ((verdict), ())
