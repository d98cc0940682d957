"""Exact linear algebra and programs: against brute force, degenerate cases, both methods alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from flint import fmpq, fmpz_mat
from hypothesis import given
from hypothesis import strategies as st

from theory.exact import (
    from_flint,
    independent,
    is_positive_definite,
    null_vector,
    some_solution,
    sqrt_above,
    to_flint,
)
from theory.linear import LinearProgram, Optimum

small = st.integers(-3, 3)


def dot(a: Sequence[fmpq], b: Sequence[fmpq]) -> fmpq:
    return sum((v * w for v, w in zip(a, b, strict=True)), fmpq())


def rows(draw: st.DrawFn, count: int, size: int) -> list[list[fmpq]]:
    return [to_flint(draw(small) for _ in range(size)) for _ in range(count)]


@st.composite
def programs(draw: st.DrawFn, size: int = 3) -> tuple[LinearProgram, list[fmpq]]:
    """A program with a feasible point; every variable lies in [-4, 4], so it is bounded."""
    E = [row for row in rows(draw, draw(st.integers(0, 2)), size) if any(row)]
    G = [row for row in rows(draw, draw(st.integers(0, 4)), size) if any(row)]
    start = to_flint(draw(small) for _ in range(size))
    unit = [to_flint(int(i == k) for k in range(size)) for i in range(size)]
    slack = to_flint(draw(st.integers(0, 2)) for _ in G)
    program = LinearProgram(
        c=to_flint(draw(small) for _ in range(size)),
        E=E,
        e=[dot(row, start) for row in E],
        G=[*G, *unit, *([-v for v in row] for row in unit)],
        g=[*(dot(row, start) - s for row, s in zip(G, slack, strict=True)), *[fmpq(-4)] * 2 * size],
    )
    return program, start


def check(program: LinearProgram, found: Optimum) -> fmpq:
    """The value, after all optimality conditions one by one."""
    slacks = [dot(row, found.x) - v for row, v in zip(program.G, program.g, strict=True)]
    assert all(dot(row, found.x) == v for row, v in zip(program.E, program.e, strict=True))
    assert min(slacks) >= 0
    assert min(found.inequalities) >= 0
    assert all(s == 0 or z == 0 for s, z in zip(slacks, found.inequalities, strict=True))
    for k, cost in enumerate(program.c):
        column = [row[k] for row in (*program.E, *program.G)]
        assert dot(column, [*found.equalities, *found.inequalities]) == cost
    return dot(program.c, found.x)


def least_vertex(program: LinearProgram) -> fmpq:
    """The least value over all vertices, each found as a solution of tight rows."""
    size = len(program.c)
    values = []
    for count in range(size + 1):
        for tight in combinations(range(len(program.G)), count):
            matrix = [*program.E, *(program.G[i] for i in tight)]
            if len(independent(matrix, size)) < size:
                continue
            x = some_solution(matrix, [*program.e, *(program.g[i] for i in tight)], size)
            if x is None:
                continue
            pairs = zip(program.G, program.g, strict=True)
            if all(dot(row, x) >= v for row, v in pairs):
                values.append(dot(program.c, x))
    return min(values)


@given(programs())
def test_against_all_vertices(case: tuple[LinearProgram, list[fmpq]]) -> None:
    program, start = case
    expected = least_vertex(program)
    assert check(program, program.simplex(start)) == expected
    guess = program.guess()
    assert guess is None or check(program, guess) == expected


@given(programs(size=6))
def test_the_guess_and_the_simplex_method_agree(case: tuple[LinearProgram, list[fmpq]]) -> None:
    program, start = case
    value = check(program, program.simplex(start))
    assert check(program, program.minimum(start)) == value
    guess = program.guess()
    assert guess is None or check(program, guess) == value


def test_the_guess_is_usually_right() -> None:
    """A guess that never succeeded would go unnoticed: the simplex method answers for it."""
    generator = np.random.default_rng(7)
    size, confirmed = 8, 0
    for _ in range(20):
        G = [to_flint(row) for row in generator.integers(-5, 6, (12, size)).tolist()]
        box = [
            to_flint(row)
            for row in np.vstack([np.eye(size, dtype=int), -np.eye(size, dtype=int)]).tolist()
        ]
        program = LinearProgram(
            c=to_flint(generator.integers(-5, 6, size).tolist()),
            E=[],
            e=[],
            G=[*G, *box],
            g=[fmpq(-1)] * len(G) + [fmpq(-9)] * len(box),
        )
        confirmed += program.guess() is not None
    assert confirmed >= 18


def test_a_program_that_makes_other_rules_cycle() -> None:
    """Beale's example (1955): the largest-coefficient rule returns to its first basis."""
    half = Fraction(1, 2)
    c = [Fraction(-3, 4), Fraction(150), Fraction(-1, 50), Fraction(6)]
    above = [
        [Fraction(-1, 4), Fraction(60), Fraction(1, 25), Fraction(-9)],
        [-half, Fraction(90), Fraction(1, 50), Fraction(-3)],
        [Fraction(0), Fraction(0), Fraction(-1), Fraction(0)],
    ]
    unit = [[Fraction(i == k) for k in range(4)] for i in range(4)]
    program = LinearProgram(
        c=to_flint(c),
        E=[],
        e=[],
        G=[to_flint(row) for row in (*above, *unit)],
        g=to_flint([0, 0, -1, 0, 0, 0, 0]),
    )
    assert check(program, program.simplex([fmpq()] * 4)) == fmpq(-1, 20)


def test_solutions_of_linear_systems() -> None:
    matrix = [to_flint([1, 2, 0]), to_flint([2, 4, 0])]
    solution = some_solution(matrix, to_flint([3, 6]), 3)
    assert solution is not None
    assert from_flint(solution) == (3, 0, 0)
    assert some_solution(matrix, to_flint([3, 7]), 3) is None
    assert independent(matrix, 3) == [0]
    vector = null_vector(matrix, 3)
    assert any(vector)
    assert all(dot(row, vector) == 0 for row in matrix)


@given(st.fractions(min_value=0))
def test_square_roots_from_above(value: Fraction) -> None:
    root = sqrt_above(value)
    assert value <= root * root <= value * (1 + Fraction(1, 2**60))
    assert sqrt_above(value * value) == value


@pytest.mark.parametrize("value", [10**400 + 1, Fraction(1, 10**400 + 1)])
def test_square_roots_beyond_floats(value: Fraction | int) -> None:
    root = sqrt_above(value)
    assert value < root * root <= value * (1 + Fraction(1, 2**60))


@given(st.integers(1, 3), st.data())
def test_positive_definite(size: int, data: st.DataObject) -> None:
    """Against the definition: no vector of a fine grid has a product of 0 or less."""
    A = np.array([[data.draw(small) for _ in range(size)] for _ in range(size)])
    for shift in (-1, 0, 1):
        matrix = A @ A.T + shift * np.eye(size, dtype=int)
        answer = is_positive_definite(fmpz_mat(matrix.tolist()))
        least = np.linalg.eigvalsh(matrix)[0]
        assert math.isclose(least, 0, abs_tol=1e-9) or answer == (least > 0)
        if round(np.linalg.det(matrix)) == 0:
            assert not answer
