"""Read the catalogue of translations from the text file, and compile it."""

import io
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from django.conf import settings

FOLDER = Path(settings.BASE_DIR) / "config" / "locale" / "zh_Hans" / "LC_MESSAGES"
WRITTEN, COMPILED = FOLDER / "django.po", FOLDER / "django.mo"


def written() -> Catalog:
    with WRITTEN.open("rb") as file:
        return read_po(file, abort_invalid=True)


def chinese() -> dict[str, str]:
    """Return the Chinese of each English text."""
    return texts(written())


def compiled_anew() -> Catalog:
    compiled = io.BytesIO()
    write_mo(compiled, written())
    compiled.seek(0)
    return read_mo(compiled)


def compiled(file: Path = COMPILED) -> Catalog:
    with file.open("rb") as content:
        return read_mo(content)


def texts(catalogue: Catalog) -> dict[str, str]:
    """Return the translation of each English text, without the header of the catalogue."""
    return {str(message.id): str(message.string) for message in catalogue if message.id}
