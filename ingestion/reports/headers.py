"""Know the names of columns in every spelling and language that was found in public. Pure.

One table for every report type. A header cell means the same column whether it is written `Order ID`, `order_id`,
`orderId` or, in German, `Bestellnummer`. Sources:

- Feedback reports: https://github.com/airbytehq/airbyte/pull/9212 and
  https://developer-docs.amazon.com/sp-api/docs/report-type-values-performance
- Order numbers in ten languages: the date range reports of Seller Central, which Amazon translates and public
  parsers list (`numéro de la commande`, `Numero ordine`, `número de pedido`, `bestelnummer`, `注文番号`).
- Listings reports in seven languages, by the column names that public parsers of them list.
- The categories of defects: Seller Central's help page 200285170 on the order defect rate, in each language.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

from ingestion.parsing.rejections import RejectedDocument
from ingestion.parsing.tabular import clean_cell

# A table has up to a thousand columns, and its names come from the document.
MAX_NAME_LENGTH = 200
SPELLINGS = {
    "order-id": """
        order number | order no | order nr | amazon order | amazon order number
        Bestellnummer | Amazon Bestellnummer | Bestell-Nr. | Transaktionsnummer
        numéro de commande | numéro de la commande | n° de commande
        numero ordine | numero d'ordine | numero dell'ordine | ID ordine
        número de pedido | n.º de pedido | id. del pedido | ID del pedido | id do pedido | número do pedido
        bestelnummer | ordernummer | beställningsnummer | numer zamówienia | sipariş numarası | رقم الطلب
        注文番号 | 注文ID | 订单编号 | 订单号 | 訂單編號 | 亚马逊订单编号 | 亚马逊订单号
        """,
    "amazon-order-id": "amazonorderid | amazon-order-nr",
    "order-date": """
        date of order | Bestelldatum | Datum der Bestellung | date de commande | date de la commande
        data ordine | data dell'ordine | data d'ordine | fecha de pedido | fecha del pedido | data do pedido
        besteldatum | orderdatum | data zamówienia | sipariş tarihi | 注文日 | 订单日期 | 下单日期 | 訂單日期
        """,
    "date": "Datum | Date | Fecha | Data | Tarih | 日付 | 日期 | التاريخ | Dato",
    "rating": """
        stars | Bewertung | Sternebewertung | évaluation | valutazione | valoración | calificación | puntuación
        avaliação | classificação | beoordeling | betyg | ocena | puan | 評価 | 评级 | 评分 | 評分 | التقييم
        """,
    "comments": """
        comment | Kommentar | Kommentare | commentaire | commentaires | commento | commenti | comentario | comentarios
        comentário | comentários | opmerking | opmerkingen | kommentarer | komentarz | komentarze | yorum | yorumlar
        コメント | 评论 | 评价 | 評論 | التعليقات
        """,
    "your-response": """
        response | Ihre Antwort | votre réponse | la tua risposta | risposta | tu respuesta | su respuesta | respuesta
        sua resposta | resposta | uw reactie | je reactie | ditt svar | twoja odpowiedź | yanıtınız
        あなたの回答 | あなたの返信 | 回答 | 返信 | 您的回复 | 您的回應 | ردك
        """,
    "rater-email": """
        E-Mail des Bewertenden | E-Mail des Käufers | e-mail de l'évaluateur | e-mail de l'acheteur
        e-mail del valutatore | e-mail dell'acquirente | e-mail del cliente | correo electrónico del evaluador
        correo electrónico del comprador | e-mail do avaliador | e-mail do comprador | e-mail van de beoordelaar
        評価者のEメール | 評価者のメールアドレス | 购买者Eメール | 评论者电子邮件 | 评价者电子邮件 | 评分者电子邮件
        """,
    "fulfilled-by": """
        fulfillment by | Versand durch | Versand | expédié par | traitement | gestito da | gestione | gestionado por
        gestión logística | enviado por | verzonden door | フルフィルメント | 出荷元 | 配送方 | 配送渠道 | 配送方式
        """,
    "pre-fulfillment-cancellation": """
        pre-fulfillment cancellations | pre-fulfillment cancel | pre-fulfillment cancels | cancellation | cancellations
        Stornierung vor Versand | Stornierung | Stornierungen | annulation avant expédition | annulation
        cancellazione prima dell'evasione | annullamento prima dell'evasione | annullamento
        cancelación previa al envío | cancelación antes del envío | cancelación
        出荷前キャンセル | キャンセル | 配送前取消 | 订单取消 | 取消
        """,
    "late-shipment": """
        late shipments | verspätete Lieferung | verspäteter Versand | verspätete Sendung | expédition tardive
        expédition en retard | spedizione in ritardo | envío atrasado | envío con retraso | envio atrasado
        出荷遅延 | 迟发 | 延迟发货 | 发货延迟 | 遲發
        """,
    "negative-feedback": """
        negative feedbacks | negative Bewertung | negative Bewertungen | negatives Feedback | évaluation négative
        évaluations négatives | commentaire négatif | feedback negativo | feedback negativi | valutazione negativa
        valoración negativa | valoraciones negativas | voto negativo | votos negativos | avaliação negativa
        低い評価 | 低評価 | 负面反馈 | 差评 | 負面反饋
        """,
    "a-to-z-guarantee-claim": """
        a-to-z guarantee claims | a-to-z guarantee | a-to-z claim | a-to-z claims
        A-bis-z-Garantieantrag | A-bis-z-Garantieanträge | A-bis-z-Garantie | A-bis-z-Antrag
        réclamation garantie de A à Z | réclamations garantie de A à Z | réclamation au titre de la garantie A à Z
        garantie A à Z | réclamation A à Z | reclamo dalla A alla Z | reclami dalla A alla Z | reclamo garanzia dalla A alla Z
        garanzia dalla A alla Z | reclamación de la garantía de la A a la Z | reclamación bajo la garantía de la A a la Z
        garantía de la A a la Z | reclamación de la A a la Z | reivindicação da garantia de A a Z
        Amazonマーケットプレイス保証 | Amazonマーケットプレイス保証申請 | マーケットプレイス保証申請
        亚马逊商城交易保障索赔 | 商城交易保障索赔 | A-to-Z索赔 | A-to-z 索赔 | 亞馬遜商城交易保障索賠
        """,
    "chargeback-claim": """
        chargeback claims | chargeback | chargebacks | service chargeback claim | service chargeback claims
        service chargeback | service chargebacks | credit card chargeback | credit card chargebacks
        Rückbuchung | Rückbuchungen | Kreditkartenrückbuchung | rétrofacturation | rétrofacturations | rejet de débit
        chargeback su carta di credito | riaddebito | devolución de cargo | devoluciones de cargo | contracargo
        contracargos | estorno | チャージバック | 信用卡拒付 | 信用卡拒付索赔 | 拒付 | 信用卡拒付率
        """,
    "purchase-date": """
        purchased at | purchased on | Kaufdatum | date d'achat | data di acquisto | data acquisto | fecha de compra
        data da compra | 購入日 | 购买日期
        """,
    "last-updated-date": """
        last update date | last updated | last update | letzte Aktualisierung | dernière mise à jour
        ultimo aggiornamento | última actualización | 最終更新日 | 最后更新日期
        """,
    "order-status": """
        Bestellstatus | statut de la commande | statut de commande | stato dell'ordine | stato ordine
        estado del pedido | status do pedido | 注文ステータス | 订单状态
        """,
    "fulfillment-channel": """
        Versandkanal | canal de traitement | canale di gestione | canal de gestión logística | 配送渠道类型
        Versender | canal-traitement | フルフィルメント・チャンネル
        """,
    "sales-channel": """
        Vertriebskanal | Verkaufskanal | canal de vente | canale di vendita | canal de venta | 販売チャネル | 销售渠道
        """,
    "return-request-date": "date of return request",
    "license-plate-number": "lpn",
    "seller-sku": "Händler-SKU | SKU venditore | sku-vendeur | SKU del vendedor | 出品者SKU | 卖家 SKU",
    "item-name": """
        Artikelbezeichnung | Nome dell'articolo | nom-produit | Título del producto | 商品名 | 商品名称
        """,
    "price": "Preis | Prezzo | 価格",
    "quantity": "Menge | Quantità | 数量",
    "product-id": """
        Produkt-ID | Identificativo del prodotto | id-produit | Identificador del producto | 商品ID | 商品编码
        """,
    "product-id-type": """
        Produkt-ID-Typ | Tipo di identificativo del prodotto | type-id-produit | Tipo de identificador de producto
        商品IDタイプ | 商品编码类型
        """,
    "status": "Stato | ステータス | 状态",
}
"""Map each column to its other names. Case, blanks, hyphens and accents written in two characters do not matter."""

INSTEAD = {"amazon-order-id": "order-id", "order-id": "amazon-order-id"}
"""Columns that stand for another one where the header lacks it: both hold Amazon's order ID."""

