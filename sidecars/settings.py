"""Every environment variable that the Python processes read, in one place.

`settings` is read once, at import. A value that cannot be parsed stops the process with the
variable's name. `python -m sidecars.settings` prints this table as Markdown (docs/operations
holds its output). Secrets have no default: `./kiba run` makes random ones for a machine's own use.
"""

from email.utils import parseaddr
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def _author(text: str) -> str:
    if text and "@" not in parseaddr(text)[1]:
        raise ValueError("must be an address, or `Name <address>`")
    return text


class Settings(BaseSettings):
    """One field a variable; the variable's name is the field's, in capitals."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, case_sensitive=False)

    environment: str = Field("development", description="Shown in logs, metrics and Sentry.")
    release: str = Field("0.1.0", description="The version that runs; shown in Sentry.")
    log_level: str = Field("INFO", description="Python's log level names.")

    # Services
    database_url: str = Field(
        "mysql://kibamail@127.0.0.1:23306/kibamail",
        description="MySQL 8.4 or MariaDB 10.11 and later: mysql://user:password@host:port/name.",
    )
    redis_url: str = Field("redis://127.0.0.1:26379/0", description="Redis 7 and later.")
    kafka_brokers: str = Field("127.0.0.1:29092", description="host:port, comma-separated.")
    clickhouse_url: str = Field(
        "clickhouse://default@127.0.0.1:29000/kibamail",
        description="Native protocol: clickhouse://user:password@host:port/database.",
    )
    clickhouse_kafka_brokers: str = Field(
        "", description="Brokers as ClickHouse itself reaches them; empty: the same as KAFKA_BROKERS."
    )
    kiba_max_unread_records: int = Field(
        20_000,
        description="Records that wait for a topic's reader, above which who writes waits: the enricher for "
        "ClickHouse, the edges for the enricher.",
        ge=1,
    )
    s3_endpoint: str = Field("http://127.0.0.1:28333", description="S3-compatible storage.")
    s3_bucket: str = Field("kibamail", description="Holds uploads, and the ledger of old broadcasts.")
    s3_region: str = Field("us-east-1", description="Region name that the endpoint expects.")
    s3_public_endpoint: str = Field(
        "", description="S3 as those reach it who upload pictures; empty: the same as S3_ENDPOINT."
    )
    media_url: str = Field(
        "",
        description="Public base URL of pictures, where a CDN or the bucket serves its `media/`; empty: "
        "TRACKING_URL, where the webhook receiver does.",
    )
    max_media_bytes: int = Field(10_000_000, description="The largest picture that can be uploaded.", ge=1)
    aws_access_key_id: str = Field("", description="S3 credential.")
    aws_secret_access_key: SecretStr = Field(SecretStr(""), description="S3 credential.")

    # Secrets
    encryption_key: SecretStr = Field(
        SecretStr(""), description="32 bytes as 64 hex digits; seals DKIM private keys (AES-256-GCM)."
    )
    token_secret: SecretStr = Field(
        SecretStr(""),
        description="MAC key of tracking, unsubscribe and return-path tokens; 32+ characters.",
    )
    webhook_secret: SecretStr = Field(
        SecretStr(""),
        description="HMAC key between the edge and the webhook receiver; 32+ characters.",
    )
    internal_secret: SecretStr = Field(
        SecretStr(""),
        description="Password of the workers on the edge's internal listener; 32+ characters.",
    )
    operator_token: SecretStr = Field(
        SecretStr(""),
        description="Bearer credential of the API below /operator; 32+ characters; empty: it answers nobody.",
    )

    # Addresses of the processes
    web_host: str = Field("127.0.0.1", description="Where the API listens.")
    web_port: int = Field(28080, description="The API's port.")
    webhook_host: str = Field("127.0.0.1", description="Where the webhook receiver listens.")
    webhook_port: int = Field(28081, description="The webhook receiver's port.")
    health_host: str = Field(
        "127.0.0.1", description="Where fan-out, enricher and courier answer /health and /metrics."
    )
    fanout_health_port: int = Field(28082, description="/health and /metrics of the fan-out; 0: none.")
    enricher_health_port: int = Field(28083, description="/health and /metrics of the enricher; 0: none.")
    courier_health_port: int = Field(28086, description="/health and /metrics of the courier; 0: none.")
    web_threads: int = Field(8, description="Threads of the API process.")
    max_upload_bytes: int = Field(
        512 * 1024 * 1024, description="The largest list of contacts that can be imported."
    )
    webhook_threads: int = Field(8, description="Threads of the webhook process.")

    # The edge, as the workers see it
    edge_host: str = Field("127.0.0.1", description="The edge's internal listener.")
    edge_port: int = Field(22526, description="The edge's internal listener.")
    kiba_max_batch_bytes: int = Field(
        32 * 1024 * 1024, description="The most bytes of mail handed over at once; the edge's too.", ge=1
    )
    edge_ca: str = Field(
        "", description="PEM file of the CA that signs the edge's certificate; empty: it is not verified."
    )
    edge_health_url: str = Field("http://127.0.0.1:28084", description="The edge's /health and /metrics.")

    # Sending
    tracking_url: str = Field(
        "http://127.0.0.1:28081", description="Public base URL of links, pixel and unsubscribe pages."
    )
    kiba_hostname: str = Field("mx.kibamail.test", description="The edge's name in EHLO and Received.")
    spf_include: str = Field(
        "",
        description="Domain whose SPF record lists all addresses of edges; empty: those of KIBA_HOSTNAME.",
    )
    return_path_host: str = Field(
        "returns.kibamail.test",
        description="What return paths of sending domains point to by CNAME; has our MX and SPF records.",
    )
    tracking_host: str = Field(
        "links.kibamail.test",
        description="What link hosts of sending domains point to by CNAME; leads to TRACKING_URL's machine.",
    )
    domain_check_hours: float = Field(
        6, description="Pause between two checks of a verified sending domain.", gt=0
    )
    domain_grace_hours: float = Field(
        72, description="How long a domain whose records vanished may still send.", ge=0
    )
    dkim_rotate_days: int = Field(
        180, description="Age at which the next DKIM key takes over by itself; 0: never.", ge=0
    )
    unverified_domain_days: int = Field(
        30,
        description="Days after which a sending domain that was never verified is forgotten; 0: never.",
        ge=0,
    )
    notices_from: Annotated[str, AfterValidator(_author)] = Field(
        "",
        description="Who tells teams by mail what happened, `Name <address>`, at a verified domain of an "
        "operator's team; empty: nobody does.",
    )
    sign_up: Literal["open", "invitation", "closed"] = Field(
        "invitation",
        description="Who may make an account: open: anybody; invitation: whom a team invites; "
        "closed: nobody.",
    )
    app_url: str = Field(
        "",
        description="Public base URL of the pages that people log in at, where links in mails lead and "
        "passkeys belong; empty: mails tell the call of the API, and there are no passkeys.",
    )
    oidc_issuer: str = Field(
        "", description="Single sign-on: the OpenID provider's issuer URL; empty: there is none."
    )
    oidc_client_id: str = Field("", description="What the provider calls us.")
    oidc_client_secret: SecretStr = Field(
        SecretStr(""), description="What we show it; empty: a public client."
    )
    suppress_after_soft_bounces: int = Field(
        5,
        description="Soft bounces within SOFT_BOUNCE_DAYS that suppress an address for a while; 0: never.",
        ge=0,
    )
    soft_bounce_days: int = Field(30, description="Days for which a soft bounce counts.", ge=1)
    soft_suppression_days: int = Field(
        30, description="Days for which soft bounces suppress an address.", ge=1
    )
    mailbox_full_suppression_days: int = Field(
        90, description="The same where the last of them was a full mailbox.", ge=1
    )
    recipients_an_hour: int = Field(
        0,
        description="Recipients a team without a limit of its own may submit in an hour; 0: any number.",
        ge=0,
    )
    default_plan: str = Field(
        "", description="Name of the plan of teams without one of their own; empty: no limits."
    )
    slice_size: int = Field(500, description="Recipients a worker claims at once; 1 to 5,000.", ge=1, le=5000)
    fanout_workers: int = Field(2, description="Worker threads of one fan-out process.", ge=1)
    lease_seconds: int = Field(120, description="How long a worker holds a slice before it is taken back.")
    clock_seconds: float = Field(1.0, description="Pause between two looks of the fan-out's clock.")
    stop_loss_hard_bounce_percent: float = Field(
        5, description="Share of hard bounces above which a broadcast pauses itself; 0: never.", ge=0
    )
    stop_loss_blocked_percent: float = Field(
        25, description="The same for mails that one provider blocks, of those to it.", ge=0
    )
    stop_loss_complaint_percent: float = Field(
        0.3, description="The same for complaints, of the delivered mails.", ge=0
    )
    stop_loss_least_mails: int = Field(200, description="Of fewer mails no share is judged.", ge=1)
    stop_loss_minutes: float = Field(
        60, description="Bounces and blocks are counted of the mails of so many minutes.", gt=0
    )
    stop_loss_patience_seconds: float = Field(
        60, description="A mail counts when it had so long for an answer.", ge=0
    )
    stop_loss_complaint_hours: float = Field(
        24, description="Complaints are counted of the mails of so many hours.", gt=0
    )
    stop_loss_complaint_patience_minutes: float = Field(
        60, description="A mail counts for complaints when it is so old.", ge=0
    )
    rehearsal_private_links: bool = Field(
        False,
        description="1: rehearsals ask links at private and loopback addresses too; for trying out alone.",
    )
    kiba_archive_after_days: int = Field(
        90,
        description="Days after its end when a broadcast's ledger moves from MySQL to S3; 0: never.",
        ge=0,
    )
    dns_servers: str = Field("", description="host:port, comma-separated; empty: the system's resolvers.")
    kiba_api_requests_a_minute: int = Field(
        60_000, description="Requests to the API by one key or person in a minute; 0: any number.", ge=0
    )
    kiba_api_requests_a_minute_by_address: int = Field(
        600, description="The same by an address without a good key or login; 0: any number.", ge=0
    )
    kiba_cors_origins: str = Field(
        "",
        description="Origins whose pages may ask the API from a browser, by blanks, such as "
        "https://app.acme.example; `*`: any, but by key alone; empty: none.",
    )
    trusted_proxies: int = Field(0, description="Reverse proxies in front whose X-Forwarded-For is believed.")

    # Webhooks to apps
    courier_workers: int = Field(
        32, description="Endpoints that one courier process delivers to at a time.", ge=1, le=200
    )
    courier_at_once: int = Field(8, description="Requests at a time to one endpoint.", ge=1, le=100)
    courier_first_retry_seconds: float = Field(
        5, description="Pause after a first failure; the later ones grow with it, up to 12 hours.", gt=0
    )
    courier_retry_hours: float = Field(72, description="How long an event is tried.", gt=0)
    courier_disable_hours: float = Field(
        120, description="An endpoint where nothing gets through for so long is disabled.", gt=0
    )
    courier_log_days: int = Field(
        30, description="Days for which settled deliveries and attempts are kept and can be replayed.", ge=1
    )
    courier_http: bool = Field(False, description="1: endpoints may be http:// addresses too.")
    courier_private: bool = Field(
        False,
        description="1: endpoints may be at private and loopback addresses too; for trying out alone.",
    )

    # Telemetry
    sentry_dsn: str = Field("", description="Errors go there; empty: nowhere.")
    posthog_key: str = Field("", description="PostHog project key; empty: no product analytics.")
    posthog_host: str = Field("", description="PostHog's address.")


settings = Settings()  # type: ignore[call-arg]


def as_markdown() -> str:
    """The table of docs/operations: variable, default, meaning. Secrets show no default."""
    rows = ["| Variable | Default | Meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = "" if isinstance(default, SecretStr) or default == "" else f"`{default}`"
        rows.append(f"| `{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(as_markdown())
