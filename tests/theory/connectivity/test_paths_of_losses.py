"""Paths in the solution sets of other losses, and with output biases and linear parts."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from documents import tampered

from theory import Ball, Penalty, certify, check
from theory.certificates.checker import CertificateInvalid
from theory.connectivity import SolutionPath, SolutionSet, connect
from theory.errors import InputError
from theory.losses import Loss
from theory.network import Network
from theory.problem import Problem

FREE = Problem([[1, 0], [0, 1], [1, 1]], [1, -1, 2], output_bias=True, skip=True)
FIRST = Network([[1, 0, 0, 0], [0, 0, 0, 0]], [1, 0, 0, 0], b=1)
SECOND = Network([[0, 0, 0, 0], [0, 1, 0, 0]], [1, 1, 0, 0], b="1/2", c=[0, -1])


@pytest.mark.parametrize("within", [Ball("muon", 9), Ball("adamw", 9), Penalty("1/10")])
@pytest.mark.parametrize("name", ["squared", "absolute", "huber:1/2", "epsilon:1/4"])
def test_from_and_to_output_biases_of_their_own(name: str, within: Ball | Penalty) -> None:
    problem = replace(FREE, loss=Loss.named(name))
    solutions = SolutionSet(problem, within, Fraction())
    solutions = solutions.at_level(max(map(solutions.objective_of, (FIRST, SECOND))))
    path = connect(solutions, FIRST, SECOND)
    assert isinstance(path, SolutionPath)
    assert path.max_loss == max(FIRST.loss(problem), SECOND.loss(problem))
    document = certify(path)
    assert "a path of 3 segments" in check(document, problem).statement
    for place, text, reason in (
        (("start", 4, "b"), "2", "its b or c is not that of"),
        (("steps", 0, 0, "b"), "50", "is above the level"),
    ):
        with pytest.raises(CertificateInvalid, match=reason):
            check(tampered(document, place, text), problem)


def test_a_network_with_a_bad_output_bias_is_not_in_the_set() -> None:
    solutions = SolutionSet(FREE, Ball("muon", 9), Fraction(1))
    assert "its loss is" in solutions.violation_of(FIRST)
    assert not solutions.violation_of(replace(FIRST, b=Fraction(0), c=(Fraction(1), Fraction(0))))


@pytest.mark.parametrize("name", ["absolute", "quantile:1/4", "huber:1/2", "hinge", "logistic"])
def test_swapped_neurons_are_joined_in_wide_networks(name: str) -> None:
    y = [1, -1, 1]
    problem = Problem([[1, 0], [0, 1], [1, 1]], y, loss=name)
    first = Network([[1, 0, 0, 0], [0, -1, 0, 0]], [1, -1, 0, 0])
    second = first.permuted([1, 0, 2, 3])
    solutions = SolutionSet(problem, Ball("ngd", 4), first.loss(problem))
    path = connect(solutions, first, second)
    assert isinstance(path, SolutionPath)
    assert path.max_loss <= solutions.level
    check(certify(path), problem)


def test_networks_are_not_brought_into_sets_of_other_losses() -> None:
    from theory.connectivity import project

    solutions = SolutionSet(replace(FREE, loss=Loss.named("absolute")), Ball("muon", 9), Fraction())
    with pytest.raises(InputError, match="loss: networks are brought into the solution set for"):
        project(solutions, FIRST)
