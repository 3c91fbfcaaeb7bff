"""What a team submits by SMTP, by stream: stopped by its losses, it goes on when the team's people say so."""

from sidecars.edge.records import write_team
from sidecars.models import MailStream, Team, database, now
from sidecars.notices import outbox

STREAMS = ("transactional", "broadcast")


def all_of(team_id: int) -> list[MailStream]:
    """Both streams of the team; one that never stopped has no moments."""
    known = {row.stream: row for row in MailStream.select().where(MailStream.team == team_id)}
    return [known.get(stream) or MailStream(team=team_id, stream=stream) for stream in STREAMS]


def of(team_id: int, stream: str) -> MailStream:
    """One of them, a word of STREAMS."""
    return next(row for row in all_of(team_id) if row.stream == stream)


def stop(team_id: int, stream: str, reason: str) -> bool:
    """Has edges refuse the stream, and the team's people told why. False: it had stopped before.

    Where Redis is away nothing is written, so that no edge goes on with what is told to be stopped.
    """
    with database.atomic():
        Team.select().where(Team.id == team_id).for_update().get()
        row = of(team_id, stream)
        if row.stopped_at is not None:
            return False
        moment = now()
        said = {"stopped_at": moment, "reason": reason[:255]}
        MailStream.insert(team=team_id, stream=stream, **said).on_conflict(update=said).execute()
        facts = {"stream": stream, "reason": f"{reason}."}
        outbox.tell(team_id, "stream_stopped", f"stream:{stream}", moment.isoformat(), **facts)
        write_team(team_id)
    return True


def resume(team_id: int, stream: str) -> bool:
    """Has edges take the stream again; what was sent before counts no more. False: it had not stopped."""
    with database.atomic():
        resumed = (
            MailStream.update(stopped_at=None, reason="", resumed_at=now())
            .where(
                MailStream.team == team_id, MailStream.stream == stream, MailStream.stopped_at.is_null(False)
            )
            .execute()
        )
        if resumed:
            write_team(team_id)
    return bool(resumed)
