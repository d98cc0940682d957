"""Ways down to the bottoms of valleys: they never rise, share cells, and serve every cell."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import part

from theory.exact import squared
from theory.landscape.descents import Columns, descends, descents
from theory.landscape.domain import Polyhedral
from theory.landscape.valleys import Valleys, valleys
from theory.loading import example
from theory.problem import Problem
from theory.states import cone_of, sign_of
from theory.strategies import problems
from theory.within import Ball


def loss(domain: Polyhedral, neurons: Columns) -> Fraction:
    """Of the columns, in the units of the integer problem."""
    rest: Sequence[Fraction] = [Fraction(v) for v in domain.least_squares.y]
    for column, coefficient in (each for neuron in neurons for each in neuron):
        own = sign_of(column) * coefficient
        entries = domain.positive_columns[cone_of(column)]
        rest = [r - own * v for r, v in zip(rest, entries, strict=True)]
    return squared(rest) / 2


@given(problem=problems(n=(1, 4), d=(1, 3)), rho=st.sampled_from([None, Fraction(1), Fraction(3)]))
@part(2)
def test_ways_end_at_bottoms_and_never_rise(problem: Problem, rho: Fraction | None) -> None:
    tree = valleys(problem, 2, within=None if rho is None else Ball("adamw", rho))
    domain = tree.complex.domain
    assert isinstance(domain, Polyhedral)
    found = descents(tree)
    losses = [tree.complex.scaled_level(valley.birth) for valley in tree.valleys]
    for number, each in enumerate(found, len(losses)):
        assert 0 <= each.next < number
        losses.append(loss(domain, each.neurons))
        assert losses[each.next] <= losses[-1]
        for neuron in each.neurons:
            assert len({sign_of(column) for column, _ in neuron}) == 1
            assert rho is None or sum(coefficient for _, coefficient in neuron) <= 1
    # Each cell has its least loss among those of the points.
    for state in range(tree.complex.states):
        for other in range(state, tree.complex.states):
            assert tree.complex.minimum((state, other)).value in losses


@pytest.mark.parametrize(
    ("tree", "can"),
    [
        (valleys(example("flagship"), 2), True),
        (valleys(example("flagship"), 2, labelled=True), False),
        (valleys(example("flagship"), 1, min_depth="1/10"), False),
        (valleys(example("flagship"), 1, within=Ball("ngd", 2)), False),
    ],
    ids=["whole", "labelled", "shallow ones left out", "intervals"],
)
def test_of_which_trees(tree: Valleys, can: bool) -> None:
    assert descends(tree) is can
