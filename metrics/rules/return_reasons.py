"""Know Amazon's codes of the reasons for returns and claims, and put them into words. Pure.

Sources: the FBA customer returns report and the returns reports of seller-fulfilled orders
(https://developer-docs.amazon.com/sp-api/docs/fba-customer-concessions-reports-attributes,
https://developer-docs.amazon.com/sp-api/docs/returns-reports-attributes), and the codes that public readers of these
reports list. Seller-fulfilled reports write `CR-DEFECTIVE` for the `DEFECTIVE` of FBA reports. Codes that begin with
`AMZ-PG-` are those of a product group, such as `AMZ-PG-APP-TOO-SMALL` for apparel.
"""

import re

MAX_LENGTH = 40
CODE = re.compile("[A-Z0-9](?:[A-Z0-9]|[-_](?![-_])){0,39}")
PREFIX = "CR-"
GROUP = re.compile("AMZ-PG-(?:APP|SH|WJ|EYE|HG|BAG|JW)-")
WORDS = {
    "APPAREL_STYLE": "The buyer did not like the style.",
    "APPAREL_TOO_LARGE": "The apparel was too large.",
    "APPAREL_TOO_SMALL": "The apparel was too small.",
    "CUSTOMER_DAMAGED": "The buyer damaged the item.",
    "DAMAGED_BY_CARRIER": "The item was damaged during shipping.",
    "DAMAGED_BY_FC": "The item was damaged in Amazon's warehouse.",
    "DEFECTIVE": "The item is defective or does not work.",
    "DID_NOT_LIKE_COLOR": "The buyer did not like the color.",
    "DID_NOT_LIKE_FABRIC": "The buyer did not like the fabric.",
    "EXCESSIVE_INSTALLATION": "The installation was too difficult.",
    "EXTRA_ITEM": "The package contained an item that was not ordered.",
    "FOUND_BETTER_PRICE": "The buyer found a better price.",
    "JEWELRY_BAD_CLASP": "The clasp of the jewelry is faulty.",
    "JEWELRY_BATTERY": "The battery is empty or faulty.",
    "JEWELRY_LOOSE_STONE": "A stone of the jewelry is loose or missing.",
    "JEWELRY_NO_CERT": "The certificate is missing.",
    "JEWELRY_NO_DOCS": "The manual or warranty is missing.",
    "JEWELRY_TARNISHED": "The jewelry is tarnished.",
    "JEWELRY_TOO_LARGE": "The jewelry was too large or too long.",
    "JEWELRY_TOO_SMALL": "The jewelry was too small or too short.",
    "MISORDERED": "The buyer ordered the wrong style, size or color.",
    "MISSED_ESTIMATED_DELIVERY": "The item arrived after the promised date.",
    "MISSING_PARTS": "Parts or accessories are missing.",
    "NEVER_ARRIVED": "The item never arrived.",
    "NOT_AS_DESCRIBED": "The item is not as described.",
    "NOT_COMPATIBLE": "The item is not compatible.",
    "NO_REASON_GIVEN": "The buyer gave no reason.",
    "ORDERED_WRONG_ITEM": "The buyer ordered the wrong item.",
    "OTHER": "The buyer gave another reason.",
    "PART_NOT_COMPATIBLE": "The part does not fit the buyer's system.",
    "PRODUCT_NOT_ITALIAN": "The item or its manual is not in Italian.",
    "PRODUCT_NOT_SPANISH": "The item or its manual is not in Spanish.",
    "QUALITY_UNACCEPTABLE": "The buyer is not satisfied with the quality.",
    "SWITCHEROO": "The wrong item was sent.",
    "UNAUTHORIZED_PURCHASE": "The purchase was not authorized.",
    "UNDELIVERABLE_CARRIER_MISS_SORTED": "The carrier sorted the package to a wrong place.",
    "UNDELIVERABLE_FAILED_DELIVERY_ATTEMPTS": "The carrier could not deliver the package.",
    "UNDELIVERABLE_INSUFFICIENT_ADDRESS": "The address was incomplete.",
    "UNDELIVERABLE_MISSING_LABEL": "The shipping label was missing.",
    "UNDELIVERABLE_REFUSED": "The buyer refused the package.",
    "UNDELIVERABLE_UNCLAIMED": "The buyer did not collect the package.",
    "UNDELIVERABLE_UNKNOWN": "The package could not be delivered.",
    "UNWANTED_ITEM": "The buyer does not want the item any more.",
    "WARRANTY": "The item is defective and under warranty.",
    "AMZ-PG-BAD-DESC": "The item is not as described.",
    "AMZ-PG-MISORDERED": "The buyer ordered the wrong style, size or color.",
    "TOO-LARGE": "The item was too large.",
    "TOO-SMALL": "The item was too small.",
    "STYLE": "The buyer did not like the style.",
    "COLOR": "The buyer did not like the color.",
    "FABRIC": "The buyer did not like the material.",
}
"""The words of each code. Codes of a product group are looked up without its name."""


def parse_code(text: str) -> str:
    """Return the code of a reason, without `CR-` and in upper case, or an empty text if it is none."""
    code = text.strip().upper().removeprefix(PREFIX)
    return code if CODE.fullmatch(code) else ""


def describe(code: str) -> str:
    """Return a code in words, or the code itself if it is unknown."""
    return WORDS.get(code) or WORDS.get(GROUP.sub("", code), code)
