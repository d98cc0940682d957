"""What rests on what, drawn: the statements in columns, each to the right of those it uses.

The index has the same as a Mermaid diagram, which code hosts draw by a script; on the site it
becomes this. A statement links to where it stands in its note, and so does the index.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import pairwise

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.typing import ExtensionMetadata

from docs.rendering.statements import Statement, parse

INDEX = "proofs_notes/README"
_SWEEPS = 30
_EMPTY = 40.0  # px
_HEIGHT, _GAP, _THIN = 20.0, 8.0, 7.0  # of a statement, below it, of an edge that passes; in px
_LETTER, _BETWEEN = 7.3, 70.0  # the width of a letter; between columns
_Node = str | tuple[str, str, int]
"""A statement, or where an edge passes a column: from, to, the column."""


def columns(uses: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The column of each statement that uses one or is used: as far to the left as those that it
    uses allow, and those that use none next to the first that uses them.

    >>> columns({"c": ["a", "b"], "b": ["a"], "a": [], "z": [], "d": ["c", "e"], "e": []})
    {'a': 0, 'b': 1, 'c': 2, 'e': 2, 'd': 3}
    """
    found: dict[str, int] = {}

    def depth(name: str) -> int:
        if name not in found:
            found[name] = 1 + max((depth(used) for used in uses[name]), default=-1)
        return found[name]

    users = {name: [each for each in uses if name in uses[each]] for name in uses}
    linked = [name for name in uses if uses[name] or users[name]]
    for name in linked:
        depth(name)
    for name in linked:
        if not uses[name]:
            found[name] = min(found[each] for each in users[name]) - 1
    return dict(sorted(found.items(), key=lambda item: item[1]))


def spread(wanted: Sequence[float], sizes: Sequence[float]) -> list[float]:
    """Centres of things of these sizes, in this order and apart, nearest to where they are wanted.

    By least squares: neighbours that would overlap are moved together.

    >>> spread([0, 0, 10], [2, 2, 2])
    [-1.0, 1.0, 10.0]
    """
    offsets = [0.0]
    for one, other in pairwise(sizes):
        offsets.append(offsets[-1] + (one + other) / 2)
    blocks: list[tuple[float, int]] = []  # mean of what is wanted less the offset, how many
    for want, offset in zip(wanted, offsets, strict=True):
        mean, count = want - offset, 1
        while blocks and blocks[-1][0] > mean:
            before, many = blocks.pop()
            mean = (mean * count + before * many) / (count + many)
            count += many
        blocks.append((mean, count))
    starts = [mean for mean, count in blocks for _ in range(count)]
    return [start + offset for start, offset in zip(starts, offsets, strict=True)]


class _Layout:
    """Columns of statements and of edges that pass, in the order that crosses little."""

    def __init__(self, uses: Mapping[str, Sequence[str]]) -> None:
        self.column = columns(uses)
        self.columns: list[list[_Node]] = [[] for _ in range(1 + max(self.column.values()))]
        for name, column in self.column.items():
            self.columns[column].append(name)
        self.routes: list[list[_Node]] = []
        for name in self.column:
            for used in uses[name]:
                between = range(self.column[used] + 1, self.column[name])
                passes: list[_Node] = [(used, name, column) for column in between]
                for column, node in zip(between, passes, strict=True):
                    self.columns[column].append(node)
                self.routes.append([used, *passes, name])
        self.neighbours: tuple[dict[_Node, list[_Node]], dict[_Node, list[_Node]]] = ({}, {})
        for route in self.routes:
            for one, other in pairwise(route):
                self.neighbours[0].setdefault(other, []).append(one)
                self.neighbours[1].setdefault(one, []).append(other)
        self.y: dict[_Node, float] = {}
        for nodes_ in self.columns:
            self._place(nodes_, dict.fromkeys(nodes_, 0.0))
        for sweep in range(_SWEEPS):
            side = sweep % 2
            for nodes_ in self.columns if side == 0 else reversed(self.columns):
                wanted = {node: self._mean(node, side) for node in nodes_}
                nodes_.sort(key=wanted.__getitem__)
                self._place(nodes_, wanted)
        for sweep in range(_SWEEPS):  # the order stays; edges become straighter
            for nodes_ in self.columns if sweep % 2 == 0 else reversed(self.columns):
                self._place(nodes_, {n: (self._mean(n, 0) + self._mean(n, 1)) / 2 for n in nodes_})
        order = sorted(self.y, key=self.y.__getitem__)
        last, moved = self.y[order[0]], _HEIGHT - self.y[order[0]]
        for node in order:  # no rows that nothing is in
            moved -= max(0.0, self.y[node] - last - _EMPTY)
            last = self.y[node]
            self.y[node] += moved

    def _mean(self, node: _Node, side: int) -> float:
        found = [self.y[each] for each in self.neighbours[side].get(node, ())]
        return sum(found) / len(found) if found else self.y[node]

    def _place(self, nodes_: Sequence[_Node], wanted: Mapping[_Node, float]) -> None:
        sizes = [_HEIGHT + _GAP if isinstance(node, str) else _THIN for node in nodes_]
        self.y |= zip(nodes_, spread([wanted[n] for n in nodes_], sizes), strict=True)


