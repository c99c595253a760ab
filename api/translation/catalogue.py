"""Recognize an English text by its template in the catalogue, and translate it. Pure.

Texts are written and stored in English, with figures, names and quoted cells in them: a reason of a row is stored
once and read by people of several languages. So a text is translated where it is answered: the catalogue
(config/locale) has each text as a template such as "`{0}`: {1} is not valid; expected {2}.", and a text is
recognized by the fixed parts of its template. What stands in the place of {0} is translated in the same way, or kept.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

PLACEHOLDER = re.compile(r"\{(\d+)\}")
# Only figures stand in a template with fewer fixed characters: "{0} of {1}" would be found in any sentence.
DIGIT = re.compile("[0-9]")
SHORT_LENGTH = 7
# A reason begins with its column.
COLUMN = re.compile(r"(`[^`]{1,100}`): (.+)", re.DOTALL)
# Texts within texts: a reason within a sentence within the summary of a problem.
MAX_DEPTH = 5
SEPARATORS = {"; ": "；", ": ": "：", ", ": "，"}
MAX_PARTS = 20
# Texts and parts of texts that are looked up for one text. A reason has about ten.
MAX_LOOK_UPS = 200
FULL_WIDTH_ENDS = "。？："
# Sentences in a row have no template of their own. A reason may begin with the name of a block, and a marketplace.
SENTENCE_END = re.compile(r"(?<=[.?]) (?=[A-Z`']|[a-z][A-Za-z0-9_]{2,60}(?: [A-Z0-9]{2,20})?: )")


@dataclass(frozen=True, slots=True)
class Template:
    """Store the fixed parts of an English text, between which its placeholders stand, and its translation."""

    parts: tuple[str, ...]
    translated: str

    @classmethod
    def parse(cls, english: str, translated: str) -> Self:
        """Return the template of an entry of the catalogue."""
        return cls(tuple(PLACEHOLDER.split(english)[::2]), translated)

    @property
    def fixed_length(self) -> int:
        return sum(map(len, self.parts))

    def match(self, text: str) -> list[str] | None:
        """Return what stands in the placeholders of the text, or None if it is not of this template."""
        # By the first place of each part instead of by a regular expression: the time stays linear, whatever a
        # caller writes into the placeholders.
        first, *middle, last = self.parts
        if not text.startswith(first) or not text.endswith(last) or len(text) < self.fixed_length:
            return None
        values, start, end = [], len(first), len(text) - len(last)
        for part in middle:
            at = text.find(part, start, end)
            if at < 0:
                return None
            values.append(text[start:at])
            start = at + len(part)
        if start > end:
            return None
        values.append(text[start:end])
        is_short = self.fixed_length < SHORT_LENGTH
        return None if is_short and not all(DIGIT.search(value) for value in values) else values

    def fill(self, values: list[str]) -> str:
        """Return the translation with these values in its placeholders."""
        return PLACEHOLDER.sub(lambda number: values[int(number[1])], self.translated)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Translate texts to one language."""

    texts: dict[str, str]
    # By the English text in lower case: a title begins with a capital, a list does not.
    names: dict[str, str]
    templates: tuple[Template, ...]

    @classmethod
    def build(cls, texts: dict[str, str]) -> Self:
        """Return the catalogue of these translations by their English texts."""
        templates = [Template.parse(*each) for each in texts.items() if PLACEHOLDER.search(each[0])]
        # The template that fixes most of the text first: others may hold a part of it in a placeholder.
        names = {english.lower(): translated for english, translated in texts.items()}
        return cls(texts, names, tuple(sorted(templates, key=lambda each: -each.fixed_length)))

    def translate(self, text: str) -> str:
        """Return the translated text. Parts that the catalogue does not have stay in English."""
        return self._translate(text, 0, {})

    def _translate(self, text: str, depth: int, done: dict[tuple[str, int], str]) -> str:
        """Translate a text or a part of one, once. `done` has what was translated so far."""
        # The same part is found by several ways through its separators, and the ways multiply with each level.
        key = (text, depth)
        if key not in done and len(done) < MAX_LOOK_UPS:
            done[key] = text
            done[key] = self._look_up(text, depth, done)
        return done.get(key, text)

    def _look_up(self, text: str, depth: int, done: dict[tuple[str, int], str]) -> str:
        if known := self.texts.get(text) or self.names.get(text.lower()):
            return known
        # A single word is a name, a figure or a quoted cell.
        if " " not in text or depth > MAX_DEPTH:
            return text
        if column := COLUMN.fullmatch(text):
            reason = self._translate(column[2], depth + 1, done)
            if reason != column[2]:
                return f"{column[1]}：{reason}"
        for template in self.templates:
            values = template.match(text)
            if values is not None:
                return template.fill([self._translate(value, depth + 1, done) for value in values])
        sentences = SENTENCE_END.split(text, MAX_PARTS)
        if len(sentences) > 1:
            return _join(self._translate(sentence, depth + 1, done) for sentence in sentences)
        return self._translate_parts(text, depth, done)

    def _translate_parts(self, text: str, depth: int, done: dict[tuple[str, int], str]) -> str:
        """Translate what stands between colons, semicolons or commas, or return the text if nothing of it has a
        translation."""
        for separator, full_width in SEPARATORS.items():
            parts = text.split(separator, MAX_PARTS)
            translated = (
                [self._translate(part, depth + 1, done) for part in parts] if len(parts) > 1 else parts
            )
            if translated != parts:
                return full_width.join(translated)
        return text


def _join(sentences: Iterable[str]) -> str:
    """Return sentences as one text: Chinese ones follow each other without a blank."""
    text = ""
    for sentence in sentences:
        text += sentence if not text or text[-1] in FULL_WIDTH_ENDS else f" {sentence}"
    return text
