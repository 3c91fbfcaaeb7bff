"""What is wrong with a DNS record, told exactly. Pure: takes what was found, answers a sentence or nothing.

Every function returns "" where the records do what they must, else the difference and what to do.
"""

import re

_TAG = re.compile(r"\s*([A-Za-z]\w*)\s*=\s*([^;]*)")


def dkim(found: list[str], public_key: str, key_type: str = "rsa") -> str:
    """TXT records at the selector against our key, as it stands behind `p=`. RFC 6376, 3.6.1."""
    records = [tags(text) for text in found if "p" in tags(text)]
    keys = [record["p"] for record in records]
    if not keys:
        return "There is no DKIM record at this name." + _instead(found)
    if len(keys) > 1:
        return f"There are {len(keys)} DKIM records at this name; receivers may take either. Leave only ours."
    published = re.sub(r"\s", "", keys[0])
    if published == public_key and records[0].get("k", "rsa") != key_type:
        return f"The key is right, but its type is not: the record must say k={key_type}."
    if published == public_key:
        return ""
    if not published:
        return "The record's p= is empty, which revokes the key. Publish the value shown."
    if public_key.startswith(published):
        return (
            f"The published key stops after {len(published)} of {len(public_key)} characters. The panel cut "
            'it off: enter it as several quoted strings of at most 255 characters, "…" "…".'
        )
    place = next(
        (n for n, (theirs, ours) in enumerate(zip(published, public_key, strict=False), 1) if theirs != ours),
        len(public_key) + 1,
    )
    return f"The published key differs from ours at character {place}. Replace it by the value shown."


def mx(found: list[str], host: str) -> str:
    """MX records of the return path ("10 mx.example"): bounces must come to `host`, and to no other."""
    if not found:
        return "There is no MX record at this name, so no bounce would reach us."
    hosts = {text.split()[-1].rstrip(".").lower() for text in found}
    others = sorted(hosts - {host.lower()})
    if host.lower() not in hosts:
        return f"The MX record points to {', '.join(others)}; it must point to {host}."
    if others:
        return f"Besides {host} the MX records name {', '.join(others)}, where bounces would be lost."
    return ""


def tags(text: str) -> dict[str, str]:
    """`v=DKIM1; k=rsa; p=…` → its tags; names in lower case, values trimmed."""
    return {
        match[1].lower(): match[2].strip()
        for match in (_TAG.match(part) for part in text.split(";"))
        if match is not None
    }


def _instead(found: list[str]) -> str:
    return f' Found instead: "{found[0][:100]}".' if found else ""
