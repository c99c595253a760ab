"""Compute and compare ETags (RFC 9110, section 8.8.3). Pure."""

import hashlib
import re

TAGS = r'(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*'
IF_MATCH = re.compile(rf"\*|{TAGS}")
"""A well-formed `If-Match` (RFC 9110, 13.1.1): anything, or a list of tags."""


def compute(content: bytes) -> str:
    """Return the ETag of a body before compression."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def strip_weak(tag: str) -> str:
    """Return the tag without `W/`."""
    return tag.strip().removeprefix("W/")


def matches(header: str, tag: str) -> bool:
    """Return whether an `If-Match` or `If-None-Match` header lists this tag, or is `*`."""
    # RFC 9110 wants a strong comparison for If-Match. Weak tags are accepted: only compression weakens one
    # here, and clients send back what they received.
    return header.strip() == "*" or strip_weak(tag) in {strip_weak(each) for each in header.split(",")}
