"""Decide which columns, elements and cells are personal. Pure.

Amazon's data protection policy limits the storage of buyers' data. Names, e-mail addresses, street lines,
phone numbers, tax IDs and free text are removed; cities, states, postal codes, order IDs, days and states
stay.
"""

import re
from functools import lru_cache

from ingestion.parsing.tabular import clean_cell
from ingestion.reports import headers
from ingestion.reports.report_type import ORDER_ID, normalize_column

NAMES = frozenset(
    """
    buyer customer name full-name first-name last-name surname recipient addressee contact ship-to bill-to
    recipient-name ship-name ship-to-name shipping-name bill-name bill-to-name billing-name contact-name customer-name
    receiver-name consignee-name signed-by
    cpf cnpj cpf-cnpj tax-id tax-number taxpayer-id customer-tax-id
    message message-text message-body gift-message gift-message-text gift-text subject body text note notes
    response your-response seller-response reply review review-text instructions delivery-instructions delivery-instruction
    delivery-notes special-instructions shipping-instructions customer-message customer-note customer-notes
    kommentar kommentare ihre-antwort comentario comentarios tu-respuesta commentaire commentaires commento commenti
    コメント 氏名 住所 電話番号
    from from-name from-address sender sender-name author
    addr line1 line2 line3 tel cell mobil handy käufer kunde empfänger acheteur destinataire acquirente destinatario comprador
    """.split()  # noqa: SIM905  ninety words read better as text
)
WORDS = frozenset(
    """
    email phone telephone telefon teléfono telefono téléphone telefone fax mobile address adresse anschrift dirección indirizzo
    endereço street straße strasse comment comments cpf cnpj käufername kundenname empfängername vorname nachname acheteur
    """.split()  # noqa: SIM905
)
ANYWHERE = tuple(
    """
    e-mail メール 邮件 邮箱 郵件 郵箱 電話 电话 手机 手機 氏名 姓名 お名前 宛名 住所 地址 收件人 收货人 收貨人 买家 買家 購入者
    コメント 评论 評論 留言 备注 備註 返信 回答 回复 回復 メッセージ 消息 بريد هاتف عنوان
    """.split()  # noqa: SIM905
)
"""Words that are personal within a name of any length. Chinese and Japanese have no blanks between words."""
OF_THE_BUYER = ("buyer-", "rater-", "recipient-")
NOT_PERSONAL = (
    "buyer-requested-",
    "buyer-seller-",
    "rater-role",
    "buyer-type",
    "buyer-currency",
    "recipient-type",
)
PERSONS = frozenset(
    {"buyer", "customer", "recipient", "receiver", "consignee", "contact", "ship-to", "bill-to"}
)
FREE_TEXT = frozenset({"comments", "your-response", "rater-email"})
"""Columns of a feedback report, in any language."""
ENVELOPES = frozenset({"message", "body"})
PLACES = frozenset(
    {"city", "state", "state-or-region", "region", "county", "postal-code", "country", "country-code", "zip"}
)
"""Parts of an address that stay."""

# Characters of a name that are compared and cached.
MAX_LENGTH = 200
HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
HARMLESS = re.compile(
    rf"{ORDER_ID.pattern}"
    # a day, a moment
    r"|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T ]\d{1,2}:\d{2}[\d:.]*)?\s?(?:Z|UTC|[+-]\d{2}:?\d{2})?"
    r"|\d{1,2}-[A-Za-z]{3}-\d{2,4}"
    r"|[+-]?\d{1,6}(?:[.,]\d{1,4})?"
    r"|yes|no|true|false|[yn-]",
    re.IGNORECASE,
)
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{1,2}:\d{2}[\d:.]*\s?(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})", re.ASCII)
# IDs of other shops, such as SHOP-1001, #1001 and 1001. Amazon allows 40 characters.
NUMBERED = re.compile(
    r"(?=[^0-9]*[0-9])(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9-]{1,40}|#(?=[^0-9]*[0-9])[A-Za-z0-9-]{1,39}|[0-9]{1,6}"
)


def is_personal(name: str) -> bool:
    """Return whether a column or element with this name, as written, identifies a buyer or is free text."""
    return _is_personal(name[:MAX_LENGTH])


# XML repeats a few dozen names for millions of elements. The size is limited
# because a document chooses its names.
@lru_cache(maxsize=4096)
def _is_personal(name: str) -> bool:
    plain = normalize_column(HUMP.sub("-", name.rpartition(":")[2]))
    if plain.startswith(NOT_PERSONAL) or plain.endswith("address-type"):
        return False
    if plain in NAMES or plain.startswith(OF_THE_BUYER) or headers.canonical(name) in FREE_TEXT:
        return True
    if any(word in plain for word in ANYWHERE):
        return True
    # Numbered columns are common, such as `address2` and `phone1`.
    words = {word.rstrip("0123456789") for word in re.split("[-'’]", plain)}
    return bool(words & WORDS) or {"correo", "electrónico"} <= words


@lru_cache(maxsize=4096)
def is_address(name: str) -> bool:
    """Return whether an element with this name is an address or a person.

    Inside it, `Name` is personal and the city is not.
    """
    plain = normalize_column(HUMP.sub("-", name.rpartition(":")[2]))
    return plain.endswith("address") or plain in PERSONS


@lru_cache(maxsize=4096)
def is_envelope(name: str) -> bool:
    """Return whether an element with this name may contain elements that are not personal, although its own
    text is.
    """
    return is_address(name) or normalize_column(name.rpartition(":")[2]) in ENVELOPES


@lru_cache(maxsize=4096)
def is_place(name: str) -> bool:
    """Return whether an element with this name is a part of an address that stays."""
    return normalize_column(HUMP.sub("-", name.rpartition(":")[2])) in PLACES


def is_harmless(cell: str) -> bool:
    """Return whether a cell in any column is not personal: an order ID, a day, a small number, yes or no, or
    empty.
    """
    text = clean_cell(cell)
    return not text or HARMLESS.fullmatch(text) is not None


def is_like_an_order_id(cell: str) -> bool:
    """Return whether a cell can be an order ID of Amazon or another shop, and not a name, phone number or
    sentence."""
    text = clean_cell(cell)
    return ORDER_ID.fullmatch(text) is not None or NUMBERED.fullmatch(text) is not None


def is_moment(cell: str) -> bool:
    """Return whether a cell holds a day with a time and its offset."""
    return MOMENT.fullmatch(clean_cell(cell)) is not None
