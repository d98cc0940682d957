"""Certificates of optima: those that solve produces are valid, and what is changed is refused."""

from __future__ import annotations

import json
import sys
from fractions import Fraction
from typing import Any

import pytest
from documents import REMOVE, tampered
from hypothesis import given
from hypothesis import strategies as st
from problems import planted
from profiles import part

from theory import example
from theory.certificates import certify
from theory.certificates.checker import CertificateInvalid, check
from theory.errors import BudgetError
from theory.network import Network
from theory.problem import Problem
from theory.programs import solve
from theory.programs.solve import Optimum
from theory.strategies import problems
from theory.within import Ball, Penalty

BALLS = (
    *("adamw", "muon", "muon-adamw", "ngd", "colnorm"),
    *("adamw-ngd", "colnorm-ngd", "ngd-adamw"),
)
HALF = Fraction(1, 2)


def certified(within: Ball | Penalty, **options: Any) -> tuple[Optimum, dict[str, Any]]:
    """The certificate of the convex program: without a search of the cells."""
    found = solve(example("flagship"), within, max_cells=1, **options)
    return found, json.loads(json.dumps(certify(found)))


@part(2)
@given(
    problems(d=(1, 3), max_denominator=4),
    st.sampled_from(BALLS),
    st.integers(1, 4),
    st.fractions(Fraction(1, 4), 3, max_denominator=4),
    st.booleans(),
)
def test_every_optimum_in_a_ball_has_a_valid_certificate(
    problem: Problem, name: str, width: int, rho: Fraction, cells: bool
) -> None:
    options: Any = {} if cells else {"max_cells": 1}
    found = solve(problem, Ball(name, rho), width=width, **options)
    verdict = check(certify(found), problem)
    assert verdict.kind == ("minimum" if found.cells else "optimum")
    assert "the least loss" in verdict.statement


@part(2)
@given(problems(n=(1, 5), d=(1, 3), max_denominator=4), st.fractions(HALF, 4, max_denominator=3))
def test_every_penalised_optimum_has_a_valid_certificate(problem: Problem, beta: Fraction) -> None:
    found = solve(problem, Penalty(beta))
    assert check(certify(found), problem).kind == "optimum"


@pytest.mark.parametrize("name", ["muon", "ngd"])
def test_any_width_is_said(name: str) -> None:
    problem, _ = planted(5, 2, 2, 0)
    found = solve(problem, Ball(name, HALF))
    assert "any width" in check(certify(found), problem).statement


