-- What happened to the mails of broadcasts to a contact, and what it did with them, newest first.
--
-- An event processed again has several rows; the newest counts. `contact_id` is not in the tables' key: their
-- skip index on it leaves few granules to read.
SELECT
    event_id, type, occurred_at, broadcast_id, message_id, reason, kind, response, link_index, url, verdict, reasons,
    country, device, method
FROM
(
    SELECT
        event_id, type, occurred_at, broadcast_id, message_id, reason, kind, response,
        CAST(NULL, 'Nullable(UInt16)') AS link_index, '' AS url, '' AS verdict, CAST([], 'Array(String)') AS reasons,
        '' AS country, '' AS device, '' AS method, processed_at
    FROM smtp_messages
    WHERE team_id = {team_id:UInt32} AND broadcast_id > 0 AND contact_id IN {contact_ids:Array(UInt64)}
        AND (occurred_at, event_id) < ({before:DateTime64(3, 'UTC')}, {before_event:UUID})
    UNION ALL
    SELECT
        event_id, 'open', occurred_at, broadcast_id, message_id, '', '', '', NULL, '', verdict,
        arrayMap(word -> toString(word), reasons), country, device, '', processed_at
    FROM smtp_email_opens
    WHERE team_id = {team_id:UInt32} AND broadcast_id > 0 AND contact_id IN {contact_ids:Array(UInt64)}
        AND (occurred_at, event_id) < ({before:DateTime64(3, 'UTC')}, {before_event:UUID})
    UNION ALL
    SELECT
        event_id, type, occurred_at, broadcast_id, message_id, '', '', '', link_index, url, verdict,
        arrayMap(word -> toString(word), reasons), country, device, method, processed_at
    FROM smtp_email_clicks
    WHERE team_id = {team_id:UInt32} AND broadcast_id > 0 AND contact_id IN {contact_ids:Array(UInt64)}
        AND (occurred_at, event_id) < ({before:DateTime64(3, 'UTC')}, {before_event:UUID})
)
ORDER BY occurred_at DESC, event_id DESC, processed_at DESC
LIMIT 1 BY event_id
LIMIT {most:UInt32}
