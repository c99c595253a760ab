"""Test encryption at rest: secrets decrypt with their key and in their context only."""

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from accounts.encryption import at_rest

OLD, NEW = b"\x01" * 32, b"\x02" * 32
ROW, OTHER_ROW = "table:agency:row", "table:agency:other"


@pytest.fixture(autouse=True)
def ring(settings: Settings) -> Settings:
    """Set a key ring of two keys, of which the second encrypts."""
    settings.SECRETS_KEYS = {2: NEW, 1: OLD}
    return settings


def damaged(sealed: bytes) -> Iterator[bytes]:
    """Yield every version with one changed byte, and every cut version."""
    for place in range(len(sealed)):
        yield sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        yield sealed[:place]
    yield sealed + b"\0"


@pytest.mark.parametrize("plain", [b"", b"a", bytes(32), b"x" * 10_000])
def test_encrypted_bytes_decrypt_in_their_context(plain: bytes) -> None:
    assert at_rest.decrypt(at_rest.encrypt(plain, context=ROW), context=ROW) == plain


def test_encrypted_bytes_hide_plain_text_and_differ() -> None:
    sealed = [at_rest.encrypt(b"the secret of the receiver", context=ROW) for _ in range(100)]

    assert len(set(sealed)) == 100
    assert not any(b"secret" in each for each in sealed)


def test_first_key_encrypts_and_each_key_decrypts(ring: Settings) -> None:
    ring.SECRETS_KEYS = {1: OLD}
    before = at_rest.encrypt(b"plain", context=ROW)
    ring.SECRETS_KEYS = {2: NEW, 1: OLD}
    after = at_rest.encrypt(b"plain", context=ROW)

    assert [at_rest.decrypt(each, context=ROW) for each in (before, after)] == [b"plain", b"plain"]
    ring.SECRETS_KEYS = {2: NEW}
    assert at_rest.decrypt(after, context=ROW) == b"plain"


def test_decrypt_with_missing_key_names_it(ring: Settings) -> None:
    sealed = at_rest.encrypt(b"plain", context=ROW)
    ring.SECRETS_KEYS = {1: OLD}

    with pytest.raises(at_rest.UnknownKey, match=r"^SECRETS_KEYS has no key 2\.$"):
        at_rest.decrypt(sealed, context=ROW)


def test_decrypt_with_other_key_of_same_id_fails(ring: Settings) -> None:
    sealed = at_rest.encrypt(b"plain", context=ROW)
    ring.SECRETS_KEYS = {2: OLD}

    with pytest.raises(at_rest.WrongContext, match="key 2"):
        at_rest.decrypt(sealed, context=ROW)


@pytest.mark.parametrize("context", [OTHER_ROW, "", ROW + ":", ROW[:-1]])
def test_decrypt_in_other_context_fails(context: str) -> None:
    with pytest.raises(at_rest.WrongContext):
        at_rest.decrypt(at_rest.encrypt(b"plain", context=ROW), context=context)


def test_decrypt_of_changed_or_cut_bytes_fails(ring: Settings) -> None:
    ring.SECRETS_KEYS = {2: NEW, 3: NEW, 1: OLD}
    sealed = at_rest.encrypt(b"plain", context=ROW)

    for each in damaged(sealed):
        with pytest.raises(at_rest.DecryptionError):
            at_rest.decrypt(each, context=ROW)


def test_decrypt_of_unknown_layout_fails() -> None:
    sealed = at_rest.encrypt(b"plain", context=ROW)

    for layout in (0, 2, 255):
        with pytest.raises(at_rest.WrongContext, match="no known layout"):
            at_rest.decrypt(bytes([layout]) + sealed[1:], context=ROW)
