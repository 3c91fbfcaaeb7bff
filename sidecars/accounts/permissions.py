"""Who may do what. Roles of people and scopes of API keys are made of the same words.

A word is `area:act`. Each address says which it takes (`sidecars.api.resource`); `sidecars.api.auth` asks.
"""

from collections.abc import Mapping

ADMINISTRATOR = "ADMINISTRATOR"
MANAGER = "MANAGER"
AUTHOR = "AUTHOR"
GUEST = "GUEST"
ROLES = (ADMINISTRATOR, MANAGER, AUTHOR, GUEST)

_ALL = frozenset(ROLES)
_WRITERS = frozenset((ADMINISTRATOR, MANAGER, AUTHOR))
_MANAGERS = frozenset((ADMINISTRATOR, MANAGER))
_ADMINISTRATORS = frozenset((ADMINISTRATOR,))

# Permission → the roles that have it.
WHO_MAY: Mapping[str, frozenset[str]] = {
    # Audiences, contacts, tags, segments, imports.
    "audiences:read": _ALL,
    "audiences:write": _MANAGERS,
    "audiences:export": _MANAGERS,
    "audiences:erase": _MANAGERS,
    # Templates, layouts, media.
    "content:read": _ALL,
    "content:write": _WRITERS,
    # Drafts; `send` is all that moves one: publish, pause, resume, cancel.
    "broadcasts:read": _ALL,
    "broadcasts:write": _WRITERS,
    "broadcasts:send": _MANAGERS,
    # Transactional mail.
    "emails:read": _ALL,
    "emails:send": _MANAGERS,
    "reports:read": _ALL,
    "suppressions:read": _ALL,
    "suppressions:write": _MANAGERS,
    # Domains and the senders at them.
    "domains:read": _ALL,
    "domains:write": _ADMINISTRATORS,
    "webhooks:read": _MANAGERS,
    "webhooks:write": _ADMINISTRATORS,
    "keys:read": _ADMINISTRATORS,
    "keys:write": _ADMINISTRATORS,
    # The team itself: its name, its notices, its usage.
    "team:read": _ALL,
    "team:write": _ADMINISTRATORS,
    # Who is in it, and who is invited.
    "members:read": _ALL,
    "members:write": _ADMINISTRATORS,
    "audit:read": _ADMINISTRATORS,
}
PERMISSIONS = tuple(WHO_MAY)

# A key that got into wrong hands must not let anybody in for good.
PEOPLE_ONLY = frozenset(("members:write",))
FOR_KEYS = frozenset(PERMISSIONS) - PEOPLE_ONLY

# In the place of a permission, for what belongs to no team.
ANYONE = "anyone"  # also who is not known
SIGNED_IN = "signed_in"  # a key, or a person, whatever they may
PERSON = "person"  # a person about themselves


def of_role(role: str) -> frozenset[str]:
    """All that people with this role may do. Raises KeyError for no role of ours."""
    if role not in ROLES:
        raise KeyError(role)
    return frozenset(permission for permission, roles in WHO_MAY.items() if role in roles)


def as_markdown() -> str:
    """The table of docs/accounts.md."""
    lines = [f"| Permission | {' | '.join(ROLES)} | API key |", f"|---|{':-:|' * len(ROLES)}:-:|"]
    for permission, roles in WHO_MAY.items():
        marks = [role in roles for role in ROLES] + [permission in FOR_KEYS]
        lines.append(f"| `{permission}` | {' | '.join('✓' if mark else '' for mark in marks)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(as_markdown())
