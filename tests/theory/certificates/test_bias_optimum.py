"""Certificates of optima and of paths with hidden biases apart from the ball of W: by hand, of what
is found, and refused for their own reason once they are changed."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from documents import REMOVE, tampered

from theory.certificates import certify
from theory.certificates.checker import CertificateInvalid, check
from theory.connectivity import SolutionPath, SolutionSet, connect
from theory.network import Network
from theory.problem import Problem
from theory.programs import solve
from theory.within import Ball

LINE = Problem([[0], [1], [2]], [1, -1, 2])
HALF = Fraction(1, 2)
MUONS = ("muon", "muon-adamw")
CASES = [
    *((ball, "free") for ball in ("adamw", "adamw-ngd", "ngd", "colnorm", "ngd-adamw", *MUONS)),
    *((ball, "adamw") for ball in (*MUONS, "ngd", "ngd-adamw")),
]
SAID = {"free": " (biases free)", "adamw": " (biases as adamw's)"}


def refused(document: dict[str, Any], message: str, problem: Problem | None = None) -> None:
    with pytest.raises(CertificateInvalid, match=f"^{message}"):
        check(document, problem)


# By hand. With free biases only the slope counts: on x = 1, -1 with targets 3, -3 a network of
# slope at most 1 misses both by 2. Of nu = (1, -1) w is (2, 0) or (-2, 0) where both rows are
# active; where one is, a multiplier of 1 takes what w has for the bias away.

SLOPE: dict[str, Any] = {
    "format": "isthmus-certificate",
    "version": 1,
    "kind": "optimum",
    "problem": {"X": [["1"], ["-1"]], "y": ["3", "-3"], "bias": "free"},
    "width": 2,
    "within": {"ball": "ngd", "rho": "1"},
    "patterns": None,
    "value": ["4", "401/100"],
    # relu(x + 1) of slope near 1, less a constant by a neuron whose output weight is next to none
    "network": {"W": [["999/1000", "0"], ["999/1000", "99900"]], "a": ["1", "-1/100000"]},
    "dual": {
        "nu": ["1", "-1"],
        "mu": [
            *(["+", "+-", [[1, "1"]]], ["-", "+-", [[0, "1"]]]),
            *(["+", "-+", [[1, "1"]]], ["-", "-+", [[0, "1"]]]),
        ],
    },
}


def by_hand() -> dict[str, Any]:
    """Of one neuron of AdamW's biases on X = [[0]]: the largest fit is rho times the root of m."""
    return {
        **SLOPE,
        "problem": {"X": [["0"]], "y": ["4"], "bias": "adamw"},
        "width": 4,
        "within": {"ball": "muon", "rho": "1/2"},
        # each a_j = 1/2 and b_j = 1/2: ||a|| = 1; the fit is 1, as rho sqrt(4) is
        "network": {"W": [["0"] * 4, ["1/2"] * 4], "a": ["1/2"] * 4},
        # H = rho sqrt((z + 4 t) / t): all but sqrt(4) / 2
        "value": ["449/100", "9/2"],
        "dual": {"nu": ["1"], "Z": [["1/10000", "0"], ["0", "1"]], "mu": []},
    }


def test_certificates_by_hand() -> None:
    said = "the least loss of width 2 inside the ngd ball rho = 1 (biases free) is"
    assert check(SLOPE).statement.startswith(said)
    assert "(biases as adamw's) is" in check(by_hand()).statement
    # The same where W has the Frobenius norm.
    ngd = {**by_hand(), "within": {"ball": "ngd", "rho": "1/2"}}
    assert "ngd ball rho = 1/2 (biases as adamw's) is" in check(ngd).statement
    any_width = {**SLOPE, "width": None}
    assert "any width inside the ngd ball" in check(any_width).statement


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (("dual", "mu", 0), ["+", "+-", [[1, "1/2"]]], "dual: has a column that grows with the"),
        (("dual", "mu"), [], "dual: has a column that grows with the bias, which is free"),
        (("dual", "nu"), ["1", "-1/2"], "dual: has a column that grows with the bias"),
        (("value", 0), "4001/1000", "value: the lower end 4001/1000 is above the dual's bound 4"),
        (("problem", "bias"), "decayed", "network: lies outside the ball"),
        (("problem", "bias"), "adamw", "network: lies outside the ball"),
        (("within", "ball"), "muon", "dual: the field 'Z' is missing"),
        (("problem", "bias"), REMOVE, "network.W"),
        (("within",), {"penalty": "l2", "beta": "1"}, "problem.bias: is free, but a penalty"),
        (("network", "W", 0, 0), "3/2", "network: lies outside the ball"),
        (("dual", "Z"), [["1"]], "dual: 'Z' is not a field of it"),
    ],
)
def test_changes_of_free_ones(at: tuple[Any, ...], value: Any, message: str) -> None:
    refused(tampered(SLOPE, at, value), message)


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (("dual", "Z", 0), ["1/10000", "1/1000"], "dual.Z"),
        (("dual", "Z"), [["1", "1/2"], ["1/2", "1"]], "dual.Z: has entries between the bias and"),
        (("dual", "Z"), [["1"]], "dual.Z"),
        (("dual", "Z"), [["1", "0"], ["0", "-1"]], "dual.Z: is not positive definite"),
        (("width",), None, "width: must be an integer"),
        (("width",), 5, "value: the lower end 449/100 is above the dual's bound"),
        (("width",), 3, "network.a: has 4 neurons"),
        (("problem", "bias"), "free", "dual.Z"),
        (("network", "W", 1, 0), "2/3", "network: lies outside the ball"),
        (("value", 0), "9/2", "value: the lower end 9/2 is above the dual's bound"),
    ],
)
def test_changes_of_adamws(at: tuple[Any, ...], value: Any, message: str) -> None:
    refused(tampered(by_hand(), at, value), message)


