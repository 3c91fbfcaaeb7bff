"""S3-compatible storage, as every process of ours reaches it."""

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from sidecars.settings import settings


@cache
def client(attempts: int = 5, answer_within_seconds: int = 60) -> Any:
    """boto3's S3 client for `settings.s3_endpoint`. Calls raise botocore's errors after so many attempts."""
    return _client(settings.s3_endpoint, attempts, answer_within_seconds)


@cache
def public_client() -> Any:
    """The same for addresses that are given away, as others reach S3. It connects nowhere."""
    return _client(settings.s3_public_endpoint or settings.s3_endpoint, 1, 60)


def _client(endpoint: str, attempts: int, answer_within_seconds: int) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=settings.s3_region,
        aws_access_key_id=settings.aws_access_key_id,
        aws_secret_access_key=settings.aws_secret_access_key.get_secret_value(),
        config=Config(
            s3={"addressing_style": "path"},
            signature_version="s3v4",
            retries={"total_max_attempts": attempts, "mode": "standard"},
            connect_timeout=min(5, answer_within_seconds),
            read_timeout=answer_within_seconds,
            # Storj and older gateways refuse the checksum trailers that boto3 sends by default.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
