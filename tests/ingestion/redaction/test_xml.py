"""Test that XML is redacted as the definition says: an element at a time, by its name and those around it."""

from xml.etree import ElementTree

from hypothesis import example, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from ingestion.reports import personal_columns
from tests.ingestion.redaction.test_redacted_file import redact_document

NAMES = [
    "Order",
    "BuyerName",
    "Name",
    "ShippingAddress",
    "City",
    "Message",
    "Body",
    "tel",
    "Status",
    "Buyer",
    "b",
]
TEXTS = [
    "Jane",
    "Jane\nDoe",
    "&lt;Jane&gt;",
    "\n  ",
    "",
    "<!-- Jane -->",
    "<![CDATA[<Jane>]]>",
    "<?Jane?>",
    "Käufer",
    "1",
]

elements = st.recursive(
    st.sampled_from(TEXTS),
    lambda inner: st.builds(
        lambda name, attribute, parts: f"<{name}{attribute}>{''.join(parts)}</{name}>",
        st.sampled_from(NAMES),
        st.sampled_from(["", ' type="a>b"']),
        st.lists(inner, max_size=4),
    ),
    max_leaves=20,
)


def define(element: ElementTree.Element, *, inherits: bool, in_address: bool) -> tuple[str, list[object]]:
    """Return an element without its personal texts: its name, and its texts and elements in order."""
    in_address = in_address or personal_columns.is_address(element.tag)
    is_own = personal_columns.is_personal(element.tag) and (in_address or element.tag != "Name")
    is_personal = is_own or (inherits and not personal_columns.is_place(element.tag))
    inner = is_personal and not personal_columns.is_envelope(element.tag)
    parts: list[object] = [_text(element.text, is_personal=is_personal)]
    for child in element:
        parts.append(define(child, inherits=inner, in_address=in_address))
        parts.append(_text(child.tail, is_personal=is_personal))
    return element.tag, parts


def _text(text: str | None, *, is_personal: bool) -> str:
    """Return a text without white space, which is no content, or nothing of a personal one."""
    return "" if is_personal else "".join((text or "").split())


def as_it_is(element: ElementTree.Element) -> tuple[str, list[object]]:
    parts: list[object] = [_text(element.text, is_personal=False)]
    for child in element:
        parts += [as_it_is(child), _text(child.tail, is_personal=False)]
    return element.tag, parts


@effort(max_examples=400, deadline=None)
@given(parts=st.lists(elements, max_size=6), codec=st.sampled_from(["utf-8", "utf-16"]))
@example(parts=["<tel>" + "x\n" * 200_000 + "</tel>", "<b/>" * 90_000, "<tel>Jane</tel>"], codec="utf-8")
def test_xml_is_redacted_as_defined(parts: list[str], codec: str) -> None:
    document = f"<a>{''.join(parts)}</a>".encode(codec)

    redacted, _ = redact_document(document)

    expected = define(ElementTree.fromstring(document), inherits=False, in_address=False)  # noqa: S314
    assert as_it_is(ElementTree.fromstring(redacted)) == expected  # noqa: S314
    text = redacted.decode(codec)
    assert text.count("\n") == document.decode(codec).count("\n")
