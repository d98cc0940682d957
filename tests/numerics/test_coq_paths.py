"""Paths inside a ball as theorems that Coq compiles, where it is there: for `make prove`."""

from __future__ import annotations

import copy
import json
from fractions import Fraction
from typing import Any

import pytest
from coq_files import AXIOMS, refused_if

from numerics.coq import compiled, coqc
from theory.certificates import certify
from theory.certificates.checker import CertificateInvalid, check
from theory.connectivity import SolutionPath, SolutionSet, connect
from theory.formal import theorem, written
from theory.network import Network
from theory.problem import Problem
from theory.within import Ball

pytestmark = pytest.mark.skipif(coqc() is None, reason="coqc is not on the path")

UNITS = Problem(X=[[1, 0], [0, 1]], y=[1, -1])
THIRDS = Problem(X=[["1/3", 0], [0, "2/3"]], y=["1/3", "-2/3"])
FIRST = Network(W=[[1, 0, 0], [0, 1, 0]], a=[1, -1, 0])
DEAD = Network(W=[[1, 0, "1/2"], [0, 1, "1/3"]], a=[1, -1, 0])  # the last neuron has no output
BALLS = {
    **{"adamw": Ball("adamw", 1), "colnorm": Ball("colnorm", 1), "ngd": Ball("ngd", 2)},
    **{"muon": Ball("muon", "71/50"), "muon-adamw": Ball("muon-adamw", 1)},
}


def swapped(
    within: Ball, problem: Problem = UNITS, first: Network = FIRST, level: Fraction = Fraction()
) -> dict[str, Any]:
    """The certificate of a path on which two neurons change their places."""
    solutions = SolutionSet(problem, within, level)
    path = connect(solutions, first, first.permuted([1, 0, 2]), max_cells=1)
    assert isinstance(path, SolutionPath)
    return json.loads(json.dumps(certify(path)))


def of_one(
    within: dict[str, str], level: str, X: list[list[str]], points: list[tuple[str, list[str]]]
) -> dict[str, Any]:
    """A certificate for one neuron, a = +-1 all the way, at the labels 0."""
    ends = [(s, u) for s, u in (points[0], points[-1])]
    return {
        **{"format": "isthmus-certificate", "version": 1, "kind": "path"},
        **{"problem": {"X": X, "y": ["0"] * len(X)}, "width": 1, "within": within, "level": level},
        "networks": [{"W": [[v] for v in u], "a": [f"{s}1".lstrip("+")]} for s, u in ends],
        "start": [[points[0][0], "1", points[0][1]]],
        "steps": [[[0, s, "1", u]] for s, u in points[1:]],
    }


def accepted(document: dict[str, Any]) -> bool:
    """By Coq; the checker of certificates has to say the same."""
    found = compiled(written(document).text)
    assert found.accepted or "Unable to unify" in found.errors or "expected to have" in found.errors
    try:
        check(document)
    except CertificateInvalid:
        assert not found.accepted
    else:
        assert found.accepted
    return found.accepted


@pytest.mark.parametrize("optimizer", BALLS)
@pytest.mark.parametrize("case", ["rational data", "neurons of no output", "above zero"])
def test_coq_accepts_it_with_no_axiom_of_ours(optimizer: str, case: str) -> None:
    ball = BALLS[optimizer]
    document = {
        "rational data": lambda: swapped(ball, THIRDS),
        "neurons of no output": lambda: swapped(Ball(optimizer, 2 * ball.rho), first=DEAD),
        "above zero": lambda: swapped(ball, level=Fraction(1, 3)),
    }[case]()
    found = compiled(theorem(document).text)
    assert found.errors == ""
    assert found.accepted
    assert set(found.axioms) <= AXIOMS


def test_a_sign_changes_where_a_neuron_is_zero() -> None:
    box = {"ball": "entrywise", "rho": "2"}
    through = [("+", ["-1"]), ("+", ["0"]), ("-", ["1"])]
    assert accepted(of_one(box, "1/2", [["1"]], through))
    assert not accepted(of_one(box, "1/3", [["1"]], through))
    assert not accepted(of_one(box, "2", [["1"]], [("+", ["-1"]), ("-", ["-1"])]))


def test_a_neuron_stays_on_its_side_of_each_row() -> None:
    box = {"ball": "entrywise", "rho": "2"}
    assert not accepted(of_one(box, "2", [["1"]], [("+", ["-1"]), ("+", ["1"])]))
    X = [["1", "0"], ["0", "1"]]
    assert accepted(of_one(box, "1", X, [("+", ["-1", "0"]), ("+", ["0", "1"])]))
    assert not accepted(of_one(box, "1", X, [("+", ["-1", "0"]), ("+", ["1", "1"])]))


@pytest.mark.parametrize("ball", ["entrywise", "colnorm", "ngd", "muon", "muon-adamw"])
def test_no_ball_is_left_in_the_middle(ball: str) -> None:
    """Where all rows are at most zero the loss does not see a neuron."""
    X = [["1", "0"], ["0", "1"]]
    for middle, inside in (("-2", True), ("-3", False)):
        points = [("+", ["-1", "-1"]), ("+", ["0", middle]), ("+", ["-1", "-1"])]
        assert accepted(of_one({"ball": ball, "rho": "2"}, "0", X, points)) == inside


