"""Components of the optimal networks of the l2-penalised problem, width by width.

Setting: the optima of loss and l2 penalty, of m neurons.

Claim: finitely many at m*, a continuum above, isolated ones at M* and at none above, connected from
min(m* + M*, n + 1) on.

Tight: the theorem's widths are sufficient; components are exact at every width.

Predicted: the vertices of one polytope, with proofs of the optima.

Observed: all assignments of neurons, the landscape in ngd's ball, the convex program, the checker.

Source: Kim, Mishkin, Pilanci, ICLR 2025, arXiv 2411.07729.

Note: proofs_notes/staircase.md
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Self

import numpy as np

from theory.certificates import certify
from theory.claims.base import (
    VALID,
    AnyRuns,
    Bounds,
    Claim,
    Observation,
    Prediction,
    Progress,
    Trainer,
    Value,
    proof,
)
from theory.connectivity import (
    OptimalPolytope,
    Step,
    active_directions,
    count_components,
    optimal_polytope,
    plant,
    width_profile,
)
from theory.loading import example
from theory.programs import solve

_IN_BALL = {"staircase-square": 3, "staircase-wedge": 3}  # and the largest width, for time
_ABOVE = Fraction(1, 10)  # the level in the ball, above the least loss
_CELLS = 20_000  # of a random instance: widths with more are not looked at


@dataclass(frozen=True)
class Staircase(Claim):
    """The claim, on shipped data sets, each at a beta, and on random ones.

    searched: how many random instances, from the seed.
    """

    instances: tuple[tuple[str, Fraction], ...] = (
        ("staircase-square", Fraction(5)),
        ("staircase-wedge", Fraction(5)),
        ("staircase-prism", Fraction(10)),
        ("staircase-cube", Fraction(3)),
        ("staircase-hexagon", Fraction(5)),
    )
    searched: int = 56
    seed: int = 0

    id = "staircase"
    source = "Kim, Mishkin, Pilanci, ICLR 2025, arXiv 2411.07729; proofs_notes/staircase.md"

    @property
    def statement(self) -> str:
        """What is claimed, in a sentence."""
        return (
            "The optimal networks of the l2-penalised problem climb a staircase in the width m: "
            "with m* the fewest neurons of an optimum and M* the most of one with independent "
            "images, they are finitely many at m* and at no larger width, some are isolated at M* "
            "and none at a larger width, and from min(m* + M*, n + 1) on they are connected. "
            "Vertices of one polytope tell the components at every width. Connectivity may come "
            "before that width, and it may come, go and come again."
        )

    @property
    def hypotheses(self) -> Sequence[str]:
        """Under which conditions."""
        sets = ", ".join(f"{name} at beta = {beta}" for name, beta in self.instances)
        return (
            f"data sets: {sets}; squared loss, y not so small that zero weights are optimal",
            "observed by brute force: every assignment of neurons to directions, a linear program "
            "each, all in rationals; and, where it is named, by the landscape of all cells in "
            "ngd's ball of the optimum's size, a little above its least loss",
            "optima: the convex program and its dual",
            f"search: {self.searched} random instances on the same X and two more, the optimal fit "
            "a random combination of the possible directions, rows in a random order",
        )

    def quick(self) -> Self:
        """The first data sets, and fewer random ones."""
        return replace(self, instances=self.instances[:2], searched=12)

    def predict(self, progress: Progress) -> Prediction:
        """The components from the vertices of the optimal polytope, and the theorem's widths."""
        values: dict[str, Value] = {}
        certificates, problems = {}, {}
        for name, beta in self.instances:
            optima = optimal_polytope(example(name), beta)
            values[_optimum(name)] = Bounds(optima.objective, optima.objective)
            values |= _counts(name, [optima.step(m) for m in _widths(optima)])
            # At width M* > 1 there are isolated points, M*! of them labelled.
            first = optima.most + 1 if optima.most > 1 else 1
            values[_first(name)] = Bounds(Fraction(first), Fraction(optima.rank_bound))
            if name in _IN_BALL:
                steps = [optima.step(m) for m in range(1, _IN_BALL[name] + 1)]
                values[_ball(name)] = tuple(step.components for step in steps)
                values[f"{_ball(name)}, labelled"] = tuple(s.components_labelled for s in steps)
            certificates[name] = certify(solve(optima.problem, "sgd", beta=beta))
            problems[name] = optima.problem
            values[proof(name)] = VALID
        drawn = list(_random(self.searched, self.seed))
        values[_BROKEN] = 0
        values[_EARLIER] = sum(each.connected_from < each.bound for each in drawn)
        return Prediction(values, certificates, problems)

    def observe(
        self, prediction: Prediction, train: Trainer[AnyRuns], progress: Progress
    ) -> Observation[AnyRuns]:
        """Brute force, the landscape in ngd's ball, and the convex program."""
        values = prediction.verdicts()
        for name, beta in self.instances:
            progress(f"all assignments of neurons, {name}", 0)
            optima = optimal_polytope(example(name), beta)
            steps = [_brute(optima, m) for m in _widths(optima)]
            values |= _counts(name, steps)
            values[_first(name)] = float(_connected_from(steps))
            values[_optimum(name)] = float(solve(optima.problem, "sgd", beta=beta).upper)
            if name in _IN_BALL:
                values |= _in_ball(name, optima, progress)
        broken = earlier = 0
        for k, optima in enumerate(_random(self.searched, self.seed)):
            progress("random instances", k)
            steps = [_brute(optima, m) for m in _few(optima)]
            broken += sum(not _holds(step, optima) for step in steps)
            earlier += _connected_from(steps) < optima.bound
        values |= {_BROKEN: broken, _EARLIER: earlier}
        return Observation(values)


