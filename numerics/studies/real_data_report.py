"""The tables of real data in the report, as `isthmus study real-data` measured."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from numerics.page import folded, table
from numerics.studies.real_data import ALL_ROWS, load

_EXACT_FIT = 1e-9  # losses below are rounding

REAL_DATA = "real-data"
"""The section's place in a page."""

_GROUPS = (
    ("", ("optimizer", "n", "rho or beta", "patterns priced")),
    ("convex program", ("optimum", "gap", "neurons", "test error")),
    ("best found of width {width}", ("loss", "test error")),
    ("best trained of width {width}", ("loss", "test error")),
)


def real_data_section() -> str:
    """An HTML section; empty where nothing is measured."""
    measured = load()
    if not measured:
        return ""
    tables = "".join(_table(name, rows) for name, rows in measured.items())
    return f"""
<section>
<h2 id="{REAL_DATA}">Real data</h2>
<p>For each optimizer the convex program by column generation. Its optimum, less the gap, is a
lower bound for networks of the width in the right columns; a network of so many neurons attains
it, in the same ball where there is one. Beside it the best network found of that width, by local
search and one convex program, and the best of some networks trained by the optimizer itself, of
the same width in the same ball. Each ball is the least that holds sgd's network. There are too
many activation patterns to list: the lower bounds hold for networks with the patterns priced, not
for all, so a trained network could be below them. With a penalty, losses include it. Test errors,
on the fifth of the rows held out: mean squared error over the variance, or the share of wrong
labels. Measured by <code>isthmus study real-data</code>.</p>
{tables}
</section>"""


def _table(name: str, rows: Mapping[str, Any]) -> str:
    first = next(iter(rows.values()))
    groups = [(title.format(width=first["width"]), len(columns)) for title, columns in _GROUPS]
    head = [text for _, columns in _GROUPS for text in columns]
    cells = [_row(optimizer, row) for optimizer, row in rows.items()]
    return folded(f"{name}: d = {first['d']}", table(head, cells, groups))


def _row(optimizer: str, row: Mapping[str, Any]) -> list[str]:
    trained, relaxed = row["trained"], row["relaxation"]
    # A network outside the ball, or with patterns that were not priced, may be below the bound.
    outside = trained["violation"]
    remarks = [f"outside the ball by {outside:.1g}"] if outside else []
    remarks += ["below the bound"] if trained["below_lower"] else []
    return [
        "sgd, all rows" if optimizer == ALL_ROWS else optimizer,
        str(row["n"]),
        f"{float(Fraction(row['rho'] or row['beta'])):.4g}",
        f"{row['patterns']:,}" + (" (all)" if row["all_patterns"] else ""),
        _loss(relaxed["upper"]),
        f"{relaxed['upper'] - relaxed['lower']:.0e}",
        str(relaxed["neurons"]),
        f"{relaxed['test_error']:.3f}",
        _loss(row["upper"]),
        f"{row['test_error']:.3f}",
        _loss(trained["objective"]) + (f" ({', '.join(remarks)})" if remarks else ""),
        f"{trained['test_error']:.3f}",
    ]


def _loss(value: float) -> str:
    return f"{value:.5g}" if value > _EXACT_FIT else f"{value:.0e}"
