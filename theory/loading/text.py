"""Tables of text: commas, semicolons or tabs between columns."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from theory.errors import InputError
from theory.loading.tables import Table, doubt, has_decimal_comma
from theory.problem import is_number

_DELIMITERS = ("\t", ";", ",")


def text_table(text: str, path: Path) -> Table:
    """The table in a text; numbers may have decimal commas where semicolons delimit them."""
    delimiter, lines, rows = _rows(text, path)
    commas = (cell for row in rows for cell in row if delimiter == ";" and has_decimal_comma(cell))
    comma = next(commas, "")
    names, *data = rows
    numbered = [str(j) for j in range(len(names))]
    numbers = any(is_number(cell) or (comma and has_decimal_comma(cell)) for cell in names)
    # A first line without any number names the columns; pandas may name them 0, 1, ...
    if named := not numbers or names == ["", *numbered[:-1]]:
        header, rows, lines = [cell.strip() for cell in names], data, lines[1:]
    else:
        header = numbered
    places = [f"row {k} (line {line})" for k, line in enumerate(lines)]
    for place, row in zip(places, rows, strict=True):
        if len(row) != len(header):
            raise InputError(
                f"{path.name} {place}", f"has {len(row)} entries, but the table has {len(header)}"
            )
    if not named and names == numbered and data:
        doubt(f"the first line of {path.name}, {', '.join(names)}, is read as data, not as names")
    return Table(path.name, header, rows, places, comma=comma)


def _rows(text: str, path: Path) -> tuple[str, list[int], list[list[str]]]:
    """The delimiter that fits, and line numbers and cells of the rows that are not blank."""
    found = []
    for delimiter in _DELIMITERS:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        try:
            rows = [(reader.line_num, row) for row in reader if any(map(str.strip, row))]
        except csv.Error as error:
            raise InputError(str(path), f"cannot be read: {error}") from None
        if not rows:
            raise InputError(str(path), "is empty")
        found.append((delimiter, [line for line, _ in rows], [row for _, row in rows]))
    for each in found:
        if len(each[2][0]) > 1 and len({*map(len, each[2])}) == 1:
            return each
    widest = max(found, key=lambda each: len(each[2][0]))
    cells = widest[2]
    if len(cells[0]) == 1:
        other = next((each for each in "| " if each in cells[0][0].strip()), None)
        found_there = f"columns with {other!r} between them" if other else "one column"
        raise InputError(
            str(path),
            f"has {found_there}; it must be JSON, or a table with a comma, semicolon or tab "
            "between columns",
        )
    return widest
