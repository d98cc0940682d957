"""Certificates of every kind for activations other than ReLU, and that they are of no other one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from documents import REMOVE, tampered
from hypothesis import given
from hypothesis import strategies as st
from problems import planted

from theory.activation import RELU, Activation
from theory.certificates import certify
from theory.certificates.checker import CertificateInvalid, check
from theory.connectivity import SolutionSet, connect
from theory.landscape import analyse, barrier_between, valleys
from theory.landscape.classify import Classifier
from theory.network import Network
from theory.problem import Problem
from theory.programs import solve
from theory.regions import optimizer_regions
from theory.strategies import problems as small
from theory.within import Ball, Penalty, Within

NAMES = ("abs", "leaky_relu:1/10", "leaky_relu:-3/4", "leaky_relu:5/2")
PENALTY = Penalty("1/9")
PLACES = (None, Ball("adamw", "5/2"), Ball("muon", 3), Ball("muon-adamw", 3), Ball("ngd", 3))


def data(name: str) -> Problem:
    """Numbers with denominators of their own, so that all units are different."""
    problem, _ = planted(4, 2, 2, seed=1)
    X = [[v / 3 for v in row] for row in problem.X]
    return Problem(X, [v / 7 for v in problem.y], activation=name)


def optimum(problem: Problem, width: int, within: Within) -> Any:
    return solve(problem, within, width=width)


def local_minimum(problem: Problem, width: int, within: Within | None) -> Any:
    network = Network(
        [[1, Fraction(-1, 2)], [Fraction(1, 3), 1]], [Fraction(1, 5), Fraction(-1, 4)]
    )
    classifier = Classifier(problem, width, within)
    return classifier.polished(classifier.of(network))


def path(problem: Problem) -> Any:
    first = Network([[1, 0], [Fraction(1, 2), 0]], [1, 0])
    second = Network([[0, 1], [0, Fraction(1, 2)]], [0, 1])
    within = Ball("muon", 3)
    return connect(SolutionSet(problem, within, first.loss(problem)), first, second)


def barrier(problem: Problem) -> Any:
    first = Network([[1, 0], [Fraction(1, 2), 0]], [1, 0])
    second = Network([[0, 1], [0, Fraction(1, 2)]], [0, -1])
    return barrier_between(problem, first, second)


def of(function: Callable[..., Any], within: Within | None) -> Callable[[Problem], Any]:
    return lambda problem: function(problem, 2, within=within)


KINDS: dict[str, Callable[[Problem], Any]] = {
    **{f"components, {within}": of(analyse, within) for within in PLACES},
    **{f"valleys, {within}": of(valleys, within) for within in (*PLACES, PENALTY)},
    **{f"optimum, {within}": of(optimum, within) for within in (*PLACES[1:], PENALTY)},
    **{f"stationary, {within}": of(local_minimum, within) for within in (*PLACES, PENALTY)},
    "barrier": barrier,
    "path": path,
    "regions": lambda problem: optimizer_regions(problem, ("adamw", "muon"), 2).at(
        Fraction(3), Fraction(4)
    ),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_checker_accepts(name: str, kind: str) -> None:
    problem = data(name)
    document = certify(KINDS[kind](problem))
    assert document["problem"]["activation"] == name
    assert check(document, problem).kind == document["kind"]


@pytest.mark.parametrize("kind", KINDS)
def test_no_proof_is_one_of_another_activation(kind: str) -> None:
    """Losses and bounds are others, of slopes that are near too."""
    document = certify(KINDS[kind](data("leaky_relu:1/10")))
    for other in ("abs", "leaky_relu:1/9", REMOVE):
        if kind == "path" and other != "leaky_relu:1/9":
            continue  # with these its losses are lower, and stay below the level
        with pytest.raises(
            CertificateInvalid, match="its loss|its objective|bound|proves|a cut|folds"
        ):
            check(tampered(document, ("problem", "activation"), other))


def test_the_activation_is_read_with_care() -> None:
    problem = data("abs")
    document = certify(analyse(problem, 1))
    at = ("problem", "activation")
    for wrong, what in (
        ("tanh", "is none; write"),
        (1, "must be text"),
        ("leaky_relu:1", "linear"),
    ):
        with pytest.raises(CertificateInvalid, match=f"problem.activation: .*{what}"):
            check(tampered(document, at, wrong))
    with pytest.raises(CertificateInvalid, match="its activation differs"):
        check(document, replace(problem, activation=RELU))


@given(st.sampled_from(NAMES), small(n=(1, 3), d=(1, 2)), st.sampled_from(PLACES[:3]))
def test_landscapes_of_any_data(name: str, problem: Problem, within: Ball | None) -> None:
    problem = replace(problem, activation=Activation.named(name))
    document = certify(analyse(problem, 1, within=within))
    assert check(document, problem).kind == "components"
