"""Split the text of a table into rows, a block at a time. Pure.

In CSV a quoted cell may contain line ends, so a row is as many lines as its quotes say. Compiled patterns
split whole blocks: a step of Python for each cell or line would take a hundred times as long as the csv module.
"""

import re

# A quoted cell up to its closing quote. No quantifier gives anything back, so each character is read once.
QUOTED = r'"[^"]*+(?:""[^"]*+)*+"(?!")'


def splitting_patterns(delimiter: str, line_end: str) -> "tuple[re.Pattern[str], re.Pattern[str]]":
    """Return the patterns of the rows in a text, and of the cells in a row that begins with a delimiter."""
    record = _record(delimiter, line_end)
    return (
        # Where no whole row begins, the rest of the text is one that is unfinished.
        re.compile(f"{record}|.+", re.DOTALL),
        # A quote that is not closed takes the rest of the row.
        re.compile(f'{delimiter}({QUOTED}[^{delimiter}]*+|[^"{delimiter}][^{delimiter}]*+|".*|)', re.DOTALL),
    )


def matching_patterns(delimiter: str, line_end: str) -> "tuple[re.Pattern[str], ...]":
    """Return the patterns of a whole row with its line end, of one that the strict csv module accepts, and of
    several such rows of one line each.
    """
    valid = f'(?:{QUOTED}|[^"{delimiter}\r\n][^{delimiter}\r\n]*+|)'
    return (
        re.compile(_record(delimiter, line_end)),
        re.compile(f"{valid}(?:{delimiter}{valid})*+"),
        re.compile(f"{valid}(?:[{delimiter}{line_end}]{valid})*+"),
    )


def _record(delimiter: str, line_end: str) -> str:
    others = f"[^{delimiter}{line_end}]*+"
    cell = f'(?:{QUOTED}{others}|[^"{delimiter}{line_end}]{others}|)'
    return f"{cell}(?:{delimiter}{cell})*+{line_end}"


class Records:
    """Hold the unfinished row at the end of the text so far, and take the finished ones off."""

    def __init__(self, *, line_end: str, delimiter: str, is_quoted: bool) -> None:
        self._end, self._delimiter, self._is_quoted = line_end, delimiter, is_quoted
        self._records, self._cells = splitting_patterns(delimiter, line_end)
        self._record, valid_row, valid_rows = matching_patterns(delimiter, line_end)
        self.is_valid, self.are_valid = valid_row.fullmatch, valid_rows.fullmatch
        self.rest = ""

    @property
    def open_lines(self) -> int:
        """Return the number of characters of the whole lines in the unfinished row."""
        return self.rest.rfind(self._end) + 1

    def take_lines(self, count: int) -> list[str]:
        """Return at most `count` lines from the beginning of the text, whatever their quotes."""
        *lines, self.rest = self.rest.split(self._end, count)
        return lines

    def take(self) -> list[str]:
        """Return the finished rows without their line ends."""
        if self._end not in self.rest:
            return []
        if not self._is_quoted or '"' not in self.rest:
            *rows, self.rest = self.rest.split(self._end)
            return rows
        records = self._records.findall(self.rest)
        rest = "" if self._record.fullmatch(records[-1]) else records.pop()
        if len(records) == self.rest.count(self._end):
            # Every row is a line, and splitting at lines is faster than cutting each.
            *rows, self.rest = self.rest.split(self._end)
            return rows
        self.rest = rest
        return [record[:-1] for record in records]

    def is_finished(self) -> bool:
        """Return whether the text that is left is a row that lacks only its line end."""
        return not self._is_quoted or self._record.fullmatch(self.rest + self._end) is not None

    def cells(self, row: str) -> list[str]:
        """Return the cells of a row with their quotes."""
        if not self._is_quoted or '"' not in row:
            return row.split(self._delimiter)
        cells: list[str] = self._cells.findall(self._delimiter + row)
        return cells
