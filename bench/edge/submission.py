"""This system as programs use it: the edge's submission listener, one mail a transaction."""

from bench.edge.kibamail import PROCESSES, Kibamail


class Submission:
    """The submission listener of an edge that runs; a context manager that leaves it running."""

    def __init__(self, system: Kibamail) -> None:
        self.port = system.stack.ports["smtp_submission"]
        self.login = (str(system.sender.team_id), system.sender.api_key)
        self._system = system

    def __enter__(self) -> "Submission":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def roots(self) -> dict[str, int]:
        """The processes that such a mail passes."""
        processes = self._system.stack.processes
        return {name: pid for name in PROCESSES if (pid := processes[name].daemon.pid())}
