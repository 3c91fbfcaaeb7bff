"""/v1/streams and /v1/notices."""

from sidecars.deliverability import mail_streams


def test_a_stream_that_stopped_is_seen_told_and_resumed(acme, other, fields):
    assert mail_streams.stop(acme.team.id, "transactional", "7.4% of mails bounced hard")
    assert not mail_streams.stop(acme.team.id, "transactional", "8.1% of mails bounced hard")

    transactional, broadcast = acme.get("/v1/streams").json["data"]
    assert (transactional["stream"], transactional["state"]) == ("transactional", "stopped")
    assert transactional["reason"] == "7.4% of mails bounced hard"
    assert transactional["stopped_at"] is not None
    assert broadcast == {
        "stream": "broadcast",
        "state": "flowing",
        "stopped_at": None,
        "reason": "",
        "resumed_at": None,
    }
    assert {each["state"] for each in other.get("/v1/streams").json["data"]} == {"flowing"}
    (notice,) = acme.get("/v1/notices").json["data"]
    assert (notice["kind"], notice["about"]) == ("stream_stopped", "stream:transactional")
    assert "POST /v1/streams/transactional/resume" in notice["text"]
    assert other.get("/v1/notices").json == {"data": [], "next_cursor": None}

    resumed = acme.post("/v1/streams/transactional/resume")
    assert (resumed.status_code, resumed.json["state"], resumed.json["reason"]) == (200, "flowing", "")
    assert resumed.json["resumed_at"] is not None
    again = acme.post("/v1/streams/transactional/resume")
    assert (again.status_code, again.json["state"]) == (409, "flowing")

    assert mail_streams.stop(acme.team.id, "transactional", "9.9% of mails bounced hard")
    first = acme.get("/v1/notices?limit=1").json
    (second,) = acme.get(f"/v1/notices?cursor={first['next_cursor']}").json["data"]
    assert first["data"] == [notice]
    assert "9.9% of mails" in second["text"]
