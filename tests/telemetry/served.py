"""An app for gunicorn: a request that lasts till SIGTERM, one that fails, one that is a product event."""

import threading

from flask import Flask, request

from sidecars.telemetry import instrument, product_event
from tests.support import wait_for

app = Flask(__name__)
health = instrument(app, {})
arrived = threading.Event()


@app.get("/slow")
def slow():
    arrived.set()
    wait_for(lambda: health.is_draining)
    return "done"


@app.get("/arrived")
def slow_has_arrived():
    return str(arrived.wait(30))


@app.get("/fail")
def fail():
    raise RuntimeError("fails in a worker")


@app.get("/event")
def event():
    product_event(7, "broadcast published")
    return "told"


@app.post("/echo")
def echo():
    return request.get_data()