def drawn(statements: Iterable[Statement]) -> str:
    """The graph as SVG; each statement links to its place, beside the index."""
    rows = {row.name: row for row in statements}
    layout = _Layout({name: row.uses for name, row in rows.items()})
    widths = [
        _LETTER * max((len(node) for node in nodes_ if isinstance(node, str)), default=0) + 10
        for nodes_ in layout.columns
    ]
    lefts = [sum(widths[:i]) + _BETWEEN * i + 2 for i in range(len(widths))]
    y = layout.y
    edges, boxes = [], []
    for route in layout.routes:
        used, name = str(route[0]), str(route[-1])
        first = layout.column[used]
        right = lefts[first] + _LETTER * len(used) + 10
        path = f"M{right:.0f} {y[used]:.1f}H{lefts[first] + widths[first]:.0f}"
        for column, (one, other) in enumerate(pairwise(route), first + 1):
            start, end = lefts[column] - _BETWEEN, lefts[column]
            middle = (start + end) / 2
            path += (
                f"C{middle:.0f} {y[one]:.1f} {middle:.0f} {y[other]:.1f} {end:.0f} {y[other]:.1f}"
            )
            if other != name:
                path += f"h{widths[column]:.0f}"
        edges.append(f'<path d="{path}"><title>{escape(f"{name} uses {used}")}</title></path>')
    for name, column in layout.column.items():
        row = rows[name]
        x, width = lefts[column], _LETTER * len(name) + 10
        boxes.append(
            f'<a href="{link(row)}"><rect x="{x:.0f}" y="{y[name] - _HEIGHT / 2:.1f}" '
            f'width="{width:.0f}" height="{_HEIGHT:.0f}" rx="4"/>'
            f'<text x="{x + 5:.0f}" y="{y[name] + 4:.1f}">{escape(name)}</text></a>'
        )
    width, height = lefts[-1] + widths[-1] + 2, max(y.values()) + _HEIGHT
    return (
        f'<div class="graph"><svg width="{width:.0f}" height="{height:.0f}" role="img" '
        f'aria-label="What rests on what">{"".join(edges + boxes)}</svg></div>'
    )


def link(row: Statement) -> str:
    """Where a statement stands, from the index."""
    return f"{row.note.removesuffix('.md')}.html#statement-{row.name}"


def _rows(app: Sphinx) -> list[Statement]:
    return parse((app.srcdir / f"{INDEX}.md").read_text(encoding="utf-8"))


def _place(app: Sphinx, tree: nodes.document) -> None:
    """Anchors where statements stand; in the index the drawing."""
    docname = app.env.docname
    if docname == INDEX:
        for block in tree.findall(nodes.literal_block):
            if block.get("language") == "mermaid":
                block.replace_self(nodes.raw("", drawn(_rows(app)), format="html"))
    elif docname.startswith("proofs_notes/"):
        for row in _rows(app):
            if f"proofs_notes/{row.note}" == f"{docname}.md":
                _anchor(tree, row)


def _anchor(tree: nodes.document, row: Statement) -> None:
    for node in tree.findall(
        lambda node: isinstance(node, nodes.title | nodes.strong | nodes.emphasis)
    ):
        if node.astext().startswith(row.label):
            home = node.parent if isinstance(node, nodes.title) else node
            home["ids"].append(f"statement-{row.name}")
            return
    raise ExtensionError(f"{row.note} has no {row.label!r}, where {row.name} should stand")


def _lead(app: Sphinx, tree: nodes.document, docname: str) -> None:
    """From the rows of the index to the places of their statements."""
    if docname == INDEX:
        rows = {row.name: row for row in _rows(app)}
        for line in tree.findall(nodes.row):
            row = rows.get(line[0].astext())
            if row is None:
                continue
            for reference in line[2].findall(nodes.reference):
                reference["refuri"] = link(row)
            for code in [*line[3].findall(nodes.literal)]:
                target = link(rows[code.astext()])
                named = nodes.reference("", "", code.deepcopy(), refuri=target, internal=True)
                code.replace_self(named)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Anchors, links and the drawing."""
    app.connect("doctree-read", _place)
    app.connect("doctree-resolved", _lead)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
