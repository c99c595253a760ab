"""Run a real S3 server for the tests of documents in object storage."""

import os
import secrets
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from config import document_url
from tests.installation import free_port, wait_until

# The server accepts any. boto3 reads them from the environment, as those of an operator.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
REGION = "eu-central-1"


class Bucket:
    """Represent a bucket of the server, with a client that shares no code with the product."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint, self.name = endpoint, f"documents-{secrets.token_hex(4)}"
        self.client: Any = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        self.client.create_bucket(Bucket=self.name, CreateBucketConfiguration={"LocationConstraint": REGION})

    def url(self, prefix: str = "underone", *, endpoint: str | None = None, **parameters: str) -> str:
        """Return the value of DOCUMENTS_URL for this bucket."""
        query = "".join(f"&{name}={value}" for name, value in parameters.items())
        return f"s3://{self.name}/{prefix}?endpoint={endpoint or self.endpoint}&region={REGION}{query}"

    def keys(self) -> list[str]:
        """Return the keys of all objects."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return [entry["Key"] for page in pages for entry in page.get("Contents", ())]


@contextmanager
def s3_server() -> Iterator[str]:
    """Start the server and yield its URL."""
    port = free_port()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdout=log,
            stderr=log,
            cwd=Path(tempfile.gettempdir()),
            env=os.environ | {"PYTHONWARNINGS": "ignore"},
        )
        try:
            wait_until(lambda: process.poll() is not None or answers(port))
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/moto-api/", timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def storages_at(documents_url: str) -> dict[str, Any]:
    """Return Django's STORAGES for a DOCUMENTS_URL."""
    return {
        "default": document_url.storage(documents_url),
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
