"""Theorems as texts: their multipliers, what they are about, what has no theorem; no compiler."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog, nnls

from theory import Ball, Problem, analyse, certify, example
from theory.certificates.checker import CertificateInvalid
from theory.errors import InputError
from theory.formal import LIBRARY, MODULES, theorem
from theory.formal.certificate import Data
from theory.formal.farkas import combination, combined, least_length, least_norm
from theory.formal.frame import Frame
from theory.formal.paths import moves, neurons
from theory.formal.text import signed, text
from theory.landscape import barrier_between
from theory.landscape.cells import CellComplex
from theory.landscape.least import least
from theory.network import Network

VECTORS = st.lists(st.integers(-3, 3), min_size=2, max_size=2)


@given(c=VECTORS, rows=st.lists(VECTORS, min_size=1, max_size=5))
def test_multipliers_are_feasible_and_the_best(c: list[int], rows: list[list[int]]) -> None:
    norm, mu = least_norm(c, rows)
    left = [v + sum(m * row[i] for m, row in zip(mu, rows, strict=True)) for i, v in enumerate(c)]
    assert min(mu) >= 0
    assert norm == sum((abs(Fraction(v)) for v in left), Fraction())
    k, X = len(rows), np.array(rows, dtype=float).T
    found = linprog(
        [0] * k + [1, 1],
        A_ub=np.block([[X, -np.eye(2)], [-X, -np.eye(2)]]),
        b_ub=[*(-v for v in c), *c],
    )
    assert float(norm) == pytest.approx(found.fun, abs=1e-9)


@given(c=VECTORS, rows=st.lists(VECTORS, min_size=1, max_size=5))
def test_multipliers_of_lengths_are_feasible_and_the_best(
    c: list[int], rows: list[list[int]]
) -> None:
    square, mu = least_length(c, rows)
    left = combined(c, rows, mu)
    assert min(mu) >= 0
    assert square == sum(v * v for v in left)
    for m, row in zip(mu, rows, strict=True):  # where it is least: Kuhn and Tucker
        slope = sum(a * b for a, b in zip(left, row, strict=True))
        assert slope >= 0
        assert m * slope == 0
    _, distance = nnls(np.array(rows, dtype=float).T, -np.array(c, dtype=float))
    assert float(square) == pytest.approx(distance**2, abs=1e-9)


def test_a_row_on_the_wall_has_any_sign() -> None:
    assert least_norm([1, 0], [[1, 0], [0, 1]])[0] == 1
    norm, mu = least_norm([1, 0], [[1, 0], [0, 1]], free=(0,))
    assert (norm, mu[0]) == (0, -1)
    assert least_length([3, -4], [[1, 0], [0, 1]]) == (9, (0, 4))
    assert least_length([3, -4], [[1, 0], [0, 1]], free=(0,)) == (0, (-3, 4))
    assert least_length([3, -4], [[0, 0]]) == (25, (0,))
    assert least_length([0, 0], [[1, 0]]) == (0, (0,))


@given(
    columns=st.lists(st.lists(st.integers(-3, 3), min_size=3, max_size=3), min_size=1, max_size=6),
    weights=st.lists(st.integers(0, 4), min_size=6, max_size=6),
)
def test_a_combination_is_one(columns: list[list[int]], weights: list[int]) -> None:
    target = [sum(w * c[i] for w, c in zip(weights, columns, strict=False)) for i in range(3)]
    mu = combination(target, columns)
    assert min(mu) >= 0
    assert [sum(v * c[i] for v, c in zip(mu, columns, strict=True)) for i in range(3)] == target


@given(numbers=st.lists(st.integers(-(10**30), 10**30), max_size=40))
def test_a_text_is_read_back(numbers: list[int]) -> None:
    found, value, place = [], 0, 0
    for digit in (
        ord(c) - 48 for string in text(map(signed, numbers)).split('"')[1::2] for c in string
    ):
        value += digit % 32 << place
        place += 5
        if digit < 32:
            found.append(-(value // 2) - 1 if value % 2 else value // 2)
            value = place = 0
    assert found == numbers


def test_all_of_the_library_is_there_and_admits_nothing() -> None:
    assert {path.stem for path in LIBRARY.glob("*.v")} == set(MODULES)
    for path in LIBRARY.glob("*.v"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\b(Admitted|admit|Axiom|Parameter|Conjecture|Abort)\b", text), path
        assert text.startswith("(* "), path
    for place, name in enumerate(MODULES):
        needed = re.findall(r"Isthmus\.(\w+)", (LIBRARY / f"{name}.v").read_text(encoding="utf-8"))
        assert set(needed) <= set(MODULES[:place])


def test_the_data_are_those_of_the_problem() -> None:
    problem = Problem(X=[["1/2", 1], [1, "-1/3"]], y=["1/2", -1])
    found = theorem(certify(least(CellComplex.of(problem, 1))), problem)
    assert "XQ : list (list Q) := [[(1#2);(1#1)];[(1#1);(-1#3)]]%Q" in found.text
    assert "X : list row := [[3;6];[6;(-2)]]" in found.text  # times 6
    assert "y : list Z := [3;(-6)]" in found.text
    assert found.statement.startswith("the least loss of networks of 1 neurons is ")
    other = Problem(X=[[1, 2], [2, 1]], y=[1, -1])
    with pytest.raises(CertificateInvalid, match="problem"):
        theorem(certify(least(CellComplex.of(problem, 1))), other)


def test_what_is_said() -> None:
    found = analyse(example("flagship"))
    assert theorem(certify(found)).statement == (
        "the networks of 2 neurons of loss at most 0 have exactly 2 path components, up to the "
        "order of neurons; the barrier between 0 and 1 is 32/45"
    )
    four = theorem(certify(analyse(example("flagship"), labelled=True))).statement
    assert "exactly 4 path components; the barrier between 0 and 1 is 32/45;" in four
    assert four.count("barrier between") == 6
    first, second = (each.representative for each in found.components)
    barrier = barrier_between(found.problem, first, second, within=Ball("adamw", 3), labelled=True)
    said = theorem(certify(barrier)).statement
    assert said == (
        "every continuous path of networks of 2 neurons in AdamW's ball of radius 3 between the "
        "two networks reaches loss 32/45, and one stays at or below it"
    )


def test_what_is_said_in_a_round_ball() -> None:
    found = least(CellComplex.of(example("flagship"), 2, within=Ball("ngd", 1)))
    proof = certify(found)
    lower, upper = proof["value"]
    made = theorem(proof)
    assert made.statement == (
        "the least loss of networks of 2 neurons in the Frobenius ball of radius 1 is between "
        f"{lower} and {upper}"
    )
    assert "ball : balls := Frobenius 1 1." in made.text
    assert "forall RW Ra, (0 < RW)%R -> (0 < Ra)%R -> (RW * Ra = 1 / 1)%R ->" in made.text
    n, d = lower.split("/")
    assert f"least_within XQ yQ 2 2 ball\n  ({n} / ({d} * 1 * 1))%R " in made.text


def documents() -> dict[str, tuple[dict[str, Any], str]]:
    flagship = example("flagship")
    slope = Problem(X=flagship.X, y=flagship.y, width=2, activation="abs")
    found = analyse(flagship)
    first = found.components[0].representative
    return {
        "another ball": (
            certify(analyse(flagship, within=Ball("adamw-ngd", 4))),
            "is about adamw-ngd",
        ),
        "another slope": (certify(analyse(slope)), "is about abs"),
        "a low barrier": (certify(barrier_between(flagship, first, first)), "none to prove"),
    }


@pytest.mark.parametrize("name", ["another ball", "another slope", "a low barrier"])
def test_what_has_no_theorem_is_said_in_a_line(name: str) -> None:
    document, why = documents()[name]
    with pytest.raises(InputError, match=why):
        theorem(document)


@pytest.mark.parametrize("first", [[0, 1], [1, 0]])
def test_a_neuron_that_changes_its_sign_is_zero_where_the_data_do_not_see_it(
    first: list[int],
) -> None:
    data = Data(Problem(X=[[1, 0]], y=[1]), 1, None, None)
    start, end = Network([[v] for v in first], [1]), Network([[0], [2]], [-1])
    zero = [((Fraction(), Fraction()), Fraction())]
    assert moves(data, start, [start, end], end) == [neurons(start), zero, neurons(end)]
    back = moves(data, end, [end, start], start)
    assert back == [neurons(end), zero, neurons(start)]


@pytest.mark.parametrize("Z", [[[3, 1], [1, 2]], [["1/7", 0], [0, 5]], [[10**12, 0], [0, 1]]])
def test_a_frame_adds_up_to_its_metric(Z: list[list[int | str]]) -> None:
    frame = Frame.of([[str(v) for v in row] for row in Z])
    metric = np.array([[float(Fraction(v)) for v in row] for row in Z])
    pairs = [(i, k) for i in range(2) for k in range(2)]
    for i, k in pairs:
        assert sum(a[i] * b[k] for a, b in zip(frame.L, frame.M, strict=True)) == (
            frame.unit if i == k else 0
        )
    squares = sum(v * v for row in frame.L for v in row)
    assert 0 <= frame.size**2 - squares <= 3 * frame.size
    for r in ([1, 0], [2, -3], [0, 1]):
        seen = sum(v * v for v in frame.seen(r)) * frame.stretch**2
        exact = np.trace(metric) * np.array(r) @ np.linalg.solve(metric, np.array(r))
        assert float(seen) == pytest.approx(exact, rel=1e-12)


def test_units_of_the_data_change_the_bound_alone() -> None:
    problem = example("smallest")
    scaled = Problem(
        X=[[v / 3 for v in row] for row in problem.X], y=[v / 3 for v in problem.y], width=2
    )
    one, other = (theorem(certify(analyse(each))).text for each in (problem, scaled))
    assert "(1 / (70 * 1 * 1))%R" in one
    assert "(1 / (70 * 3 * 3))%R" in other
    assert Fraction(1, 70) / 9 == analyse(scaled).barriers[0][1]
