"""An upload streams to a file of its own, is digested on the way, and stops at the limit."""

import hashlib
from typing import Any, cast

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from rest_framework.exceptions import APIException

ROOM_FOR_FIELDS = 64 * 1024  # boundaries, part headers and the other fields around the file


class DocumentTooLarge(APIException):
    status_code = 413
    default_detail = "The document is larger than this server takes. Compress it with gzip, or split it by date."
    default_code = "document-too-large"


class Document(TemporaryUploadedFile):
    """A received file with the digest of its bytes."""

    sha256: str


class DocumentUploadHandler(TemporaryFileUploadHandler):
    """Raises DocumentTooLarge before reading a body that announces too much, and while reading one that is."""

    def handle_raw_input(self, input_data: Any, META: Any, content_length: int, *args: Any, **kwargs: Any) -> None:  # noqa: N803
        if content_length > settings.REPORT_MAX_BYTES + ROOM_FOR_FIELDS:
            raise DocumentTooLarge

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._digest = hashlib.sha256()
        self._received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._received += len(raw_data)
        if self._received > settings.REPORT_MAX_BYTES:
            self.file.close()  # removes it; Django forgets a file that it has not finished
            raise DocumentTooLarge
        self._digest.update(raw_data)
        super().receive_data_chunk(raw_data, start)

    def file_complete(self, file_size: int) -> UploadedFile | None:
        document = cast("Document", super().file_complete(file_size))
        document.sha256 = self._digest.hexdigest()
        return document
