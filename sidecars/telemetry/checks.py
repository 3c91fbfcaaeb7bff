"""Health checks of the services behind a process, for `instrument` and `health_server`.

Each opens its own connection with a short limit, so that it tells of the service and not of a pool.
"""

from urllib.parse import unquote, urlparse

import pymysql
import redis as redis_client
from kafka import KafkaAdminClient

from sidecars.settings import settings

LIMIT_SECONDS = 2


def mysql() -> str:
    """The server's version; raises pymysql.MySQLError."""
    url = urlparse(settings.database_url)
    connection = pymysql.connect(
        host=url.hostname or "127.0.0.1",
        port=url.port or 3306,
        user=unquote(url.username or "root"),
        password=unquote(url.password or ""),
        database=url.path.lstrip("/"),
        connect_timeout=LIMIT_SECONDS,
        read_timeout=LIMIT_SECONDS,
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT VERSION()")
        (version,) = cursor.fetchone() or ("?",)
        return f"MySQL {version}"


def redis() -> str:
    """The server's version and memory; raises redis.RedisError."""
    with redis_client.Redis.from_url(
        settings.redis_url, socket_connect_timeout=LIMIT_SECONDS, socket_timeout=LIMIT_SECONDS
    ) as client:
        info = client.info()
    return f"Redis {info['redis_version']}, {info['used_memory_human']}"


def kafka() -> str:
    """How many brokers answer; raises kafka.errors.KafkaError."""
    client = KafkaAdminClient(
        bootstrap_servers=settings.kafka_brokers.split(","),
        bootstrap_timeout_ms=LIMIT_SECONDS * 1000,
        request_timeout_ms=LIMIT_SECONDS * 1000,
    )
    try:
        brokers = client.describe_cluster()["brokers"]
    finally:
        client.close()
    return f"Kafka, {len(brokers)} broker{'s' if len(brokers) != 1 else ''}"
