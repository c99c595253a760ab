"""Represent a job: one leased delivery with everything needed to send it and to record the result."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class DeliveryJob:
    """Store a leased delivery with its endpoint, payload and signing secrets."""

    agency_id: UUID
    delivery_id: UUID
    endpoint_id: UUID
    # Jobs of one endpoint with the same order key are sent one after the other.
    order_key: str
    tries: int
    leased_until: datetime
    kind: str
    url: str
    is_disabled: bool
    # The owner of the mailbox has not agreed yet.
    is_unconfirmed: bool
    # The endpoint's last known attempt failed.
    is_failing: bool
    # evt_…
    message_id: str
    account_name: str
    # The agency's, for what people read.
    language: str
    payload: dict[str, Any]
    body: bytes
    secrets: tuple[bytes, ...]
    account_id: UUID | None = None
