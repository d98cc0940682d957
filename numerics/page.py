"""HTML pages that need nothing else: their frame, tables, values and figures."""

from __future__ import annotations

import html
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import groupby
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from numerics.formulas import plain, typeset
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


class Html(str):
    """A text that is HTML already, and not to be escaped."""


class Entry(NamedTuple):
    """A line of the contents. target: an address, `#id` in the page. verdict: a badge, if any."""

    target: str
    text: str
    verdict: str = ""


def marked(text: str) -> str:
    """A text as HTML: what is Html as it is, of others the formulas typeset."""
    return text if isinstance(text, Html) else typeset(text)


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    groups: Sequence[tuple[str, int]] = (),
) -> str:
    """A table whose first column names the rows; on narrow screens each row is a list.

    groups: titles above the columns, each with how many it spans.
    """
    above = "".join(f"<th colspan={count}>{marked(title)}</th>" for title, count in groups)
    spans = [title for title, count in groups for _ in range(count)] or [""] * len(head)
    labels = [f"{span}: {text}" if span else text for span, text in zip(spans, head, strict=True)]
    columns = "".join(f"<th>{marked(text)}</th>" for text in head)
    body = "".join(
        f"<tr><th scope=row>{marked(row[0])}</th>"
        + "".join(f"<td>{marked(text)}</td>" for text in row[1:])
        + "</tr>\n"
        for row in rows
    )
    return (
        f'<div class=wide><table style="{_labels(labels[1:])}">\n<thead>'
        f"{f'<tr>{above}</tr>' if above else ''}<tr>{columns}</tr></thead>\n"
        f"<tbody>{body}</tbody>\n</table></div>"
    )


_COLUMNS = 15  # that a table can have beside the first: so many labels are in the style below


def _labels(head: Sequence[str]) -> str:
    """The heads of columns, as the style needs them to name the items of a list."""
    if len(head) > _COLUMNS:
        raise ValueError(f"{len(head)} columns: the style has labels for {_COLUMNS}")

    def quoted(text: str) -> str:
        return re.sub(r"[^\w .,:/()+=-]", lambda found: f"\\{ord(found[0]):x} ", plain(text))

    return ";".join(f"--c{k}:'{quoted(text)}'" for k, text in enumerate(head, 1))


def figures(
    pictures: Sequence[tuple[Callable[[], Figure], str]], name: str, *, most: int | None = None
) -> str:
    """Pictures with captions, side by side where there is room; those after `most` are folded.

    name: unique in the page.
    """
    drawn = [
        f"<figure>{svg(make, f'{name} {k}')}<figcaption>{typeset(caption)}</figcaption></figure>"
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
        f"<details{' open' if unfolded else ''}><summary>{typeset(summary)}</summary>\n"
        f"{body}\n</details>"
    )


def page(
    title: str,
    body: str,
    record: Mapping[str, Any],
    contents: Mapping[str, Sequence[Entry]],
) -> str:
    """The whole page. record: what `numerics.files.provenance` says, for its foot. contents: by
    their headings, which may be empty."""
    command = shlex.join(record["command"])
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    body, rules = _shared_styles(body)
    return f"""<!doctype html>
<html lang=en>
<head>
<meta charset=utf-8>
<meta name=viewport content="width=device-width, initial-scale=1">
<meta name=color-scheme content="light dark">
<title>{html.escape(title)}</title>
<style>{_CSS}{rules}</style>
</head>
<body>
<nav>{folded("Contents", _contents(contents), unfolded=True)}</nav>
<main>
<h1>{html.escape(title)}</h1>
{body}
<footer>
<p>Made by <code>{html.escape(command)}</code> with {html.escape(versions)}.</p>
</footer>
</main>
</body>
</html>
"""


def _contents(contents: Mapping[str, Sequence[Entry]]) -> str:
    parts = []
    for heading, entries in contents.items():
        lines = "".join(
            f'<li><a href="{html.escape(each.target)}">{html.escape(each.text)}</a> '
            f"{each.verdict}</li>\n"
            for each in entries
        )
        parts += [f"<h2>{html.escape(heading)}</h2>"] if heading else []
        parts.append(f"<ul>{lines}</ul>")
    return "\n".join(parts)


def _shared_styles(body: str) -> tuple[str, str]:
    """The body with short names in place of what its pictures repeat, and the rules of these.

    Styles and clips become classes; names inside pictures, which are digests, are numbered.
    """
    classes: dict[str, str] = {}
    places: dict[str, str] = {}

    def numbered(found: re.Match[str]) -> str:
        return places.setdefault(found[0], f"p{len(places)}")

    def named(found: re.Match[str]) -> str:
        clip, style = found["clip"], found["style"] or found["alone"]
        rules = [f"clip-path:{clip}"] if clip else []
        rules += [html.unescape(style)] if style else []
        names = (classes.setdefault(rule, f"s{len(classes)}") for rule in rules)
        return f' class="{" ".join(names)}"'

    def shortened(picture: re.Match[str]) -> str:
        return re.sub(r'(?<=[#"])[a-z]+[0-9a-f]{10}(?=[")])', numbered, picture[0])

    body = re.sub(r"<svg\b.*?</svg>", shortened, body, flags=re.DOTALL)
    body = re.sub(
        r' (?:clip-path="(?P<clip>[^"]*)"(?: style="(?P<style>[^"]*)")?'
        r'|style="(?P<alone>[^"]*)")',
        named,
        body,
    )
    return body, "".join(f".{name}{{{rule}}}\n" for rule, name in classes.items())


