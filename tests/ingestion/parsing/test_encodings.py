import pytest

from ingestion.parsing import encodings
from ingestion.parsing.rejections import RejectedDocument
from ingestion.parsing.unpacking import BLOCK

UMLAUTS = "Verkäufer\tRückerstattung\n"
YEN = "注文番号\t評価\n"


def in_blocks(document: bytes, size: int) -> list[bytes]:
    return [document[at : at + size] for at in range(0, len(document), size)]


@pytest.mark.parametrize(
    ("document", "japanese", "codec"),
    [
        (b"order-id\n", False, "utf-8"),
        (UMLAUTS.encode(), False, "utf-8"),
        (YEN.encode(), True, "utf-8"),
        (UMLAUTS.encode("utf-8-sig"), False, "utf-8-sig"),
        (UMLAUTS.encode("cp1252"), False, "cp1252"),
        ("12 € – 15 €\n".encode("cp1252"), False, "cp1252"),
        (YEN.encode("cp932"), True, "cp932"),
        (UMLAUTS.encode("utf-16"), False, "utf-16"),
        (b"\xfe\xff" + UMLAUTS.encode("utf-16-be"), False, "utf-16"),
        (b"caf\xe9 \x81\x8d\n", False, "iso-8859-1"),
        (b"\x81 caf\xe9\xff\n", True, "iso-8859-1"),
        # The second byte of this character is ASCII.
        ("ab\N{KATAKANA LETTER SO}\n".encode("cp932"), True, "cp932"),
        # A block of ASCII alone follows the beginning of a character.
        (b"ab\xe2bcd\n", False, "cp1252"),
    ],
)
@pytest.mark.parametrize("size", [3, 7, 4096])
def test_encoding_is_what_bytes_prove(document: bytes, japanese: bool, codec: str, size: int) -> None:
    encoding = encodings.detect_encoding(in_blocks(document, size), japanese=japanese)

    assert encoding.codec == codec
    assert encoding.reason


def test_encoding_is_decided_by_any_byte() -> None:
    document = b"a plain line\n" * 200_000 + "Größe\n".encode("cp1252")

    encoding = encodings.detect_encoding(in_blocks(document, BLOCK), japanese=False)

    assert encoding.codec == "cp1252"


def test_character_cut_at_end_is_no_utf_8() -> None:
    assert encodings.detect_encoding([b"12 \xe2\x82"], japanese=False).codec == "cp1252"


def test_document_of_no_bytes_is_rejected() -> None:
    with pytest.raises(RejectedDocument) as rejection:
        encodings.detect_encoding([], japanese=False)

    assert rejection.value.slug == "empty-document"
