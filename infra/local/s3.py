"""S3-compatible storage: SeaweedFS in one process, from its PyPI wheel. Production uses Storj."""

from collections.abc import Sequence

import boto3
from botocore.config import Config
from typing_extensions import override

from infra.local.config import VERSIONS
from infra.local.service import Service

BUCKET = "kibamail"
REGION = "us-east-1"


class S3(Service):
    """One SeaweedFS with the bucket `kibamail`."""

    name = "s3"
    port_names = (
        "s3",
        "s3_grpc",
        "s3_master",
        "s3_master_grpc",
        "s3_volume",
        "s3_volume_grpc",
        "s3_filer",
        "s3_filer_grpc",
        "s3_admin",
        "s3_admin_grpc",
    )

    @override
    def command(self) -> Sequence[str]:
        (self.folder / "data").mkdir(exist_ok=True)
        return (
            "weed",
            "-logtostderr=true",  # else it logs to the shared temporary folder
            "mini",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-dir=data",
            f"-bucket={BUCKET}",
            f"-s3.port={self.ports['s3']}",
            f"-s3.port.grpc={self.ports['s3_grpc']}",
            f"-master.port={self.ports['s3_master']}",
            f"-master.port.grpc={self.ports['s3_master_grpc']}",
            f"-volume.port={self.ports['s3_volume']}",
            f"-volume.port.grpc={self.ports['s3_volume_grpc']}",
            f"-filer.port={self.ports['s3_filer']}",
            f"-filer.port.grpc={self.ports['s3_filer_grpc']}",
            f"-admin.port={self.ports['s3_admin']}",
            f"-admin.port.grpc={self.ports['s3_admin_grpc']}",
            # Relative, as a socket's path may have 107 bytes at most; the default is outside our folder.
            "-s3.localSocket=s3.sock",
            "-filer.localSocket=filer.sock",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-admin.ui=false",
            "-webdav=false",
            "-master.telemetry=false",
        )

    @override
    def environment(self) -> dict[str, str]:
        return {
            **super().environment(),
            "AWS_ACCESS_KEY_ID": self.secrets["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": self.secrets["aws_secret_access_key"],
        }

    @override
    def check(self) -> str:
        client = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.ports['s3']}",
            region_name=REGION,
            aws_access_key_id=self.secrets["aws_access_key_id"],
            aws_secret_access_key=self.secrets["aws_secret_access_key"],
            config=Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1}),
        )
        client.head_bucket(Bucket=BUCKET)
        return VERSIONS["seaweedfs"]
