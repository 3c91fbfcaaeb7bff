-- Each link of each variant, by its place in the mail: two places may lead to one address.
SELECT
    variant_id,
    assumeNotNull(link_index) AS link_index,
    any(url) AS url,
    count() AS total,
    uniqExact(message_id) AS unique,
    countIf(verdict = 'person') AS people_total,
    uniqExactIf(message_id, verdict = 'person') AS people_unique
FROM smtp_email_clicks FINAL
WHERE team_id = {team_id:UInt32} AND broadcast_id = {broadcast_id:UInt32} AND type = 'click'
GROUP BY variant_id, link_index
ORDER BY people_unique DESC, variant_id, link_index
