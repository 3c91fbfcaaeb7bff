-- A table beside another of the same columns, event by event: for the share of the events that `part` of `parts` is.
-- An event's rows are alike where all columns are, save for when they were processed. `since`: from that moment on,
-- both should know every event.
SELECT
    count() AS events,
    countIf(rebuilt = 0 AND at < {since:DateTime64(3, 'UTC')}) AS older,
    countIf(rebuilt = 0 AND at >= {since:DateTime64(3, 'UTC')}) AS only_live,
    countIf(live = 0) AS only_rebuilt,
    countIf(live > 0 AND rebuilt > 0 AND live_content != rebuilt_content) AS changed,
    groupArrayIf(5)(event_id, rebuilt = 0 AND at >= {since:DateTime64(3, 'UTC')}) AS ids_only_live,
    groupArrayIf(5)(event_id, live = 0) AS ids_only_rebuilt,
    groupArrayIf(5)(event_id, live > 0 AND rebuilt > 0 AND live_content != rebuilt_content) AS ids_changed
FROM
(
    SELECT
        event_id,
        max(occurred_at) AS at,
        countIf(NOT is_rebuilt) AS live,
        countIf(is_rebuilt) AS rebuilt,
        sumIf(content, NOT is_rebuilt) AS live_content,
        sumIf(content, is_rebuilt) AS rebuilt_content
    FROM
    (
        SELECT event_id, occurred_at, false AS is_rebuilt, sipHash64(tuple(* EXCEPT processed_at)) AS content
        FROM {live:Identifier} FINAL
        WHERE cityHash64(event_id) % {parts:UInt32} = {part:UInt32}
        UNION ALL
        SELECT event_id, occurred_at, true AS is_rebuilt, sipHash64(tuple(* EXCEPT processed_at)) AS content
        FROM {rebuilt:Identifier} FINAL
        WHERE cityHash64(event_id) % {parts:UInt32} = {part:UInt32}
    )
    GROUP BY event_id
)
