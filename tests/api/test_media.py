"""Pictures: uploaded straight to S3, looked at, and shown by the webhook receiver."""

import io
from urllib.parse import urlsplit

import pytest
import requests
from PIL import Image

from sidecars.content.media import FOREVER


def jpeg(width, height):
    file = io.BytesIO()
    Image.effect_noise((width, height), 40).save(file, "JPEG")
    return file.getvalue()


@pytest.fixture
def upload(acme):
    """Announces a file and puts it; returns the picture's address in the API."""

    def _upload(octets, name="spring.svg", announced=None):
        made = acme.post("/v1/media", json={"name": name, "bytes": announced or len(octets)})
        assert made.status_code == 201, made.text
        put = made.json["upload"]
        headers = put["headers"] if announced is None else {}
        response = requests.request(put["method"], put["url"], data=octets, headers=headers, timeout=30)
        return f"/v1/media/{made.json['id']}", response

    return _upload


@pytest.fixture(scope="session")
def reader(stack):
    """Someone whose mail program loads pictures."""
    from sidecars.webhook.app import app

    return app.test_client()


def test_an_uploaded_picture_is_public_in_several_widths(acme, upload, reader):
    address, put = upload(jpeg(800, 400))
    assert put.status_code == 200
    awaited = acme.get(address).json
    assert (awaited["state"], awaited["url"], awaited["renditions"]) == ("awaited", None, [])
    done = acme.post(f"{address}/complete").json
    assert (done["state"], done["kind"], done["width"], done["height"]) == ("ready", "jpg", 800, 400)
    assert [each["width"] for each in done["renditions"]] == [800, 600, 320]
    assert done["url"] == done["renditions"][0]["url"]
    for each in done["renditions"]:
        shown = reader.get(urlsplit(each["url"]).path)
        assert (shown.status_code, shown.mimetype) == (200, "image/jpeg")
        assert shown.headers["Cache-Control"] == FOREVER
        assert shown.headers["X-Content-Type-Options"] == "nosniff"
        assert len(shown.data) == each["bytes"] == shown.content_length
        assert Image.open(io.BytesIO(shown.data)).size == (each["width"], each["height"])
    assert acme.post(f"{address}/complete").json == done
    assert acme.get("/v1/media").json["data"] == [done]
    assert acme.delete(address).status_code == 204
    assert acme.get(address).status_code == 404
    assert reader.get(urlsplit(done["url"]).path).status_code == 404


def test_what_was_not_uploaded_as_announced_is_not_taken(acme, upload):
    made = acme.post("/v1/media", json={"name": "later.png", "bytes": 100}).json
    missing = acme.post(f"/v1/media/{made['id']}/complete")
    assert (missing.status_code, missing.json["state"]) == (409, "awaited")
    # Whether S3 holds the upload against its signature or not.
    address, _ = upload(jpeg(30, 30), announced=5)
    assert acme.post(f"{address}/complete").status_code == 409


def test_a_file_that_is_no_picture_is_refused_whatever_it_is_called(acme, upload, fields):
    address, put = upload(b"<svg xmlns='http://www.w3.org/2000/svg'/>", name="logo.png")
    assert put.status_code == 200
    refused = acme.post(f"{address}/complete")
    assert fields(refused) == [""]
    assert "SVG" in refused.json["message"]
    assert acme.post(f"{address}/complete").status_code == 409
    assert acme.get(address).json["state"] == "awaited"


def test_too_large_a_file_is_not_even_announced(acme, fields):
    assert fields(acme.post("/v1/media", json={"name": "x", "bytes": 50_000_000})) == ["bytes"]
    assert fields(acme.post("/v1/media", json={"name": "x", "bytes": 0})) == ["bytes"]


@pytest.mark.parametrize(
    "file", ["x.png", "a" * 32 + ".svg", "a" * 32 + ".png", "..%2Fawaited%2F" + "a" * 32]
)
def test_nothing_else_of_the_bucket_is_shown(reader, file):
    assert reader.get(f"/m/{file}").status_code == 404
