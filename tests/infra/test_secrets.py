import stat
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from infra.local.secrets import NAMES, Certificate, kept_secrets


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_secrets_stay_the_same_and_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    secrets = kept_secrets(tmp_path)
    assert set(secrets) == set(NAMES)
    assert len(set(secrets.values())) == len(NAMES)
    assert all(len(bytes.fromhex(secret)) == 32 for secret in secrets.values())
    assert kept_secrets(tmp_path) == secrets
    assert mode(tmp_path / "secrets.json") == 0o600


def test_two_homes_share_no_secret(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one, two = kept_secrets(tmp_path / "one"), kept_secrets(tmp_path / "two")
    assert not set(one.values()) & set(two.values())


def test_a_new_secret_joins_those_that_an_older_version_kept(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text('{"token_secret": "kept"}')
    assert kept_secrets(tmp_path)["token_secret"] == "kept"
    assert set(kept_secrets(tmp_path)) == set(NAMES)


def test_the_certificate_fits_its_key_and_the_hosts_of_development(tmp_path: Path) -> None:
    pair = Certificate.below(tmp_path)
    pair.make_if_missing()
    certificate = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
    key = load_pem_private_key(pair.key.read_bytes(), password=None)
    assert certificate.public_key() == key.public_key()
    hosts = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"localhost", "kibamail.test"} <= set(hosts.get_values_for_type(x509.DNSName))
    assert mode(pair.key) == 0o600


def test_the_certificate_is_made_once(tmp_path: Path) -> None:
    pair = Certificate.below(tmp_path)
    pair.make_if_missing()
    made = pair.certificate.read_bytes()
    pair.make_if_missing()
    assert pair.certificate.read_bytes() == made
