-- People who left, by the way they took first: who presses twice leaves once.
SELECT method, count() AS people
FROM
(
    SELECT argMin(method, occurred_at) AS method
    FROM smtp_email_clicks FINAL
    WHERE team_id = {team_id:UInt32} AND broadcast_id = {broadcast_id:UInt32} AND type = 'unsubscribe'
    GROUP BY message_id
)
GROUP BY method
ORDER BY people DESC, method
