"""Certificates of margins: those of what is found are valid, and changed ones are not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from documents import tampered

from theory import Problem, certify
from theory.certificates.checker import CertificateInvalid, check
from theory.errors import Undecided
from theory.margins import MaxMargin
from theory.radii import OPTIMIZERS

TWO = Problem(X=[[-3, 1], [1, 3]], y=[1, -1])
FIVE = Problem(X=[[-2, 2], [0, 1], [2, 2], [2, -2], [-3, -3]], y=[1, 1, 1, 1, 1])
LEAKY = Problem(X=[[1, 2], [-2, 1]], y=[1, 1], activation="leaky_relu:1/10")
X = [-1, 3]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("problem", [TWO, FIVE, LEAKY], ids=["two", "five", "leaky"])
def test_margins_have_valid_certificates(problem: Problem, optimizer: str) -> None:
    found = MaxMargin(problem, optimizer, 2)
    verdict = check(certify(found.proof()), problem)
    assert verdict.kind == "margin"
    assert verdict.statement.startswith("the largest margin at width 2 inside the ")
    if optimizer == "adamw":
        assert verdict.statement.endswith(f"is {found.margin.upper}")


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_labels_have_valid_certificates(optimizer: str) -> None:
    """AdamW, Lion and signSGD say 1; NGD and Muon -1."""
    found = MaxMargin(TWO, optimizer, 2)
    label = found.label(X).label
    assert label in (1, -1)
    verdict = check(certify(found.proof(X)), TWO)
    assert verdict.statement.endswith(f"label the point (-1, 3) with {label:+d}")


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_margins_with_free_biases_have_valid_certificates(optimizer: str) -> None:
    """Of the largest margin, and of a label."""
    problem = Problem([[5], [6]], [1, -1]).with_bias("free")
    found = MaxMargin(problem, optimizer, 2)
    document = certify(found.proof())
    verdict = check(document, problem)
    assert verdict.statement.startswith("the largest margin at width 2 inside the ")
    assert "(biases free)" in verdict.statement
    # As a decayed one the bias is too large, and Z too small.
    with pytest.raises(CertificateInvalid, match=r"network lies outside|Z: has 1 entries"):
        check(tampered(document, ("problem", "bias"), "decayed"))
    document = certify(found.proof([5, 1]))
    assert check(document, problem).statement.endswith("label the point (5, 1) with +1")
    with pytest.raises(CertificateInvalid, match="point.x: ends with 2, not with the constant"):
        check(tampered(document, ("point", "x", 1), "2"))


@pytest.mark.parametrize("optimizer", ["muon", "muon-adamw", "ngd", "ngd-adamw"])
@pytest.mark.parametrize(
    "X", [[[5], [6]], [[Fraction(1, 2), 1], [1, -1], [2, 1]]], ids=["line", "plane"]
)
def test_margins_with_biases_as_adamws_have_valid_certificates(
    optimizer: str, X: list[list[Fraction]]
) -> None:
    problem = Problem(X, [1, -1, 1][: len(X)]).with_bias("adamw")
    found = MaxMargin(problem, optimizer, 2)
    document = certify(found.proof())
    verdict = check(document, problem)
    assert "(biases as adamw's)" in verdict.statement
    assert Fraction(document["upper"]) - Fraction(document["lower"]) < Fraction(1, 10**6)
    # Labels on a line are a matter of the bound of biases alone, and any small or large k serves.
    for factor in (0, Fraction(1, 4), 4) if len(X) > 2 else (0,):
        others = [{**dual, "k": str(factor * Fraction(dual["k"]))} for dual in document["duals"]]
        with pytest.raises(CertificateInvalid, match="duals: no dual covers the cell"):
            check({**document, "duals": others})
    for row, label in zip(problem.X, problem.y, strict=True):
        said = check(certify(found.proof(row)), problem).statement
        assert said.endswith(f"with {int(label):+d}")


def test_dual_vectors_that_free_biases_add_to_prove_nothing() -> None:
    problem = Problem([[0], [1]], [1, -1]).with_bias("free")
    document = certify(MaxMargin(problem, "ngd", 2).proof())
    assert check(document, problem)
    document["duals"] = [["1", "0"]]
    with pytest.raises(CertificateInvalid, match="duals: no dual covers the cell"):
        check(document)


def test_biases_as_adamws_are_entries_in_the_ball_of_adamw() -> None:
    problem = Problem([[0], [1]], [1, -1]).with_bias("adamw")
    document = certify(MaxMargin(problem, "adamw", 2).proof())
    assert document["problem"]["bias"] == "decayed"
    assert check(document, problem)


def test_labels_of_which_nothing_is_known_have_none() -> None:
    with pytest.raises(Undecided, match="may label the point differently"):
        MaxMargin(Problem([[1]], [1]), "adamw", 1).proof([-1])


def test_the_loss_of_the_problem_stays_with_it() -> None:
    problem = Problem(X=TWO.X, y=TWO.y, loss="logistic", weights=[1, 2])
    found = MaxMargin(problem, "muon", 2)
    for proof in (found.proof(), found.proof(X)):
        check(certify(proof), problem)
        with pytest.raises(CertificateInvalid, match="its loss differs"):
            check(certify(proof), TWO)


def test_where_no_network_says_otherwise_the_bound_is_zero() -> None:
    """The point is a datum."""
    found = MaxMargin(TWO, "muon", 2).proof(TWO.X[0])
    assert found.upper == 0
    assert "margin above 0 at" in check(certify(found), TWO).statement


def changed(path: tuple[Any, ...], value: Any) -> Callable[[Any], None]:
    """A field is something else."""

    def change(document: Any) -> None:
        *way, last = path
        for step in way:
            document = document[step]
        document[last] = value(document[last]) if callable(value) else value

    return change


def scaled(text: str) -> str:
    return str(Fraction(text) * Fraction(99, 100))


CHANGES: dict[str, tuple[Callable[[Any], None], str]] = {
    "lower upper bound": (changed(("upper",), "3"), "lower: 7/2 is above the upper bound 3"),
    "both lower": (
        lambda document: document.update(lower="3", upper="3"),
        "duals: no dual covers the cell",
    ),
    "higher lower bound": (
        lambda document: document.update(lower="4", upper="4"),
        "network: its margin is 7/2, below 4",
    ),
    "smaller network": (
        changed(("network", "a"), lambda a: [scaled(v) for v in a]),
        "network: its margin is 693/200, below 7/2",
    ),
    "larger network": (
        changed(("network", "a"), lambda a: [str(2 * Fraction(v)) for v in a]),
        "network: the network lies outside the ball",
    ),
    "radius": (changed(("within", "rho"), "2"), "within: must be a ball of radius 1"),
    "penalty": (changed(("within",), {"penalty": "l2", "beta": "1"}), "within: must be a ball"),
    "no ball": (changed(("within",), None), "within: must be a ball of radius 1"),
    "dual of the wrong sign": (
        changed(("duals", 0), lambda dual: [str(-Fraction(v)) for v in dual]),
        r"duals\[0\]: its entry 0 is -?[0-9]+, but its sign must be that of",
    ),
    "dual of zeros": (changed(("duals", 0), ["0", "0"]), r"duals\[0\]: is zero for all data"),
    "no duals": (changed(("duals",), []), "duals: no dual covers the cell"),
    "another problem": (changed(("problem", "y"), ["1", "2"]), "problem"),
    "width": (changed(("width",), 3), "network"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_changed_ones_are_refused(name: str) -> None:
    document = certify(MaxMargin(TWO, "adamw", 2).proof())
    check(document)
    change, reason = CHANGES[name]
    change(document)
    with pytest.raises(CertificateInvalid, match=reason):
        check(document)


def test_a_dual_that_is_longer_says_the_same() -> None:
    document = certify(MaxMargin(TWO, "adamw", 2).proof())
    document["duals"] = [[str(7 * Fraction(v)) for v in dual] for dual in document["duals"]]
    check(document, TWO)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_changed_labels_are_refused(optimizer: str) -> None:
    document = certify(MaxMargin(TWO, optimizer, 2).proof(X))
    other = copy.deepcopy(document)
    other["point"]["label"] = "-" if document["point"]["label"] == "+" else "+"
    with pytest.raises(CertificateInvalid, match=r"duals\[\d+\](.nu)?: its entry 2 is"):
        check(other)
    other = copy.deepcopy(document)
    # A datum of the other label.
    other["point"]["x"] = ["1", "3"] if document["point"]["label"] == "+" else ["-3", "1"]
    with pytest.raises(CertificateInvalid, match="duals: no dual covers"):
        check(other)
    other = document | {"upper": document["lower"]}
    with pytest.raises(CertificateInvalid, match="nothing is proved"):
        check(other)


@pytest.mark.parametrize("field", ["point", "lower", "upper", "network", "duals"])
def test_no_field_may_be_missing(field: str) -> None:
    document = certify(MaxMargin(TWO, "ngd", 2).proof())
    del document[field]
    with pytest.raises(CertificateInvalid, match=f"the field '{field}' is missing"):
        check(document)
