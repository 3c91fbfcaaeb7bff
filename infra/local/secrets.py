"""Random secrets and a self-signed certificate for one stack, made once and kept below its home."""

import datetime
import ipaddress
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAMES = (
    "encryption_key",
    "token_secret",
    "webhook_secret",
    "internal_secret",
    "operator_token",
    "aws_access_key_id",
    "aws_secret_access_key",
    "mysql_password",
)
HOSTS = ("localhost", "kibamail.test", "*.kibamail.test")


def kept_secrets(home: Path) -> dict[str, str]:
    """64 hex digits for each of NAMES, the same at every call for a `home`."""
    file = home / "secrets.json"
    kept: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    missing = [name for name in NAMES if name not in kept]
    if missing:
        kept |= {name: secrets.token_hex(32) for name in missing}
        _write_private(file, json.dumps(kept, indent=2).encode())
    return kept


@dataclass(frozen=True)
class Certificate:
    """PEM files of a certificate for HOSTS and 127.0.0.1, and of its private key."""

    certificate: Path
    key: Path

    @classmethod
    def below(cls, home: Path) -> "Certificate":
        """Where `home` keeps them."""
        return cls(home / "tls" / "certificate.pem", home / "tls" / "key.pem")

    def make_if_missing(self) -> None:
        """Self-signed, for ten years."""
        if self.certificate.exists():
            return
        self.key.parent.mkdir(exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kibamail.test")])
        now = datetime.datetime.now(datetime.UTC)
        hosts = [*map(x509.DNSName, HOSTS), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=3650))
            .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
            .sign(key, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        private = serialization.PrivateFormat.PKCS8
        _write_private(self.key, key.private_bytes(pem, private, serialization.NoEncryption()))
        self.certificate.write_bytes(certificate.public_bytes(pem))


def _write_private(file: Path, content: bytes) -> None:
    """Readable by its owner only, and whole or not there at all."""
    draft = file.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_bytes(content)
    draft.replace(file)
