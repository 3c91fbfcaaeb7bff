"""ClickHouse from the chdb-core wheel; clickhouse_server.py makes a server of it."""

import sys
import urllib.request
from collections.abc import Sequence

from clickhouse_driver import Client
from typing_extensions import override

from infra.local.config import REPOSITORY
from infra.local.service import Service

DATABASE = "kibamail"

CONFIG = """\
<clickhouse>
  <listen_host>127.0.0.1</listen_host>
  <tcp_port>{native}</tcp_port>
  <http_port>{http}</http_port>
  <timezone>UTC</timezone>
  <log-level>warning</log-level>
  <logger><log>{folder}/server.log</log></logger>
  <users_config>{folder}/users.xml</users_config>
  <max_server_memory_usage>1500000000</max_server_memory_usage>
  <mark_cache_size>67108864</mark_cache_size>
  <background_schedule_pool_size>16</background_schedule_pool_size>
  <background_message_broker_schedule_pool_size>4</background_message_broker_schedule_pool_size>
  <kafka>
    <auto_offset_reset>earliest</auto_offset_reset>
    <!-- At the default of 45 s, ingestion idles that long after a kill. -->
    <session_timeout_ms>6000</session_timeout_ms>
  </kafka>
</clickhouse>
"""

# No password: it listens on loopback only.
USERS = """\
<clickhouse>
  <profiles><default><max_threads>2</max_threads></default></profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <password/>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <access_management>1</access_management>
    </default>
  </users>
</clickhouse>
"""


class ClickHouse(Service):
    """One ClickHouse server with the database `kibamail`."""

    name = "clickhouse"
    port_names = ("clickhouse", "clickhouse_http")

    @override
    def command(self) -> Sequence[str]:
        (self.folder / "users.xml").write_text(USERS)
        (self.folder / "config.xml").write_text(
            CONFIG.format(
                native=self.ports["clickhouse"], http=self.ports["clickhouse_http"], folder=self.folder
            )
        )
        http_port = str(self.ports["clickhouse_http"])
        return (sys.executable, "-m", "infra.local.clickhouse_server", str(self.folder), http_port)

    @override
    def environment(self) -> dict[str, str]:
        return {**super().environment(), "PYTHONPATH": str(REPOSITORY)}

    @override
    def check(self) -> str:
        create = f"CREATE DATABASE IF NOT EXISTS {DATABASE}"
        http = f"http://127.0.0.1:{self.ports['clickhouse_http']}/"
        urllib.request.urlopen(http, data=create.encode(), timeout=5).close()
        client = Client("127.0.0.1", port=self.ports["clickhouse"], database=DATABASE, connect_timeout=2)
        try:
            return str(client.execute("SELECT version()")[0][0])
        finally:
            client.disconnect()
