"""Pictures as mails can show them: told by their content, bounded, without metadata, in some widths. Pure."""

import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

# What every mail program shows (https://www.caniemail.com/search/?s=image): these three.
KINDS = {"PNG": "png", "JPEG": "jpg", "GIF": "gif"}
CONTENT_TYPES = {"png": "image/png", "jpg": "image/jpeg", "gif": "image/gif"}
# WebP is read too, and written as one of them: Outlook on Windows does not show it.
READ = (*KINDS, "WEBP")

# Pixels of all frames together: a file of a few KB may hold that many, each of 4 bytes once it is decoded.
MAX_PIXELS = 24_000_000
MAX_SIDE = 12_000
# A mail's column is about 600 pixels wide; 1,200 for screens of twice the density, 320 for small places.
WIDTHS = (320, 600, 1200)
JPEG_QUALITY = 85

_NOT_READ = "This is no PNG, JPEG, GIF or WebP picture."
_SVG = "SVG is not shown by most mail programs, and may hold scripts: save it as PNG."


class NotAPicture(ValueError):
    """The file cannot be used; its text says why, and what to do."""


@dataclass(frozen=True)
class Rendition:
    """A picture's file in one width."""

    width: int
    height: int
    octets: bytes


@dataclass(frozen=True)
class Picture:
    """`kind` is png, jpg or gif; `renditions` has the picture itself first, then what is narrower."""

    kind: str
    renditions: list[Rendition]


def picture(octets: bytes) -> Picture:
    """What the octets show, whatever their name says. Raises NotAPicture.

    All but animated GIF is written anew: turned as its EXIF orientation says, with no other metadata, as a
    photo may tell where its author lives.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            return _picture(octets)
        except NotAPicture:
            raise
        except Image.DecompressionBombError as error:
            raise NotAPicture(_too_large()) from error
        except Image.DecompressionBombWarning as error:
            raise NotAPicture(_too_large()) from error
        # Pillow's decoders raise these, and more, for files that are broken or built to do harm.
        except (OSError, ValueError, SyntaxError, EOFError, KeyError, IndexError, MemoryError) as error:
            raise NotAPicture("The picture is damaged or cut off: save it anew.") from error


def _picture(octets: bytes) -> Picture:
    image = _opened(octets)
    frames = getattr(image, "n_frames", 1) if _header_is_bounded(image) else 1
    if image.width * image.height * frames > MAX_PIXELS:
        raise NotAPicture(_too_large())
    if image.format == "GIF" and frames > 1:
        for frame in range(frames):
            image.seek(frame)
            image.load()
        return Picture("gif", [Rendition(image.width, image.height, octets)])
    image.load()
    upright = ImageOps.exif_transpose(image)
    kind = _kind(image.format or "", upright)
    plain = _plain(upright, kind)
    return Picture(kind, list(_renditions(plain, kind)))


def _opened(octets: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(octets), formats=READ)
    except UnidentifiedImageError as error:
        start = octets[:4096].lstrip().lower()
        is_svg = b"<svg" in start
        raise NotAPicture(_SVG if is_svg else _NOT_READ) from error


def _header_is_bounded(image: Image.Image) -> bool:
    """Counting frames reads the whole file, so a frame that is too large is refused before."""
    if max(image.size) > MAX_SIDE or image.width * image.height > MAX_PIXELS:
        raise NotAPicture(_too_large())
    return True


def _kind(source: str, image: Image.Image) -> str:
    if source == "WEBP":
        return "png" if image.has_transparency_data else "jpg"
    return KINDS[source]


def _plain(image: Image.Image, kind: str) -> Image.Image:
    """In a mode that the kind can hold and that can be resized well, without metadata."""
    if kind == "jpg":
        mode = "L" if image.mode == "L" else "RGB"
    else:
        mode = "RGBA" if image.has_transparency_data else "RGB"
    plain = image.convert(mode)
    plain.info.clear()
    return plain


def _renditions(image: Image.Image, kind: str) -> Iterator[Rendition]:
    yield Rendition(image.width, image.height, _written(image, kind))
    for width in reversed(WIDTHS):
        if width < image.width:
            height = max(1, round(image.height * width / image.width))
            yield Rendition(
                width, height, _written(image.resize((width, height), Image.Resampling.LANCZOS), kind)
            )


def _written(image: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    match kind:
        case "jpg":
            image.save(file, "JPEG", quality=JPEG_QUALITY, optimize=True, progressive=True)
        case "png":
            image.save(file, "PNG", optimize=True)
        case _:
            image.save(file, "GIF")
    return file.getvalue()


def _too_large() -> str:
    return (
        f"The picture is too large: at most {MAX_PIXELS // 1_000_000} million pixels, of all its frames "
        f"together, and {MAX_SIDE:,} on a side."
    )
