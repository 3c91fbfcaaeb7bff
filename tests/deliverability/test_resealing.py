"""Changing the key that seals private keys, while domains are there."""

from sidecars.deliverability import domains, resealing, seal
from sidecars.edge.store import redis
from sidecars.models import SendingDomain
from sidecars.names import domain_key
from sidecars.settings import settings

OLD_KEY = "5e" * 32


def test_what_the_old_key_sealed_opens_with_the_new_one_and_the_edge_has_it(team, monkeypatch):
    old = settings.model_copy(update={"encryption_key": type(settings.encryption_key)(OLD_KEY)})
    with monkeypatch.context() as before:
        before.setattr(seal, "settings", old)
        domain = domains.create(team.id, f"news.sealed-{team.id}.example")
        domains.sign_with_ed25519(domain.id, True)
        rsa = seal.unseal(domain.dkim_private_key)
    damaged = SendingDomain.create(
        team=team,
        name=f"damaged-{team.id}.example",
        dkim_selector="kb",
        dkim_private_key="neither key's",
        dkim_public_key="none",
        return_path="kb",
    )

    result = resealing.reseal(OLD_KEY)
    assert domain.name in result.done
    assert damaged.name in result.unopened
    row = SendingDomain.get_by_id(domain.id)
    assert seal.unseal(row.dkim_private_key) == rsa
    assert b"PRIVATE KEY" in seal.unseal(row.next_private_key)
    assert b"PRIVATE KEY" in seal.unseal(row.ed25519_private_key)
    at_the_edge = redis.hget(domain_key(domain.name), "private_key")
    assert (at_the_edge.decode() if isinstance(at_the_edge, bytes) else at_the_edge) == row.dkim_private_key

    assert domain.name not in resealing.reseal(OLD_KEY).done
