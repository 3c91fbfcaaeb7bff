import json
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecars.mail.sealed_links import open_link, seal_link

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "links.json").read_text("utf-8"))
SECRET = "a secret of the tests, 32 or more"


@pytest.mark.parametrize("vector", VECTORS["made"], ids=lambda v: v["url"])
def test_makes_and_opens_the_link_that_the_edge_makes(vector):
    message_id, index, secret = UUID(vector["message_id"]), vector["index"], vector["secret"]

    assert seal_link(message_id, index, vector["url"], secret) == vector["sealed"]
    assert open_link(message_id, index, vector["sealed"], secret) == vector["url"]


@given(st.uuids(), st.uuids(), st.integers(0, 65535), st.text(max_size=60))
def test_a_link_is_of_its_own_mail_and_place_alone(message_id, another, index, url):
    sealed = seal_link(message_id, index, url, SECRET)

    assert open_link(message_id, index, sealed, SECRET) == url
    assert open_link(message_id, index + 1, sealed, SECRET) is None
    assert another == message_id or open_link(another, index, sealed, SECRET) is None


@given(st.uuids(), st.text(max_size=60))
def test_nothing_that_was_not_sealed_opens_and_nothing_raises(message_id, sealed):
    assert open_link(message_id, 0, sealed, SECRET) is None
