"""How objects show themselves: one line for `repr`, a table for notebooks and for pandas.

>>> rows = [(1, Fraction(1, 2)), (2, Between(Fraction(0), None))]
>>> print(Table(("width", "loss"), rows).html("<a>"))
<table><caption>&lt;a&gt;</caption><thead><tr><th>width</th><th>loss</th></tr></thead><tbody>
<tr><td>1</td><td>1/2</td></tr>
<tr><td>2</td><td>at least 0</td></tr>
</tbody></table>
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from html import escape
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from theory.errors import InputError
from theory.text import show, show_interval

if TYPE_CHECKING:
    from pandas import DataFrame

_MOST = 20  # rows of a table that are shown; and columns

_LONGEST = 160  # characters of an object as an expression


class Between(NamedTuple):
    """A cell: a value that is proved to be between two; None for an end that is not known."""

    lower: Fraction | None
    upper: Fraction | None

    def __str__(self) -> str:
        if self.lower is None:
            return "?" if self.upper is None else f"at most {show(self.upper)}"
        if self.upper is None:
            return f"at least {show(self.lower)}"
        return show_interval(self.lower, self.upper)


@dataclass(frozen=True)
class Table:
    """Columns by name, and rows of cells: exact numbers, intervals, other numbers, text, None."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]

    def html(self, caption: str) -> str:
        """The first rows and columns, and how many there are beside; without scripts or styles."""
        rows = [self._row("td", row) for row in islice(self.rows, _MOST)]
        if len(self.rows) > _MOST:
            rows.append(f'<tr><td colspan="{_MOST}">and {len(self.rows) - _MOST:,} more</td></tr>')
        head = self._row("th", self.columns)
        return "\n".join(
            [
                f"<table><caption>{escape(caption)}</caption><thead>{head}</thead><tbody>",
                *rows,
                "</tbody></table>",
            ]
        )

    @staticmethod
    def _row(tag: str, cells: Sequence[object]) -> str:
        if len(cells) > _MOST:  # the last one is the targets
            cells = [*cells[: _MOST - 2], f"{len(cells) - _MOST + 1:,} more", cells[-1]]
        return f"<tr>{''.join(f'<{tag}>{escape(_text(cell))}</{tag}>' for cell in cells)}</tr>"

    def dataframe(self) -> DataFrame:
        """Everything, for pandas: rationals as they are, which `astype(float)` makes floats; an
        interval in two columns.

        Raises InputError where pandas is not installed.
        """
        try:
            from pandas import DataFrame, Series
        except ImportError:
            raise InputError("pandas", "is not installed; run pip install pandas") from None
        columns: dict[str, Any] = {}
        for name, cells in zip(self.columns, zip(*self.rows, strict=True), strict=bool(self.rows)):
            if any(isinstance(cell, Between) for cell in cells):
                ends = [cell if isinstance(cell, Between) else (cell, cell) for cell in cells]
                columns[f"{name}, lower"], columns[f"{name}, upper"] = map(
                    list, zip(*ends, strict=True)
                )
            else:
                # As they are: a column of whole numbers and None would become one of floats.
                columns[name] = Series(cells, dtype=object) if None in cells else list(cells)
        return DataFrame(columns, columns=list(columns or self.columns))


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Fraction):
        return show(cell)
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return f"{cell:.6g}" if isinstance(cell, float) else str(cell)


class Shown:
    """What has a line and a table: `summary` and `_table` are its own."""

    @property
    def summary(self) -> str:
        """What it is, in one line."""
        raise NotImplementedError

    def _table(self) -> Table:
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.summary}>"

    def _repr_html_(self) -> str:
        return self._table().html(f"{type(self).__name__}: {self.summary}")


class Tabled(Shown):
    """What is a table as a whole."""

    def to_dataframe(self) -> DataFrame:
        """The table as one of pandas: rationals as they are, which `astype(float)` makes floats; an
        interval in two columns.

        Raises InputError where pandas is not installed.
        """
        return self._table().dataframe()


class Bounded(Protocol):
    """A value that is proved to be between two; None for an upper end that is not known."""

    @property
    def lower(self) -> Fraction: ...

    @property
    def upper(self) -> Fraction | None: ...


def said_of_components(
    setting: str, optimizers: Sequence[str], components: Sequence[object], *, complete: bool
) -> str:
    """A line of results by component: the setting, how many there are, and for which optimizers."""
    count = counted(len(components), "component")
    return f"{setting}: {count}, {', '.join(optimizers)}{'' if complete else ', not complete'}"


def by_component(optimizers: Sequence[str], components: Sequence[Mapping[str, Bounded]]) -> Table:
    """A row for each component with the value of each optimizer, where it is known."""
    rows = [
        (
            k,
            *(
                Between(known[name].lower, known[name].upper) if name in known else None
                for name in optimizers
            ),
        )
        for k, known in enumerate(components)
    ]
    return Table(("component", *optimizers), rows)


def counted(number: int, one: str, many: str = "") -> str:
    """A number of things: "1 valley", "2 valleys"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def expression(name: str, fields: Mapping[str, object]) -> str | None:
    """A call that gives an object again, with rationals as text where they are not whole; None
    where that is long."""
    text = f"{name}({', '.join(f'{key}={_code(value)}' for key, value in fields.items())})"
    return text if len(text) <= _LONGEST else None


def _code(value: object) -> str:
    if isinstance(value, Fraction):
        return str(value) if value.denominator == 1 else repr(str(value))
    if isinstance(value, tuple):
        return f"[{', '.join(map(_code, value))}]"
    return repr(value)
