"""Finds what could run, load or submit in HTML, read by a parser that the product does not use (lexbor)."""

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

_FORBIDDEN = {
    "applet", "audio", "base", "button", "embed", "form", "frame", "frameset", "iframe", "input", "link",
    "math", "noembed", "noframes", "object", "plaintext", "script", "select", "svg", "template", "textarea",
    "video", "xmp",
}  # fmt: skip
_URLS = {
    "action",
    "background",
    "cite",
    "data",
    "formaction",
    "href",
    "poster",
    "src",
    "srcset",
    "xlink:href",
}
_SCHEME = re.compile(r"[\x00-\x20]*([a-zA-Z][a-zA-Z0-9+.\-\t\r\n]*):")
_ALLOWED_SCHEMES = {"http", "https", "mailto", "tel", "sms"}
_CSS = re.compile(
    r"expression\s*\(|javascript\s*:|vbscript\s*:|(?<![-\w])behavior\s*:|-moz-binding|@import", re.IGNORECASE
)


def dangers(html: str) -> list[str]:
    """One line for each danger; what stands in comments is read as if it were shown."""
    page = LexborHTMLParser(html)
    found = []
    for comment in re.findall(r"<!--(.*?)-->", page.html or "", re.DOTALL):
        inner = re.sub(r"^\[if [^\]]*\]>|<!\[endif\]$", "", comment)
        found += [f"in a comment: {danger}" for danger in dangers(inner)]
    for node in _nodes(page.root):
        if node.tag in _FORBIDDEN:
            found.append(f"<{node.tag}>")
        if node.tag == "meta" and (node.attributes.get("http-equiv") or "").lower() not in (
            "",
            "content-type",
        ):
            found.append("<meta http-equiv>")
        if node.tag == "style":
            found += [f"style: {match}" for match in _CSS.findall(node.text() or "")]
        found += [f"<{node.tag} {danger}>" for danger in _dangerous_attributes(node)]
    return found


def _nodes(root: LexborNode | None) -> list[LexborNode]:
    return list(root.traverse(include_text=True)) if root is not None else []


def _dangerous_attributes(node: LexborNode) -> list[str]:
    return [name for name, value in node.attributes.items() if _is_dangerous(name, value or "")]


def _is_dangerous(name: str, value: str) -> bool:
    if name in _URLS:
        scheme = _SCHEME.match(value)
        return scheme is not None and re.sub(r"[\t\r\n]", "", scheme[1]).lower() not in _ALLOWED_SCHEMES
    return name.startswith("on") or name == "srcdoc" or (name == "style" and bool(_CSS.search(value)))
