import json
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecars.mail.tokens import make_token, open_token

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "tokens.json").read_text("utf-8"))
SECRET = "a secret of the tests, 32 or more"


@pytest.mark.parametrize("vector", VECTORS["made"], ids=lambda v: v["token"][:12])
def test_makes_and_opens_the_token_that_the_edge_makes(vector):
    message_id = UUID(vector["message_id"])

    assert make_token(message_id, vector["secret"]) == vector["token"]
    assert open_token(vector["token"], vector["secret"]) == message_id
    assert open_token(vector["token"].upper(), vector["secret"]) == message_id


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda v: v["why"])
def test_refuses_what_is_forged_or_malformed(vector):
    assert open_token(vector["token"], vector["secret"]) is None


@given(st.uuids())
def test_a_token_is_forty_letters_and_digits_and_opens_to_its_message(message_id):
    token = make_token(message_id, SECRET)

    assert len(token) == 40
    assert set(token) <= set("abcdefghijklmnopqrstuvwxyz234567")
    assert open_token(token, SECRET) == message_id


@given(st.text(max_size=60))
def test_any_text_at_all_is_answered_and_not_raised(text):
    assert open_token(text, SECRET) is None


@given(st.uuids(), st.integers(0, 39), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_no_change_of_one_character_opens(message_id, position, letter):
    token = make_token(message_id, SECRET)
    changed = token[:position] + letter + token[position + 1 :]

    assert open_token(changed, SECRET) == (message_id if changed == token else None)
