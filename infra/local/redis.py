"""Redis from apt. Append-only file: the last second may be lost, and is recovered from MySQL."""

from collections.abc import Sequence

import redis
from typing_extensions import override

from infra.local.service import Service


class Redis(Service):
    """One Redis server."""

    name = "redis"
    port_names = ("redis",)

    @override
    def command(self) -> Sequence[str]:
        return (
            "redis-server",
            *("--port", str(self.ports["redis"])),
            *("--bind", "127.0.0.1"),
            *("--dir", str(self.folder)),
            *("--appendonly", "yes"),
            *("--save", ""),
        )

    @override
    def check(self) -> str:
        with redis.Redis(host="127.0.0.1", port=self.ports["redis"], socket_timeout=2) as client:
            return str(client.info("server")["redis_version"])
