"""The fence: the simulator talks to this machine and to nothing else."""

from ipaddress import ip_address

LOOPBACK = "127.0.0.1"


class NotLoopback(ValueError):
    """Raised for an address outside this machine."""


def require_loopback(host: str) -> None:
    """Passes 127.0.0.0/8, ::1 and `localhost`. Other names are refused unresolved: DNS may lie."""
    if host == "localhost":
        return
    try:
        loopback = ip_address(host.strip("[]")).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise NotLoopback(f"{host!r} is not a loopback address; the simulator calls nothing else.")
