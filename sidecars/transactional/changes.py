"""What may still be changed of a mail that waits: when it goes, and whether."""

from datetime import datetime
from uuid import UUID

from sidecars.broadcasts.moves import READ_COMMITTED, move_sends
from sidecars.broadcasts.states import Reason, SendState
from sidecars.models import Email, Submission, database
from sidecars.transactional import contents, wakeup


class Gone(Exception):
    """It does not wait any more: an edge has it, a worker just hands it over, or it was cancelled."""


def cancel(submission: Submission) -> None:
    """Whoever has no copy yet gets none. Raises Gone."""
    with database.atomic(READ_COMMITTED):
        _hold(submission.id)
        database.execute_sql("DELETE FROM submission_queue WHERE submission_id = %s", (submission.id.bytes,))
        rows = Email.select(Email.id).where(Email.submission == submission.id.hex)
        planned = frozenset({SendState.PLANNED})
        move_sends(0, [row.id for row in rows], planned, SendState.CANCELLED, Reason.CANCELLED)
        contents.forget([submission.id])
    contents.remove([submission.storage_key])


def reschedule(submission: Submission, send_at: datetime) -> None:
    """Puts its moment (with its time zone) elsewhere. Raises Gone."""
    with database.atomic(READ_COMMITTED):
        _hold(submission.id)
        moment = Submission.send_at.db_value(send_at)
        database.execute_sql(
            "UPDATE submission_queue SET due_at = %s, claim = NULL WHERE submission_id = %s",
            (moment, submission.id.bytes),
        )
        Submission.update(send_at=send_at).where(Submission.id == submission.id).execute()
    wakeup.soon()


def _hold(submission_id: UUID) -> None:
    """Keeps workers from it till the transaction ends. Raises Gone."""
    waiting = database.execute_sql(
        """SELECT 1 FROM submission_queue
            WHERE submission_id = %s AND (claim IS NULL OR due_at <= UTC_TIMESTAMP(3)) FOR UPDATE""",
        (submission_id.bytes,),
    ).fetchone()
    if waiting is None:
        raise Gone
