"""Represent the encoding of a document. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Encoding:
    """Name the codec of a document, and why it was chosen."""

    """Name the codec of a document, and why it was chosen."""

    codec: str
    reason: str
