"""What is sealed opens with its key and in its place, and nowhere else."""

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from accounts.encryption import at_rest

OLD, NEW = b"\x01" * 32, b"\x02" * 32
ROW, OTHER_ROW = "table:agency:row", "table:agency:other"


@pytest.fixture(autouse=True)
def ring(settings: Settings) -> Settings:
    """A ring of two keys, of which the second seals."""
    settings.SECRETS_KEYS = {2: NEW, 1: OLD}
    return settings


def damaged(sealed: bytes) -> Iterator[bytes]:
    """Every sealed form that differs in one byte, and every one that is cut."""
    for place in range(len(sealed)):
        yield sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        yield sealed[:place]
    yield sealed + b"\0"


@pytest.mark.parametrize("plain", [b"", b"a", bytes(32), b"x" * 10_000])
def test_what_was_sealed_opens_in_its_place(plain: bytes) -> None:
    assert at_rest.decrypt(at_rest.encrypt(plain, context=ROW), context=ROW) == plain


def test_nothing_of_it_shows_and_no_two_are_alike() -> None:
    sealed = [at_rest.encrypt(b"the secret of the receiver", context=ROW) for _ in range(100)]

    assert len(set(sealed)) == 100
    assert not any(b"secret" in each for each in sealed)


def test_the_first_key_seals_and_each_of_them_opens(ring: Settings) -> None:
    ring.SECRETS_KEYS = {1: OLD}
    before = at_rest.encrypt(b"plain", context=ROW)
    ring.SECRETS_KEYS = {2: NEW, 1: OLD}
    after = at_rest.encrypt(b"plain", context=ROW)

    assert [at_rest.decrypt(each, context=ROW) for each in (before, after)] == [b"plain", b"plain"]
    ring.SECRETS_KEYS = {2: NEW}
    assert at_rest.decrypt(after, context=ROW) == b"plain"


def test_a_key_that_is_gone_is_named(ring: Settings) -> None:
    sealed = at_rest.encrypt(b"plain", context=ROW)
    ring.SECRETS_KEYS = {1: OLD}

    with pytest.raises(at_rest.UnknownKey, match=r"^SECRETS_KEYS has no key 2\.$"):
        at_rest.decrypt(sealed, context=ROW)


def test_another_key_under_the_same_number_opens_nothing(ring: Settings) -> None:
    sealed = at_rest.encrypt(b"plain", context=ROW)
    ring.SECRETS_KEYS = {2: OLD}

    with pytest.raises(at_rest.WrongContext, match="key 2"):
        at_rest.decrypt(sealed, context=ROW)


@pytest.mark.parametrize("context", [OTHER_ROW, "", ROW + ":", ROW[:-1]])
def test_what_was_moved_opens_nowhere(context: str) -> None:
    with pytest.raises(at_rest.WrongContext):
        at_rest.decrypt(at_rest.encrypt(b"plain", context=ROW), context=context)


def test_what_was_changed_or_cut_opens_nowhere(ring: Settings) -> None:
    ring.SECRETS_KEYS = {2: NEW, 3: NEW, 1: OLD}
    sealed = at_rest.encrypt(b"plain", context=ROW)

    for each in damaged(sealed):
        with pytest.raises(at_rest.DecryptionError):
            at_rest.decrypt(each, context=ROW)


def test_bytes_of_another_layout_are_not_guessed_at() -> None:
    sealed = at_rest.encrypt(b"plain", context=ROW)

    for layout in (0, 2, 255):
        with pytest.raises(at_rest.WrongContext, match="no known layout"):
            at_rest.decrypt(bytes([layout]) + sealed[1:], context=ROW)
