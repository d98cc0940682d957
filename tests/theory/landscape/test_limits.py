"""Losses at which training can rest: all strata by brute force, and local minima by sampling."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations_with_replacement, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import ACTIVATIONS, planted
from profiles import part
from scipy.optimize import linprog

from theory.claims.float_landscape import least_loss, pieces
from theory.claims.sign_vectors import sign_vectors
from theory.errors import BudgetError, InputError
from theory.landscape.cells import Cell, CellComplex
from theory.landscape.domain import Polyhedral
from theory.landscape.limits import limits
from theory.landscape.valleys import valleys
from theory.loading import example
from theory.problem import Problem
from theory.strategies import problems
from theory.within import Ball

few = part(4)


def test_flagship() -> None:
    found = limits(valleys(example("flagship"), 2, within=Ball("adamw", "11/5")))
    assert [(limit.loss, limit.kind) for limit in found][:5] == [
        (0, "global"),
        (Fraction(49, 650), "valley"),
        (Fraction(2, 25), "stratum"),
        (Fraction(1, 10), "valley"),
        (Fraction(9, 70), "stratum"),
    ]
    kinds = {limit.loss: limit.kind for limit in found}
    # Where runs of AdamW end that reach no valley.
    assert (kinds[Fraction(2)], kinds[Fraction(29, 2)]) == ("plateau", "plateau")


def test_one_neuron_on_a_line() -> None:
    """X = (1, -1), y = (2, 1), width 1: each side of zero, the zero network, and negative signs,
    which can only add to the loss: they rest where the neuron is dead."""
    found = limits(valleys(Problem([[1], [-1]], [2, 1]), 1))
    assert [(limit.loss, limit.kind) for limit in found] == [
        (Fraction(1, 2), "global"),
        (Fraction(2), "valley"),
        (Fraction(5, 2), "stratum"),
    ]


def test_a_dead_neuron_is_a_plateau() -> None:
    """X = (1), y = (1), width 1: with w < 0 nothing moves, at the loss of the zero network."""
    found = limits(valleys(Problem([[1]], [1]), 1))
    assert [(str(limit.loss), limit.kind) for limit in found] == [
        ("0", "global"),
        ("1/2", "plateau"),
    ]


@given(problem=problems(activations=ACTIVATIONS, n=(1, 3), d=(1, 2)), width=st.integers(1, 2))
def test_the_losses_are_those_of_all_sign_patterns(problem: Problem, width: int) -> None:
    """In a plane the faces are cones, rays and 0; each is named by the signs of x_k . u."""
    cones = sign_vectors(problem)
    parts = set(pieces(cones))
    for signs in [*cones.ray_signs.tolist(), [0] * problem.n]:
        parts |= {(1, tuple(signs)), (-1, tuple(signs))}
    loss = least_loss(problem, cones)
    values = np.unique([loss(room) for room in combinations_with_replacement(sorted(parts), width)])
    scale = 1e-8 * (float(sum(v * v for v in problem.y)) or 1.0)
    apart = values[np.append(True, np.diff(values) > scale)]
    exact = [float(limit.loss) for limit in limits(valleys(problem, width))]
    assert len(exact) == len(apart)
    np.testing.assert_allclose(exact, apart, atol=scale)


@given(
    problem=problems(activations=ACTIVATIONS, n=(1, 3), d=(1, 2)),
    rho=st.sampled_from([None, Fraction(1, 2), Fraction(2)]),
)
@few
def test_local_minima_are_those_that_samples_find(problem: Problem, rho: Fraction | None) -> None:
    """The inside of the points of least loss in a cell, as the mean of many of them."""
    tree = valleys(problem, 2, within=None if rho is None else Ball("adamw", rho))
    complex_ = tree.complex
    resting = {
        complex_.loss_of(complex_.minimum(cell).value)
        for cell in combinations_with_replacement(range(complex_.states), 2)
        if _rests(complex_, cell)
    }
    found = limits(tree)
    assert {limit.loss for limit in found if limit.kind != "stratum"} == resting


def _rests(complex_: CellComplex, cell: Cell) -> bool:
    """Whether all cells around the inside of the points of least loss in the cell are as high."""
    domain = complex_.domain
    assert isinstance(domain, Polyhedral)
    level = complex_.minimum(cell)
    places = [(j, g) for j, state in enumerate(cell) for g in domain.cone(state // 2)]
    n = complex_.problem.n

    def image(state: int, generator: int) -> list[int]:
        column = domain.column(generator)
        values = [0] * n if column < 0 else domain.positive_columns[column]
        return [(1 - 2 * (state % 2)) * v for v in values]

    columns = np.array([image(cell[j], g) for j, g in places], dtype=float).T
    y = np.array(domain.least_squares.y, dtype=float)
    fit = y - np.array(level.residual, dtype=float) / level.denominator
    caps = np.array([[float(place[0] == j) for place in places] for j in range(len(cell))])
    capped = complex_.within is not None
    choose = np.random.default_rng(0)
    total = np.zeros(len(places))
    for _ in range(12 if places else 0):
        found = linprog(
            choose.normal(size=len(places)),
            A_ub=caps if capped else None,
            b_ub=np.ones(len(cell)) if capped else None,
            A_eq=columns,
            b_eq=fit,
            bounds=(0, 1e3),  # so that there are vertices without a ball
        )
        assert found.status == 0
        total += found.x
    used = [
        {g for (j, g), value in zip(places, total, strict=True) if j == k and value > 1e-7}
        for k in range(len(cell))
    ]
    around = [
        [
            s
            for s in range(complex_.states)
            if own <= set(domain.cone(s // 2)) and (not own or s % 2 == state % 2)
        ]
        for state, own in zip(cell, used, strict=True)
    ]
    cells = (tuple(sorted(states)) for states in product(*around))
    return all(complex_.minimum(each).value == level.value for each in cells)


def test_what_cannot_be_listed_is_refused() -> None:
    with pytest.raises(InputError, match="within: in the muon ball rho = 3 minima are known as"):
        limits(valleys(example("flagship"), 1, within=Ball("muon", 3)))
    with pytest.raises(InputError, match="tree: has not all valleys"):
        limits(valleys(example("flagship"), 2, min_depth=1))
    with pytest.raises(BudgetError, match=r"strata \(\d+ of a neuron\).*max_cells"):
        limits(valleys(planted(6, 3, 2, 1)[0], 2), max_cells=1000)
