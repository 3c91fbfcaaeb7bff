from sidecars.broadcasts import wakeups as module


def test_what_was_connected_is_called_with_the_broadcast(wakeups):
    module.plan_soon(7)
    module.send_soon(8)
    assert wakeups == [("plan", 7), ("send", 8)]


def test_where_nothing_is_connected_the_clock_is_left_to_find_the_work(monkeypatch):
    monkeypatch.setattr(module, "_connected", {})
    module.plan_soon(7)


def test_a_queue_that_fails_is_logged_and_raises_nothing(monkeypatch, caplog):
    def down(broadcast_id):
        raise ConnectionError("no queue")

    monkeypatch.setattr(module, "_connected", {"send": down})
    module.send_soon(8)
    (record,) = caplog.records
    assert (record.broadcast_id, record.wakeup, record.error) == (8, "send", "no queue")
