-- Opens by verdict, and in all (verdict ''): `unique` counts mails, and one mail may be opened by several.
SELECT verdict, count() AS total, uniqExact(message_id) AS unique
FROM smtp_email_opens FINAL
WHERE team_id = {team_id:UInt32} AND broadcast_id = {broadcast_id:UInt32}
GROUP BY GROUPING SETS ((verdict), ())
