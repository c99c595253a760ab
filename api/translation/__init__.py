"""Translate a text that a customer reads to the language of the request (`catalogue` says how)."""

import gettext
from functools import lru_cache

from django.conf import settings
from django.utils import translation
from django.utils.translation import to_locale

from api.translation.catalogue import Catalogue

__all__ = ["translate"]


def translate(text: str, language: str | None = None) -> str:
    """Return the text in a language: by default that of the request.

    A text that the catalogue does not have is returned in English.
    """
    language = language or translation.get_language() or settings.LANGUAGE_CODE
    catalogue = _catalogue(language)
    return catalogue.translate(text) if catalogue else text


@lru_cache(maxsize=8)
def _catalogue(language: str) -> Catalogue | None:
    """Return the catalogue of a language, or None for English and for a language that the product does not have."""
    try:
        read = gettext.translation("django", settings.LOCALE_PATHS[0], languages=[to_locale(language)])
    except FileNotFoundError:
        return None
    # The library has no public list of its entries, and templates are searched for.
    entries: dict[str, str] = read._catalog  # type: ignore[attr-defined]  # noqa: SLF001
    return Catalogue.build(
        {english: text for english, text in entries.items() if english and isinstance(english, str)}
    )
