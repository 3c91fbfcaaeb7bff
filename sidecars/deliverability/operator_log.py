"""Who did what to the lanes, and when: a row beside each change, in its transaction."""

from typing import Any

from sidecars.models import OperatorAction


def record(operator: str, action: str, target: str, **detail: Any) -> None:
    """`action` is a verb and its object, `pause lane`; `detail` is JSON: what was said, what was before."""
    OperatorAction.create(operator=operator, action=action, target=target, detail=detail)
