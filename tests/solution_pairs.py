"""Pairs of networks in one optimizer's solution set, for the tests of paths."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from flint import fmpq
from hypothesis import assume
from hypothesis import strategies as st
from problems import problems

from theory.arrangement import arrangement
from theory.connectivity import SolutionSet, connected_from, largest_mass
from theory.connectivity.exchange import Exchange
from theory.connectivity.solutions import Neuron
from theory.errors import BudgetError
from theory.exact import from_flint, some_solution, sqrt_above, to_flint
from theory.gauges import gauge_of
from theory.geometry import geometry
from theory.landscape.domain import EntrywiseBall
from theory.network import Network

SIGNS = st.sampled_from([-1, 1])


@st.composite
def networks(draw: st.DrawFn, d: int, width: int) -> Network:
    """Small rational weights, zeros among them."""
    numbers = st.fractions(-3, 3, max_denominator=3)
    W = [[draw(numbers) for _ in range(width)] for _ in range(d)]
    if draw(st.booleans()):
        a = [draw(st.integers(-2, 2)) for _ in range(width)]
    else:  # balanced, so that the whole of a ball is used
        a = [draw(SIGNS) * max(abs(row[j]) for row in W) for j in range(width)]
    return Network(W=W, a=a)


@st.composite
def sublevel_pairs(
    draw: st.DrawFn, optimizer: str, max_width: int | None = None
) -> tuple[SolutionSet, Network, Network]:
    """Any two networks, in the smallest ball and at the lowest level that hold both.

    Their width is the theorem's bound, or up to two more; or at most `max_width`.
    """
    problem = draw(problems(max_n=4, max_d=2))
    if max_width is None:
        name = "ngd" if optimizer == "sgd" else optimizer
        width = connected_from(problem, name, Fraction(1)) + draw(st.integers(0, 2))
    else:
        width = draw(st.integers(1, max_width))
    pair = [draw(networks(problem.d, width)) for _ in range(2)]
    if optimizer == "sgd":
        solutions = SolutionSet(problem, optimizer, Fraction(), beta=Fraction(1, 2))
    else:
        gauge = gauge_of(geometry(optimizer).ball)
        rho = max(
            sqrt_above(gauge.hidden_squared(net.neurons()) * gauge.output_squared(net.a))
            for net in pair
        )
        solutions = SolutionSet(problem, optimizer, Fraction(), rho=rho or Fraction(1))
    heights = [solutions.objective(solutions.coordinates(net)) for net in pair]
    return solutions.at_level(max(heights)), *pair


@st.composite
def entrywise_pairs(draw: st.DrawFn) -> tuple[SolutionSet, Network, Network]:
    """Two networks of least loss in an entrywise ball, of a width from ceil(S) + n on."""
    problem = draw(problems(max_n=3, max_d=2))
    rho = draw(st.fractions(Fraction(1, 3), 2, max_denominator=3))
    try:
        mass = largest_mass(problem, rho, max_bases=5_000)
    except BudgetError:
        assume(False)
    width = ceil(mass) + problem.n + draw(st.integers(0, 1))
    assume(width <= 25)
    ball = EntrywiseBall(problem, arrangement(problem.X), rho)
    solutions = SolutionSet(problem, "adamw", Fraction(), rho=rho)
    corners = [
        Neuron(sign, Fraction(1), tuple(ball.vector(k)))
        for k in range(len(ball._points))
        for sign in (1, -1)
        if ball.column(k) >= 0
    ]
    assume(corners)
    pair = [draw(_at_corners(solutions, corners, width)) for _ in range(2)]
    losses = {net.loss(problem) for net in pair}
    assert len(losses) == 1
    return solutions.at_level(losses.pop()), *pair


@st.composite
def _at_corners(
    draw: st.DrawFn, solutions: SolutionSet, corners: list[Neuron], width: int
) -> Network:
    """A network of least loss: a basic solution over corners of the ball, split and shuffled."""
    columns = [solutions.image(corner) for corner in corners]
    exchange = Exchange(
        columns,
        [fmpq(draw(st.integers(1, 9))) for _ in corners],
        [None] * len(corners),
    )
    # Both signs of every column are there, so that some combination fits as well as any.
    start = []
    for v in _nearest(columns[::2], to_flint(solutions.problem.y)):
        start += [max(v, fmpq()), max(-v, fmpq())]
    masses = from_flint(exchange.vertex(start))
    neurons: list[tuple[int, tuple[Fraction, ...]]] = []
    for corner, mass in zip(corners, masses, strict=True):
        for k in range(ceil(mass)):
            part = min(Fraction(1), mass - k)
            neurons.append((corner.sign, tuple(part * v for v in corner.u)))
    assert len(neurons) <= width
    while len(neurons) < width:
        if neurons and draw(st.booleans()):
            sign, u = neurons.pop(draw(st.integers(0, len(neurons) - 1)))
            part = draw(st.fractions(0, 1, max_denominator=3))
            neurons += [(sign, tuple(p * v for v in u)) for p in (part, 1 - part)]
        else:
            neurons.append((1, (Fraction(),) * solutions.problem.d))
    order = draw(st.permutations(range(width)))
    return Network.from_convex([neurons[j] for j in order])


def _nearest(columns: list[list[fmpq]], y: list[fmpq]) -> list[fmpq]:
    """Coefficients of the projection of y on the columns."""

    def dot(v: list[fmpq], w: list[fmpq]) -> fmpq:
        return sum((p * q for p, q in zip(v, w, strict=True)), fmpq())

    gram = [[dot(v, w) for w in columns] for v in columns]
    solution = some_solution(gram, [dot(v, y) for v in columns], len(columns))
    assert solution is not None
    return solution
