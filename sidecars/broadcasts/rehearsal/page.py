"""A mail's HTML as those look at it who read it by machine: its links, its images, its words."""

import re
from dataclasses import dataclass
from html.parser import HTMLParser

_UNSEEN = frozenset({"head", "script", "style", "title"})
_HIDDEN = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.IGNORECASE)
_VOID = frozenset({"area", "br", "col", "hr", "img", "input", "link", "meta", "wbr"})
_WORD = re.compile(r"\w+")


@dataclass
class Anchor:
    """A link: where it leads, and what stands there for readers (an image's alt text too)."""

    href: str
    text: str = ""


@dataclass(frozen=True)
class Image:
    """`alt` is None where there is none; `width` is what the HTML asks for, in pixels."""

    src: str
    alt: str | None
    width: int | None
    is_sized: bool


class Page(HTMLParser):
    """`text` is what readers see, without the preheader and whatever else is hidden."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.anchors: list[Anchor] = []
        self.images: list[Image] = []
        self.text = ""
        self._unseen: list[str] = []
        self._open: list[Anchor] = []
        self.feed(html)
        self.close()

    @property
    def words(self) -> set[str]:
        """In lower case."""
        return words_of(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes a link or an image."""
        attributes = {name: value or "" for name, value in attrs}
        if self._unseen or tag in _UNSEEN or _HIDDEN.search(attributes.get("style", "")):
            if tag not in _VOID:
                self._unseen.append(tag)
            return
        self.text += " "
        if tag in ("a", "area") and "href" in attributes:
            anchor = Anchor(attributes["href"], attributes.get("alt", ""))
            self.anchors.append(anchor)
            if tag == "a":
                self._open.append(anchor)
        elif tag == "img":
            self._image(attributes)

    def handle_endtag(self, tag: str) -> None:
        """Ends what is hidden, or a link."""
        if self._unseen:
            if tag in self._unseen:
                while self._unseen.pop() != tag:
                    pass
        elif tag == "a" and self._open:
            self._open.pop()
        if not self._unseen:
            self.text += " "

    def handle_data(self, data: str) -> None:
        """Text that is seen, also as that of the link around it."""
        if self._unseen:
            return
        self.text += data
        for anchor in self._open:
            anchor.text += data

    def _image(self, attributes: dict[str, str]) -> None:
        alt = attributes.get("alt") if "alt" in attributes else None
        sized = {name: attributes.get(name, "").removesuffix("px") for name in ("width", "height")}
        width = int(sized["width"]) if sized["width"].isdecimal() else None
        styled = re.search(r"(?<![\w-])width\s*:", attributes.get("style", ""))
        is_sized = bool(sized["width"] or styled)
        self.images.append(Image(attributes.get("src", ""), alt, width, is_sized))
        for anchor in self._open:
            anchor.text += f" {alt or ''}"


def words_of(text: str) -> set[str]:
    """In lower case."""
    return {word.lower() for word in _WORD.findall(text)}
