-- Contacts whose server took, between two moments, at least so many of the broadcasts and sent none of these back.
-- An event that came twice is no second mail, so that FINAL is not needed.
SELECT contact_id
FROM
(
    SELECT contact_id, broadcast_id
    FROM smtp_messages
    WHERE team_id = {team_id:UInt32} AND broadcast_id IN {broadcast_ids:Array(UInt32)}
      AND state IN ('delivered', 'bounced') AND occurred_at <= {until:DateTime64(3, 'UTC')}
    GROUP BY contact_id, broadcast_id
    HAVING maxIf(occurred_at, state = 'delivered') > {since:DateTime64(3, 'UTC')}
       AND countIf(state = 'bounced') = 0
)
GROUP BY contact_id
HAVING count() >= {at_least:UInt32}
