"""The index of the statements, as proofs_notes/README.md has it: one row for each."""

from __future__ import annotations

import re
from dataclasses import dataclass

COLUMNS = "| statement | says | proof in | uses | claim | status |"


@dataclass(frozen=True)
class Statement:
    """A row of the index."""

    name: str
    note: str
    label: str
    uses: tuple[str, ...]
    claims: tuple[str, ...]
    status: str


def parse(text: str) -> list[Statement]:
    """The rows of the table of statements. Raises ValueError for one that is none."""
    lines = text.splitlines()
    rows = []
    for line in lines[lines.index(COLUMNS) + 2 :]:
        if not line.startswith("|"):
            break
        name, _, where, uses, claims, status = (cell.strip() for cell in line[1:-1].split("|"))
        match = re.fullmatch(r"\[(.+)\]\(\1\): (.+)", where)
        if match is None:
            raise ValueError(f"{name}: {where!r} is not [note](note): label")
        note, label = match.groups()
        rows.append(Statement(names(name)[0], note, label, names(uses), names(claims), status))
    return rows


def names(cell: str) -> tuple[str, ...]:
    """The names in a cell, which stand as code."""
    return tuple(re.findall(r"`([^`]+)`", cell))