_CSS = """
:root { --text: #1a1a1a; --soft: #4a4a4a; --back: #fff; --raised: #f4f4f4; --line: #ddd;
  --link: #004b87; --holds: #00654a; --false: #b3261e; --refuted: #5f5f5f; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e6e6; --soft: #b4b4b4; --back: #16181a; --raised: #24272a; --line: #3c4043;
    --link: #8ec5ff; --holds: #00754f; --false: #c4382f; --refuted: #696969; }
}
body { margin: 0 auto; padding: 1rem; color: var(--text); background: var(--back);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: break-word; }
main { max-width: 64rem; min-width: 0; margin: 0 auto; }
a, summary { color: var(--link); }
h1 { line-height: 1.2; }
h2 { margin-top: 2.5rem; overflow-wrap: anywhere; }
nav { font-size: 0.9rem; }
nav h2 { margin: 1rem 0 0.3rem; font-size: 1rem; }
nav ul { margin: 0; padding: 0; list-style: none; }
nav li { padding: 0.15rem 0; }
@media (min-width: 76rem) {
  body { display: grid; grid-template-columns: 17rem minmax(0, 1fr); gap: 2.5rem;
    max-width: 90rem; padding: 0 1.5rem; }
  nav { position: sticky; top: 0; box-sizing: border-box; height: 100vh; padding: 1rem 0;
    overflow-y: auto; }
  main { padding: 0.5rem 0 2rem; width: 100%; }
}
.holds, .false, .refuted { padding: 0.1em 0.5em; border-radius: 0.3em; color: #fff;
  font-size: 0.7em; font-weight: bold; display: inline-block; overflow-wrap: normal;
  line-height: 1.3; }
h2 .holds, h2 .false, h2 .refuted { vertical-align: 0.2em; }
nav .holds, nav .false, nav .refuted { font-size: 0.75em; }
.holds { background: var(--holds); }
.false { background: var(--false); }
.refuted { background: var(--refuted); }
section { position: relative; }
/* A link to what is folded leads to the top of its section, and unfolds it. */
.anchor { position: absolute; top: 0; }
.statement { font-size: 1.15rem; }
.small { color: var(--soft); font-size: 0.95rem; }
math { font-size: 1.08em; }
details { margin: 0.8rem 0; }
summary { cursor: pointer; }
.claim > summary { padding: 0.3rem 0.6rem; border-radius: 0.3rem; background: var(--raised); }
code { overflow-wrap: anywhere; }
:target { scroll-margin-top: 1rem; }
code:target { outline: 2px solid var(--link); outline-offset: 2px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { padding: 0.35rem 0.8rem 0.35rem 0; border-bottom: 1px solid var(--line);
  text-align: left; vertical-align: top; font-variant-numeric: tabular-nums; }
tbody th { min-width: 8em; font-weight: normal; }
td { min-width: 3.5em; }
.figures { display: grid; gap: 1.5rem; margin-top: 1.5rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
figure { margin: 0; max-width: 36rem; }
/* Pictures are drawn on white, in the dark as well. */
svg { display: block; box-sizing: border-box; width: 100%; height: auto; padding: 0.3rem;
  border-radius: 0.4rem; background: #fff; }
svg * { stroke-linejoin: round; stroke-linecap: butt; }
svg text { font-family: "DejaVu Sans", Verdana, system-ui, sans-serif; }
figcaption { color: var(--soft); font-size: 0.95rem; }
pre { padding: 0.8rem; background: var(--raised); white-space: pre-wrap; overflow-wrap: anywhere; }
footer { margin-top: 3rem; border-top: 1px solid var(--line); color: var(--soft);
  font-size: 0.9rem; }
@media (max-width: 48rem) {
  /* Each row of a table is a list: nothing scrolls sideways. */
  thead { display: none; }
  table, tbody, tr, tbody th, td { display: block; }
  tr { padding: 0.5rem 0; border-bottom: 1px solid var(--line); }
  tbody th, td { padding: 0.1rem 0; border: 0; overflow-wrap: anywhere; }
  tbody th { font-weight: bold; }
  td:empty { display: none; }
  td::before { color: var(--soft); }
}
"""

_LABELS = "".join(
    f"td:nth-of-type({k})::before {{ content: var(--c{k}) ': '; }}\n"
    for k in range(1, _COLUMNS + 1)
)
_CSS += f"@media (max-width: 48rem) {{\n{_LABELS}}}\n"
