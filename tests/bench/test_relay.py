"""A mail server alone is measured as it is meant: every mail, signed or behind AUTH where the run says so."""

from pathlib import Path

import pytest

from bench.edge import sink as sinks
from bench.edge.comparison import private_key
from bench.edge.correctness import captured
from bench.edge.mode import MODES
from bench.edge.relay import Source, run_relay
from bench.edge.stock_haraka import LOGIN, StockHaraka

MAILS = 50


@pytest.mark.parametrize(("mode", "auth"), [("signed", False), ("unsigned", True)])
def test_stock_haraka_delivers_all_that_it_took(tmp_path: Path, mode, auth):
    key = tmp_path / "dkim.pem"
    key.write_bytes(private_key())
    file = tmp_path / "captured"
    with (
        sinks.Sink(sinks.build(tmp_path), tmp_path, capture=file) as sink,
        StockHaraka(tmp_path, MODES[mode], sink.port, key, auth=auth) as relay,
    ):
        source = Source(tmp_path, relay.port, MAILS, 60, LOGIN if auth else None)
        run = run_relay("haraka", relay, sink, MODES[mode], source, lambda _: None)
        recipients = {mail.recipient for mail in captured(file)}
        signatures = file.read_bytes().count(b"\r\nDKIM-Signature: ")
    assert run.complete
    assert run.n == MAILS == len(recipients)
    assert run.cpu_ms_per_mail["haraka"] > 0
    assert run.peak_mb["haraka"] > 0
    assert signatures == (MAILS if MODES[mode].signed else 0)
