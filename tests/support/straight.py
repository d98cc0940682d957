"""Pairs of networks on data of every kind, for straight lines between them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from hypothesis import strategies as st
from problems import ACTIVATIONS, having

from theory.network import Network
from theory.problem import Problem
from theory.strategies import networks, problems

PIECEWISE = (
    *("squared", "huber:1/2", "absolute", "quantile:1/4", "epsilon:1/10"),
    *("hinge", "squared_hinge"),
)
LABELLED = ("hinge", "squared_hinge", "logistic")
_SMALL = st.fractions(-3, 3, max_denominator=3)


@st.composite
def lines(
    draw: st.DrawFn, losses: tuple[str, ...] = (*PIECEWISE, "logistic")
) -> tuple[Problem, Network, Network]:
    """A problem with any of the losses, activations and free parts, and two networks."""
    problem = draw(problems(n=(1, 4), d=(1, 2), activations=ACTIVATIONS))
    loss = draw(st.sampled_from(losses))
    if loss in LABELLED:
        labels = [Fraction(draw(st.sampled_from([1, -1]))) for _ in problem.y]
        problem = replace(problem, y=tuple(labels))
    problem = having(problem, loss=loss, output_bias=draw(st.booleans()), skip=draw(st.booleans()))
    if draw(st.booleans()):
        weights = [Fraction(draw(st.integers(1, 3)), 2) for _ in problem.y]
        problem = replace(problem, loss=problem.loss.weighted(weights))
    width = draw(st.integers(1, 3))
    return problem, draw(_ends(problem, width)), draw(_ends(problem, width))


@st.composite
def _ends(draw: st.DrawFn, problem: Problem, width: int) -> Network:
    network = draw(networks(problem.d, width))
    b = draw(_SMALL) if problem.output_bias else 0
    c = [draw(_SMALL) for _ in range(problem.d)] if problem.skip else None
    return Network(network.W, network.a, b, c)
