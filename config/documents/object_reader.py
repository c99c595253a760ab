"""Read one S3 object as a stream, from any position, in bounded memory."""

import io
import time
from typing import Any

from botocore.exceptions import BotoCoreError

# A transfer that breaks off is continued where it ended. Seconds before each new try.
RETRY_DELAYS = (0.2, 1.0, 3.0)


class ObjectReader(io.RawIOBase):
    """Read an object with range requests. Only a seek to another position, or a broken transfer, starts a new
    one.

    All requests are for the same version of the object: if it is replaced meanwhile, reading fails.
    """

    def __init__(self, *, client: Any, bucket: str, key: str) -> None:
        """Start the first transfer. Raises botocore's ClientError, such as for an object that does not exist."""
        super().__init__()
        self._client, self._bucket, self._key = client, bucket, key
        response = client.get_object(Bucket=bucket, Key=key)
        self.size = int(response["ContentLength"])
        self._etag = response["ETag"]
        self._body: Any = response["Body"]
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        position = start + offset
        if position < 0:
            raise ValueError(f"negative seek position {position}")
        if position != self._position:
            self._stop()
            self._position = position
        return position

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), self.size - self._position)
        if wanted <= 0:
            return 0
        block = self._read(wanted)
        buffer[: len(block)] = block
        self._position += len(block)
        return len(block)

    def close(self) -> None:
        self._stop()
        super().close()

    def _read(self, wanted: int) -> bytes:
        for delay in RETRY_DELAYS:
            try:
                return self._read_once(wanted)
            except BotoCoreError:
                self._stop()
                time.sleep(delay)
        return self._read_once(wanted)

    def _read_once(self, wanted: int) -> bytes:
        if self._body is None:
            response = self._client.get_object(
                Bucket=self._bucket, Key=self._key, Range=f"bytes={self._position}-", IfMatch=self._etag
            )
            self._body = response["Body"]
        block: bytes = self._body.read(wanted)
        if not block:
            # The server closed the connection before the end, which looks like the end.
            raise BotoCoreError
        return block

    def _stop(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None