# British spelling, and words that are often misspelt.
RESPELT = (("fulfilment", "fulfillment"), ("cancelation", "cancellation"), ("shippment", "shipment"))
UNSPOKEN = re.compile(r"[\W_]+")


def spell(cell: str) -> str:
    """Return a header cell without what does not matter: case, blanks, hyphens, the form of its letters."""
    plain = clean_cell(cell)[:MAX_NAME_LENGTH]
    if plain.isascii() and plain.isalnum():
        # The same as below, and many times as fast.
        key = plain.lower()
    else:
        key = UNSPOKEN.sub("", unicodedata.normalize("NFKC", plain).casefold())
    for wrong, right in RESPELT:
        key = key.replace(wrong, right)
    return key


_BY_SPELLING = {
    spell(name): column
    for column, names in SPELLINGS.items()
    for name in (column, *re.split(r"\||\n", names))
    if name.strip()
}


# Its arguments come from documents, so the cache is limited.
@lru_cache(maxsize=4096)
def _canonical(cell: str) -> str:
    key = spell(cell)
    return _BY_SPELLING.get(key) or _BY_SPELLING.get(key.removesuffix("s")) or key


def canonical(cell: str) -> str:
    """Return the one name of a column, whatever its spelling or language."""
    return _canonical(cell[:MAX_NAME_LENGTH])


