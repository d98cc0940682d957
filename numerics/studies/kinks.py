"""How often the equations of rest hold on data that were not chosen: the tables of
proofs_notes/kink-limits.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from numerics.studies.datasets import dataset
from numerics.training.loop import train, train_together
from theory.claims.float_ends import FloatCells
from theory.claims.kink_limits import RHO, SLACK
from theory.claims.sampled import losses
from theory.claims.where_training_ends import ends_of, rests_at
from theory.errors import InputError
from theory.landscape.many_kinks import rest_on_many
from theory.landscape.valleys import valleys
from theory.parallel import ALONE, Jobs, results
from theory.problem import Problem
from theory.types import Progress, silent
from theory.within import Ball

_OPTIMIZERS = ("adamw", "lion", "signsgd", "ngd", "muon")  # column norms are ngd at width 1
_SEED = 2


def data(count: int) -> list[Problem]:
    """Random integers, n = 4 and d = 2, of rank 2 and without zero rows."""
    generator = np.random.default_rng(_SEED)
    found: list[Problem] = []
    while len(found) < count:
        X, y = generator.integers(-3, 4, (4, 2)), generator.integers(-9, 10, 4)
        if X.any(axis=1).all() and np.linalg.matrix_rank(X) == 2:
            found.append(Problem(X.tolist(), y.tolist()))
    return found


def rows(
    count: int = 60,
    steps: int = 10_000,
    cooling: int = 20_000,
    *,
    jobs: Jobs = ALONE,
    progress: Progress = silent,
) -> Iterator[str]:
    """For each optimizer: kinks with runs on them, how many of these have a predicted loss within
    the claim's slack, within ten times of it, farther off, and none; and runs that are moving.

    jobs: optimizers at a time.
    """
    of = partial(_of_optimizer, count, steps, cooling)
    with results(of, _OPTIMIZERS, jobs, progress=progress) as found:
        yield from found


def _of_optimizer(count: int, steps: int, cooling: int, optimizer: str, progress: Progress) -> str:
    problems, balls = data(count), [Ball(optimizer, RHO)] * count
    trained = train_together(
        problems, 1, balls, seeds=16, steps=steps, cooling=cooling, progress=progress
    )
    moving = 0
    distances: list[float] = []  # of losses on kinks, in the claim's slack
    for problem, runs in zip(problems, trained, strict=True):
        assert runs.watched is not None
        seen: dict[str, list[float]] = defaultdict(list)
        ends = ends_of(FloatCells(problem, 1, optimizer, float(RHO)), runs)
        for run, (name, loss) in enumerate(ends):
            moving += name == "moving"
            if name == "kink":
                place = _place(runs.watched.shares[run, :, 0], runs.watched.a[run, 0])
                seen[place].append(loss)
        slack = float(SLACK.loss * problem.squared_length)
        distances += [
            _distance(problem, optimizer, place, float(np.median(its_losses))) / slack
            for place, its_losses in seen.items()
        ]
    return _row(optimizer, distances, moving)


def rows_of_many(
    problem: Problem | None = None,
    width: int = 8,
    seeds: int = 16,
    steps: int = 10_000,
    cooling: int = 100_000,
    *,
    jobs: Jobs = ALONE,
    progress: Progress = silent,
) -> Iterator[str]:
    """The same of runs on dozens of kinks, on the diabetes data: each against where the equations
    say, from its weights after `steps`, that it comes to rest. The last number is of runs that
    cross no wall."""
    problem = problem or dataset("diabetes").train
    of = partial(_of_ball, problem, width, seeds, steps, cooling)
    with results(of, (Ball("adamw", 1), Ball("muon", 6)), jobs, progress=progress) as found:
        yield from found


def _of_ball(
    problem: Problem,
    width: int,
    seeds: int,
    steps: int,
    cooling: int,
    ball: Ball,
    progress: Progress,
) -> str:
    start = train(problem, width, ball, seeds=seeds, steps=steps, progress=progress)
    (runs,) = train_together(
        [problem], width, [ball], seeds=seeds, steps=steps, cooling=cooling, progress=progress
    )
    assert runs.watched is not None
    slack = float(SLACK.loss * problem.squared_length)
    distances = [
        np.inf if point is None else abs(point.loss - loss) / slack
        for point, loss in zip(
            rest_on_many(problem, ball, start.W, start.a),
            losses(problem, runs.watched.W, runs.watched.a),
            strict=True,
        )
    ]
    shares = runs.watched.shares
    kinks = np.flatnonzero(((shares > 0) & (shares < 1)).any(axis=(1, 2))).tolist()
    return _row(ball.optimizer, [distances[run] for run in kinks], seeds - len(kinks))


def _row(optimizer: str, distances: Sequence[float], others: int) -> str:
    """How many kinks, of which there are distances in units of the slack, and how many of which."""
    near, ten, all_ = (sum(each <= most for each in distances) for most in (1, 10, 1e300))
    count = len(distances)
    counts = (count, near, ten - near, all_ - ten, count - all_, others)
    return f"| {' | '.join([optimizer, *map(str, counts)])} |"


def _place(shares: np.ndarray, output: float) -> str:
    signs = ("+" if share == 1 else "-" if share == 0 else "0" for share in shares)
    return f"{'+' if output > 0 else '-'}:{''.join(signs)}"


def _distance(problem: Problem, optimizer: str, place: str, loss: float) -> float:
    """From a loss to the nearest of those predicted there."""
    try:
        found = rests_at(valleys(problem, 1, within=Ball(optimizer, RHO)), place)
    except InputError:
        found = []
    return min((abs(rest.loss - loss) for rest in found), default=np.inf)
