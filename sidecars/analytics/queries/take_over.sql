-- Into a table's successor: the events that it lacks, and what was processed since it was begun.
INSERT INTO {rebuilt:Identifier}
SELECT * FROM {live:Identifier}
WHERE cityHash64(event_id) % {parts:UInt32} = {part:UInt32}
  AND
  (
      processed_at > {since:DateTime64(3, 'UTC')}
      OR event_id NOT IN
      (
          SELECT event_id FROM {rebuilt:Identifier}
          WHERE cityHash64(event_id) % {parts:UInt32} = {part:UInt32}
      )
  )
