"""Which component a network is in, by theorem: levels beside those of components and paths."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.errors import InputError, Interrupted
from theory.landscape import analyse, barrier_between
from theory.landscape.analysis import components_of, reached
from theory.landscape.cells import CellComplex
from theory.landscape.membership import EXCESSES, Member, Membership
from theory.loading import example
from theory.network import Network
from theory.problem import Problem
from theory.within import Ball

HUNDREDTH = Fraction(1, 100)


@pytest.fixture(scope="module")
def flagship() -> Membership:
    return Membership(example("flagship"), 2, within=Ball("adamw", "11/5"))


def matched(membership: Membership, excess: Fraction, level: Fraction) -> bool:
    """Whether the components of a level in the larger ball hold one of the smaller each."""
    ball = membership.within
    larger = Ball(ball.geometry, ball.rho * (1 + excess))
    analysis = membership.analysis
    cells = CellComplex.of(membership.problem, analysis.width, within=larger)
    found = components_of(cells, reached(cells, level))
    homes = {cell: each.id for each in found for cell in each.cells}
    held = [homes[each.cells[0]] for each in analysis.components]
    return sorted(held) == list(range(len(found)))


def test_the_flagship_ends_where_a_valley_is_born(flagship: Membership) -> None:
    near = flagship.around(HUNDREDTH)
    assert near is not None
    assert near.below == near.event == Fraction(444889, 6500000)
    assert near.below in {valley.birth for valley in near.tree.valleys}
    assert matched(flagship, HUNDREDTH, near.below - Fraction(1, 10**9))
    assert not matched(flagship, HUNDREDTH, near.below)


def test_the_largest_excess_is_that_of_the_next_radius(flagship: Membership) -> None:
    """The other exact fits are reached from rho = 12/5 on."""
    low, high = flagship.largest_excess()
    assert high is not None
    assert low < Fraction(1, 11) <= high < low + Fraction(1, 10**4)
    assert flagship.around(low) is not None
    assert flagship.around(high) is None


def test_in_a_ball_of_intervals_the_level_is_proved() -> None:
    membership = Membership(example("flagship"), 2, within=Ball("muon", 4))
    near = membership.around(HUNDREDTH)
    assert near is not None
    assert near.below is not None
    assert near.event is not None
    assert 0 < near.event - near.below < Fraction(1, 1000)
    assert matched(membership, HUNDREDTH, near.below)
    assert not matched(membership, HUNDREDTH, near.event + Fraction(1, 10**6))


def test_components_cease_where_they_join() -> None:
    """One neuron fits one of two opposite points, and passes zero on its way to the other."""
    problem = Problem([[1], [-1]], [1, 1])
    membership = Membership(problem, 1, within=Ball("adamw", 2))
    assert len(membership.analysis.components) == 2
    near = membership.around(HUNDREDTH)
    assert near is not None
    assert near.below == problem.squared_length / 2 == 1
    assert near.component(Network([[Fraction(1, 10)]], [1])) is not None
    assert near.component(Network([[0]], [1])) is None
    assert membership.largest_excess() == (64, None)


def test_one_valley_takes_all_losses() -> None:
    near = Membership(Problem([[1], [2]], [1, 2]), 1, within=Ball("adamw", 2)).around(HUNDREDTH)
    assert near is not None
    assert near.below is near.event is None
    assert near.component(Network([[0]], [0])) == 0


def test_a_member_is_joined_to_its_component_alone() -> None:
    """By paths of the larger ball that stay below the level; a network that is none may be
    anywhere."""
    membership = Membership(example("flagship"), 2, within=Ball("adamw", 3))
    near = membership.around(EXCESSES[0])
    assert near is not None
    assert near.below is not None
    ball = Ball("adamw", 3 * (1 + EXCESSES[0]))
    bottoms = [part_.representative for part_ in membership.analysis.components]
    outcomes: set[int | None] = set()

    @given(
        st.sampled_from(bottoms),
        st.lists(st.fractions(Fraction(4, 5), 1, max_denominator=40), min_size=2, max_size=2),
    )
    def joined_to_one(bottom: Network, factors: list[Fraction]) -> None:
        neurons = bottom.convex_coordinates()
        network = Network.from_convex(
            [(s, [f * v for v in u]) for f, (s, u) in zip(factors, neurons, strict=True)]
        )
        member = membership.member(network)
        outcomes.add(None if member is None else member.component)
        assert (member is None) is (network.loss(membership.problem) >= near.below)
        if member is not None:
            assert (member.loss, member.excess) == (network.loss(membership.problem), 0)
            for k, other in enumerate(bottoms):
                path = barrier_between(membership.problem, network, other, within=ball)
                assert (path.value < near.below) is (k == member.component)

    joined_to_one()
    assert outcomes == {0, 1, None}


def test_the_excess_is_what_the_network_needs() -> None:
    """The exact fits that need 2, of a ball that is a little smaller."""
    (fit, _), two = analyse(example("flagship"), 2).components, Fraction(2)
    membership = Membership(
        example("flagship"), 2, within=Ball("adamw", two / (1 + Fraction(1, 200)))
    )
    found = membership.member(fit.representative)
    assert found == Member(Fraction(), Fraction(1, 200), 0)
    assert membership.without_ball == ((0,),)


def test_an_interrupt_leaves() -> None:
    def stop(stage: str, count: int) -> None:
        if stage.startswith("looking for the"):
            raise Interrupted

    with pytest.raises(Interrupted, match="^interrupted$"):
        Membership(example("separation-01"), 2, within=Ball("adamw", 10), progress=stop)


def test_networks_outside_the_larger_ball_are_refused(flagship: Membership) -> None:
    near = flagship.around(HUNDREDTH)
    assert near is not None
    assert near.component(Network([[9, 0], [0, 0]], [9, 0])) is None  # its loss says enough
    other = analyse(example("flagship"), 2).components[1].representative
    with pytest.raises(InputError, match="W: is not provably in the ball"):
        near.component(other)
