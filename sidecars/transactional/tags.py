"""Words that a program says of its mails, to find them by."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from sidecars.models import database


def write_tags(said: Iterable[tuple[UUID, Sequence[str]]]) -> None:
    """Notes the tags of mails that `emails` has, by message id. Idempotent."""
    mails: dict[str, list[bytes]] = defaultdict(list)
    for message_id, tags in said:
        for tag in tags:
            mails[tag].append(message_id.bytes)
    for tag, ids in mails.items():
        places = ", ".join(["%s"] * len(ids))
        database.execute_sql(
            f"""INSERT INTO email_tags (team_id, tag, created_at, email_id)
                SELECT team_id, %s, created_at, id FROM emails WHERE message_id IN ({places})
                ON DUPLICATE KEY UPDATE email_tags.email_id = email_tags.email_id""",
            [tag, *ids],
        )
