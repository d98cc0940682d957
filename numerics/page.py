"""HTML pages that need nothing else: their frame, tables, values and figures."""

from __future__ import annotations

import html
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import groupby
from typing import Any

from matplotlib.figure import Figure

from numerics.pictures.style import svg
from theory.claims.base import Bounds, Value
from theory.text import show, show_interval

HOLDS, FALSE, FAILED = "holds", "is false", "failed"
REFUTED, REVIVED = "refuted, as recorded", "holds, though recorded as refuted"
UNDECIDED = "not decided"
"""The verdicts."""

_COLOURS = {HOLDS: "holds", REFUTED: "refuted", UNDECIDED: "refuted"}


def verdict_of(holds: bool, recorded: bool | None = True) -> str:
    """What is said of a claim, beside what is recorded with it."""
    if recorded is None:
        return f"{HOLDS if holds else FALSE}, and no verdict is recorded"
    if recorded:
        return HOLDS if holds else FALSE
    return REVIVED if holds else REFUTED


def badge(verdict: str, colour: str | None = None) -> str:
    """A verdict on green (`holds`), on grey (`refuted`) where it is refuted as recorded, or on red
    (`false`)."""
    return f'<span class="{colour or _COLOURS.get(verdict, "false")}">{html.escape(verdict)}</span>'


def describe(value: Value) -> str:
    """A predicted or observed value for people; equal entries of a list are counted."""
    if isinstance(value, tuple):
        counted = [(text, len(list(same))) for text, same in groupby(map(describe, value))]
        return ", ".join(text if n == 1 else f"{text} ({n} times)" for text, n in counted) or "none"
    if isinstance(value, Fraction):
        return show(value)
    if isinstance(value, Bounds):
        text = show_interval(value.lower, value.upper)
        # What may be anywhere in a wide range is a measurement: no value was predicted.
        return f"anything from {text}" if " to " in text else text
    if isinstance(value, float):
        return f"{round(value, 9):.9g}"
    return str(value)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column names the rows; it scrolls where it is wide."""
    columns = "".join(f"<th>{html.escape(text)}</th>" for text in head)
    body = "".join(
        f"<tr><th scope=row>{html.escape(row[0])}</th>"
        + "".join(f"<td>{html.escape(text)}</td>" for text in row[1:])
        + "</tr>"
        for row in rows
    )
    return (
        f"<div class=wide><table>\n<thead><tr>{columns}</tr></thead>\n<tbody>{body}</tbody>\n"
        "</table></div>"
    )


def figures(
    pictures: Sequence[tuple[Callable[[], Figure], str]], name: str, *, most: int | None = None
) -> str:
    """Pictures with captions, side by side where there is room; those after `most` are folded.

    name: unique in the page.
    """
    drawn = [
        f"<figure>{svg(make, f'{name} {k}')}"
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
        for k, (make, caption) in enumerate(pictures)
    ]
    rest = [] if most is None else drawn[most:]
    shown = "".join(drawn[: len(drawn) - len(rest)])
    more = f"<div class=figures>{''.join(rest)}</div>"
    return f"<div class=figures>{shown}</div>" + (
        folded(f"More pictures ({len(rest)})", more) if rest else ""
    )


def folded(summary: str, body: str, *, unfolded: bool = False) -> str:
    """What the reader may open, and `summary` of it."""
    return (
        f"<details{' open' if unfolded else ''}><summary>{html.escape(summary)}</summary>\n"
        f"{body}\n</details>"
    )


def page(title: str, body: str, record: Mapping[str, Any]) -> str:
    """The whole page. record: what `numerics.files.provenance` says, for its foot."""
    command = shlex.join(record["command"])
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    return f"""<!doctype html>
<html lang=en>
<head>
<meta charset=utf-8>
<meta name=viewport content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title>
<style>{_CSS}</style>
</head>
<body>
<h1>{html.escape(title)}</h1>
{body}
<footer>
<p>Made by <code>{html.escape(command)}</code> with {html.escape(versions)}.</p>
</footer>
</body>
</html>
"""


_CSS = """
body { max-width: 68rem; margin: 0 auto; padding: 1rem; color: #1a1a1a; background: #fff;
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { line-height: 1.2; }
h2 { margin-top: 2.5rem; overflow-wrap: anywhere; }
.holds, .false, .refuted { padding: 0.1em 0.5em; border-radius: 0.3em; color: #fff;
  font-size: 0.7em; white-space: nowrap; }
.holds { background: #00654a; }
.false { background: #b3261e; }
.refuted { background: #5f5f5f; }
.statement { font-size: 1.15rem; }
.contents { padding-left: 1.2rem; }
.contents .holds, .contents .false, .contents .refuted { font-size: 0.8em; }
.wide { overflow-x: auto; }
.wide td, .wide tbody th { overflow-wrap: break-word; }
.wide tbody th { min-width: 11em; }
details { margin: 0.8rem 0; }
summary { cursor: pointer; color: #004b87; }
@media (max-width: 40rem) {
  /* All three columns of the quantities fit on a telephone. */
  .wide tbody th { min-width: 6.5em; }
}
table { border-collapse: collapse; }
th, td { padding: 0.35rem 0.8rem 0.35rem 0; border-bottom: 1px solid #ddd; text-align: left;
  vertical-align: top; font-variant-numeric: tabular-nums; }
tbody th { font-weight: normal; }
.figures { display: grid; gap: 1.5rem; margin-top: 1.5rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
figure { margin: 0; max-width: 36rem; }
svg { display: block; width: 100%; height: auto; }
figcaption { color: #444; font-size: 0.95rem; }
pre { padding: 0.8rem; background: #f4f4f4; white-space: pre-wrap; overflow-wrap: anywhere; }
footer { margin-top: 3rem; border-top: 1px solid #ddd; color: #555; font-size: 0.9rem; }
"""
