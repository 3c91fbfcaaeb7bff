"""API keys against MariaDB and the edge's copy in Redis."""

import re
from datetime import UTC, datetime, timedelta

from sidecars.accounts import keys
from sidecars.accounts.scopes import EVERYTHING, Scope
from sidecars.accounts.secret_tokens import digest
from sidecars.edge.store import redis
from sidecars.models import ApiKey, now
from sidecars.names import KEY_USES_KEY, team_key


def edge_keys(team):
    return {
        field.decode() if isinstance(field, bytes) else field
        for field in redis.hkeys(team_key(team.id))
        if b"key:" in (field if isinstance(field, bytes) else field.encode())
    }


def test_a_key_is_told_once_and_only_its_digest_is_kept(team):
    made = keys.make(team.id, "app")
    assert re.fullmatch(r"kb_[A-Za-z0-9]{40}", made.secret)
    row = ApiKey.get_by_id(made.record.id)
    assert bytes(row.sha256) == digest(made.secret)
    assert made.secret.startswith(row.prefix)
    assert len(row.prefix) < 12
    assert made.secret not in str(row.__data__)


def test_two_keys_differ(team):
    assert keys.make(team.id, "one").secret != keys.make(team.id, "two").secret


def test_a_key_opens_its_own_team(team):
    made = keys.make(team.id, "app")
    assert keys.check(made.secret).team_id == team.id


def test_an_unknown_key_opens_nothing(team):
    made = keys.make(team.id, "app")
    assert keys.check(made.secret[:-1] + "!") is None
    assert keys.check("") is None
    assert keys.check(made.secret.upper()) is None


def test_a_revoked_key_opens_nothing_and_leaves_the_edge(team):
    made = keys.make(team.id, "app")
    field = f"key:{digest(made.secret).hex()}"
    assert field in edge_keys(team)
    assert keys.revoke(team.id, made.record.id) is True
    assert keys.check(made.secret) is None
    assert field not in edge_keys(team)


def test_revoking_twice_or_of_another_team_says_no(team):
    made = keys.make(team.id, "app")
    assert keys.revoke(team.id + 1, made.record.id) is False
    assert keys.check(made.secret) is not None
    assert keys.revoke(team.id, made.record.id) is True
    assert keys.revoke(team.id, made.record.id) is False


def test_use_is_noted_coarsely(team):
    made = keys.make(team.id, "app")
    keys.check(made.secret)
    first = ApiKey.get_by_id(made.record.id).last_used_at
    assert now() - first < timedelta(seconds=10)
    keys.check(made.secret)
    assert ApiKey.get_by_id(made.record.id).last_used_at == first
    long_ago = now() - keys.LAST_USED_STEP - timedelta(seconds=1)
    ApiKey.update(last_used_at=long_ago).where(ApiKey.id == made.record.id).execute()
    keys.check(made.secret)
    assert ApiKey.get_by_id(made.record.id).last_used_at > long_ago


def test_what_edges_saw_used_is_written_down_and_never_set_back(team):
    made = keys.make(team.id, "app")
    redis.hset(KEY_USES_KEY, str(made.record.id), 1_800_000_000)
    assert keys.write_down_uses() == 1
    assert ApiKey.get_by_id(made.record.id).last_used_at == datetime.fromtimestamp(1_800_000_000, UTC)
    redis.hset(KEY_USES_KEY, str(made.record.id), 1_700_000_000)
    keys.write_down_uses()
    assert ApiKey.get_by_id(made.record.id).last_used_at == datetime.fromtimestamp(1_800_000_000, UTC)
    assert keys.write_down_uses() == 0


def test_a_scope_is_read_as_it_was_written():
    for scope in (EVERYTHING, Scope(True), Scope(True, "a.example"), Scope(True, "a.example", "broadcast")):
        assert Scope.of(scope.words()) == scope
    assert EVERYTHING.words() == []
