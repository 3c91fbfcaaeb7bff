"""The environment variables of every process, for one stack. docs/operations explains each."""

from collections.abc import Mapping
from pathlib import Path

from infra.local import mariadb, s3
from infra.local.secrets import Certificate
from infra.local.tools import search_path
from sidecars import names

LOOPBACK = "127.0.0.1"


def build(home: Path, ports: Mapping[str, int], secrets: Mapping[str, str]) -> dict[str, str]:
    """Only our own variables and PATH, with the venv's tools and Node first."""
    certificate = Certificate.below(home)
    webhook_url = f"http://{LOOPBACK}:{ports['webhook']}"
    return {
        "PATH": search_path(),
        "PYTHONUNBUFFERED": "1",
        "ENVIRONMENT": "development",
        # Services
        "DATABASE_URL": f"mysql://{mariadb.DATABASE}:{secrets['mysql_password']}@{LOOPBACK}:{ports['mysql']}/"
        + mariadb.DATABASE,
        "REDIS_URL": f"redis://{LOOPBACK}:{ports['redis']}/0",
        "KAFKA_BROKERS": f"{LOOPBACK}:{ports['kafka']}",
        "CLICKHOUSE_URL": f"clickhouse://default@{LOOPBACK}:{ports['clickhouse']}/kibamail",
        "S3_ENDPOINT": f"http://{LOOPBACK}:{ports['s3']}",
        "S3_BUCKET": s3.BUCKET,
        "S3_REGION": s3.REGION,
        "AWS_ACCESS_KEY_ID": secrets["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": secrets["aws_secret_access_key"],
        # Secrets
        "ENCRYPTION_KEY": secrets["encryption_key"],
        "TOKEN_SECRET": secrets["token_secret"],
        "WEBHOOK_SECRET": secrets["webhook_secret"],
        "INTERNAL_SECRET": secrets["internal_secret"],
        "OPERATOR_TOKEN": secrets["operator_token"],
        # Addresses of the processes
        "WEB_HOST": LOOPBACK,
        "WEB_PORT": str(ports["web"]),
        "WEBHOOK_HOST": LOOPBACK,
        "WEBHOOK_PORT": str(ports["webhook"]),
        "WEBHOOK_URL": webhook_url,
        "TRACKING_URL": webhook_url,
        "FANOUT_HEALTH_PORT": str(ports["fanout_health"]),
        "ENRICHER_HEALTH_PORT": str(ports["enricher_health"]),
        "COURIER_HEALTH_PORT": str(ports["courier_health"]),
        # An app on this machine can be told, and is soon asked again.
        "COURIER_HTTP": "1",
        "COURIER_PRIVATE": "1",
        "COURIER_FIRST_RETRY_SECONDS": "1",
        # The edge
        "EDGE_NAME": "edge-1",
        "EDGE_HOME": str(home / "edge"),
        "EDGE_HOST": LOOPBACK,
        "EDGE_PORT": str(ports["smtp_internal"]),
        "EDGE_HEALTH_URL": f"http://{LOOPBACK}:{ports['smtp_health']}",
        "KIBA_HOSTNAME": "mx.kibamail.test",
        "KIBA_SMTP_HOST": LOOPBACK,
        "KIBA_SMTP_INBOUND_PORT": str(ports["smtp_inbound"]),
        "KIBA_SMTP_SUBMISSION_PORT": str(ports["smtp_submission"]),
        "KIBA_SMTPS_PORT": str(ports["smtps"]),
        "KIBA_SMTP_HEALTH_PORT": str(ports["smtp_health"]),
        "KIBA_TLS_CERT": str(certificate.certificate),
        "KIBA_TLS_KEY": str(certificate.key),
        "SIGN_UP": "open",
        # The demonstration's team has it verified.
        "NOTICES_FROM": "Kibamail <notices@news.thekettle.example>",
        "CLAIM_TTL": str(names.CLAIM_TTL_SECONDS),
        # The simulator stands for the world: its DNS, its port 25, on loopback.
        "DNS_SERVERS": f"{LOOPBACK}:{ports['simulator_dns']}",
        "KIBA_DELIVERY_PORT": str(ports["simulator_smtp"]),
        "KIBA_ALLOW_LOCAL_MX": "1",
        "REHEARSAL_PRIVATE_LINKS": "1",
        "KIBA_RETRY_SCHEDULE": "2s,5s,10s,30s*3,1m*5",
        # Its people come from many countries; they say so as a reverse proxy would.
        "TRUSTED_PROXIES": "1",
        "SIMULATOR_HOME": str(home / "simulator"),
        "SIMULATOR_SMTP_PORT": str(ports["simulator_smtp"]),
        "SIMULATOR_HTTP_PORT": str(ports["simulator_http"]),
        "SIMULATOR_DNS_PORT": str(ports["simulator_dns"]),
        "SIMULATOR_EDGE_INBOUND": f"{LOOPBACK}:{ports['smtp_inbound']}",
    }