def test_a_bound_over_some_patterns_is_never_called_global(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem, _ = planted(30, 3, 4, 0, entries=9)
    monkeypatch.setattr(sys.modules["theory.programs.solve"], "MAX_DIMENSION", 0)
    found = solve(problem, Ball("ngd", HALF), max_patterns=50)
    document = certify(found)
    assert len(document["patterns"]) == found.patterns
    verdict = check(document, problem)
    assert "over the" in verdict.statement
    assert "patterns priced" in verdict.statement
    assert "the least loss" not in verdict.statement
    assert "all others at least" in verdict.statement
    del document["everywhere"]
    assert check(document, problem).statement.endswith("this says nothing about other patterns")
    # The same dual point says less of all patterns, or nothing.
    claimed = {**document, "patterns": None}
    with pytest.raises(CertificateInvalid, match="above the dual's bound"):
        check(claimed, problem)


def test_wide_data_need_no_rays() -> None:
    problem, _ = planted(40, 12, 4, 0)
    found = solve(problem, Penalty(Fraction(40)), max_patterns=60)
    document = certify(found)
    assert check(document, problem).kind == "optimum"
    del document["everywhere"]
    with pytest.raises(BudgetError, match="rays of the arrangement"):
        check({**document, "patterns": None}, problem)


def test_closed_form_of_one_point() -> None:
    # (5 - 2 rho)^2 / 2 with nu = 1: w = 2 nu on the active side, so H = rho 2.
    document = {
        "format": "isthmus-certificate",
        "version": 1,
        "kind": "optimum",
        "problem": {"X": [["2"]], "y": ["5"]},
        "width": 1,
        "within": {"ball": "entrywise", "rho": "2"},
        "patterns": None,
        "value": "1/2",
        "network": {"W": [["2"]], "a": ["1"]},
        "dual": {"nu": ["1"], "mu": [["-", "+", [[0, "2"]]]]},
    }
    assert check(document).statement.endswith("is 1/2")
    document["value"] = ["1/2", "1/2"]
    assert check(document).statement.endswith("is 1/2")
    document["value"] = ["501/1000", "1"]
    with pytest.raises(CertificateInvalid, match="501/1000 is above the dual's bound 1/2"):
        check(document)


CHANGES = [
    (("within", "rho"), "1", "network: lies outside the ball"),
    (("within", "rho"), "0", "within.rho: is 0, but must be positive"),
    (("within", "ball"), "adamw", "within.ball: must be one of"),
    (("width",), 1, "network.a: has [23] neurons, but the width is 1"),
    (("width",), 0, "width: is 0, but must be at least 1"),
    (("width",), True, "width: must be an integer"),
    (("value", 0), "100", "value: 100 is above"),
    (("value", 1), "0", "value: .* is above 0"),
    (("network", "a", 0), "0", "network: its objective .* is above"),
    (("network", "W"), [["1", "1"]], "network.W: has 1 entries, but must have 2"),
    (("dual", "nu", 0), "0", "value: the lower end .* is above the dual's bound"),
    (("dual", "nu"), ["0"] * 4, "value: the lower end .* is above the dual's bound 0"),
    (("dual",), None, "value: the lower end .* is above the dual's bound 0"),
    (("dual", "mu", 0, 0), "*", "dual.mu\\[0\\]: its sign must be"),
    (("dual", "mu", 0, 1), "+++++", "dual.mu\\[0\\]: '\\+\\+\\+\\+\\+' is not one of the patterns"),
    (("dual", "mu", 0, 2, 0, 0), 4, "dual.mu\\[0\\]\\[2\\]\\[0\\]: is 4, but there are 4 rows"),
    (("dual", "mu", 0, 2, 0, 1), "-1", "the multiplier -1 must be positive"),
    (("dual", "mu", 0, 2, 0, 1), "0", "the multiplier 0 must be positive"),
    (("patterns",), ["+-+-"], "is not one of the patterns"),
    (("patterns",), [], "patterns: is empty"),
    (("patterns",), ["+-+-", "+-+-"], "patterns\\[1\\]: is listed twice"),
    (("patterns",), ["+-+"], "patterns\\[0\\]: its sigma must be 4 characters"),
    (("patterns",), ["+0+-"], "patterns\\[0\\]: its character 1 is '0', but that row is not zero"),
    (("problem", "y", 0), "500", "value: .*|network: its objective"),
    (("dual", "other"), 1, "dual: 'other' is not a field"),
    (("labelled",), False, "certificate: 'labelled' is not a field"),
    (("dual", "nu"), REMOVE, "dual: the field 'nu' is missing"),
]


@pytest.mark.parametrize(("at", "value", "message"), CHANGES, ids=[str(c[0]) for c in CHANGES])
@pytest.mark.parametrize("name", ["ngd", "muon"])
def test_what_is_changed_is_refused_for_its_reason(
    at: Any, value: Any, message: str, name: str
) -> None:
    _, document = certified(Ball(name, Fraction(2)), width=6)
    assert check(document)
    with pytest.raises(CertificateInvalid, match=message):
        check(tampered(document, at, value))


@pytest.mark.parametrize(
    ("Z", "message"),
    [
        ([["1", "0"], ["1", "1"]], "dual.Z: is not symmetric"),
        ([["1", "2"], ["2", "1"]], "dual.Z: is not positive definite"),
        ([["0", "0"], ["0", "0"]], "dual.Z: is not positive definite"),
        ([["1", "0"]], "dual.Z: has 1 entries, but must have 2"),
        ([["1", "0"], ["0", "1000000"]], "value: the lower end .* is above the dual's bound"),
    ],
)
def test_the_metric_has_to_be_one_and_to_serve(Z: list[list[str]], message: str) -> None:
    _, document = certified(Ball("muon", HALF), width=4)
    document["dual"]["Z"] = Z
    with pytest.raises(CertificateInvalid, match=message):
        check(document)


@pytest.mark.parametrize("name", ["adamw", "colnorm", "muon-adamw"])
def test_balls_to_which_neurons_add_room_need_a_width(name: str) -> None:
    _, document = certified(Ball(name, Fraction(1, 8)), width=2)
    document["width"] = None
    with pytest.raises(CertificateInvalid, match="width: must be an integer"):
        check(document)


def test_without_the_multipliers_the_bound_is_lower() -> None:
    _, document = certified(Ball("muon", Fraction(2)), width=6)
    document["dual"]["mu"] = []
    with pytest.raises(CertificateInvalid, match="is above the dual's bound"):
        check(document)


def test_a_block_or_a_row_stands_once() -> None:
    _, document = certified(Ball("ngd", HALF), width=4)
    first = document["dual"]["mu"][0]
    document["dual"]["mu"].append(first)
    with pytest.raises(CertificateInvalid, match="is a block for the second time"):
        check(document)
    document["dual"]["mu"].pop()
    first[2].append(first[2][0])
    with pytest.raises(CertificateInvalid, match="row . stands twice"):
        check(document)


@pytest.mark.parametrize(
    ("within", "message"),
    [
        ({"penalty": "l2", "beta": "0"}, "within.beta: is 0, but must be positive"),
        ({"penalty": "l1", "beta": "1"}, "within.penalty: must be 'l2'"),
        ({"penalty": "l2", "beta": "1/2"}, "value: the lower end .* is above the dual's bound"),
        ({"penalty": "l2", "beta": "2"}, "network: its objective .* is above"),
        ({"penalty": "l2"}, "within: the field 'beta' is missing"),
        (None, "within: must be a JSON object"),
    ],
)
def test_the_penalty_has_to_be_the_one_meant(within: Any, message: str) -> None:
    _, document = certified(Penalty(1), width=6)
    assert "l2 penalty" in check(document).statement
    document["within"] = within
    with pytest.raises(CertificateInvalid, match=message):
        check(document)


def test_the_minimum_over_all_cells_and_changes_to_it() -> None:
    problem = example("flagship")
    found = solve(problem, Ball("adamw", HALF), width=2)
    document = certify(found)
    assert check(document, problem).statement == (
        "the least loss at width 2 inside the entrywise ball rho = 1/2 is 6"
    )
    for value, message in (
        ("7", "network: its loss is 6, not 7"),
        ("5", "network: its loss is 6, not 5"),
        (["5", "6"], "value: must be one rational"),
    ):
        with pytest.raises(CertificateInvalid, match=message):
            check({**document, "value": value})
    with pytest.raises(CertificateInvalid, match="duals: no dual covers the cell"):
        check({**document, "duals": document["duals"][:1]})
    zero = Network(W=((0,) * 2,) * 2, a=(0,) * 2).to_json()
    with pytest.raises(CertificateInvalid, match="network: its loss is 37/2, not 6"):
        check({**document, "network": zero})


def test_another_problem_is_refused() -> None:
    found, document = certified(Ball("ngd", HALF))
    other = Problem(X=found.problem.X, y=[1, 2, 2, 2])
    with pytest.raises(CertificateInvalid, match="problem: its y differs"):
        check(document, other)