def has_columns(header: Sequence[str], *names: str) -> bool:
    """Return whether a header has all these columns."""
    present = {canonical(cell) for cell in header}
    return all(_is_present(name, present) for name in names)


def has_any_column(header: Sequence[str], names: Iterable[str]) -> bool:
    """Return whether a header has one of these columns."""
    present = {canonical(cell) for cell in header}
    return any(_is_present(name, present) for name in names)


def _is_present(name: str, present: set[str]) -> bool:
    column = canonical(name)
    return column in present or INSTEAD.get(column) in present


def find_columns(header: Sequence[str], required: Sequence[str], *, report_type: str) -> list[int]:
    """Return the position of each required column.

    Raises RejectedDocument for missing and repeated columns.
    """
    places = [_places(header, name) for name in required]
    missing = [_shown(name) for name, found in zip(required, places, strict=True) if not found]
    if missing:
        raise RejectedDocument(
            "columns-missing",
            "Columns are missing",
            f"A {report_type} report needs the columns {', '.join(missing)}, which are not in the header.",
        )
    # Both may be filled, and the first is not more likely the right one.
    repeated = [_shown(name) for name, found in zip(required, places, strict=True) if len(found) > 1]
    if repeated:
        raise RejectedDocument(
            "columns-repeated",
            "Columns are repeated",
            f"The header has {', '.join(repeated)} more than once. Remove the repeated columns.",
        )
    return [found[0] for found in places]


def find_single(header: Sequence[str], name: str) -> int | None:
    """Return the position of a column, or None if it is missing or repeated: it is unknown which is right."""
    places = _places(header, name)
    return places[0] if len(places) == 1 else None


def _shown(name: str) -> str:
    return "-".join(words_of(name))


def _places(header: Sequence[str], name: str) -> list[int]:
    """Return the positions of a column, by any of its names, or else those of the column that stands for it."""
    column = canonical(name)
    places = [at for at, cell in enumerate(header) if canonical(cell) == column]
    if places or column not in INSTEAD:
        return places
    return [at for at, cell in enumerate(header) if canonical(cell) == INSTEAD[column]]


def is_repeated(header: Sequence[str], row: Sequence[str]) -> bool:
    """Return whether a row is the header once more, perhaps in another spelling or language."""
    cells = shorten(row)
    # Asked for every rejected row: most differ in the first cell.
    return len(cells) == len(header) and all(
        canonical(cell) == canonical(name) for cell, name in zip(cells, header, strict=True)
    )


def shorten(header: Sequence[str]) -> list[str]:
    """Return the header without the empty cells at its end, which spreadsheets add."""
    cells = list(header)
    while len(cells) > 1 and not clean_cell(cells[-1]):
        cells.pop()
    return cells


def is_known(name: str) -> bool:
    """Return whether a header cell is one of the names of a column in this table."""
    return spell(name) in _BY_SPELLING


def words_of(name: str) -> list[str]:
    """Return the words of the name of a column, in lower case."""
    return [word for word in UNSPOKEN.split(unicodedata.normalize("NFKC", name).casefold()) if word]
