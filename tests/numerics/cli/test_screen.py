"""No terminal and no pipe cuts a word of what is printed."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

from numerics.cli.screen import Screen

LONG = f"{3**420}/{7**240}"  # of 201 and 203 digits


class _File(io.StringIO):
    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def printed(shown: object, *, terminal: bool, columns: int) -> str:
    """What is written, without colours."""
    with pytest.MonkeyPatch.context() as patch:
        out = _File(terminal)
        patch.setattr("sys.stdout", out)
        patch.setenv("COLUMNS", str(columns))
        patch.setenv("TERM", "dumb")
        Screen().print(shown)
    return out.getvalue()


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    made = Table(*header)
    for row in rows:
        made.add_row(*row)
    return made


WORDS = st.lists(st.text("abc0123456789/", min_size=1, max_size=30), max_size=4).map(" ".join)


@given(st.data(), st.booleans(), st.integers(10, 130))
def test_every_word_of_a_table_is_there(data: st.DataObject, terminal: bool, columns: int) -> None:
    """Also long ones, on any terminal; lines end where it does, unless a word is longer."""
    wide = data.draw(st.integers(1, 6))
    row = st.lists(WORDS | st.just(LONG), min_size=wide, max_size=wide)
    names = [f"c{k}" for k in range(wide)]
    rows = data.draw(st.lists(row, min_size=1, max_size=3))
    out = printed(table(names, rows), terminal=terminal, columns=columns)
    found = out.split()
    for word in {word for row in rows for cell in row for word in cell.split()}:
        times = sum(cell.split().count(word) for row in rows for cell in row)
        assert found.count(word) >= times
    for line in out.splitlines() if terminal else ():
        assert len(line) <= columns or len(line.split()) == 1


@pytest.mark.parametrize("terminal", [True, False])
def test_rationals_of_two_hundred_digits_are_whole(terminal: bool) -> None:
    rows = [[str(k), LONG, "1/3", LONG] for k in range(3)]
    out = printed(
        table(["valley", "bottom", "way out", "depth"], rows), terminal=terminal, columns=40
    )
    assert out.split().count(LONG) == 6
    assert "…" not in out


def test_rows_that_have_no_room_are_below_each_other() -> None:
    shown = table(["component", "cells", "adamw\nlion"], [["0", "", "1/2"], ["1", "3", LONG]])
    assert printed(shown, terminal=True, columns=40) == (
        f"component 0\n  adamw, lion: 1/2\ncomponent 1\n  cells: 3\n  adamw, lion:\n  {LONG}\n"
    )


def test_a_table_that_just_fits_is_one() -> None:
    shown = table(["component", "least loss"], [["0", "1234567890/123"]])
    needed = len("│ component │ 1234567890/123 │")
    assert "│" in printed(shown, terminal=True, columns=needed)
    assert "│" not in printed(shown, terminal=True, columns=needed - 1)


@given(st.lists(WORDS, min_size=1, max_size=9).map(" ".join), st.integers(10, 90))
def test_text_breaks_between_words_only(text: str, columns: int) -> None:
    terminal = printed(text, terminal=True, columns=columns)
    assert terminal.split() == text.split()
    for line in terminal.splitlines():
        assert len(line) <= columns or len(line.split()) == 1
    assert printed(text, terminal=False, columns=columns) == f"{text}\n"


def test_piped_text_does_not_depend_on_the_terminal() -> None:
    shown = table(["claim", "statement"], [["some-claim", 30 * "word "]])
    piped = [printed(shown, terminal=False, columns=columns) for columns in (40, 200)]
    assert piped[0] == piped[1]
    assert max(map(len, piped[0].splitlines())) == 100
