from sidecars.webhook.app import app
from sidecars.webhook.assets import IMAGES


def test_every_picture_of_the_newsletter_is_served():
    pictures = list(IMAGES.glob("*.png"))

    answers = [app.test_client().get(f"/assets/{picture.name}") for picture in pictures]

    assert pictures
    assert [answer.data for answer in answers] == [picture.read_bytes() for picture in pictures]
    assert {answer.mimetype for answer in answers} == {"image/png"}


def test_nothing_else_is_served():
    client = app.test_client()

    assert client.get("/assets/README.md").status_code == 404
    assert client.get("/assets/%2e%2e%2fnewsletter.mjml.png").status_code == 404
