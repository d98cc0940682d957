"""Every run has a name: the flagship's runs, runs on kinks, and networks put where one is due."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest
from jaxtyping import Float

from numerics.training.loop import TrainingResult, train
from theory.errors import InputError
from theory.landscape.ends import End, Ends, proved, summary
from theory.landscape.valleys import Valleys, valleys
from theory.loading import example
from theory.network import Network
from theory.problem import Problem
from theory.within import Ball

STEPS = 10_000


@cache
def flagship() -> Valleys:
    return valleys(example("flagship"), 2, within=Ball("adamw", "11/5"))


@cache
def trained(name: str, optimizer: str) -> tuple[TrainingResult, list[End]]:
    """64 runs at rho = 3, and their ends."""
    problem = example(name)
    result = train(problem, 2, Ball(optimizer, 3), seeds=64, steps=STEPS)
    tree = valleys(problem, 2, within=Ball(optimizer, 3))
    return result, Ends(tree, step=result.config.schedule(STEPS)).of(result.W, result.a)


def named(W: list[list[float]], a: list[float], step: float = 1e-4) -> End:
    """The end of one network on the flagship."""
    (end,) = Ends(flagship(), step=step).of(np.array([W]), np.array([a]))
    return end


def test_all_runs_of_the_flagship_have_names() -> None:
    result = train(example("flagship"), 2, Ball("adamw", "11/5"), seeds=200, steps=STEPS)
    ends = Ends(flagship(), step=result.config.schedule(STEPS)).of(result.W, result.a)
    found = summary(ends)
    assert (found["moving"], found["diverged"], found["kinks"]) == (0, 0, 0)
    assert set(found["global"]) == {0}
    assert set(found["valleys"]) == {1, 2}
    assert set(found["plateaus"]) == {2, Fraction(29, 2)}
    for end, loss in zip(ends, result.loss.tolist(), strict=True):
        assert end.loss is not None
        assert float(end.loss) == pytest.approx(loss, abs=1e-2)


@pytest.mark.parametrize("optimizer", ["adamw", "ngd"])
def test_runs_that_chatter_rest_where_the_equations_say(optimizer: str) -> None:
    result, ends = trained("separation-08", optimizer)
    at_kinks = [(run, end) for run, end in enumerate(ends) if end.kind == "kink"]
    assert len(at_kinks) > 20
    assert not [end for end in ends if end.kind == "moving"]
    for run, end in at_kinks:
        assert end.kink is not None
        assert end.kink.residual < 1e-2
        assert end.loss == pytest.approx(result.loss[run], abs=0.02)
        assert end.above > 0.02  # of the least loss of the run's own cell


@pytest.mark.parametrize(
    ("options", "optimizer"),
    [
        ({"weights": [1, 2, 1, 3]}, "adamw"),
        ({"loss": "huber:3"}, "lion"),
        ({"output_bias": True}, "adamw"),
        ({"loss": "absolute"}, "ngd"),
    ],
)
def test_runs_of_other_losses_rest_where_the_equations_say(
    options: dict[str, Any], optimizer: str
) -> None:
    """Of the absolute loss some, where they are not at its own kinks, and the others nowhere."""
    plain = example("separation-08")
    problem, ball = Problem(plain.X, plain.y, **options), Ball(optimizer, 3)
    result = train(problem, 2, ball, seeds=16, steps=STEPS)
    tree = valleys(problem, 2, within=ball)
    ends = Ends(tree, step=result.config.schedule(STEPS)).of(result.W, result.a, result.linear)
    at_kinks = [(run, end) for run, end in enumerate(ends) if end.kind == "kink"]
    assert at_kinks
    for run, end in at_kinks:
        assert end.loss == pytest.approx(result.loss[run], abs=1.5e-4 * float(problem.zero))
    moving = [end for end in ends if end.kind == "moving"]
    assert bool(moving) == (not problem.loss.smooth)


def test_a_smaller_rate_ends_nearer_to_the_prediction() -> None:
    """A run of NGD, trained on with rates from its last one downwards."""
    result, ends = trained("separation-08", "ngd")
    run, rest = next((run, end.kink) for run, end in enumerate(ends) if end.kink is not None)
    schedule = result.config.schedule
    further = train(
        result.config.problem,
        2,
        Ball("ngd", 3),
        seeds=1,
        steps=2 * STEPS,
        schedule=type(schedule)(schedule(STEPS) / 4, schedule.horizon, schedule.power),
        start=result.networks()[run],
        start_scale=0,
    )
    distances = [abs(loss - rest.loss) for loss in (result.loss[run], further.loss[0])]
    assert distances[1] < 0.8 * distances[0]
    assert distances[1] < 1e-4 * result.loss[0]  # not zero: AdamW forgets the squares in time


def test_bottoms_are_named_and_points_off_them_are_not() -> None:
    for valley in flagship().valleys:
        W = np.array(valley.representative.W, dtype=float)
        a = np.array(valley.representative.a, dtype=float)
        end = named(W.tolist(), a.tolist())
        assert (end.kind, end.valley) == ("valley" if valley.id else "global", valley.id)
        assert end.loss == valley.birth
        away = named((0.9 * W).tolist(), a.tolist(), step=1e-9)
        assert away.kind == "moving"
        assert away.above > 0


def test_what_is_far_outside_its_ball_is_moving() -> None:
    """The other exact fit of the flagship, whose radius is 12/5, pushed into the ball or not."""
    found = valleys(example("flagship"), 2).valleys
    network = found[1].representative
    W, a = (np.array(part, dtype=float) for part in (network.W, network.a))
    end = named(W.tolist(), a.tolist())
    assert (end.kind, end.valley) == ("moving", None)
    assert end.above == pytest.approx(-0.1)


def test_a_run_above_the_pass_is_proved_to_be_in_no_valley() -> None:
    """Valley 2 of the flagship joins valley 1 at 9/70: above it a run may be in either."""
    tree = flagship()
    for valley in tree.valleys[1:]:
        bottom = valley.representative
        end = End("valley", valley.id, valley.birth, 0.0)
        assert proved(tree, {0: bottom}, [end], max_cells=None) == {0}
        other = End("valley", 3 - valley.id, valley.birth, 0.0)
        assert proved(tree, {0: bottom}, [other], max_cells=None) == set()
    # The bottom of valley 1, moved up until its loss is above the pass.
    W = [[Fraction(9, 10) * v for v in row] for row in tree.valleys[1].representative.W]
    higher = Network(W, tree.valleys[1].representative.a)
    assert Fraction(9, 70) < higher.loss(tree.problem) < Fraction(73, 90)
    assert tree.home(higher) == tree.valleys[1]
    end = End("valley", 1, higher.loss(tree.problem), 0.0)
    assert proved(tree, {0: higher}, [end], max_cells=None) == set()


def test_what_is_not_finite_has_diverged() -> None:
    end = named([[np.inf, 0.0], [0.0, 0.0]], [1.0, 1.0])
    assert (end.kind, end.loss) == ("diverged", None)
    assert np.isnan(end.above)


def test_plateaus_that_are_close_are_counted_together() -> None:
    ends = [End("plateau", None, Fraction(k), 0.0) for k in (1, 3, 4, 9)]
    assert summary(ends, apart=1.5)["plateaus"] == {1: 1, 3: 2, 9: 1}
    assert summary(ends)["plateaus"] == {1: 1, 3: 1, 4: 1, 9: 1}


@pytest.mark.parametrize(
    ("labelled", "within", "message"),
    [(True, Ball("adamw", 2), "tells the neurons apart"), (False, None, "has no ball")],
)
def test_trees_that_cannot_name_runs(labelled: bool, within: Ball | None, message: str) -> None:
    tree = valleys(example("two-points"), 1, labelled=labelled, within=within)
    with pytest.raises(InputError, match=f"tree: {message}"):
        Ends(tree, step=1e-3)


def test_the_order_of_the_neurons_does_not_matter() -> None:
    result, ends = trained("separation-08", "adamw")
    tree = valleys(result.config.problem, 2, within=Ball("adamw", 3))
    flipped: tuple[Float[np.ndarray, "S d m"], Float[np.ndarray, "S m"]]
    flipped = result.W[:, :, ::-1], result.a[:, ::-1]
    again = Ends(tree, step=result.config.schedule(STEPS)).of(*flipped)
    assert [(end.kind, end.valley) for end in again] == [(end.kind, end.valley) for end in ends]


@pytest.mark.parametrize("optimizer", ["muon", "ngd"])
def test_the_global_valley_keeps_its_name_beside_shallow_ones(optimizer: str) -> None:
    """Within the tolerance the way out of a shallow valley leads to lower bottoms."""
    tree = valleys(example("separation-09"), 2, within=Ball(optimizer, 3))
    ends = Ends(tree, step=0.0)
    for valley in tree.valleys:
        _, kind, home = ends.place(valley.cells[0])
        assert home == valley.id
        assert kind == ("valley" if valley.id else "global")
