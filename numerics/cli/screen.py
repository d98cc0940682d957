"""The terminal, on which no number is cut."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from shutil import get_terminal_size
from textwrap import fill
from typing import Any

from rich.console import Console
from rich.measure import Measurement, measure_renderables
from rich.table import Table

_WIDTH = 100  # of piped text, which does not depend on the caller
_ANY = 10**6  # more than any line is wide


class Screen(Console):
    """Breaks lines between words; a word that is longer than a line is left to the terminal, whole.

    So are words in tables. One that is too wide for that has its rows below each other on a
    terminal, a line for each cell, and is as wide as it must be where it is piped.
    """

    def __init__(self) -> None:
        self._piped = not sys.stdout.isatty()
        size = get_terminal_size()
        super().__init__(
            highlight=False,
            markup=False,
            emoji=False,
            width=_WIDTH if self._piped else size.columns,
            height=size.lines,  # where it is not given, terminals without colours have 80 columns
        )

    def print(self, *objects: Any, **options: Any) -> None:
        """As Console does; tables too keep their words."""
        options = {"overflow": "ignore", "crop": False, **options}
        for each in objects:
            for shown in self._table(each) if isinstance(each, Table) else self._text(each):
                super().print(shown, **options)

    def _text(self, text: object) -> Iterator[str]:
        for line in str(text).split("\n"):
            indent = " " * (len(line) - len(line.lstrip()))
            whole = self._piped or len(line) <= self.width
            yield (
                line
                if whole
                else fill(
                    line,
                    self.width,
                    subsequent_indent=indent,
                    break_long_words=False,
                    break_on_hyphens=False,
                )
            )

    def _table(self, table: Table) -> Iterator[Any]:
        """A table with the widths of its columns, or what is printed in its place."""
        free = self.options.update_width(_ANY)
        ranges = [
            measure_renderables(self, free, [column.header, *column.cells])
            for column in table.columns
        ]
        least = [each.minimum for each in ranges]
        room = self.width - Measurement.get(self, free, table).minimum
        if room < 0 and not self._piped:
            for line in _below_each_other(table):
                yield from self._text(line)
            return
        for column in table.columns:
            column.overflow = "fold"
        if self._piped:
            for column, width in zip(table.columns, least, strict=True):
                column.min_width = width
        elif room < sum(each.span for each in ranges):
            for column, width in zip(table.columns, _shared(room, ranges), strict=True):
                column.width = width
        yield table


def _shared(room: int, ranges: Sequence[Measurement]) -> Iterator[int]:
    """The widths of columns, each at least its longest word, with the rest divided by need."""
    wanted = sum(each.span for each in ranges)
    for each in ranges:
        more = room * each.span // wanted if wanted else 0
        room, wanted = room - more, wanted - each.span
        yield each.minimum + more


def _below_each_other(table: Table) -> Iterator[str]:
    """The rows of a table as lines: the first cell, and under it the others."""
    if table.title is not None:
        yield str(table.title)
    names = [_in_one_line(column.header) for column in table.columns]
    for row in zip(*(column.cells for column in table.columns), strict=True):
        first, *others = zip(names, map(_in_one_line, row), strict=True)
        yield " ".join(first)
        for name, cell in others:
            if cell:
                yield f"  {name}: {cell}"


def _in_one_line(cell: object) -> str:
    return ", ".join(str(cell).split("\n"))