@pytest.mark.parametrize("ball", ["colnorm", "ngd", "muon", "muon-adamw"])
def test_a_radius_hardly_above_a_norm(ball: str) -> None:
    """A neuron of the irrational norm sqrt 2 at both ends of a path that goes nowhere."""
    from theory.exact import sqrt_above

    size = 10**100
    above = Fraction(int(sqrt_above(Fraction(2 * size**2)) // 1) + 1, size)
    document = of_one({"ball": ball, "rho": str(above)}, "1", [["1", "0"]], [("+", ["1", "1"])])
    assert document["steps"] == []
    assert accepted(document)
    document["within"]["rho"] = str(above - Fraction(2, size))
    assert not accepted(document)


@pytest.mark.parametrize("ball", ["muon", "muon-adamw"])
def test_numbers_of_many_digits_are_cut(ball: str) -> None:
    """Two neurons of orthogonal weights, and a with squares of 120 digits: a norm of W of 1 and one
    of a hardly below 1."""
    a = [Fraction(3, 5) - Fraction(1, 10**60), Fraction(4, 5)]
    if ball == "muon-adamw":
        a = [1 - Fraction(1, 10**60), Fraction(1)]
    w = {"W": [["1", "0"], ["0", "1"]], "a": list(map(str, a))}
    document: dict[str, Any] = {
        **{"format": "isthmus-certificate", "version": 1, "kind": "path", "width": 2},
        **{"problem": {"X": [["1", "0"]], "y": ["0"]}, "networks": [w, w], "steps": []},
        "start": [
            ["+", str(a[0] ** 2), [str(a[0]), "0"]],
            ["+", str(a[1] ** 2), ["0", str(a[1])]],
        ],
        "level": "1",
    }
    for radius, inside in (("1000000001/1000000000", True), ("999/1000", False)):
        assert accepted(document | {"within": {"ball": ball, "rho": radius}}) == inside


def change(document: dict[str, Any], where: tuple[Any, ...], value: Any) -> dict[str, Any]:
    document = copy.deepcopy(document)
    *path, last = where
    inner: Any = document
    for key in path:
        inner = inner[key]
    inner[last] = value(inner[last]) if callable(value) else value
    return document


@pytest.mark.parametrize("optimizer", BALLS)
def test_a_smaller_ball_is_refused(optimizer: str) -> None:
    radius = str(BALLS[optimizer].rho * Fraction(99, 100))
    assert not accepted(change(swapped(BALLS[optimizer]), ("within", "rho"), radius))


TAMPERED: dict[str, tuple[tuple[Any, ...], Any]] = {
    "another ball": (("within", "ball"), "ngd"),
    "a lower level": (("level",), "-1"),
    "another datum": (("problem", "X", 0, 0), "2"),
    "another label": (("problem", "y", 0), "2"),
    "another first network": (("networks", 0, "W", 0, 0), "2"),
    "another second network": (("networks", 1, "a", 0), "1"),
    "no steps": (("steps",), []),
    "a step left out": (("steps",), lambda steps: steps[1:]),
    "a changed step": (("steps", 0, 0, 3, 0), lambda v: str(Fraction(v) + 1)),
    "a narrower network": (("width",), 2),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_what_the_checker_refuses_coq_refuses_too(name: str) -> None:
    assert not accepted(change(swapped(BALLS["colnorm"]), *TAMPERED[name]))


CHANGES: dict[str, tuple[str, str]] = {
    "a lower level": (r"ball 1 3 A", "ball 1 4 A"),
    "a lower level said": (r"A B \(1 / \(3", "A B (1 / (4"),
    "a smaller ball": (r"balls := Columns 1 1", "balls := Columns 1 2"),
    "another radius of the layers": (r"RW \* Ra = 1 / 1", "RW * Ra = 2 / 1"),
    "another network": (r"A : endpoint := \[\(\[\(1#1\)", "A : endpoint := [([(2#1)"),
    "a label other than that in integers": (r"yQ : list Q := \[\(1#1\)", "yQ : list Q := [(2#1)"),
    "a point left out": (r"(check_route .*) between", r"\1 (tl between)"),
    "no point of the end": (r"(check_route .*) between", r"\1 (removelast between)"),
    "another denominator": (r"\(point_of 1 A\)", "(point_of 2 B)"),
    "a point of no neurons": (r"(check_route .*) between", r"\1 ((1, []) :: between)"),
    "a point over zero": (
        r"(check_route .*) between",
        r"\1 (map (fun p => (0, snd p)) between)",
    ),
}


@pytest.fixture(scope="module")
def text() -> str:
    """Of a path in a round ball, whose loss is 1/3 at one of its networks."""
    return theorem(swapped(BALLS["colnorm"], level=Fraction(1, 3))).text


@pytest.mark.parametrize("name", CHANGES)
def test_coq_refuses_what_is_changed(name: str, text: str) -> None:
    assert refused_if(text, *CHANGES[name])


INSIDE = """
Require Import Lra Lia Isthmus.Net Isthmus.Ball Qreals.
Ltac inside := split; intros [|[|[|j]]] H; try lia;
  try (apply norm_least; [lra|unfold W_of, qW, A, B; cbn; unfold Q2R; cbn; lra]);
  unfold a_of, qa, A, B, Q2R; cbn; apply Rabs_le; lra.
Theorem training : joined_layers XQ yQ 3 2 ball RADIUS 1 A B 0%R.
Proof.
  replace 0%R with (0 / (1 * 1 * 1))%R by lra. apply (layers RADIUS 1); [lra|lra|lra|inside|inside].
Qed.
"""


@pytest.mark.parametrize(("radius", "holds"), [("1", True), ("2", False), ("(1 / 2)", False)])
def test_the_conditions_of_the_layers_can_be_met(radius: str, holds: bool) -> None:
    text = theorem(swapped(BALLS["colnorm"])).text
    assert compiled(text + INSIDE.replace("RADIUS", radius)).accepted == holds
