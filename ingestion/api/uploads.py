"""Receive an upload: stream it to a temporary file, hash it on the way, and stop at the size limit."""

import hashlib
from typing import Any, cast

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from rest_framework.exceptions import APIException

# For multipart boundaries, part headers and the other fields.
FORM_OVERHEAD = 64 * 1024


class DocumentTooLarge(APIException):
    """Raise when an upload exceeds REPORT_MAX_BYTES."""

    status_code = 413
    default_detail = (
        "The document exceeds the size limit of this server. Compress it with gzip, or split it by date."
    )
    default_code = "document-too-large"


class UploadedDocument(TemporaryUploadedFile):
    """Represent an uploaded file with the SHA-256 digest of its bytes."""

    sha256: str


class DocumentUploadHandler(TemporaryFileUploadHandler):
    """Stream an upload to a temporary file and hash it. Raises DocumentTooLarge."""

    def handle_raw_input(
        self,
        input_data: Any,
        META: Any,  # noqa: N803  Django's name
        content_length: int,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        # Before a byte is read, so that the sender does not wait for an upload that is refused anyway.
        if content_length > settings.REPORT_MAX_BYTES + FORM_OVERHEAD:
            raise DocumentTooLarge

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        # Django uses one handler for all files of a form, so digest and count begin anew with each.
        super().new_file(*args, **kwargs)
        self._digest = hashlib.sha256()
        self._received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        # Counted while reading as well: the header states the length of the whole form, not of its file.
        self._received += len(raw_data)
        if self._received > settings.REPORT_MAX_BYTES:
            # Closing removes the file. Django does not clean up a file that it has not finished.
            self.file.close()
            raise DocumentTooLarge
        self._digest.update(raw_data)
        super().receive_data_chunk(raw_data, start)

    def file_complete(self, file_size: int) -> UploadedFile | None:
        document = cast("UploadedDocument", super().file_complete(file_size))
        document.sha256 = self._digest.hexdigest()
        return document
