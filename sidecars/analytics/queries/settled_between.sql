-- Of how many of a broadcast's mails to the contacts of a range a table, or its successor, knows the end.
SELECT uniqExact(message_id) AS mails
FROM
(
    SELECT message_id FROM {live:Identifier}
    WHERE team_id = {team_id:UInt32} AND broadcast_id = {broadcast_id:UInt32}
      AND contact_id BETWEEN {lo:UInt64} AND {hi:UInt64} AND state IN ('delivered', 'bounced', 'unknown')
    UNION ALL
    SELECT message_id FROM {rebuilt:Identifier}
    WHERE team_id = {team_id:UInt32} AND broadcast_id = {broadcast_id:UInt32}
      AND contact_id BETWEEN {lo:UInt64} AND {hi:UInt64} AND state IN ('delivered', 'bounced', 'unknown')
)
