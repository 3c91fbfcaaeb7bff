"""A ClickHouse server (native TCP, HTTP, Kafka engine) out of the chdb-core wheel's shared library.

    python -m infra.local.clickhouse_server FOLDER

chdb is clickhouse-local as a library; it reads config.xml from the working folder, which is FOLDER, and keeps
its data in FOLDER/data. `SYSTEM START LISTEN` makes a server of it, for as long as one query runs.
"""

import importlib.machinery
import importlib.util
import os
import signal
import sys
import sysconfig
import threading
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}

# One row a block, a second a row: the query costs nothing and never ends.
SERVE = """
SYSTEM START LISTEN TCP;
SYSTEM START LISTEN HTTP;
SELECT count() FROM system.numbers WHERE NOT ignore(sleepEachRow(1))
SETTINGS max_block_size = 1, max_threads = 1, function_sleep_max_microseconds_per_block = 0,
         log_comment = 'keepalive'
"""
END = "KILL QUERY WHERE Settings['log_comment'] = 'keepalive' ASYNC"


def main(folder: Path, http_port: int) -> None:
    """Serves until SIGTERM or SIGINT."""
    os.chdir(folder)
    # Blocked before any thread starts, so that each inherits it and only sigwait() below takes them.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    engine = _load_engine()
    stopping = threading.Event()

    def serve() -> None:
        try:
            # With the format Null, native SELECTs of clients would return nothing.
            engine.query(SERVE, "TabSeparated", path=str(folder / "data"))
        except Exception as error:
            if not stopping.is_set():
                print(f"ClickHouse ended: {error}", flush=True)
        if not stopping.is_set():
            os._exit(1)

    server = threading.Thread(target=serve, daemon=True)
    server.start()
    signal.sigwait(STOP_SIGNALS)
    stopping.set()
    with suppress(OSError):
        urllib.request.urlopen(f"http://127.0.0.1:{http_port}/", data=END.encode(), timeout=5).close()
        server.join(timeout=20)
    # The library's own threads would keep the interpreter from ending.
    os._exit(0)


def _load_engine() -> Any:
    """chdb's extension module alone: `import chdb` would open an engine without our configuration."""
    library = Path(sysconfig.get_paths()["platlib"]) / "chdb" / "_chdb.abi3.so"
    loader = importlib.machinery.ExtensionFileLoader("_chdb", str(library))
    spec = importlib.util.spec_from_file_location("_chdb", library, loader=loader)
    if spec is None:
        raise ImportError(f"{library} is missing: pip install -r requirements-dev.txt")
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), int(sys.argv[2]))
