"""Tables as files that people open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Sequence

CALCULATES = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet reads as the beginning of a formula: a name that somebody chose must not become one."""


def as_csv(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """CSV of RFC 4180 in UTF-8, with the mark by which spreadsheets know it. None is empty, text that would be
    calculated has an apostrophe before it."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(heading)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(CALCULATES):
        return f"'{value}"
    return "" if value is None else value
