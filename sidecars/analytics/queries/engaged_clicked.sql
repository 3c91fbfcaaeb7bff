-- Contacts who followed a link of at least so many of the broadcasts between two moments.
SELECT contact_id
FROM smtp_email_clicks FINAL
WHERE team_id = {team_id:UInt32} AND broadcast_id IN {broadcast_ids:Array(UInt32)} AND type = 'click'
  AND occurred_at > {since:DateTime64(3, 'UTC')} AND occurred_at <= {until:DateTime64(3, 'UTC')}
  AND (verdict = 'person' OR {machines:UInt8})
GROUP BY contact_id
HAVING uniqExact(broadcast_id) >= {at_least:UInt32}
