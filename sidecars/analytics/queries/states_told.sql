-- Of which of these mails a table, or its successor, knows which state.
SELECT DISTINCT message_id, state
FROM
(
    SELECT message_id, state FROM {live:Identifier}
    WHERE team_id IN {team_ids:Array(UInt32)} AND broadcast_id = {broadcast_id:UInt32}
      AND message_id IN {message_ids:Array(UUID)} AND state != ''
    UNION ALL
    SELECT message_id, state FROM {rebuilt:Identifier}
    WHERE team_id IN {team_ids:Array(UInt32)} AND broadcast_id = {broadcast_id:UInt32}
      AND message_id IN {message_ids:Array(UUID)} AND state != ''
)