def _holds(step: Step, optima: OptimalPolytope) -> bool:
    """The five statements of Kim, Mishkin and Pilanci about one width."""
    m, fewest, most = step.width, optima.fewest, optima.most
    return (
        (m != fewest or step.finite)
        and (m <= fewest or step.components > step.isolated)
        and (m != most or step.isolated > 0)
        and (m <= most or step.isolated == 0)
        and (m < optima.bound or step.connected)
    )


def _brute(optima: OptimalPolytope, width: int) -> Step:
    return count_components([each.image for each in optima.directions], optima.fit, width)


def _widths(optima: OptimalPolytope) -> range:
    return range(1, optima.rank_bound + 1)


def _few(optima: OptimalPolytope) -> list[int]:
    """The widths up to the theorem's at which brute force is quick."""
    k = len(optima.directions)
    return [m for m in range(1, optima.bound + 1) if (k + 1) ** m <= _CELLS]


def _connected_from(steps: Sequence[Step]) -> int:
    """The width after the last that is not connected."""
    return max((step.width + 1 for step in steps if not step.connected), default=1)


def _in_ball(name: str, optima: OptimalPolytope, progress: Progress) -> dict[str, Value]:
    """Optima of the penalty are the least losses in ngd's ball of radius sum ||u_j||."""
    size = sum((v * f for v, f in zip(optima.nu, optima.fit, strict=True)), Fraction())
    least = sum((v * v for v in optima.nu), Fraction()) / 2
    profile = width_profile(
        optima.problem,
        "ngd",
        size / optima.beta,
        _IN_BALL[name],
        level=least + _ABOVE,
        progress=progress,
    )
    return {
        _ball(name): tuple(row.components for row in profile.rows),
        f"{_ball(name)}, labelled": tuple(row.components_labelled for row in profile.rows),
    }


def _random(searched: int, seed: int) -> Iterator[OptimalPolytope]:
    """Optimal fits on data whose directions tie, by symmetry."""
    random = np.random.default_rng(seed)
    sets = [
        example(f"staircase-{name}").X for name in ("square", "wedge", "prism", "cube", "hexagon")
    ]
    sets.append(_rows([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]))
    sets.append(_rows([[1, 1, 1, 1], [-1, -1, -1, 1], [0, 0, 0, -2]]))
    for k in range(searched):
        X = sets[k % len(sets)]
        rows = [X[i] for i in random.permutation(len(X))]
        nu = [1] * len(rows)
        _, directions = active_directions(rows, nu)
        weights = random.integers(0, 3, len(directions))
        weights[random.integers(len(weights))] += 1
        yield optimal_polytope(*plant(rows, nu, weights.tolist()))


def _rows(X: list[list[int]]) -> tuple[tuple[Fraction, ...], ...]:
    return tuple(tuple(map(Fraction, row)) for row in X)


def _counts(name: str, steps: Sequence[Step]) -> dict[str, Value]:
    what = f"{name}, widths 1 to {len(steps)}"
    return {
        f"components, {what}": tuple(step.components for step in steps),
        f"components, labelled, {what}": tuple(step.components_labelled for step in steps),
        f"isolated points, {what}": tuple(step.isolated for step in steps),
    }


_BROKEN = "widths of random instances at which one of the five statements fails"
_EARLIER = "random instances connected before min(m* + M*, n + 1)"


def _optimum(name: str) -> str:
    return f"least loss and penalty, {name}"


def _first(name: str) -> str:
    return f"connected from width, {name}"


def _ball(name: str) -> str:
    return f"components in the ball of ngd, {name}, widths 1 to {_IN_BALL[name]}"
