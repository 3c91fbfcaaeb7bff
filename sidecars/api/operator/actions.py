"""/operator/actions: who did what to the lanes, and when."""

from typing import Any

from flask import Response

from sidecars.api.resource import operator_resource
from sidecars.api.shapes import Answer, PageQuery, Timestamp, answer, page
from sidecars.models import OperatorAction

api = operator_resource("Actions", "Who did what to the lanes, and when.")


class ActionAnswer(Answer):
    """Something that an operator did, here or with ./kiba."""

    id: int
    at: Timestamp
    operator: str
    action: str
    target: str
    detail: dict[str, Any]


class ActionPage(Answer):
    """Some actions, the newest first."""

    data: list[ActionAnswer]
    next_cursor: str | None


@api.get("/actions", responses={200: ActionPage})
def list_actions(query: PageQuery) -> Response:
    """List actions, the newest first"""
    rows = OperatorAction.select().order_by(OperatorAction.id.desc()).limit(query.limit + 1)
    if query.cursor:
        rows = rows.where(OperatorAction.id < query.cursor)
    shown = page(list(rows), query.limit, lambda row: row.id, ActionAnswer.model_validate)
    return answer(ActionPage(**shown))
