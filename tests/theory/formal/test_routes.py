"""Paths inside a ball as texts: what they say, their denominators, what has none; no compiler."""

from __future__ import annotations

import json
from fractions import Fraction
from math import isqrt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.certificates import certify
from theory.certificates.checker import CertificateInvalid
from theory.connectivity import SolutionPath, SolutionSet, connect
from theory.errors import InputError
from theory.formal import theorem, written
from theory.formal.certificate import Data
from theory.formal.route import denominator
from theory.network import Network
from theory.problem import Problem
from theory.within import Ball, Penalty, Within

PROBLEM = Problem(X=[[1, 0], [0, 1]], y=[1, -1])
FIRST = Network(W=[[1, 0, 0], [0, 1, 0]], a=[1, -1, 0])


def certified(within: Within, level: str = "0") -> dict[str, Any]:
    solutions = SolutionSet(PROBLEM, within, Fraction(level))
    path = connect(solutions, FIRST, FIRST.permuted([1, 0, 2]), max_cells=1)
    assert isinstance(path, SolutionPath)
    return json.loads(json.dumps(certify(path)))


def test_what_is_said() -> None:
    found = theorem(certified(Ball("adamw", 1), "1/3"), PROBLEM)
    assert found.statement == (
        "a continuous path of networks of 3 neurons in AdamW's ball of radius 1 joins the two "
        "networks, their neurons in order, and has loss at most 1/3 everywhere"
    )
    assert "Theorem path : is_joined XQ yQ 3 2 ball A B (1 / (3 * 1 * 1))%R." in found.text
    assert "joined_layers XQ yQ 3 2 ball RW Ra A B (1 / (3 * 1 * 1))%R." in found.text
    assert "ball : balls := Entrywise 1 1." in found.text
    assert "table" not in found.text  # it is not about cones


def test_the_given_problem_decides() -> None:
    with pytest.raises(CertificateInvalid, match="y differs from that of the given problem"):
        theorem(certified(Ball("adamw", 1)), Problem(X=PROBLEM.X, y=[1, 2]))


def test_what_has_no_theorem_is_said_in_a_line() -> None:
    with pytest.raises(InputError, match="is about the l2 penalty; the library has entrywise"):
        written(certified(Penalty("1/2"), "1"))


@given(
    entries=st.lists(
        st.tuples(st.fractions(-2, 2, max_denominator=9), st.fractions(-2, 2, max_denominator=9)),
        min_size=1,
        max_size=5,
    ),
    digits=st.integers(1, 80),
)
def test_rounded_norms_stay_below_a_radius_hardly_above_their_sum(
    entries: list[tuple[Fraction, Fraction]], digits: int
) -> None:
    size = 10**digits
    norms = [isqrt(int(size**2 * (u * u + v * v))) + 1 for u, v in entries]
    rho = Fraction(sum(norms), size)  # at most a unit of the last digit above each of them
    data = Data(PROBLEM, len(entries), "ngd", rho)
    unit = denominator(data, [(True, Fraction(1), each) for each in entries])
    squares = [sum((unit * v) ** 2 for v in each) for each in entries]
    assert all(square.denominator == 1 for square in squares)
    assert sum(isqrt(int(v) - 1) + 1 for v in squares if v) <= rho * unit
