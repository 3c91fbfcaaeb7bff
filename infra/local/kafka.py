"""Apache Kafka, one node that is broker and controller (KRaft), from Maven's jars."""

import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Sequence

from kafka.admin import KafkaAdminClient
from typing_extensions import override

from infra.local.config import KAFKA_JARS, VERSIONS
from infra.local.service import Service

PARTITIONS = 3
# A record carries up to 2,000 events, which the webhook receiver takes up to 4 MiB of.
MAX_RECORD_BYTES = 8 * 1024 * 1024

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
message.max.bytes={max_record}
replica.fetch.max.bytes={max_record}

# One node for one developer: few threads, no replicas, no wait for further consumers.
num.network.threads=1
num.io.threads=2
background.threads=2
log.cleaner.dedupe.buffer.size=2097152
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
# After a kill, the controller lets the same node in again only when its old session is over.
broker.heartbeat.interval.ms=1000
broker.session.timeout.ms=6000
"""

JAVA = (
    "java",
    "-Xms32m",
    "-Xmx256m",
    "-XX:+UseSerialGC",
    # The optimising compiler would take more of a developer's CPU than its code gives back.
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",  # else each JVM writes to the shared temporary folder
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    f"--class-path={KAFKA_JARS}/*",
)


class Kafka(Service):
    """One Kafka node; topics are made by create_topics() alone."""

    name = "kafka"
    port_names = ("kafka", "kafka_controller")

    @override
    def command(self) -> Sequence[str]:
        data = self.folder / "data"
        properties = self.folder / "server.properties"
        properties.write_text(
            PROPERTIES.format(
                broker=self.ports["kafka"],
                controller=self.ports["kafka_controller"],
                data=data,
                max_record=MAX_RECORD_BYTES,
            )
        )
        if not (data / "meta.properties").exists():
            self._format(str(properties))
        return (*JAVA, "kafka.Kafka", str(properties))

    @override
    def check(self) -> str:
        with self._admin() as admin:
            admin.list_topics()
        return VERSIONS["kafka"]

    def create_topics(self, names: Iterable[str]) -> None:
        """Makes those that are missing, with PARTITIONS each, and returns when each has its leaders."""
        with self._admin() as admin:
            missing = set(names) - set(admin.list_topics())
            if missing:
                options = {"num_partitions": PARTITIONS, "replication_factor": 1}
                admin.create_topics(dict.fromkeys(missing, options), wait_for_metadata=True)

    def _admin(self) -> KafkaAdminClient:
        return KafkaAdminClient(
            bootstrap_servers=f"127.0.0.1:{self.ports['kafka']}",
            # The client's own waits grow to seconds while the broker starts; ours is to ask again at once.
            reconnect_backoff_max_ms=100,
            bootstrap_timeout_ms=10_000,
        )

    def _format(self, properties: str) -> None:
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        command = (*JAVA, "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", properties)
        self.daemon.run_first(command, self.environment(), self.folder)
