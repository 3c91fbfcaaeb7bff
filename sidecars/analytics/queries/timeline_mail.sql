-- One mail's way from edge to mailbox and back, attempt by attempt.
SELECT
    event_id, type, occurred_at, recipient, state, reason, kind, edge, queue_id, attempt, code, enhanced,
    response, provider, mx, ip, source_ip, tls, tls_version, connection_mail, delay_ms, next_attempt_in_s,
    conversation, raw, tag, metadata
FROM smtp_messages FINAL
WHERE team_id = {team_id:UInt32} AND broadcast_id = {broadcast_id:UInt32} AND message_id = {message_id:UUID}
ORDER BY occurred_at
