"""Tables: which of their rows and columns are the problem, and what a cell means."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

from theory.errors import InputError
from theory.problem import exact_float, is_missing, is_number, rational

Matrix: TypeAlias = list[list[Fraction]]

_MISSING = {"", "na", "n/a", "nan", "null", "none", "nil", "?", "-"}
_INDEX = {"", "unnamed: 0", "index", "id", "row"}
"""Names of first columns that are no features if they count the rows; pandas writes two of them."""
_DECIMAL_COMMA = re.compile(r"[-+]?(\d+,\d*|,\d+)([eE][-+]?\d{1,3})?", re.ASCII)
_FEW = 12  # names that an error lists


class DataWarning(UserWarning):
    """A file was read, but may not say what its author means."""


@dataclass(frozen=True)
class Choice:
    """What is read of a table, and how: see `theory.loading.load_problem`."""

    target: str | None = None
    drop: Sequence[str] = ()
    columns: Sequence[str] | None = None
    rows: str | None = None
    labels: Sequence[str] | None = None
    standardise: bool = False
    floats: str | None = None

    @property
    def changes(self) -> bool:
        """Whether X or y are not as they stand."""
        chosen = self.columns, self.rows, self.labels
        return bool(self.drop) or self.standardise or chosen != (None, None, None)


@dataclass(frozen=True)
class Table:
    """Cells as a file has them: text, or numbers of Python.

    name: of the file, for errors. header: of the columns; numbers, where they have no names.
    rows: (n, len(header)). places: (n,) of the rows, for errors. y: (n,) where the target is no
    column of the rows, and its name is then y_name. comma: a number with a decimal comma, where
    some have one.
    """

    name: str
    header: Sequence[str]
    rows: Sequence[Sequence[Any]]
    places: Sequence[str]
    y: Sequence[Any] | None = None
    y_name: str = "y"
    comma: str = ""

    def chosen(self, choice: Choice) -> tuple[Matrix, list[Fraction], list[int]]:
        """X and y, and the numbers of their rows."""
        return _Selection(self, choice).read()


@dataclass
class _Selection:
    """A table with a choice; the target is in `fitted`, the features are in `features`."""

    table: Table
    choice: Choice
    features: list[int] = field(init=False)
    fitted: list[Any] = field(init=False)  # (n,) cells
    name: str = field(init=False)  # of the target

    def __post_init__(self) -> None:
        table, taken = self.table, []
        if table.y is None:
            j = self._target()
            taken = [j]
            self.fitted, self.name = [row[j] for row in table.rows], table.header[j]
        else:
            self.fitted, self.name = list(table.y), table.y_name
        self.features = self._features(taken)

    def _target(self) -> int:
        header, wanted = self.table.header, self.choice.target
        if wanted is None:
            raise InputError("target", f"name the column to fit (one of {listed(header)})")
        twice = [name for name in header if header.count(name) > 1]
        if twice:
            raise InputError("target", f"{self.table.name} has two columns named {twice[0]!r}")
        return self._number(wanted, "target")

    def _number(self, column: str, option: str) -> int:
        """Of the column with this name or number."""
        header = self.table.header
        if column in header:
            return list(header).index(column)
        if re.fullmatch(r"-?\d{1,9}", column) and -len(header) <= int(column) < len(header):
            return int(column) % len(header)
        raise InputError(
            option, f"{column!r} is not a column of {self.table.name}: {listed(header)}"
        )

    def _features(self, taken: list[int]) -> list[int]:
        header, drop, columns = self.table.header, self.choice.drop, self.choice.columns
        option = "drop" if columns is None else "columns"
        if drop and columns is not None:
            raise InputError("columns", "give it or --drop, not both")
        named = [self._number(each, option) for each in (drop if columns is None else columns)]
        for j in named:
            if j in taken:
                raise InputError(option, f"{header[j]!r} is the column to fit")
        if columns is None:
            rest = [j for j in range(len(header)) if j not in taken and j not in named]
            if 0 in rest and self._counts():
                doubt(
                    f"the first column of {self.table.name}, {header[0]!r}, counts the rows, and "
                    f"is a feature all the same; leave it out with --drop {header[0]!r}"
                )
            return rest
        for j in named:
            if named.count(j) > 1:
                raise InputError("columns", f"{header[j]!r} is named twice")
        return named

    def _counts(self) -> bool:
        """Whether the first column is 0, 1, ... or 1, 2, ..., and named like an index."""
        cells = [_text(row[0]) for row in self.table.rows]
        return (
            self.table.header[0].casefold() in _INDEX
            and len(cells) > 1
            and any([*map(str, range(k, len(cells) + k))] == cells for k in (0, 1))
        )

    def read(self) -> tuple[Matrix, list[Fraction], list[int]]:
        rows = _rows(self.choice.rows, len(self.table.rows), self.table.name)
        signs = None if self.choice.labels is None else self._signs(self.choice.labels, rows)
        if signs is not None:
            rows = [k for k in rows if k in signs or _is_blank(self.fitted[k])]
        self._require_values(rows)
        if signs is None:
            remedy = self._remedy(rows)
            y = [self._entry(self.fitted[k], k, self.name, remedy) for k in rows]
        else:
            y = [Fraction(signs[k]) for k in rows]
        X = [[self._feature(k, j) for j in self.features] for k in rows]
        return (self._standardised(X) if self.choice.standardise and X else X), y, rows

    def _require_values(self, rows: Sequence[int]) -> None:
        """Raise InputError for missing values, with all columns that have some."""
        columns = {
            self.table.header[j]: [self.table.rows[k][j] for k in rows] for j in self.features
        }
        found = []
        for name, cells in (columns | {self.name: [self.fitted[k] for k in rows]}).items():
            missing = [k for k, cell in zip(rows, cells, strict=True) if _is_blank(cell)]
            if missing:
                more = f" and {len(missing) - 1} more" if missing[1:] else ""
                found.append(f"column {name!r}, {self.table.places[missing[0]]}{more}")
        if found:
            raise InputError(
                self.table.name,
                f"values are missing: {'; '.join(found)}; fill them in, or leave rows out with "
                "--rows, columns with --drop",
            )

    def _signs(self, labels: Sequence[str], rows: Sequence[int]) -> dict[int, int]:
        """-1 or 1 for each of the rows with one of the two labels; that others are not read is
        said."""
        if len(labels) != 2 or self._label(labels[0]) == self._label(labels[1]):
            raise InputError(
                "labels", f"{','.join(labels)!r} must be two different texts, NEGATIVE,POSITIVE"
            )
        found: dict[Any, list[int]] = {}
        for k in rows:
            if not _is_blank(self.fitted[k]):
                found.setdefault(self._label(self.fitted[k]), []).append(k)
        shown = {key: _text(self.fitted[of[0]]) for key, of in found.items()}
        negative, positive = (found.pop(self._label(label), None) for label in labels)
        for label, of in zip(labels, (negative, positive), strict=True):
            if of is None:
                raise InputError(
                    "labels",
                    f"no row that is read has {label!r} in column {self.name!r}; there are "
                    f"{listed(shown.values()) or 'none'}",
                )
        if others := sum(map(len, found.values())):
            doubt(
                f"{others} row{'s' if others > 1 else ''} of {self.table.name} left out: column "
                f"{self.name!r} has other labels there, {listed(shown[key] for key in found)}"
            )
        return dict.fromkeys(negative or (), -1) | dict.fromkeys(positive or (), 1)

    def _label(self, cell: Any) -> str | Fraction:
        """What has to be equal in equal labels: 0, 0.0 and "0" are."""
        text = self._point(_text(cell))
        return rational(text, "labels") if is_number(text) else text

    def _remedy(self, rows: Sequence[int]) -> str:
        """Where the target has text."""
        labels = sorted({_text(self.fitted[k]) for k in rows})
        such = f", such as --labels {','.join(labels)}" if len(labels) == 2 else ""
        return f"name the labels of -1 and 1 with --labels NEGATIVE,POSITIVE{such}"

    def _point(self, text: str) -> str:
        """A number with a decimal point."""
        if self.table.comma and _DECIMAL_COMMA.fullmatch(text):
            return text.replace(",", ".")
        return text

    def _feature(self, row: int, column: int) -> Fraction:
        name = self.table.header[column]
        remedy = f"write categories as columns of 0 and 1, or leave it out with --drop {name!r}"
        return self._entry(self.table.rows[row][column], row, name, remedy)

    def _entry(self, cell: Any, row: int, column: str, remedy: str) -> Fraction:
        """The number in a cell; remedy: where there is text in its place."""
        place = f"{self.table.name} {self.table.places[row]}, column {column!r}"
        if isinstance(cell, float):
            return self._float(cell, place)
        if not isinstance(cell, str):
            return rational(cell, place)
        text = cell.strip()
        if self.table.comma and is_number(text) and "." in text:
            raise InputError(
                place,
                f"{text!r} has a point, but {self.table.comma!r} has a comma; write decimals alike",
            )
        text = self._point(text)
        if _DECIMAL_COMMA.fullmatch(text):
            raise InputError(place, f"{text!r} has a comma; write decimals with a point")
        try:
            float(text)
        except ValueError:
            if not is_number(text):  # p/q is no float
                raise InputError(place, f"{text!r} is not a number; {remedy}") from None
        return rational(text, place)

    def _float(self, value: float, place: str) -> Fraction:
        floats = self.choice.floats
        if floats is None:
            raise InputError(
                "floats",
                f"{self.table.name} holds floats; say which rationals they mean: 'exact' for the "
                "binary values, or the largest denominator, such as 1000",
            )
        if floats == "exact":
            return exact_float(value, place)
        if not re.fullmatch(r"\d{1,30}", floats) or not int(floats):
            raise InputError("floats", f"{floats!r} must be 'exact' or a positive integer")
        return exact_float(value, place, int(floats))

    def _standardised(self, X: Matrix) -> Matrix:
        """Columns of mean 0 and mean absolute value 1.

        The scale is the mean absolute deviation from the mean: unlike the standard deviation it is
        rational, so that nothing is rounded, and data in other units become the same.
        """
        columns = []
        for j, column in zip(self.features, zip(*X, strict=True), strict=True):
            mean = sum(column, Fraction()) / len(column)
            scale = sum((abs(value - mean) for value in column), Fraction()) / len(column)
            if not scale:
                name = self.table.header[j]
                raise InputError(
                    "standardise", f"column {name!r} is constant; leave it out with --drop {name!r}"
                )
            columns.append([(value - mean) / scale for value in column])
        return [list(row) for row in zip(*columns, strict=True)]


def _rows(text: str | None, n: int, name: str) -> list[int]:
    """The numbers of rows that the option names, in its order."""
    if text is None:
        return list(range(n))
    found: list[int] = []
    for piece in map(str.strip, text.split(",")):
        parts = [part.strip() for part in piece.split(":")]
        if not (piece and len(parts) < 4 and all(re.fullmatch(r"(-?\d{1,9})?", p) for p in parts)):
            raise InputError(
                "rows", f"{piece!r} is neither a number nor a slice, such as 0:20 or ::5"
            )
        if len(parts) == 1:
            if not -n <= int(piece) < n:
                raise InputError("rows", f"{name} has {n} rows, from 0, and no row {piece}")
            found.append(int(piece) % n)
            continue
        start, stop, step = ([int(p) if p else None for p in parts] + [None])[:3]
        if step == 0:
            raise InputError("rows", f"{piece!r} has step 0")
        found += range(n)[start:stop:step]
    if not found:
        raise InputError("rows", f"{text!r} takes none of the {n} rows of {name}")
    if twice := [k for k, times in Counter(found).items() if times > 1]:
        raise InputError("rows", f"{text!r} takes row {twice[0]} twice")
    return found


def listed(names: Iterable[str]) -> str:
    """The first few names."""
    shown = [name or repr(name) for name in names]
    more = f", ... ({len(shown)} in all)" if len(shown) > _FEW else ""
    return ", ".join(shown[:_FEW]) + more


def has_decimal_comma(cell: str) -> bool:
    """Whether a cell is a number with a comma."""
    return _DECIMAL_COMMA.fullmatch(cell.strip()) is not None


def _is_blank(cell: Any) -> bool:
    """Whether a cell has no value, or says that it has none."""
    return is_missing(cell) or (isinstance(cell, str) and _text(cell).casefold() in _MISSING)


def _text(cell: Any) -> str:
    return str(cell).strip()


def doubt(message: str) -> None:
    """Warn of what may be misread."""
    warnings.warn(message, DataWarning, stacklevel=2)
