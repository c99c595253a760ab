"""Which encoding a document has, and the evidence. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Encoding:
    codec: str
    reason: str
