"""The simulator's environment variables. Each is named SIMULATOR_ and the field's name in capitals."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from simulator.loopback import require_loopback

PACKAGE = Path(__file__).parent


class Settings(BaseSettings):
    """Read once, in __main__. A value that cannot be parsed stops the process with the variable's name."""

    model_config = SettingsConfigDict(env_prefix="SIMULATOR_", extra="ignore", frozen=True)

    smtp_port: int = Field(default=22600, description="Port 25 of every mail exchanger.")
    http_port: int = Field(default=28085, description="Receipts, received mails, health and metrics.")
    dns_port: int = Field(default=25353, description="DNS over UDP and TCP.")
    home: Path = Field(
        default=Path(".kiba/stack/simulator"), description="Receipts, raw mails, added DNS records."
    )
    seed: str = Field(default="kibamail", description="The same seed gives each recipient the same outcome.")
    rules: Path = Field(default=PACKAGE / "rules.toml", description="The providers and what they do.")
    edge_inbound: str = Field(
        default="127.0.0.1:22525",
        description="host:port that takes DSNs, complaints and mailto-unsubscribes.",
    )
    time_scale: float = Field(
        default=4320, description="Seconds that pass for people in one second; 4320: a day in 20 s.", gt=0
    )
    keep_mails: int = Field(default=200_000, description="Received mails that can be read.", ge=1)

    @property
    def edge(self) -> tuple[str, int]:
        """Host and port of the edge's inbound listener. Raises ValueError unless it is on loopback."""
        host, _, port = self.edge_inbound.rpartition(":")
        require_loopback(host)
        return host, int(port)
