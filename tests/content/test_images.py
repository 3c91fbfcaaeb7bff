"""Pictures: what is taken, in what it is written, what is refused."""

import io
import zlib
from struct import pack

import pytest
from PIL import Image

from sidecars.content.images import MAX_PIXELS, NotAPicture, picture


def written(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def opened(rendition):
    return Image.open(io.BytesIO(rendition.octets))


def bomb(width, height):
    """A PNG of a few KB that would be that large: its rows are all zero."""

    def chunk(name, data):
        return pack(">I", len(data)) + name + data + pack(">I", zlib.crc32(name + data))

    header = pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("kind", "mode", "becomes"),
    [
        ("PNG", "RGBA", "png"),
        ("PNG", "P", "png"),
        ("JPEG", "RGB", "jpg"),
        ("JPEG", "CMYK", "jpg"),
        ("GIF", "P", "gif"),
        ("WEBP", "RGB", "jpg"),
        ("WEBP", "RGBA", "png"),
    ],
)
def test_a_picture_is_told_by_its_content_and_has_narrower_widths(kind, mode, becomes):
    found = picture(written(Image.new(mode, (700, 350)), kind))
    assert found.kind == becomes
    assert [(each.width, each.height) for each in found.renditions] == [(700, 350), (600, 300), (320, 160)]
    for each in found.renditions:
        image = opened(each)
        assert image.format == {"png": "PNG", "jpg": "JPEG", "gif": "GIF"}[becomes]
        assert image.size == (each.width, each.height)


def test_a_photo_is_turned_upright_and_loses_what_it_tells_of_its_author():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010E] = "taken at home"
    photo = written(Image.new("RGB", (40, 20)), "JPEG", exif=exif, comment=b"taken at home")
    [only] = picture(photo).renditions
    assert (only.width, only.height) == (20, 40)
    assert b"taken at home" in photo
    assert b"taken at home" not in only.octets


def test_an_animation_stays_as_it_is():
    frames = [Image.new("RGB", (400, 10), color) for color in ("red", "green", "blue")]
    octets = written(frames[0], "GIF", save_all=True, append_images=frames[1:])
    [only] = picture(octets).renditions
    assert only.octets == octets


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        (b"", "no PNG"),
        (b"<html>", "no PNG"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"></svg>', "SVG"),
        (written(Image.new("RGB", (4, 4)), "TIFF"), "no PNG"),
        (written(Image.new("RGB", (400, 400)), "JPEG")[:-300], "damaged"),
        (bomb(9000, 9000), "too large"),
        (bomb(60_000, 60_000), "too large"),
        (bomb(20_000, 1), "too large"),
        (bomb(100, 100), "damaged"),
    ],
)
def test_what_is_no_picture_or_a_bomb_is_refused_and_told_why(octets, told):
    with pytest.raises(NotAPicture, match=told):
        picture(octets)


def test_the_frames_of_an_animation_count_together():
    side = 1000
    frames = [Image.new("1", (side, side), number % 2) for number in range(MAX_PIXELS // side**2 + 2)]
    octets = written(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert len(octets) < 1_000_000
    with pytest.raises(NotAPicture, match="frames together"):
        picture(octets)
