"""Sealed secrets: opened by the right key alone, and whole."""

import base64
import subprocess
from pathlib import Path

import pytest

from sidecars.deliverability import seal as module
from sidecars.deliverability.seal import SealError, seal, unseal
from sidecars.settings import settings

# The other side of the format: what the edge does, in Node's own words.
OPEN_IN_NODE = """
const { createDecipheriv } = require('node:crypto')
const raw = Buffer.from(process.argv[1], 'base64')
const cipher = createDecipheriv('aes-256-gcm', Buffer.from(process.argv[2], 'hex'), raw.subarray(0, 12))
cipher.setAuthTag(raw.subarray(-16))
process.stdout.write(Buffer.concat([cipher.update(raw.subarray(12, -16)), cipher.final()]))
"""


@pytest.mark.parametrize("plaintext", [b"", b"x", bytes(range(256)) * 20])
def test_what_is_sealed_opens_again(plaintext):
    assert unseal(seal(plaintext)) == plaintext


def test_sealing_twice_gives_different_texts():
    assert seal(b"same") != seal(b"same")


def test_a_changed_byte_is_noticed():
    raw = bytearray(base64.b64decode(seal(b"secret")))
    for place in (0, 12, len(raw) - 1):
        changed = raw.copy()
        changed[place] ^= 1
        with pytest.raises(SealError, match="altered"):
            unseal(base64.b64encode(changed).decode())


@pytest.mark.parametrize("text", ["", "AAAA", "not base64!", "é"])
def test_what_was_never_sealed_is_refused(text):
    with pytest.raises(SealError):
        unseal(text)


@pytest.mark.parametrize("key", ["", "abc", "zz" * 32, "ab" * 16])
def test_an_unusable_key_says_what_it_must_be(monkeypatch, key):
    other = settings.model_copy(update={"encryption_key": type(settings.encryption_key)(key)})
    monkeypatch.setattr(module, "settings", other)
    with pytest.raises(SealError, match="64 hex digits"):
        seal(b"secret")


def test_another_key_does_not_open_it(monkeypatch):
    sealed = seal(b"secret")
    other = settings.model_copy(update={"encryption_key": type(settings.encryption_key)("ab" * 32)})
    monkeypatch.setattr(module, "settings", other)
    with pytest.raises(SealError, match="ENCRYPTION_KEY"):
        unseal(sealed)


def test_node_opens_what_python_sealed():
    plaintext = Path(__file__).read_bytes()
    key = settings.encryption_key.get_secret_value()
    done = subprocess.run(
        ["node", "-e", OPEN_IN_NODE, seal(plaintext), key], capture_output=True, check=True, timeout=30
    )
    assert done.stdout == plaintext
