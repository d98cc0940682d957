"""Formulas in running text: without their dollars in a terminal, as MathML in a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from xml.etree import ElementTree

import pytest

from numerics.formulas import plain, tex, typeset
from theory.claims import CLAIMS, Claim
from theory.claims.gallery import GALLERY, Theorem
from theory.errors import InputError

CASES = {
    "n + 1": r"n + 1",
    "||W|| <= R_W": r"\left\lVert W \right\rVert \le R _{W}",
    "|a_j| w_j": r"\left\lvert a _{j} \right\rvert w _{j}",
    "x_(k+1) - x_k": r"x _{k + 1} - x _{k}",
    "sum_{i in S} lambda_i": r"\sum _{i \in S} \lambda _{i}",
    "e_kj S_XX^-1": r"e _{k j} S _{X X} ^{-1}",
    "2^(n - 1)": r"2 ^{n - 1}",
    "sqrt(rho + 1)": r"\sqrt{\rho + 1}",
    "ceil(n / 2)": r"\lceil n / 2 \rceil",
    "C(K + m - 1, m)": r"\binom{K + m - 1}{m}",
    "min(m* + M*, n)": r"\min ( m ^{*} + M ^{*} , n )",
    "x . y": r"x \cdot y",
    "1 - 0.5": r"1 - 0.5",
    "5e-5": r"5 \cdot 10^{-5}",
    "1e-12": r"10^{-12}",
    "relu(w . x)": r"\operatorname{relu} ( w \cdot x )",
    "{L <= b}": r"\{ L \le b \}",
    "x -> A x": r"x \to A x",
    "(a, b) in R^d times R": r"( a , b ) \in \mathbb{R} ^{d} \times \mathbb{R}",
    "R^2 = R / 3": r"R ^{2} = R / 3",
    "1, ..., m": r"1 , \dots , m",
}


@pytest.mark.parametrize("formula", CASES)
def test_in_tex(formula: str) -> None:
    assert tex(formula) == CASES[formula]


def test_a_terminal_has_it_as_it_stands() -> None:
    assert (
        plain("With $m >= n + 1$ neurons, ${L <= b}$ is.")
        == "With m >= n + 1 neurons, {L <= b} is."
    )


@pytest.mark.parametrize("text", ["one $ alone", "from $5 to $ 6", "$ 5$", "$$", "none"])
def test_dollars_that_are_no_marks_stay(text: str) -> None:
    assert plain(text) == typeset(text) == text


def test_what_is_around_is_escaped() -> None:
    assert typeset("a < b & <i>c</i>") == "a &lt; b &amp; &lt;i&gt;c&lt;/i&gt;"
    assert "<b>" not in typeset("$a <b> c$")
    assert elements("$a < b & c$") == ["a", "<", "b", "&", "c"]


def elements(text: str) -> list[str]:
    """What the leaves of the formulas of a text show."""
    leaves = (
        leaf
        for formula in re.findall(r"<math>.*?</math>", typeset(text))
        for leaf in ElementTree.fromstring(formula).iter()
        if len(leaf) == 0
    )
    return [unescape(leaf.text or "") for leaf in leaves]


def test_lines_break_after_relations_outside_brackets_alone() -> None:
    pieces = typeset("$(a = b) = |c = d|$").split("<wbr>")
    assert [piece.count("<mo>=</mo>") for piece in pieces] == [2, 1]


@pytest.mark.parametrize(
    "formula", ["f(x", "C(n)", "a_", "{i in S", "x^2^3", "sqrt(x", "x) (", "|x"]
)
def test_what_is_not_closed_is_refused(formula: str) -> None:
    with pytest.raises(InputError, match=r"^formula: \$.* is not closed, or lacks a part; close"):
        typeset(f"Here ${formula}$.")


def texts(claim: Claim) -> Iterator[str]:
    yield claim.statement
    yield from claim.hypotheses
    if isinstance(claim, Theorem):
        yield claim.tight


WORDS = {
    *("relu", "relax", "diag", "tr", "sign", "min", "max", "log", "exp", "det"),
    *("a", "gap"),
}
"""What formulas of claims have of more than one letter; any other is prose in dollars."""


ALL: list[Claim] = [*CLAIMS.values(), *GALLERY.values()]


@pytest.mark.parametrize("claim", ALL, ids=[claim.id for claim in ALL])
def test_every_claim_can_be_typeset(claim: Claim) -> None:
    for text in texts(claim):
        shown = typeset(text)
        assert "$" not in shown
        assert shown.count("<math>") >= len(re.findall(r"\$[^$]+\$", text))
        leaves = elements(text)
        assert not any("\\" in leaf or "_" in leaf or "^" in leaf for leaf in leaves)
        assert {leaf for leaf in leaves if len(leaf) > 1 and leaf.isalpha()} <= WORDS


def test_claims_have_formulas() -> None:
    """Relations in their statements are between dollars."""
    for claim in ALL:
        outside = re.sub(r"\$[^$]+\$", "", claim.statement)
        assert not re.search(r"[<>=^]|\|\|", outside), claim.id
