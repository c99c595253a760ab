"""Validators of answers: the same tag, the same content. Pure."""

import hashlib


def of(content: bytes) -> str:
    """The tag of a representation, by its bytes before they are compressed."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def plain(tag: str) -> str:
    """The tag without the mark of a weak one: we mark so what was compressed on the way, and the content is the same."""
    return tag.strip().removeprefix("W/")


def names(header: str, tag: str) -> bool:
    """Whether an `If-Match` names this tag, or anything that is there (`*`)."""
    return header.strip() == "*" or plain(tag) in {plain(each) for each in header.split(",")}
