"""The simulator's own HTTP: receipts and progress for programs, received mails for people."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import orjson
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from simulator import pages
from simulator.receipts import Kind
from simulator.store import Mail

if TYPE_CHECKING:
    from simulator.app import Simulator

MOST_MAILS = 1000
LINES_A_WRITE = 500


def application(simulator: "Simulator") -> web.Application:
    """All paths, for a simulator that is about to start."""
    handlers = Handlers(simulator)
    app = web.Application()
    app.add_routes(
        [
            web.get("/health", handlers.health),
            web.get("/metrics", handlers.metrics),
            web.get("/progress", handlers.progress),
            web.get("/receipts.ndjson", handlers.receipts),
            web.get("/mails", handlers.mails),
            web.get("/mails/{id}/raw", handlers.raw),
            web.get("/dns/records", handlers.dns_records),
            web.post("/dns/records", handlers.add_dns_record),
            web.delete("/dns/records", handlers.remove_dns_records),
            web.post("/dns/zone", handlers.load_zone_file),
            web.post("/reset", handlers.reset),
            web.post("/connections/cut", handlers.cut_connections),
            *pages.routes(simulator),
        ]
    )
    return app


class Handlers:
    """One method a path."""

    def __init__(self, simulator: "Simulator") -> None:
        self._simulator = simulator
        self._registry = CollectorRegistry()
        self._registry.register(_Metrics(simulator))

    async def health(self, request: web.Request) -> web.Response:
        """503 while it drains."""
        draining = self._simulator.receiver.draining
        checks = {
            "smtp": {"ok": True, "detail": f"{len(self._simulator.receiver.sessions)} connections"},
            "agenda": {"ok": True, "detail": f"{self._simulator.agenda.pending} pending actions"},
        }
        status = "draining" if draining else "ok"
        return _json({"status": status, "process": "simulator", "checks": checks}, 503 if draining else 200)

    async def metrics(self, request: web.Request) -> web.Response:
        """Prometheus text."""
        headers = {"Content-Type": CONTENT_TYPE_LATEST}
        return web.Response(body=generate_latest(self._registry), headers=headers)

    async def progress(self, request: web.Request) -> web.Response:
        """How far people are: actions to come, actions given up, facts of each kind, open connections."""
        agenda = self._simulator.agenda
        return _json(
            {
                "pending_actions": agenda.pending,
                "given_up": agenda.given_up,
                "counts": self._simulator.receipts.total(),
                "connections": len(self._simulator.receiver.sessions),
            }
        )

    async def receipts(self, request: web.Request) -> web.StreamResponse:
        """All facts, or those of a broadcast or a kind, oldest first."""
        kind = request.query.get("kind")
        if kind is not None and kind not in list(Kind):
            raise _unprocessable("kind", f"There are {', '.join(Kind)}.")
        lines = self._simulator.receipts.lines(_number(request, "broadcast_id"), kind)
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        block: list[bytes] = []
        for line in lines:
            block.append(line)
            if len(block) == LINES_A_WRITE:
                await response.write(b"".join(block))
                block.clear()
        await response.write_eof(b"".join(block))
        return response

    async def mails(self, request: web.Request) -> web.Response:
        """A page of received mails, oldest first; `next` is the `after` of the following page, if any."""
        limit = min(_number(request, "limit") or 100, MOST_MAILS)
        mails = self._simulator.store.page(
            broadcast_id=_number(request, "broadcast_id"),
            message_id=request.query.get("message_id"),
            after=_number(request, "after") or 0,
            limit=limit,
        )
        following = mails[-1].id if len(mails) == limit else None
        return _json({"mails": [_described(mail) for mail in mails], "next": following})

    async def raw(self, request: web.Request) -> web.Response:
        """The mail as it came over the wire."""
        mail = pages.asked_for(self._simulator.store, request)
        return web.Response(body=pages.raw_of(self._simulator.store, mail), content_type="message/rfc822")

    async def dns_records(self, request: web.Request) -> web.Response:
        """The added records."""
        return _json({"records": self._simulator.zone.records()})

    async def add_dns_record(self, request: web.Request) -> web.Response:
        """Body: {"name": "news.acme.example", "type": "TXT", "value": "v=spf1 -all"}."""
        record = await request.json()
        try:
            self._simulator.zone.add(record["name"], record["type"], record["value"])
        except (KeyError, TypeError) as error:
            raise _unprocessable("record", "Send a JSON object with name, type and value.") from error
        except ValueError as error:
            raise _unprocessable("value", str(error)) from error
        return _json({"records": self._simulator.zone.records()}, 201)

    async def load_zone_file(self, request: web.Request) -> web.Response:
        """Body: a zone file, whose records are added."""
        try:
            self._simulator.zone.load(await request.text())
        except ValueError as error:
            raise _unprocessable("zone", str(error)) from error
        return _json({"records": self._simulator.zone.records()}, 201)

    async def remove_dns_records(self, request: web.Request) -> web.Response:
        """Query: name, and type unless all of them are meant."""
        self._simulator.zone.remove(request.query["name"], request.query.get("type"))
        return _json({"records": self._simulator.zone.records()})

    async def reset(self, request: web.Request) -> web.Response:
        """Forgets everything; see Simulator.reset."""
        self._simulator.reset()
        return _json({"reset": True})

    async def cut_connections(self, request: web.Request) -> web.Response:
        """Ends every open SMTP connection without a word, whatever was being said on it."""
        sessions = tuple(self._simulator.receiver.sessions)
        for session in sessions:
            session.drop()
        return _json({"cut": len(sessions)})


class _Metrics(Collector):
    """Reads the counts that are kept anyway, so that a mail costs nothing more."""

    def __init__(self, simulator: "Simulator") -> None:
        self._simulator = simulator

    def collect(self) -> Iterable[Metric]:
        simulator = self._simulator
        receipts = CounterMetricFamily("simulator_receipts", "Facts written.", labels=["kind", "provider"])
        for (kind, provider), count in simulator.receipts.counts.items():
            receipts.add_metric([kind, provider], count)
        connections = CounterMetricFamily("simulator_connections", "SMTP connections.", labels=["provider"])
        for provider, count in simulator.receiver.connections.items():
            connections.add_metric([provider], count)
        open_now = len(simulator.receiver.sessions)
        return (
            receipts,
            connections,
            GaugeMetricFamily("simulator_open_connections", "SMTP connections now open.", open_now),
            GaugeMetricFamily("simulator_pending_actions", "Actions to come.", simulator.agenda.pending),
            GaugeMetricFamily("simulator_given_up_actions", "Actions given up.", simulator.agenda.given_up),
        )


def _described(mail: Mail) -> dict[str, object]:
    return {
        "id": mail.id,
        "at": mail.at,
        **mail.subject._asdict(),
        "envelope_sender": mail.envelope_sender,
        "size": mail.place.size,
    }


def _number(request: web.Request, name: str) -> int | None:
    text = request.query.get(name, "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit():
        raise _unprocessable(name, "Send a whole number.")
    return int(text)


def _json(content: object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(content), status=status, content_type="application/json")


def _unprocessable(field: str, message: str) -> web.HTTPUnprocessableEntity:
    body = {"message": message, "errors": [{"message": message, "field": field}]}
    return web.HTTPUnprocessableEntity(body=orjson.dumps(body), content_type="application/json")
