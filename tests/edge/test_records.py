from hashlib import sha256
from threading import Event, Thread, Timer

from sidecars import names
from sidecars.accounts import limits
from sidecars.deliverability import submitted_mail
from sidecars.edge import records
from sidecars.edge.store import redis
from sidecars.models import ApiKey, SendingDomain, Team, database, now
from sidecars.settings import settings


def add_key(team, secret, revoked=False):
    return ApiKey.create(
        team=team,
        name="key",
        prefix="kb_",
        sha256=sha256(secret.encode()).digest(),
        revoked_at=now() if revoked else None,
    )


def test_a_teams_record_has_its_living_keys_and_its_verified_domains(team, add_domain):
    verified, unverified = add_domain(), add_domain(verified=False)
    living, revoked = add_key(team, "living"), add_key(team, "revoked", revoked=True)
    records.write_team(team.id)
    record = redis.hgetall(names.team_key(team.id))
    assert record == {
        "name": team.name,
        "domains": verified.name,
        f"key:{living.sha256.hex()}": str(living.id),
    }
    assert unverified.name not in record["domains"]
    assert f"key:{revoked.sha256.hex()}" not in record


def test_a_revoked_key_goes_from_the_record(team):
    key = add_key(team, "once good")
    records.write_team(team.id)
    ApiKey.update(revoked_at=now()).where(ApiKey.id == key.id).execute()
    records.write_team(team.id)
    assert list(redis.hgetall(names.team_key(team.id))) == ["name", "domains"]


def test_a_domains_record_keeps_its_private_key_sealed(team, add_domain):
    domain = add_domain()
    records.write_domain(domain.id)
    assert redis.hgetall(names.domain_key(domain.name)) == {
        "team_id": str(team.id),
        "selector": "kb1",
        "private_key": "sealed-key",
        "return_path": domain.return_path,
        "tracking_url": settings.tracking_url,
    }


def test_verifying_a_domain_lets_its_team_send_from_it(team, add_domain):
    domain = add_domain(verified=False)
    records.write_domain(domain.id)
    assert redis.hget(names.team_key(team.id), "domains") == ""
    SendingDomain.update(verified_at=now()).where(SendingDomain.id == domain.id).execute()
    records.write_domain(domain.id)
    assert redis.hget(names.team_key(team.id), "domains") == domain.name


def test_everything_is_written_again_after_redis_lost_it_and_nothing_more(team, add_domain):
    domain = add_domain()
    redis.delete(names.team_key(team.id), names.domain_key(domain.name))
    strays = (names.team_key(4_000_000_000), names.domain_key("gone.example"))
    for stray in strays:
        redis.hset(stray, "name", "stray")
    known = Team.select().count() + SendingDomain.select(SendingDomain.name).distinct().count()
    redis.delete(names.EDGE_RECORDS_KEY)
    assert not records.are_there()
    with records.made_whole():
        assert records.write_all() == known + len(strays)
        assert not records.are_there()
    assert records.are_there()
    assert redis.hget(names.team_key(team.id), "domains") == domain.name
    assert redis.hget(names.domain_key(domain.name), "team_id") == str(team.id)
    assert redis.exists(*strays) == 0


def test_a_redis_that_loses_its_data_while_it_is_filled_is_not_declared_whole():
    redis.delete(names.EDGE_RECORDS_KEY)
    with records.made_whole():
        redis.delete(*redis.scan_iter(match=names.edge_records_mark("*")))
    assert not records.are_there()
    with records.made_whole():
        pass
    assert records.are_there()


def test_a_key_revoked_while_everything_is_written_again_stays_revoked(team, monkeypatch):
    key = add_key(team, "revoked in between")
    original = records._team_record
    entered, revoked = Event(), Event()

    def slow(row):
        record = original(row)
        if row.id == team.id and not entered.is_set():
            entered.set()
            revoked.wait(10)
        return record

    monkeypatch.setattr(records, "_team_record", slow)

    def write_all():
        with database.connection_context():
            records.write_all()

    restoring = Thread(target=write_all)
    restoring.start()
    assert entered.wait(10)
    ApiKey.update(revoked_at=now()).where(ApiKey.id == key.id).execute()
    Timer(0.2, revoked.set).start()
    records.write_team(team.id)
    restoring.join()
    assert list(redis.hgetall(names.team_key(team.id))) == ["name", "domains"]


def test_what_a_team_said_of_its_submitted_mail_and_what_it_may_have_is_in_the_records(team, add_domain):
    domain = add_domain()
    submitted_mail.follow(domain.id, opens=True)
    assert limits.put("ops", team.id, recipients_an_hour=500)
    assert redis.hget(names.domain_key(domain.name), "track_opens") == "1"
    assert not redis.hexists(names.domain_key(domain.name), "track_clicks")
    assert redis.hget(names.team_key(team.id), "recipients_an_hour") == "500"
    submitted_mail.follow(domain.id, opens=False, clicks=True)
    assert limits.put("ops", team.id, recipients_an_hour=None)
    assert redis.hmget(names.domain_key(domain.name), "track_opens", "track_clicks") == [None, "1"]
    assert not redis.hexists(names.team_key(team.id), "recipients_an_hour")
    assert not limits.put("ops", 4_000_000_000, recipients_an_hour=500)
