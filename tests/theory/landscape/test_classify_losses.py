"""Classes of networks for every loss, with weights, output biases and linear parts."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest

from theory.certificates import certify
from theory.certificates.checker import check
from theory.errors import InputError
from theory.landscape.around import states_around
from theory.landscape.cell_program import CellProgram
from theory.landscape.cells import CellComplex
from theory.landscape.classify import Classifier, classify
from theory.losses import Custom
from theory.network import Network
from theory.problem import Problem
from theory.within import Ball, Penalty, Within

EXACT = ("squared", "absolute", "quantile:1/4", "epsilon:1/10", "huber:1/2")
OF_LABELS = ("hinge", "squared_hinge", "logistic")
TWO: dict[str, Any] = {"X": [[1], [-1]], "y": [1, 1]}
LINE: dict[str, Any] = {
    "X": [[x, 1] for x in range(-3, 3)],
    "weights": [1, 2, 1, 3, 1, 1],
    "output_bias": True,
}


def line(loss: str, **options: object) -> Problem:
    y = [1, -1, 1, 1, -1, 1] if loss in OF_LABELS else [2, 2, -4, 0, 4, 3]
    return Problem(**{**LINE, "y": y, "loss": loss, **options})


def start(problem: Problem, width: int, seed: int, size: float = 1.0) -> Network:
    rng = np.random.default_rng(seed)
    W, a = size * rng.standard_normal((problem.d, width)), size * rng.standard_normal(width)
    b = float(rng.standard_normal()) if problem.output_bias else 0.0
    c = rng.standard_normal(problem.d).tolist() if problem.skip else None
    return Network.from_floats(W, a, b, c)


@pytest.mark.parametrize(
    "within", [None, *(Ball(v, 2) for v in ("adamw", "muon", "colnorm"))], ids=str
)
@pytest.mark.parametrize("loss", [*EXACT, *OF_LABELS])
def test_minima_of_cells_are_those_of_the_landscape(loss: str, within: Ball | None) -> None:
    """Inequalities with segments against columns with costs, exact where both are."""
    for problem in (line(loss), line(loss, skip=True, weights=None)):
        complex_ = CellComplex.of(problem, 2, within=within)
        program = CellProgram(problem, within)
        for seed in range(3):
            network = start(problem, 2, seed, 0.3)
            cell = [own[0] for own in states_around(program.data, network, 1000)]
            found = program.minimum(cell)
            known = complex_.minimum(complex_.canonical(complex_.cell_of(network)))
            value, lower = complex_.loss_of(known.value), complex_.loss_of(known.lower)
            assert found.lower <= value
            assert found.upper >= lower
            assert found.upper - found.lower <= 1e-6 * problem.zero
            if loss != "logistic" and (within is None or within.optimizer == "adamw"):
                assert found.exact
                assert found.upper == value


@pytest.mark.parametrize(
    ("loss", "least"),
    [
        *(("squared", "1/2"), ("huber:1/2", "3/8"), ("absolute", "1"), ("quantile:1/4", "1/4")),
        *(("epsilon:1/10", "9/10"), ("hinge", "1"), ("squared_hinge", "1")),
    ],
)
def test_one_neuron_sees_one_of_two_points(loss: str, least: str) -> None:
    """f = (w, 0): the loss of the other point is left; b = 1 fits both, in any cell."""
    problem = Problem(**TWO, loss=loss)
    found = classify(problem, Network([[1]], [1]))
    assert (found.verdict, found.slack, found.loss) == ("global minimum", 0, Fraction(least))
    assert check(certify(found), problem).kind == "stationary"
    away = classify(problem, Network([[3]], [1]))
    assert away.cell_minimum == (Fraction(least), Fraction(least))
    assert away.loss - away.distance == Fraction(least)
    with_bias = replace(problem, output_bias=True)
    assert classify(with_bias, Network([[3]], [1], b=5)).cell_minimum == (0, 0)


def test_the_logistic_loss_in_a_ball_has_the_least_value_at_its_wall() -> None:
    """log(1 + 1/e) + log 2, where f = (u, 0), u <= 1."""
    problem, ball = Problem(**TWO, loss="logistic"), Ball("adamw", 1)
    found = classify(problem, Network([[1]], [1]), ball)
    lower, upper = found.cell_minimum
    value = math.log1p(math.exp(-1)) + math.log(2)
    assert lower <= upper <= lower + Fraction(1, 10**9)
    assert float(lower) == pytest.approx(value, abs=1e-9)
    assert found.verdict == "global minimum"
    assert check(certify(found), problem).kind == "stationary"


@pytest.mark.parametrize("loss", ["absolute", "quantile:1/4", "squared", "hinge"])
def test_alone_the_output_bias_is_a_mean_or_median(loss: str) -> None:
    """A dead neuron, and all b that can be best: those of the targets, or the mean."""
    y = [1, -1, 1, 1, -1] if loss == "hinge" else [0, 1, 5, 7, 30]
    problem = Problem([[x] for x in range(1, 6)], y, loss=loss, output_bias=True)
    network = Network([[-1]], [1])
    found = classify(problem, network)
    best = min(
        replace(network, b=b).loss(problem) for b in {*problem.y, sum(problem.y, Fraction()) / 5}
    )
    assert found.cell_minimum == (best, best)
    assert found.loss == network.loss(problem)


@pytest.mark.parametrize("loss", ["absolute", "huber:1/2", "hinge", "squared_hinge"])
@pytest.mark.parametrize("within", [None, Ball("adamw", 1)], ids=str)
def test_the_way_down_ends_at_what_no_step_lowers(loss: str, within: Ball | None) -> None:
    """Exactly, with a certificate; random steps around the end, b among them, stay above."""
    problem = line(loss)
    rng = np.random.default_rng(1)
    classifier = Classifier(problem, 2, within)
    for seed in range(3):
        found = classifier.polished(classifier.of(start(problem, 2, seed, 0.3)))
        assert found.slack == 0
        assert abs(found.gap) < 1e-6
        if found.dual is not None:
            assert check(certify(found), problem).kind == "stationary"
        W, a = (np.array(v, dtype=float) for v in (found.network.W, found.network.a))
        for _ in range(50):
            near = Network.from_floats(
                W + 1e-3 * rng.standard_normal(W.shape),
                a + 1e-3 * rng.standard_normal(2),
                float(found.network.b) + 1e-3 * float(rng.standard_normal()),
            )
            if within is None or within.gauge.holds(near, within.rho):
                assert near.loss(problem) >= found.loss


def test_where_one_dual_vector_is_not_enough_each_cell_has_its_own() -> None:
    """The hinge loss at a zero neuron: in each of twelve cells no point is below 6, though a
    neuron that was in all of them at once would reach 4. No certificate is written of that."""
    problem = line("hinge")
    classifier = Classifier(problem, 2)
    found = classifier.polished(classifier.of(start(problem, 2, 1, 0.3)))
    assert (found.loss, found.slack, found.dual) == (6, 0, None)
    states = states_around(classifier.program.data, found.network, 1000)
    cells = list(product(*states))
    assert len(cells) == 12
    assert {classifier.program.minimum(cell).lower for cell in cells} == {6}
    assert classifier.program.together(states).bound == 4
    with pytest.raises(InputError, match="nothing to prove"):
        certify(found)


@pytest.mark.parametrize("within", [Ball("muon", 1), Ball("colnorm", 1), Penalty("1/10")], ids=str)
@pytest.mark.parametrize("loss", ["absolute", "squared_hinge", "logistic"])
def test_where_minima_are_intervals_the_slack_is_small_and_accepted(
    loss: str, within: Within
) -> None:
    problem = line(loss)
    classifier = Classifier(problem, 2, within)
    found = classifier.polished(classifier.of(start(problem, 2, 0, 0.3)))
    assert found.slack is not None
    assert found.slack <= problem.zero / 10**6
    assert check(certify(found), problem).kind == "stationary"


@pytest.mark.parametrize("within", [None, Ball("adamw", 1), Ball("muon", 1)], ids=str)
@pytest.mark.parametrize("loss", [*EXACT, *OF_LABELS])
def test_weights_are_rows_that_are_repeated(loss: str, within: Ball | None) -> None:
    """The verdict, the loss, and what is proved, up to what intervals leave open."""
    heavy = line(loss, weights=[1, 2, 1, 3, 1, 1])
    times = [1, 2, 1, 3, 1, 1]
    rows = [k for k, count in enumerate(times) for _ in range(count)]
    repeated = Problem(
        [heavy.X[k] for k in rows], [heavy.y[k] for k in rows], loss=loss, output_bias=True
    )
    network = start(heavy, 1, 0, 0.3)
    one, other = (classify(problem, network, within) for problem in (heavy, repeated))
    assert one.verdict == other.verdict
    assert one.loss == pytest.approx(other.loss, abs=1e-12)
    assert one.gap == pytest.approx(other.gap, rel=1e-6)
    for mine, its in zip(one.cell_minimum, other.cell_minimum, strict=True):
        assert float(mine) == pytest.approx(float(its), abs=1e-6)
    if loss != "logistic" and (within is None or within.optimizer == "adamw"):
        assert one.cell_minimum == other.cell_minimum


@pytest.mark.parametrize(
    ("within", "least"), [(None, 2**0.5), (Ball("adamw", 4), 6.0)], ids=["anywhere", "adamw"]
)
def test_at_a_kink_of_the_loss_the_gap_is_the_least_of_subgradients(
    within: Ball | None, least: float
) -> None:
    """f = (1, 2), y = (1, 0): e = (e1, 1), so W and a have the gradient e1 + 2, at least 1. In the
    ball of radius 2 for each layer 1 + 1 + 2 + 2."""
    problem = Problem([[1], [2]], [1, 0], loss="absolute")
    assert classify(problem, Network([[1]], [1]), within).gap == pytest.approx(least, rel=1e-6)


@pytest.mark.parametrize(("within", "least"), [(None, 2.0), (Ball("adamw", 1), 2.0)], ids=str)
def test_output_biases_count_in_the_gap(within: Ball | None, least: float) -> None:
    """Without neurons only b has a gradient, sum of f - y = -2; in the ball of radius 1 it can move
    by |x| = 1."""
    problem = Problem([[1], [-1]], [1, 1], output_bias=True)
    found = classify(problem, Network([[0]], [0]), within)
    assert found.gap == pytest.approx(least, rel=1e-6)


@pytest.mark.parametrize("loss", [*EXACT, *OF_LABELS])
@pytest.mark.parametrize(
    "X",
    [[[0, 0], [1, 2]], [[1, 2], [1, 2], [-2, -4]], [[3]], [[1], [0], [-1], [1]]],
    ids=["zero row", "parallel rows", "n = d = 1", "labels apart"],
)
def test_degenerate_data(loss: str, X: list[list[int]]) -> None:
    """Whatever is said is proved, or shown by a lower network."""
    y = [1, -1, 1, -1] if loss in OF_LABELS else [0, 2, -1, 1]
    problem = Problem(X, y[: len(X)], loss=loss, output_bias=True)
    for seed in range(3):
        found = classify(problem, start(problem, 2, seed))
        if found.dual is not None:
            assert check(certify(found), problem).kind == "stationary"
        elif found.stationary is None:
            assert found.lower is not None
            assert found.lower.loss(problem) < found.loss


@pytest.mark.parametrize("loss", ["absolute", "huber:1/2", "hinge"])
def test_invariances(loss: str) -> None:
    """Neurons and data in another order, neurons rescaled: the same numbers."""
    problem = line(loss)
    network = start(problem, 2, 4)
    found = classify(problem, network)
    doubled = replace(
        network,
        W=tuple((2 * row[0], row[1]) for row in network.W),
        a=(network.a[0] / 2, network.a[1]),
    )
    order = [2, 0, 5, 3, 1, 4]
    shuffled = Problem(
        [problem.X[k] for k in order],
        [problem.y[k] for k in order],
        loss=loss,
        weights=[LINE["weights"][k] for k in order],
        output_bias=True,
    )
    for data, other in (
        (problem, network.permuted([1, 0])),
        (problem, doubled),
        (shuffled, network),
    ):
        again = classify(data, other)
        assert (again.verdict, again.cell_minimum, again.distance) == (
            found.verdict,
            found.cell_minimum,
            found.distance,
        )


def test_scaled_targets_scale_the_loss() -> None:
    """Absolute losses by t, Huber's with its threshold by t^2."""
    network = Network([[1, -1], [0, 1]], [1, 1], b=1)
    for loss, scaled, power in (("absolute", "absolute", 1), ("huber:1/2", "huber:7/2", 2)):
        problem = line(loss)
        other = line(scaled, y=[7 * v for v in problem.y])
        longer = replace(network, a=(Fraction(7), Fraction(7)), b=Fraction(7))
        one, seven = classify(problem, network), classify(other, longer)
        assert one.verdict == seven.verdict
        assert [7**power * v for v in one.cell_minimum] == list(seven.cell_minimum)


def test_a_loss_of_ones_own_is_refused() -> None:
    problem = replace(Problem(**TWO), loss=Custom(lambda fit, y: (fit - y) @ (fit - y)))
    with pytest.raises(InputError, match="loss: points are classified for losses with proofs"):
        classify(problem, Network([[1]], [1]))
