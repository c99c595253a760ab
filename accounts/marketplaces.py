"""List Amazon's stores: country code, name in a report's `sales-channel` column, and Amazon's marketplace ID.

Source: https://developer-docs.amazon.com/sp-api/docs/marketplace-ids
"""

from dataclasses import dataclass

# Orders of another shop that Amazon only ships (Multi-Channel Fulfillment). They count in no metric.
NON_AMAZON = "non_amazon"


@dataclass(frozen=True, slots=True)
class Marketplace:
    """Describe one store. `region` is the SP-API region: NA, EU or FE."""

    code: str
    sales_channel: str
    amazon_id: str
    region: str


MARKETPLACES = (
    Marketplace("US", "Amazon.com", "ATVPDKIKX0DER", "NA"),
    Marketplace("CA", "Amazon.ca", "A2EUQ1WTGCTBG2", "NA"),
    Marketplace("MX", "Amazon.com.mx", "A1AM78C64UM0Y8", "NA"),
    Marketplace("BR", "Amazon.com.br", "A2Q3Y263D00KWC", "NA"),
    Marketplace("GB", "Amazon.co.uk", "A1F83G8C2ARO7P", "EU"),
    Marketplace("DE", "Amazon.de", "A1PA6795UKMFR9", "EU"),
    Marketplace("FR", "Amazon.fr", "A13V1IB3VIYZZH", "EU"),
    Marketplace("IT", "Amazon.it", "APJ6JRA9NG5V4", "EU"),
    Marketplace("ES", "Amazon.es", "A1RKKUPIHCS9HS", "EU"),
    Marketplace("NL", "Amazon.nl", "A1805IZSGTT6HS", "EU"),
    Marketplace("BE", "Amazon.com.be", "AMEN7PMS3EDWL", "EU"),
    Marketplace("SE", "Amazon.se", "A2NODRKZP88ZB9", "EU"),
    Marketplace("PL", "Amazon.pl", "A1C3SOZRARQ6R3", "EU"),
    Marketplace("IE", "Amazon.ie", "A28R8C7NBKEWEA", "EU"),
    Marketplace("TR", "Amazon.com.tr", "A33AVAJ2PDY3EV", "EU"),
    Marketplace("AE", "Amazon.ae", "A2VIGQ35RCS4UG", "EU"),
    Marketplace("SA", "Amazon.sa", "A17E79C6D8DWNP", "EU"),
    Marketplace("EG", "Amazon.eg", "ARBP9OOSHTCHU", "EU"),
    Marketplace("ZA", "Amazon.co.za", "AE08WJ6YKNBMC", "EU"),
    Marketplace("IN", "Amazon.in", "A21TJRUUN4KGV", "EU"),
    Marketplace("JP", "Amazon.co.jp", "A1VC38T7YXB528", "FE"),
    Marketplace("AU", "Amazon.com.au", "A39IBJ37TRP1C6", "FE"),
    Marketplace("SG", "Amazon.sg", "A19VAU5U5O7RUS", "FE"),
)

CODES = tuple(marketplace.code for marketplace in MARKETPLACES)
CODE_OF_SALES_CHANNEL = {marketplace.sales_channel.lower(): marketplace.code for marketplace in MARKETPLACES}
CODE_OF_AMAZON_ID = {marketplace.amazon_id: marketplace.code for marketplace in MARKETPLACES}
