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
    "patterns priced",
    "convex program: at least",
    "at most",
    "gap",
    "neurons that attain it",
    "their test error",
    "width {width}: loss at most",
    "neurons",
    "test error",
    "trained, width {width}: best loss",
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
<p>For each optimizer the convex program by column generation; its optimum is a lower bound for the
stated width, and a network of somewhat more neurons in the same ball attains it. Beside it the best
network found of that width, by local search and one convex program, and the best of some networks
trained by the optimizer itself, of the same width in the same ball. Each ball is the least that
holds sgd's network. There are too many activation patterns to list: the lower bounds hold for
networks with the patterns priced, not for all, so a trained network could be below them. With a
penalty, losses include it. Test errors, on the fifth of the rows held out: mean squared error over
the variance, or the share of wrong labels. Measured by
<code>python -m numerics.real_data</code>.</p>
{tables}
</section>"""


def _table(name: str, rows: Mapping[str, Any]) -> str:
    first = next(iter(rows.values()))
    columns = (text.format(width=first["width"]) for text in _COLUMNS)
    head = "".join(f"<th>{html.escape(text)}</th>" for text in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in _row(optimizer, row)) + "</tr>"
        for optimizer, row in rows.items()
    )
    return (
        f"<h3>{html.escape(name)}: d = {first['d']}</h3>\n<div class=wide>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>\n"
    )


def _row(optimizer: str, row: Mapping[str, Any]) -> list[str]:
    trained, relaxed = row["trained"], row["relaxation"]
    name = "sgd, all rows" if optimizer == ALL_ROWS else optimizer
    violation = trained["violation"]
    below = " (below the bound)" if trained["below_lower"] else ""
    return [
        f"{name}, n = {row['n']}",
        f"{float(Fraction(row['rho'] or row['beta'])):.4g}",
        f"{row['patterns']:,}" + (" (all)" if row["all_patterns"] else ""),
        f"{relaxed['lower']:.6g}",
        f"{relaxed['upper']:.6g}",
        f"{relaxed['upper'] - relaxed['lower']:.1g}",
        str(relaxed["neurons"]),
        f"{relaxed['test_error']:.3g}",
        f"{row['upper']:.6g}",
        str(row["neurons"]),
        f"{row['test_error']:.3g}",
        f"{trained['objective']:.6g}{below}",
        "" if violation is None else f"{violation:.1g}",
        f"{trained['test_error']:.3g}",
    ]
