"""Line ends, controls, other alphabets and endless texts in every field that the OpenAPI document has.

Nothing fails, what is refused names its field, and what is taken for one line is one line.
"""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.mail.samples import HOSTILE

ONE_LINE = {
    "name",
    "subject",
    "preheader",
    "address",
    "reply_to",
    "email",
    "first_name",
    "last_name",
    "domain",
}
# They ask DNS, or send mail.
LEFT_OUT = re.compile(r"/check$|/trials")
VALUES = [
    *HOSTILE.values(),
    *("\ud800", "a" * 70_000, "😀" * 5_000, "=?utf-8?q?=0D=0ABcc:_x@y.example?=", "\u202e", "\x00"),
    *("ann@аcme.example", "a@b.example\r\nBcc: c@d.example", '"a\r\nb"@c.example'),
    *("<a@b.example>, <c@d.example>", "a@b.example>\r\nRCPT TO:<c@d.example", "{{ contact }}"),
    *("{% include '/etc/passwd' %}", "../../etc/passwd"),
]  # fmt: skip


def leaves(value, path=()):
    """The places of texts in an example, as paths into it."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, key))


def replaced(value, path, new):
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


def texts(value, name=""):
    """(field, text) of all texts of an answer."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from texts(inner, key if isinstance(key, str) else name)


@pytest.fixture
def places(app, goods):
    """(method, path, good body, where in it a text stands)."""
    ids = {
        "audience_id": goods.ids.audience,
        "contact_id": goods.ids.contact,
        "domain_id": goods.ids.domain,
        "broadcast_id": goods.ids.broadcast,
        "stream": "fax",
    }
    found = []
    for path, methods in app.test_client().get("/openapi.json").json["paths"].items():
        if not path.startswith("/v1/") or LEFT_OUT.search(path):
            continue
        for method, operation in methods.items():
            body = (
                operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
            )
            if body is None or set(re.findall(r"\{(\w+)\}", path)) - ids.keys():
                continue
            found += [(method, path.format(**ids), body, place) for place in leaves(body)]
    assert len(found) > 20
    return found


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_no_field_breaks_its_line_or_fails(places, acme, data):
    method, path, body, place = data.draw(st.sampled_from(places))
    value = data.draw(st.sampled_from(VALUES) | st.text(max_size=50))

    response = getattr(acme, method)(path, json=replaced(body, place, value))

    assert response.status_code < 500, (method, path, place, value[:80], response.get_data(as_text=True))
    if response.status_code == 422:
        assert response.json["errors"], (method, path, place)
    if response.status_code < 300 and response.is_json:
        for name, text in texts(response.json):
            if name in ONE_LINE:
                assert not re.search(r"[\x00-\x1f\x7f]", text), (method, path, place, name, text)
