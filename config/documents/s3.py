"""Store documents in S3 or a service like it: django-storages, with bounded memory, keys that are never
overwritten, and errors that callers of Django's storages know."""

import errno
import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import File
from storages.backends.s3 import S3Storage
from storages.utils import clean_name

from api.problems import StorageUnavailable
from config.documents.object_reader import ObjectReader

# One part at a time is in memory. S3 allows 10,000 parts, so an archive of 160 GB can be stored.
PART_BYTES = 16 * 1024**2
TRANSFER = TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, use_threads=False)
READ_BUFFER_BYTES = 256 * 1024
MISSING = {"404", "NoSuchKey"}
CONTENT_TYPE = "application/octet-stream"


class DocumentStorage(S3Storage):  # type: ignore[misc]  # without types
    """Store documents as private objects.

    `_open` and `_save` are hooks of Django's `Storage`. `_normalize_name` of django-storages adds the prefix
    and refuses names outside of it (tests/config/test_document_storage.py fails when it changes).
    """

    def __init__(self, **options: Any) -> None:
        addressing = options.pop("addressing_style", None)
        super().__init__(
            transfer_config=TRANSFER,
            # No ACL: objects are private by default, and buckets with disabled ACLs refuse any.
            default_acl=None,
            client_config=Config(
                connect_timeout=5,
                read_timeout=30,
                retries={"mode": "standard", "total_max_attempts": 5},
                max_pool_connections=50,
                signature_version="s3v4",
                s3={"addressing_style": addressing or "auto"},
                # Services other than Amazon's do not know its newer checksums.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
            **options,
        )
        self._shared: tuple[int, Any] = (0, None)

    @property
    def connection(self) -> Any:
        """Return the connection of this process. A forked process connects anew."""
        # django-storages has one for each thread, and threads that live for one request would create a client
        # each time. Only `meta.client` is used here, which threads may share.
        process, connection = self._shared
        if process != os.getpid():
            # Under the name of this process, a thread may find the connection of its parent.
            self._connections.__dict__.clear()
            connection = super().connection
            self._shared = (os.getpid(), connection)
        return connection

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Return a new name each time."""
        # S3 cannot create an object only if there is none, on all services. Two workers that store the same
        # export would overwrite each other's archive, and the one that gives up would delete the other's.
        return f"{clean_name(name)}-{secrets.token_hex(6)}"

    def exists(self, name: str) -> bool:
        with os_errors(name):
            return bool(super().exists(name))

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """Return the folders and files in a folder, of any number. A folder that does not exist is empty."""
        with os_errors(path):
            folders, files = super().listdir(path)
            return folders, files

    def delete(self, name: str) -> None:
        """Delete the object. One that does not exist is no error."""
        with os_errors(name):
            self._client.delete_object(Bucket=self.bucket_name, Key=self._key(name))

    def size(self, name: str) -> int:
        with os_errors(name):
            head = self._client.head_object(Bucket=self.bucket_name, Key=self._key(name))
            return int(head["ContentLength"])

    def url(self, name: str, *args: object, **kwargs: object) -> str:
        """Raise NotImplementedError: documents are sent by the API only, which checks who asks."""
        raise NotImplementedError("Documents have no URLs.")

    def put(self, name: str, content: bytes) -> None:
        """Store a small object under exactly this name, and replace the one that has it."""
        with os_errors(name):
            self._client.put_object(
                Bucket=self.bucket_name, Key=self._key(name), Body=content, **self._parameters()
            )

    def _open(self, name: str, mode: str = "rb") -> "File[bytes]":
        if mode != "rb":
            raise io.UnsupportedOperation("Objects are written by `save` and opened for reading only.")
        with os_errors(name):
            reader = ObjectReader(client=self._client, bucket=self.bucket_name, key=self._key(name))
        document = File(_Buffered(reader, READ_BUFFER_BYTES), name=name)
        document.size = reader.size
        return document

    def _save(self, name: str, content: "File[bytes]") -> str:
        content.seek(0)
        with os_errors(name):
            self._client.upload_fileobj(
                _Unclosed(content),
                self.bucket_name,
                self._key(name),
                ExtraArgs=self._parameters(),
                Config=self.transfer_config,
            )
        return name

    @property
    def _client(self) -> Any:
        return self.connection.meta.client

    def _key(self, name: str) -> str:
        return str(self._normalize_name(clean_name(name)))

    def _parameters(self) -> dict[str, str]:
        return {"ContentType": CONTENT_TYPE, **self.object_parameters}


class _Buffered(io.BufferedReader):
    """Translate the errors of the reader below it."""

    def read(self, size: int | None = -1, /) -> bytes:
        with os_errors("a document"):
            return super().read(size)

    def read1(self, size: int = -1, /) -> bytes:
        with os_errors("a document"):
            return super().read1(size)

    def readinto(self, buffer: Any, /) -> int:
        with os_errors("a document"):
            return super().readinto(buffer)

    def readline(self, size: int | None = -1, /) -> bytes:
        with os_errors("a document"):
            return super().readline(size)


class _Unclosed:
    """Pass a file to boto3, which closes what it has uploaded, and keep it open for its owner."""

    def __init__(self, file: "File[bytes]") -> None:
        self.read, self.seek, self.tell = file.read, file.seek, file.tell

    def close(self) -> None:
        """Leave the file open."""


@contextmanager
def os_errors(name: str) -> Iterator[None]:
    """Raise boto3's errors as those of a file system: FileNotFoundError, PermissionError, or
    StorageUnavailable for all others."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in MISSING:
            raise FileNotFoundError(errno.ENOENT, "No such object", name) from None
        if code in {"403", "AccessDenied"}:
            raise PermissionError(errno.EACCES, "The object storage denies access", name) from None
        raise StorageUnavailable(errno.EIO, f"The object storage answered {code}", name) from None
    except (BotoCoreError, Boto3Error) as error:
        # Without their texts, which are logged: they contain URLs with signatures.
        cause = type(error).__name__
        raise StorageUnavailable(errno.EIO, f"The object storage does not answer ({cause})", name) from None
