"""`python -m simulator` runs until SIGTERM or SIGINT."""

import asyncio
import signal
import sys

import uvloop
from pydantic import ValidationError

from simulator import log
from simulator.app import Simulator
from simulator.settings import Settings


async def main(settings: Settings) -> None:
    """Starts a simulator, waits for a signal, stops it."""
    asked_to_stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked_to_stop.set)
    simulator = Simulator(settings)
    await simulator.start()
    await asked_to_stop.wait()
    await simulator.stop()


if __name__ == "__main__":
    log.setup()
    try:
        uvloop.run(main(Settings()))
    except (OSError, ValidationError, ValueError) as error:
        sys.exit(f"simulator: {error}")
