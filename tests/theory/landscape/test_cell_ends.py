"""Names of ends where there is no merge tree: against one, and networks put where one is due."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import numpy as np
import pytest

from theory.errors import BudgetError, InputError, SolverFailure
from theory.landscape.cell_ends import CellEnds
from theory.landscape.cell_program import CellProgram
from theory.landscape.cells import require_cells
from theory.landscape.classify import Classified, Classifier
from theory.landscape.ends import End, Ends, summary
from theory.landscape.valleys import valleys
from theory.loading import example
from theory.network import Network
from theory.problem import Problem
from theory.within import Ball

FLAGSHIP = example("flagship")
STEP = 1e-6


@cache
def wide(optimizer: str) -> Classifier:
    """n = 12, d = 3, width 4: 10^8 cells and more, and targets that no network there fits."""
    rng = np.random.default_rng(5)
    X = rng.integers(-9, 10, (12, 3)).tolist()
    y = rng.integers(-9, 10, 12).tolist()
    return Classifier(Problem(X, y), 4, Ball(optimizer, 1))


@cache
def minima(optimizer: str) -> list[Classified]:
    """Local minima by proof, on the way down from random networks."""
    classifier = wide(optimizer)
    found = []
    for seed in range(2):
        rng = np.random.default_rng(seed)
        start = Network.from_floats(rng.normal(size=(3, 4)) / 9, rng.normal(size=4) / 9)
        found.append(classifier.polished(classifier.of(start)))
    return found


def floats(network: Network) -> tuple[np.ndarray, np.ndarray]:
    W, a = network.W, network.a
    return np.array(W, dtype=float)[None], np.array(a, dtype=float)[None]


def named(classifier: Classifier, W: np.ndarray, a: np.ndarray, step: float = STEP) -> End:
    (end,) = CellEnds(classifier, step=step).of(W, a)
    return end


@pytest.mark.parametrize("optimizer", ["adamw", "ngd"])
def test_minima_that_were_planted_have_their_name(optimizer: str) -> None:
    """Moved by a little, with layers rescaled, in another order, a little outside the ball."""
    naming = CellEnds(wide(optimizer), step=STEP)
    for planted in minima(optimizer):
        assert planted.slack is not None
        W, a = floats(planted.network)
        order = [2, 0, 3, 1]
        runs = [
            (W * (1 + 1e-9), a),
            (3 * W, a / 3),
            (W[:, :, order], a[:, order]),
            (W + 1e-9 * np.random.default_rng(0).normal(size=W.shape), a),
        ]
        kind = "plateau" if planted.verdict == "plateau" else "minimum"
        for moved in runs:
            (end,) = naming.of(*moved)
            assert (end.kind, end.valley) == (kind, None)
            assert isinstance(end.loss, Fraction)
            assert end.loss == pytest.approx(float(planted.loss), rel=1e-6)
            assert abs(end.above) <= 1e-6 * float(planted.loss)


def test_the_landscape_is_large_and_minima_are_several() -> None:
    classifier = wide("adamw")
    with pytest.raises(BudgetError, match="the limit is 100,000,000"):
        require_cells(classifier.problem, 4, labelled=False, max_cells=10**8)
    assert len({found.loss for found in minima("adamw")}) > 1


def test_what_is_not_at_rest_is_moving_by_so_much() -> None:
    classifier = wide("adamw")
    rng = np.random.default_rng(1)
    W, a = rng.normal(size=(1, 3, 4)) / 9, rng.normal(size=(1, 4)) / 9
    end = named(classifier, W, a)
    assert (end.kind, end.loss) == ("moving", None)
    found = classifier.of(Network.from_floats(W[0], a[0]))
    assert end.above == pytest.approx(float(found.loss - found.cell_minimum[1]), rel=1e-6)


def test_exact_fits_are_global_and_what_overflows_diverged() -> None:
    teacher = Network([[1, 0, 1], [1, 2, -1], [0, 1, 1]], [1, -1, 2])
    X = np.random.default_rng(2).integers(-5, 6, (25, 3)).tolist()
    data = Problem(X, teacher.fit(Problem(X, [0] * 25)))
    naming = CellEnds(Classifier(data, 3, Ball("muon", 100)), step=STEP)
    W, a = floats(teacher)
    nan = np.full_like(W, np.nan)
    ends = naming.of(np.concatenate([W, nan]), np.concatenate([a, a]))
    assert [(end.kind, end.loss) for end in ends] == [("global", 0), ("diverged", None)]
    assert summary(ends)["global"] == {None: 1}


def test_a_dead_neuron_makes_a_plateau() -> None:
    """Rows of a half plane only: one neuron at its least, one that does nothing but could help."""
    data = Problem([[2, -1], [1, 3]], [-1, 1])
    least = valleys(data, 1, within=Ball("adamw", 4)).valleys[0].representative
    W = np.array([[[float(least.W[0][0]), -0.1], [float(least.W[1][0]), -0.1]]])
    a = np.array([[float(least.a[0]), 0.1]])
    end = named(Classifier(data, 2, Ball("adamw", 4), max_cells=16), W, a)
    assert end.kind == "plateau"
    assert float(end.loss or 0) == pytest.approx(float(least.loss(data)))


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_names_are_those_of_the_merge_tree(optimizer: str) -> None:
    """The least point of every cell of the flagship, and which of them are minima."""
    ball = Ball(optimizer, 2)
    tree = valleys(FLAGSHIP, 2, within=ball)
    by_tree = Ends(tree, step=STEP)
    # Without the tree that it would find by itself.
    classifier = Classifier(FLAGSHIP, 2, ball, max_cells=16, bound=tree.minimum)
    assert classifier.tree is None
    naming = CellEnds(classifier, step=STEP)
    names = {"global": "global", "valley": "minimum"}
    seen = set()
    for valley in tree.valleys:
        W, a = floats(valley.representative)
        (expected,), (end,) = by_tree.of(W, a), naming.of(W, a)
        assert end.kind == names[expected.kind]
        assert float(end.loss or 0) == pytest.approx(float(expected.loss or 0), abs=1e-6)
        seen.add(end.kind)
    assert seen == {"global", "minimum"} or len(tree.valleys) == 1


def test_runs_of_one_cell_share_its_program(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = minima("adamw")[0]
    W, a = floats(planted.network)
    naming = CellEnds(wide("adamw"), step=STEP)
    naming.of(W, a)
    monkeypatch.setattr(CellProgram, "estimate", None)
    monkeypatch.setattr(CellProgram, "minimum", None)
    (end,) = naming.of(W[:, :, ::-1] * 2, a[:, ::-1] / 2)
    assert end.kind in ("minimum", "plateau")


def test_where_no_solver_ends_it_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(program: CellProgram, cell: object) -> float:
        raise SolverFailure(["no solution"])

    planted = minima("adamw")[0]
    naming = CellEnds(wide("adamw"), step=STEP)
    monkeypatch.setattr(CellProgram, "estimate", fails)
    monkeypatch.setattr(CellProgram, "minimum", fails)
    (end,) = naming.of(*floats(planted.network))
    assert (end.kind, end.loss) == ("undecided", None)
    assert summary([end])["undecided"] == 1


def test_a_classifier_without_a_ball_is_refused() -> None:
    with pytest.raises(InputError, match="classifier: has no ball"):
        CellEnds(Classifier(FLAGSHIP, 2), step=STEP)
