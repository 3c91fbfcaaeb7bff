"""Single sign-on by OpenID Connect: authorization code with PKCE (RFC 7636), state, nonce, signed ID token.

The provider is the operator's choice (OIDC_ISSUER), and believed: who it says has confirmed an e-mail address
is the person who has it here. `flow` stays with whoever began; so nobody can be logged in by another's link.
"""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, cast

import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization
from peewee import IntegrityError

from sidecars import names
from sidecars.accounts import people, teams
from sidecars.accounts.errors import LoginRefused, NotPossible
from sidecars.edge.store import redis
from sidecars.models import Identity, User, database
from sidecars.names import address_key
from sidecars.settings import settings

SCOPE = "openid email profile"
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
TIMEOUT_SECONDS = 5
LIFE_SECONDS = 600
CLOCKS_APART_SECONDS = 60
LONGEST_NAME = 120
OFF = "There is no single sign-on here."
STALE = "This took too long, or was answered before. Begin anew."


@dataclass(frozen=True)
class Begun:
    """Where the person goes next, and what whoever brings the provider's answer must show."""

    authorization_url: str
    flow: str


def begin() -> Begun:
    """Raises NotPossible where there is no single sign-on, or the provider does not answer."""
    provider = _provider()
    state, nonce, flow, verifier = (secrets.token_urlsafe(48) for _ in range(4))
    url, _ = _client().create_authorization_url(
        provider["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
    )
    kept = {"nonce": nonce, "verifier": verifier, "flow": _digest(flow)}
    redis.set(_key(state), json.dumps(kept), ex=LIFE_SECONDS)
    return Begun(url, flow)


def finish(code: str, state: str, flow: str) -> User:
    """The person of the provider's answer, made if sign-up is open. Raises LoginRefused or NotPossible."""
    found = redis.getdel(_key(state))
    kept = json.loads(found) if found else None
    if kept is None or not secrets.compare_digest(kept["flow"], _digest(flow)):
        raise LoginRefused(STALE)
    try:
        claims = _claims(code, kept)
    except (OAuthError, JoseError, ValueError, KeyError) as error:
        raise LoginRefused(f"The provider's answer does not fit: {error}") from error
    return _person(claims)


def _claims(code: str, kept: dict[str, str]) -> dict[str, Any]:
    provider = _provider()
    with _asking():
        token = _client().fetch_token(
            provider["token_endpoint"],
            code=code,
            code_verifier=kept["verifier"],
            grant_type="authorization_code",
            timeout=TIMEOUT_SECONDS,
        )
    signed = jwt.decode(token["id_token"], _keys(provider), algorithms=ALGORITHMS)
    claims = CodeIDToken(
        signed.claims,
        signed.header,
        options={
            "iss": {"essential": True, "value": settings.oidc_issuer},
            "aud": {"essential": True, "value": settings.oidc_client_id},
        },
        params={"nonce": kept["nonce"], "client_id": settings.oidc_client_id},
    )
    claims.validate(leeway=CLOCKS_APART_SECONDS)
    if "email" in claims or "userinfo_endpoint" not in provider:
        return dict(claims)
    more = _get(provider["userinfo_endpoint"], {"Authorization": f"Bearer {token['access_token']}"})
    # OpenID Connect Core section 5.3.2
    return {**more, **claims} if more.get("sub") == claims["sub"] else dict(claims)


def _keys(provider: dict[str, Any]) -> KeySet:
    return KeySet.import_key_set(cast(KeySetSerialization, _get(provider["jwks_uri"])))


def _person(claims: dict[str, Any]) -> User:
    known = _known(claims)
    if known is not None:
        return known
    if claims.get("email_verified") is not True or not claims.get("email"):
        raise LoginRefused("The provider does not say that your e-mail address is confirmed.")
    email = address_key(str(claims["email"]))
    try:
        with database.atomic():
            user = User.get_or_none(User.email == email) or _new_person(email, claims)
            if user.email_verified_at is None:
                people.take_over(user)
            Identity.create(user=user, sha256=_identity(claims), issuer=settings.oidc_issuer)
    except IntegrityError as error:
        raise LoginRefused(STALE) from error  # of two at once, the other made it
    return user


def _known(claims: dict[str, Any]) -> User | None:
    rows = Identity.select(Identity, User).join(User)
    found: Identity | None = rows.where(Identity.sha256 == _identity(claims)).first()
    return None if found is None else found.user


def _new_person(email: str, claims: dict[str, Any]) -> User:
    name = str(claims.get("name") or email)
    if settings.sign_up != "open":
        raise LoginRefused("Nobody here has your e-mail address. Ask a team's administrator to invite you.")
    user = people.create_verified(email, name[:LONGEST_NAME])
    teams.create(user, f"Team of {name}"[:LONGEST_NAME])
    return user


def _client() -> OAuth2Session:
    return OAuth2Session(
        settings.oidc_client_id,
        settings.oidc_client_secret.get_secret_value() or None,
        scope=SCOPE,
        redirect_uri=f"{settings.app_url.rstrip('/')}/single-sign-on",
        code_challenge_method="S256",
    )


def _provider() -> dict[str, Any]:
    if not settings.oidc_issuer or not settings.app_url:
        raise NotPossible(OFF, "off")
    found = _get(f"{settings.oidc_issuer.rstrip('/')}/.well-known/openid-configuration")
    if found.get("issuer") != settings.oidc_issuer:
        raise NotPossible("OIDC_ISSUER is not what the provider calls itself.", "misconfigured")
    return found


def _get(url: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    with _asking():
        answer = requests.get(url, headers=headers, timeout=TIMEOUT_SECONDS, allow_redirects=False)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


@contextmanager
def _asking() -> Iterator[None]:
    """What goes wrong at the provider is told as its, and not as an error of ours."""
    try:
        yield
    except requests.RequestException as error:
        raise NotPossible("The provider of single sign-on does not answer.", "provider_away") from error


def _identity(claims: dict[str, Any]) -> bytes:
    return sha256(f"{settings.oidc_issuer}\0{claims['sub']}".encode()).digest()


def _key(state: str) -> str:
    return names.one_time_key("single-sign-on", _digest(state))


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
