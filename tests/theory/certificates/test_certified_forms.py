"""Certificates with a form in place of the identity: of what is found, and changed ones."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
from documents import tampered
from hypothesis import given
from hypothesis import strategies as st
from profiles import part
from quadratic_forms import forms, projection

from theory.certificates import certify
from theory.certificates.checker import CertificateInvalid, check
from theory.certificates.losses import Loss
from theory.connectivity import SolutionSet, connect
from theory.errors import BudgetError
from theory.landscape import analyse, valleys
from theory.landscape.analysis import barrier_between
from theory.network import Network
from theory.problem import Problem, in_integers
from theory.programs import solve
from theory.strategies import networks, problems
from theory.within import Ball, Penalty, Within

HALF = Fraction(1, 2)
small = st.fractions(-4, 4, max_denominator=6)


def vectors(n: int) -> st.SearchStrategy[list[Fraction]]:
    return st.lists(small, min_size=n, max_size=n)


@st.composite
def formed_problems(draw: st.DrawFn, n: int = 4) -> Problem:
    problem = draw(problems(n=(1, n), d=(1, 2), max_denominator=2))
    form = draw(forms(problem.n))
    return Problem(problem.X, problem.y, form=form, output_bias=draw(st.booleans()))


def written(found: Any) -> dict[str, Any]:
    """The certificate, as a file would hold it."""
    document: dict[str, Any] = json.loads(json.dumps(certify(found)))
    return document


def refused(document: dict[str, Any], message: str) -> None:
    with pytest.raises(CertificateInvalid, match=f"^{message}"):
        check(document)


@given(st.integers(1, 4), st.data())
def test_the_checker_and_the_ground_floor_say_the_same(n: int, data: st.DataObject) -> None:
    """Values, dual vectors in the range and beyond it, and weak duality between them."""
    X = [[k + 1] for k in range(n)]
    problem = Problem(X, data.draw(vectors(n)), form=data.draw(forms(n)))
    fit, lam = data.draw(vectors(n)), data.draw(vectors(n))
    matrix = problem.loss.form
    assert matrix is not None
    if data.draw(st.booleans()):
        lam = matrix.image(lam)
    loss, value = Loss(problem), problem.loss_of(fit)
    assert loss.value(*in_integers(fit)) == value
    rest = [v - f for v, f in zip(problem.y, fit, strict=True)]
    assert loss.residual(fit) == matrix.image(rest)
    theirs = problem.loss.dual(lam, problem.y)
    if theirs is None:
        with pytest.raises(CertificateInvalid, match="lam: is not orthogonal to what the form"):
            loss.proof(lam, "lam")
        return
    proof = loss.proof(lam, "lam")
    assert proof.norm is not None
    assert proof.gain - proof.norm / 2 == theirs
    height = sum((v * f for v, f in zip(lam, fit, strict=True)), Fraction())
    assert proof.below(height) <= value


polyhedral = st.sampled_from([None, Ball("adamw", HALF), Ball("adamw", 2)])
ROUND = (*(Ball(name, 1) for name in ("muon", "muon-adamw", "ngd", "adamw-ngd")), Penalty(HALF))


@part(2)
@given(formed_problems(), st.integers(1, 2), polyhedral)
def test_valleys_are_proved_to_be_all(problem: Problem, width: int, within: Within | None) -> None:
    tree = valleys(problem, width, within=within)
    verdict = check(written(tree), problem)
    assert verdict.kind == "all-valleys"
    assert f"has exactly {len(tree.valleys)} valley" in verdict.statement


@part(2)
@given(formed_problems(), st.integers(1, 2), polyhedral)
def test_components_and_barriers_have_a_valid_certificate(
    problem: Problem, width: int, within: Ball | None
) -> None:
    found = analyse(problem, width, within=within)
    assert f"the global minimum is {found.minimum}" in check(written(found), problem).statement
    if within is None:
        zero, one = Network.zero(problem.d, width), found.components[0].representative
        between = barrier_between(problem, zero, one)
        assert f"is {between.value}" in check(written(between), problem).statement


@part(2)
@given(formed_problems(2), st.sampled_from(ROUND))
def test_optima_and_valleys_in_round_balls_have_a_valid_certificate(
    problem: Problem, within: Within
) -> None:
    assert check(written(solve(problem, within, width=1, max_cells=1)), problem).kind == "optimum"
    tree = valleys(problem, 1, within=within)
    assert f"{len(tree.valleys)} valley" in check(written(tree), problem).statement


@given(formed_problems(3), st.data())
def test_paths_have_a_valid_certificate(problem: Problem, data: st.DataObject) -> None:
    ends = [data.draw(networks(problem.d, 1)) for _ in range(2)]
    losses = [Network(e.W, e.a).loss(problem) for e in ends]
    solutions = SolutionSet(problem, Ball("muon", 10**6), max(*losses, problem.zero))
    path = connect(solutions, *(Network([[*r, 0, 0] for r in e.W], [*e.a, 0, 0]) for e in ends))
    assert check(written(path), problem).kind == "path"


# By hand: of f1 - f2 with the targets 3 and 1, of one neuron of sign + at most 1 large.

BY_HAND: dict[str, Any] = {
    "format": "isthmus-certificate",
    "version": 1,
    "kind": "minimum",
    "problem": {"X": [["1"], ["-1"]], "y": ["3", "1"], "form": [["1", "-1"], ["-1", "1"]]},
    "width": 1,
    "within": {"ball": "entrywise", "rho": "1"},
    "duals": [["1", "-1"]],
    "value": "1/2",
    "network": {"W": [["1"]], "a": ["1"]},
}


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (("duals", 0), ["1", "0"], r"duals\[0\]: is not orthogonal to what the form does not see"),
        (("duals", 0), ["0", "0"], r"duals\[0\]: the bound 0 of dual 0 is not at least 1/2"),
        (("duals", 0), ["-1", "1"], r"duals\[0\]: the bound 0 of dual 0 is not at least 1/2"),
        (("value",), "1/3", "network: its loss is 1/2, not 1/3"),
        (("problem", "form"), [["1", "0"], ["0", "1"]], "network: its loss is 5/2, not 1/2"),
        (("problem", "form"), [["1", "-2"], ["-2", "1"]], "problem.form: is not positive semidef"),
        (("problem", "form"), [["1", "-1"], ["1", "1"]], "problem.form: is not symmetric"),
        (("problem", "form"), [["1", "-1"]], "problem.form: has 1 entries, but must have 2"),
        (("problem", "form"), "1", "problem.form: must be a list"),
        (("problem", "form", 0, 0), "x", r"problem.form\[0\]\[0\]: must be a rational"),
        (("problem", "weights"), ["1", "1"], "problem.form: is for the squared loss without wei"),
        (("problem", "loss"), "absolute", "problem.form: is for the squared loss without weights"),
    ],
)
def test_what_is_changed_is_refused(at: tuple[Any, ...], value: Any, message: str) -> None:
    assert check(BY_HAND).statement.endswith("is 1/2")
    refused(tampered(BY_HAND, at, value), message)


def test_it_is_for_the_given_problem_only() -> None:
    document = BY_HAND["problem"]
    assert check(BY_HAND, Problem.from_json(document))
    other = Problem.from_json({**document, "form": [["2", "-1"], ["-1", "1"]]})
    with pytest.raises(CertificateInvalid, match="its loss differs from that of the given"):
        check(BY_HAND, other)


def test_large_forms_count_as_work() -> None:
    n = 64
    rows = [[str(v) for v in row] for row in projection(n)]
    document = {
        **BY_HAND,
        "problem": {"X": [["1"]] * n, "y": ["1"] * n, "form": rows},
    }
    with pytest.raises(BudgetError, match="whether the form is positive"):
        check(document, max_steps=10**6)
