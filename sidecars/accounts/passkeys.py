"""Passkeys (WebAuthn level 3): made by a person who is logged in, and by themselves a login.

They verify their user, by finger, face or PIN: such a login is two factors, and asks for no code. A challenge
counts once, for five minutes, for what it was made for.
"""

import json
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import bytes_to_base64url, parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from sidecars import names
from sidecars.accounts.errors import LoginRefused, NotPossible, Wrong
from sidecars.edge.store import redis
from sidecars.models import Passkey, User, now
from sidecars.settings import settings

CHALLENGE_SECONDS = 300
SITE = "Kibamail"
LOGIN = "login"
OFF = "There are no passkeys here: the operator must set APP_URL."
WRONG = "This passkey is not known here, or its answer does not fit. Begin anew."
_VERIFIED = UserVerificationRequirement.REQUIRED


def registration_options(user: User) -> Any:
    """What the browser's `navigator.credentials.create` takes, as JSON has it."""
    options = generate_registration_options(
        rp_id=_host(),
        rp_name=SITE,
        user_id=str(user.id).encode(),
        user_name=user.email,
        user_display_name=user.name,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=_VERIFIED
        ),
        exclude_credentials=[
            PublicKeyCredentialDescriptor(id=base64url_to_bytes(row.credential_id)) for row in of(user.id)
        ],
    )
    _remember(options.challenge, _of_person(user))
    return json.loads(options_to_json(options))


def register(user: User, name: str, credential: dict[str, Any]) -> Passkey:
    """Keeps what the browser made. Raises Wrong."""
    try:
        made = verify_registration_response(
            credential=credential,
            expected_challenge=_challenge(credential, _of_person(user)),
            expected_rp_id=_host(),
            expected_origin=_origin(),
            require_user_verification=True,
        )
    except (WebAuthnException, LoginRefused) as error:
        raise Wrong("credential", f"The browser's answer does not fit: {error}") from error
    digest = sha256(made.credential_id).digest()
    if Passkey.select().where(Passkey.credential_sha256 == digest).exists():
        raise Wrong("credential", "This passkey is known already.")
    kept: Passkey = Passkey.create(
        user=user,
        name=name,
        credential_sha256=digest,
        credential_id=bytes_to_base64url(made.credential_id),
        public_key=bytes_to_base64url(made.credential_public_key),
        sign_count=made.sign_count,
    )
    return kept


def login_options() -> Any:
    """What the browser's `navigator.credentials.get` takes; the person chooses among their passkeys there."""
    options = generate_authentication_options(rp_id=_host(), user_verification=_VERIFIED)
    _remember(options.challenge, LOGIN)
    return json.loads(options_to_json(options))


def log_in(credential: dict[str, Any]) -> User:
    """Whose passkey answered. Raises LoginRefused."""
    challenge = _challenge(credential, LOGIN)
    try:
        digest = sha256(base64url_to_bytes(str(credential.get("rawId")))).digest()
        kept: Passkey | None = (
            Passkey.select(Passkey, User).join(User).where(Passkey.credential_sha256 == digest).first()
        )
        if kept is None:
            raise LoginRefused(WRONG)
        proof = verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=_host(),
            expected_origin=_origin(),
            credential_public_key=base64url_to_bytes(kept.public_key),
            credential_current_sign_count=kept.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError) as error:
        raise LoginRefused(WRONG) from error
    Passkey.update(sign_count=proof.new_sign_count, last_used_at=now()).where(Passkey.id == kept.id).execute()
    return kept.user


def of(user_id: int) -> list[Passkey]:
    """The person's passkeys, in the order in which they were made."""
    return list(Passkey.select().where(Passkey.user == user_id).order_by(Passkey.id))


def remove(user_id: int, passkey_id: int) -> bool:
    """False: the person has no such passkey."""
    return bool(Passkey.delete().where(Passkey.user == user_id, Passkey.id == passkey_id).execute())


def _remember(challenge: bytes, purpose: str) -> None:
    redis.set(_key(challenge), purpose, ex=CHALLENGE_SECONDS)


def _challenge(credential: dict[str, Any], purpose: str) -> bytes:
    """The challenge that it answers, taken so that no other can. Raises LoginRefused."""
    try:
        answered = parse_client_data_json(base64url_to_bytes(credential["response"]["clientDataJSON"]))
    except (WebAuthnException, KeyError, TypeError, ValueError) as error:
        raise LoginRefused(WRONG) from error
    if redis.getdel(_key(answered.challenge)) not in (purpose, purpose.encode()):
        raise LoginRefused("This took too long, or was answered before. Begin anew.")
    return answered.challenge


def _key(challenge: bytes) -> str:
    return names.one_time_key("passkey", sha256(challenge).hexdigest())


def _of_person(user: User) -> str:
    return f"person-{user.id}"


def _origin() -> str:
    if not settings.app_url:
        raise NotPossible(OFF, "off")
    parts = urlsplit(settings.app_url)
    return f"{parts.scheme}://{parts.netloc}"


def _host() -> str:
    return str(urlsplit(_origin()).hostname)
