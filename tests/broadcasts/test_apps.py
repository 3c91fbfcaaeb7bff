"""What teams' apps are told of broadcasts."""

from sidecars.broadcasts.control import cancel, stop
from sidecars.broadcasts.finish import finish
from sidecars.models import Broadcast, SendSlice
from tests.listening import listen, told


def test_apps_are_told_of_the_end_of_a_broadcast_once(planned):
    sent, cancelled, stopped = planned(3), planned(3), planned(3)
    endpoint = listen(sent.team_id)
    SendSlice.update(state="done").where(SendSlice.broadcast == sent.id).execute()
    for _ in range(2):
        finish(sent.id)
    cancel(cancelled.id)
    stop(stopped.id, "Its audience is gone.")
    assert [
        (type_, data["broadcast_id"], data["state"], data["reason"]) for type_, data in told(endpoint)
    ] == [
        ("broadcast.finished", f"bc_{sent.id}", "sent", ""),
        ("broadcast.finished", f"bc_{cancelled.id}", "cancelled", ""),
        ("broadcast.stopped", f"bc_{stopped.id}", "stopped", "Its audience is gone."),
    ]
    assert told(endpoint)[0][1]["name"] == Broadcast.get_by_id(sent.id).name
