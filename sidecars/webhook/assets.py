"""GET /assets/<name>.png: the pictures of the demonstration's newsletter, as any web server serves them."""

from pathlib import Path

from flask import Blueprint, Response, send_from_directory

IMAGES = Path(__file__).resolve().parents[2] / "demo" / "images"

blueprint = Blueprint("assets", __name__)


@blueprint.get("/assets/<name>.png")
def picture(name: str) -> Response:
    """A picture of demo/images, to be kept for a day; 404 where there is none."""
    return send_from_directory(IMAGES, f"{name}.png", max_age=86400)
