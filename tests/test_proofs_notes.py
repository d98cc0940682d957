"""The notes: their formulas, the rows of the index, the drawing made from it, and its claims."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from docs.rendering.mathml import mathml
from docs.rendering.statements import Statement, names, parse
from theory.claims import CLAIMS
from theory.hunt import CONJECTURES, named

NOTES = Path(__file__).parents[1] / "proofs_notes"
STATUS = {"proved", "sharp", "instances", "measured"}
NAMES = r"(?:[\w-]+(?:, | and ))*[\w-]+"
GUIDES = {
    "README.md",
    "coq.md",
    "hunt.md",
    "strategies.md",
}  # pages that state no theorem of their own


def labels(note: str) -> list[str]:
    """Headings, and words in bold or italics with which a paragraph or a sentence begins."""
    headings = re.findall(r"^#+ (.+)$", note, flags=re.MULTILINE)
    return headings + re.findall(r"(?<!\*)\*{1,2}([A-Za-z][^*\n]+)\*{1,2}", note)


def draw(rows: list[Statement]) -> str:
    """A Mermaid diagram, one line for each statement that uses others."""
    lines = [f"    {' & '.join(row.uses)} --> {row.name}" for row in rows if row.uses]
    return "\n".join(["```mermaid", "flowchart LR", *lines, "```"])


def order(rows: list[Statement]) -> list[str]:
    """The statements, each after those it uses."""
    return list(TopologicalSorter({row.name: row.uses for row in rows}).static_order())


@pytest.fixture(scope="module")
def index() -> str:
    """The text of the index."""
    return (NOTES / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def rows(index: str) -> list[Statement]:
    """Its statements."""
    return parse(index)


def test_each_statement_stands_in_its_note(rows: list[Statement]) -> None:
    for row in rows:
        found = labels((NOTES / row.note).read_text(encoding="utf-8"))
        assert any(label.startswith(row.label) for label in found), f"{row.name}: {row.label}"
        assert row.status in STATUS, row.name


def test_statements_use_listed_ones_and_never_themselves(rows: list[Statement]) -> None:
    listed = [row.name for row in rows]
    assert len(set(listed)) == len(listed)
    assert {used for row in rows for used in row.uses} <= set(listed)
    assert sorted(order(rows)) == sorted(listed)


def test_a_circle_is_noticed(rows: list[Statement]) -> None:
    first = next(row for row in rows if row.uses)
    circle = Statement(first.uses[0], "", "", (first.name,), (), "proved")
    others = [row for row in rows if row.name != circle.name]
    with pytest.raises(CycleError, match="nodes are in a cycle"):
        order([*others, circle])


def test_each_claim_has_a_row(rows: list[Statement]) -> None:
    listed = {claim for row in rows for claim in row.claims}
    assert listed == set(CLAIMS)


def test_sources_cite_statements_by_name(rows: list[Statement]) -> None:
    """Of claims and conjectures; no numbers of a document that is not shipped."""
    sources = [claim.source for claim in CLAIMS.values()]
    sources += [named(name).source for name in CONJECTURES]
    cited = [
        (name, note)
        for source in sources
        for names, note in re.findall(rf"({NAMES}) in proofs_notes/([\w-]+\.md)", source)
        for name in re.split(", | and ", names)
    ]
    assert len(cited) > len(CONJECTURES)
    assert set(cited) <= {(row.name, row.note) for row in rows}


def texts() -> Iterator[tuple[Path, str]]:
    """Whatever may cite a statement, but for the tests."""
    root = NOTES.parent
    files = [path for folder in ("theory", "numerics") for path in (root / folder).rglob("*.*")]
    pages = [root / "README.md", *(root / "docs").rglob("*.md")]
    for path in [*files, *NOTES.glob("*.md"), *pages]:
        if path.suffix in {".py", ".md", ".json", ".toml"}:
            yield path, path.read_text(encoding="utf-8")


CITED = re.compile(
    r"((?:`[\w-]+`(?:,\s+|\s+and\s+))*`[\w-]+`)"
    r"(?:,\s+`|(?:,|\s+of|\s+in)\s+proofs_notes/)([\w-]+\.md)"
)
"""Names of statements, then the note: `components`, proofs_notes/landscape.md."""

NUMBERED = re.compile(
    r"(?<!\d{4}, )\b(?:[Tt]heorem|[Ll]emma|[Pp]roposition|[Cc]orollary|[Cc]laim)s?[ \n] *"
    r"\(?(?:\d+|[A-Z]\d*)\b"
)
"""A number or a letter in place of a name; those of papers stand after their year."""


def cited(text: str) -> list[tuple[str, str]]:
    """The statements that a text cites by name, each with its note."""
    return [(name, note) for some, note in CITED.findall(text) for name in names(some)]


def test_statements_are_cited_by_names_of_the_index(rows: list[Statement]) -> None:
    found = [(path, name, note) for path, text in texts() for name, note in cited(text)]
    assert len(found) > 10
    known = {(row.name, row.note) for row in rows} | {(row.name, "README.md") for row in rows}
    assert not [each for each in found if each[1:] not in known]


def test_what_claims_say_of_their_source_is_in_the_index(rows: list[Statement]) -> None:
    known, found = {row.name for row in rows}, set()
    for claim in CLAIMS.values():
        text = sys.modules[type(claim).__module__].__doc__ or ""
        source = re.search(r"^Source: (.*?)\n\n", text, flags=re.MULTILINE | re.DOTALL)
        found |= set(names(source[1] if source else ""))
    assert len(found) > 5
    assert found <= known


def test_no_statement_is_cited_by_a_number() -> None:
    """But for theorems of other papers, in the gallery and in its table on their page."""
    own = [(path, text) for path, text in texts() if path.parent.name != "gallery"]
    listed = re.compile(r"^\| \[.*theory/claims/gallery/.*$", flags=re.MULTILINE)
    assert not [
        (path, found[0]) for path, text in own if (found := NUMBERED.search(listed.sub("", text)))
    ]


def test_how_citations_are_told() -> None:
    text = (
        "Source: `fibre`,\n`blank` and `chain`, proofs_notes/paths.md; `f` (Cover 1965, theorem 1)."
    )
    assert cited(text) == [(name, "paths.md") for name in ("fibre", "blank", "chain")]
    assert cited("from n on (`ngd-connected`, `paths.md`)") == [("ngd-connected", "paths.md")]
    assert not NUMBERED.search(text)
    for wrong in ("by Theorem G", "lemma 3", "see\nProposition 1", "Claim (C3)", "theorem\n    2"):
        assert NUMBERED.search(wrong), wrong


def test_no_text_cites_a_document_that_is_not_shipped() -> None:
    for path, text in texts():
        assert "THEORY" not in text, path


def test_the_drawing_is_that_of_the_table(index: str, rows: list[Statement]) -> None:
    assert draw(rows) in index


def test_each_note_has_a_row_and_names_only_notes_that_exist(rows: list[Statement]) -> None:
    notes = {path.name for path in NOTES.glob("*.md")}
    stated = {row.note for row in rows}
    # The page of a claim may state nothing of its own, and say where its parts are proved.
    assert stated <= notes <= stated | GUIDES | {f"{claim}.md" for claim in CLAIMS}
    for name in notes:
        text = (NOTES / name).read_text(encoding="utf-8")
        assert set(re.findall(r"[\w-]+\.md", text)) <= notes, name


CODE = re.compile(r"^ *(`{3,}).*?^ *\1|(`+)[^`]+\2", flags=re.MULTILINE | re.DOTALL)
FORMULA = re.compile(
    r"\$\$([^$]+)\$\$|(?<![^\s(\[|*])\$(?!\s)((?:(?!\n\n)[^$])+)(?<!\s)\$(?!\w)",
)
"""On lines of its own, or in the text: not every sign of the dollar begins or ends one there."""

HOSTS = re.compile(r"\\operatorname|\\[^A-Za-z\s]|(?<=\w)[<>]|[<>](?=\w)|\*")
"""What code hosts refuse, or take for Markdown or HTML in a formula; names have \\text there."""


def wrong_formulas(text: str) -> Iterator[str]:
    """Dollar signs of a page that belong to no formula, and formulas that not all can draw."""
    prose = CODE.sub("", text)
    for loose in re.finditer(r".*\$.*", FORMULA.sub("", prose)):
        yield f"a single $: {loose[0]}"
    for display, inline in FORMULA.findall(prose):
        tex = display or inline
        try:
            mathml(tex, display=bool(display))
        except ValueError as error:
            yield f"{error}: {tex}"
        else:
            if tex.count("{") != tex.count("}") or HOSTS.search(tex):
                yield tex


def test_formulas_are_closed_and_can_be_drawn() -> None:
    """Everywhere: here as MathML, on code hosts by a program that refuses more."""
    pages = [*NOTES.glob("*.md"), *(NOTES.parent / "docs").rglob("*.md")]
    texts = {path: path.read_text(encoding="utf-8") for path in pages}
    assert sum(len(FORMULA.findall(CODE.sub("", text))) for text in texts.values()) > 2000
    assert not [(path, wrong) for path, text in texts.items() for wrong in wrong_formulas(text)]


@pytest.mark.parametrize(
    "wrong",
    [
        "from $x to $y$ and on",
        "$x$ and y$",
        "$$x$",
        r"$\nosuch{x}$",
        r"$\frac{x}$",
        "${x$",
        r"$\begin{aligned} x & y \end{aligned}$",
        r"$\operatorname{relu}(x)$",
        r"$\{x\}$",
        "$a<b$",
        "$f^*$",
    ],
)
def test_formulas_that_cannot_be_drawn_are_noticed(wrong: str) -> None:
    right = "(`a $b`, $x_k \\cdot w \\ge 0$)\n\n```sh\n$ make\n```\n\n$$\nx^2\n$$\n\n- $n$-th\n\n"
    assert not list(wrong_formulas(right))
    assert list(wrong_formulas(right + wrong))