@pytest.mark.parametrize(("ball", "bias"), CASES)
@pytest.mark.parametrize("activation", ["relu", "leaky_relu:1/10"])
def test_what_is_found_is_proved(ball: str, bias: str, activation: str) -> None:
    problem = Problem(LINE.X, LINE.y, activation=activation).with_bias(bias)
    found = solve(problem, Ball(ball, HALF), width=1, max_cells=1)
    document = json.loads(json.dumps(certify(found)))
    verdict = check(document, problem)
    assert verdict.kind == "optimum"
    assert SAID[bias] in verdict.statement or (ball, bias) == ("adamw", "adamw")
    higher = [str(found.lower + Fraction(1, 1000)), str(found.upper + 1)]
    refused({**document, "value": higher}, "value: the lower end", problem)
    if bias == "free":
        refused(tampered(document, ("dual", "mu", 0), REMOVE), "dual: has a column that", problem)
        with_cover: dict[str, Any] = {"frame": None, "+": {}, "-": {}}
        dual = {**document["dual"], "cover": with_cover}
        del dual["mu"]
        refused({**document, "dual": dual}, "dual: is of all directions", problem)
    refused(document, "problem: its biases are", replace(problem, bias="decayed"))


def test_over_a_pool_that_is_said() -> None:
    found = solve(LINE.with_bias("free"), Ball("ngd", HALF), max_patterns=4, max_cells=1)
    verdict = check(certify(found), LINE.with_bias("free"))
    assert verdict.statement.endswith("this says nothing about other patterns")


# Paths.


def path(ball: str, bias: str) -> tuple[dict[str, Any], Problem]:
    """From a network to the same with its neurons in another order, on a line."""
    problem = Problem([[0], [1]], [1, 2]).with_bias(bias)
    W = [["1/2", "-1/2", "0", "0"], ["1", "1/2", "0", "0"]]
    network = Network(W=W, a=["1/2", "1/4", "0", "0"])
    solutions = SolutionSet(problem, Ball(ball, 2), network.loss(problem))
    found = connect(solutions, network, network.permuted([1, 0, 2, 3]))
    assert isinstance(found, SolutionPath)
    return json.loads(json.dumps(certify(found))), problem


@pytest.mark.parametrize(("ball", "bias"), CASES)
def test_paths(ball: str, bias: str) -> None:
    document, problem = path(ball, bias)
    verdict = check(document, problem)
    assert SAID[bias] in verdict.statement
    place, *_, u = document["steps"][0][0]
    refused(tampered(document, ("level",), "1/1000"), "start: its loss", problem)
    refused(tampered(document, ("problem", "bias"), REMOVE), r"start\[0\]\[2\]: has 2 entries")
    wide = [*u[:-1], "99"]
    changed = tampered(document, ("steps", 0, 0, 3), wide)
    with pytest.raises(CertificateInvalid, match=r"^steps\[0\]"):
        check(tampered(changed, ("level",), "100000"), problem)
    assert isinstance(place, int)


def test_a_bias_has_its_own_bound() -> None:
    """In Muon's ball with AdamW's biases: |b_j| <= R_W, which no other neuron makes up for."""
    problem = Problem([[0]], [1]).with_bias("adamw")
    network = Network(W=[["0", "0"], ["1", "1"]], a=["1/2", "1/2"])
    solutions = SolutionSet(problem, Ball("muon", 1), Fraction(1))
    assert not solutions.violation_of(network)
    larger = Network(W=[["0", "0"], ["3/2", "1/2"]], a=["1/2", "1/2"])
    assert "outside" in solutions.violation_of(larger)
    document = json.loads(json.dumps(certify(connect(solutions, network, network))))
    assert check(document, problem).kind == "path"
    point = [["+", "1/2", ["0", "3/4"]], ["+", "1/2", ["0", "1/4"]]]
    steps = [[[j, *neuron] for j, neuron in enumerate(point)]]
    refused({**document, "steps": steps}, r"steps\[0\]: the point lies outside the ball", problem)
