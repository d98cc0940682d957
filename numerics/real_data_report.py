"""The tables of real data in the report, from what `python -m numerics.real_data` measured."""

from __future__ import annotations

import html
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from numerics.real_data import ALL_ROWS, load

_COLUMNS = (
    "optimizer",
    "rho or beta",
    "loss at most",
    "at least, over the patterns priced",
    "patterns priced",
    "neurons",
    "test error",
    "trained: best loss",
    "outside the ball by",
    "test error",
)


def real_data_section() -> str:
    """An HTML section; empty where nothing is measured."""
    measured = load()
    if not measured:
        return ""
    tables = "".join(_table(name, rows) for name, rows in measured.items())
    return f"""
<section>
<h2>Real data</h2>
<p>For each optimizer the convex program by column generation, and the best of some trained networks
of the same width in the same ball; each ball is the least that holds sgd's network. There are too
many activation patterns to list: the lower bounds hold for networks with the patterns priced, not
for all, so a trained network may be below them. With a penalty, losses include it. Test errors, on
the fifth of the rows held out: mean squared error over the variance, or the share of wrong labels.
Measured by <code>python -m numerics.real_data</code>.</p>
{tables}
</section>"""


def _table(name: str, rows: Mapping[str, Any]) -> str:
    head = "".join(f"<th>{html.escape(text)}</th>" for text in _COLUMNS)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in _row(optimizer, row)) + "</tr>"
        for optimizer, row in rows.items()
    )
    first = next(iter(rows.values()))
    return (
        f"<h3>{html.escape(name)}: d = {first['d']}, width {first['width']}</h3>\n<div class=wide>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>\n"
    )


def _row(optimizer: str, row: Mapping[str, Any]) -> list[str]:
    trained = row["trained"]
    name = "sgd, all rows" if optimizer == ALL_ROWS else optimizer
    violation = trained["violation"]
    below = " (below the bound)" if trained["below_lower"] else ""
    return [
        f"{name}, n = {row['n']}",
        f"{float(Fraction(row['rho'] or row['beta'])):.4g}",
        f"{row['upper']:.6g}",
        f"{row['lower']:.6g}",
        f"{row['patterns']:,}" + (" (all)" if row["all_patterns"] else ""),
        str(row["neurons"]),
        f"{row['test_error']:.3g}",
        f"{trained['objective']:.6g}{below}",
        "" if violation is None else f"{violation:.1g}",
        f"{trained['test_error']:.3g}",
    ]
