"""Define the products of the sample accounts. Pure.

The number of each account's products is part of the seed: with another number, `random.choice` draws otherwise, and
all orders and defects change.
"""

from dataclasses import dataclass
from decimal import Decimal

FAULTY_ASIN = "B007310854"


@dataclass(frozen=True, slots=True)
class Product:
    """Describe what a seller sells. `price` is in the currency of the store, without decimals in yen.

    Two sellers offer the faulty product, each with a SKU and a title of its own.
    """

    sku: str
    title: str
    price: Decimal
    stated_asin: str = ""

    @property
    def asin(self) -> str:
        return self.stated_asin or f"B0{stable_hash(self.title) % 10**8:08d}"

    @property
    def is_faulty(self) -> bool:
        return self.asin == FAULTY_ASIN


def stable_hash(text: str) -> int:
    """Return a hash that is the same in every run."""
    # Python salts its own hash of texts in each process.
    return sum((index + 1) * ord(character) for index, character in enumerate(text)) * 2654435761 % 2**32


def _product(sku: str, title: str, price: str, asin: str = "") -> Product:
    return Product(sku, title, Decimal(price), asin)


SAKURA = (
    _product("SK-WASHI-A5", "和紙ノート A5", "1480"),
    _product("SK-WASHI-B6", "和紙ノート B6", "1180"),
    _product("SK-FUDE-3", "筆ペン 3本セット", "990"),
    _product("SK-INK-BLUE", "万年筆インク 青", "1650"),
    _product("SK-ORIGAMI-200", "Origami Paper 200", "880"),
    _product("SK-ENVELOPE-20", "和風封筒 20枚", "640"),
)
HARBOR = (
    _product("HP-TABLE-48", 'Folding Camp Table, 48"', "74.99"),
    _product("HP-CHAIR-LOW", "Low Beach Chair", "42.50"),
    _product("HP-MUG-4", "Enamel Mug Set of 4", "29.95"),
    _product("HP-KETTLE-1L", "Camp Kettle 1 L", "24.90"),
    _product("HP-DRYBAG-20", 'Dry Bag 20 L with 1" Strap', "21.99"),
    _product("HP-DRYBAG-5", "Dry Bag 5 L", "12.99"),
    _product("HP-LANTERN", "Trail Lantern", "34.00"),
    _product("HP-HEADLAMP", "Headlamp, 300 lm", "18.75"),
)
BRIGHTSIDE = (
    _product("BH-CUSHION-45", "Linen Cushion Cover", "14.99"),
    _product("BH-THROW-GREY", "Wool Throw, Grey", "39.00"),
    _product("BH-BRACKET-8", 'Shelf Bracket 8", pair', "16.49", FAULTY_ASIN),
    _product("BH-SHELF-OAK", "Oak Shelf Board", "27.95"),
    _product("BH-MAT-BAMBOO", "Bamboo Bath Mat", "22.50"),
    _product("BH-BASKET-M", "Seagrass Basket, Medium", "18.99"),
    _product("BH-HOOK-BRASS", "Brass Hook", "7.99"),
    _product("BH-FRAME-A4", "Picture Frame A4", "11.49"),
)
KESSLER = (
    _product("KW-STECK-14", 'Steckschlüsselsatz 1/4"', "44.90"),
    _product("KW-BIT-32", "Bitsatz, 32-teilig", "19.95"),
    _product("KW-HOBEL-2", "Hobelmesser, 2 Stück", "23.50"),
    _product("KW-REGAL-20", "Regalträger 20 cm, 2 Stück", "17.90", FAULTY_ASIN),
    _product("KW-ZWINGE-300", "Schraubzwinge 300 mm", "15.49"),
    _product("KW-WASSER-60", "Wasserwaage 60 cm", "28.00"),
)
MAPLE = (
    _product("MT-SNOWSHOE", "Snowshoe Bag", "36.00"),
    _product("MT-POLES", "Trekking Poles, Pair", "58.99"),
    _product("MT-SOCKS-2", "Wool Socks, 2 Pairs", "24.99"),
    _product("MT-TOQUE-RED", "Merino Toque, Red", "27.50"),
    _product("MT-AUGER-6", 'Ice Auger Bit 6"', "49.95"),
    _product("MT-TIPUP-3", "Ice Fishing Tip-Up, 3 Pieces", "33.00"),
)
MARGAUX = (
    _product("AM-BOUGIE", "Bougie parfumée", "24.00"),
    _product("AM-DIFFUSEUR", "Diffuseur à la lavande", "32.00"),
    _product("AM-CARNET", "Carnet relié", "18.50"),
    _product("AM-PLUMIER", "Plumier en cuir", "45.00"),
    _product("AM-FOULARD", "Foulard en soie", "69.00"),
    _product("AM-TROUSSE", "Trousse brodée", "28.00"),
)
LANTERN = (
    _product("LL-NIGHT-OAK", "Wooden Night Light", "31.95"),
    _product("LL-NIGHT-FOX", "Fox Night Light", "33.95"),
    _product("LL-MOON", "Stacking Moon", "22.00"),
    _product("LL-RAINBOW", "Stacking Rainbow", "26.50"),
)
