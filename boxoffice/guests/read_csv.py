"""A guest list as a spreadsheet writes it: CSV with a line of headings."""

import csv
import io
from collections.abc import Mapping

from boxoffice.foundation.problems import FieldError, Unprocessable
from boxoffice.guests.add import Named, checked, same
from boxoffice.guests.guest_list import GuestList

COLUMNS = ("list", "name", "plus_ones", "email")
ROWS_MAX = 1_000


def read_guests(text: str, lists: Mapping[str, GuestList], only: str = "") -> dict[str, list[Named]]:
    """The guests by the name of their list; `lists` are those of the night.

    Headings are `name` and, as far as there are any, `list`, `plus_ones` and `email`, in any order; commas, semicolons
    or tabs between them. `only` is the list of all lines when there is no such column. Raises Unprocessable with the
    errors of every line.
    """
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff")), delimiter=_delimiter(text), strict=True)
    try:
        lines = [(rows.line_num, row) for row in rows if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise Unprocessable(f"This is not CSV: {error}.") from error
    if not lines or len(lines) > ROWS_MAX:
        raise Unprocessable(f"A line of headings and up to {ROWS_MAX:,} guests: the file has {len(lines)} lines.")
    headings = [cell.strip().casefold() for cell in lines[0][1]]
    _check_headings(headings, only)
    by_name = {name.casefold(): one for name, one in lists.items()}
    found: dict[str, list[Named]] = {}
    first: dict[tuple[str, ...], tuple[int, Named]] = {}
    errors: list[FieldError] = []
    for number, cells in lines[1:]:
        row = dict(zip(headings, (cell.strip() for cell in cells), strict=False))
        guest_list = by_name.get((row.get("list") or only).casefold())
        if len(cells) > len(headings):
            errors.append(FieldError(f"line {number}", "There is more in this line than there are headings."))
        elif guest_list is None:
            named, names = row.get("list"), ", ".join(lists)
            told = f'This night has no guest list called "{named}". It has: ' if named else "Say which list: "
            errors.append(FieldError(f"line {number}, list", f"{told}{names}."))
        else:
            try:
                guest = checked(
                    guest_list, row.get("name", ""), _number(row.get("plus_ones", "")), row.get("email", "")
                )
                found.setdefault(guest_list.name, []).append(guest)
                line, named = first.setdefault((guest_list.name, *same(guest)), (number, guest))
                if guest.plus_ones != named.plus_ones:
                    told = f"Line {line} names them too, and says {named.plus_ones}."
                    errors.append(FieldError(f"line {number}, plus_ones", told))
            except Unprocessable as problem:
                errors += [FieldError(f"line {number}, {one.field}", one.detail) for one in problem.errors]
    if errors:
        raise Unprocessable("The file cannot be meant like this. Nobody was added.", tuple(errors))
    return found


def _delimiter(text: str) -> str:
    first = text.split("\n", 1)[0]
    return max(",;\t", key=first.count)


def _check_headings(headings: list[str], only: str) -> None:
    unknown = [one for one in headings if one not in COLUMNS]
    if unknown or "name" not in headings or len(set(headings)) != len(headings):
        raise Unprocessable(f"The first line is headings: name, and if you like {', '.join(COLUMNS)}, each once.")
    if "list" not in headings and not only:
        raise Unprocessable("Say which list these guests are of: by --list, or in a column called list.")


def _number(text: str) -> int | None:
    """Nothing is 0; None for what is no number."""
    digits = text.removeprefix("+") or "0"
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 4 else None  # noqa: PLR2004 - more are too many
