"""One network between others: straight lines from each of some networks to a centre.

Of two networks A and B it is the middle C of the path A -> C -> B of two pieces; of more the centre
of a star. The least maximum over all centres is bounded from both sides: from above by one centre,
whose lines are exact, from below by the minimax barriers of the landscape, as no path is lower.

Centres are looked for in floating point, where the highest loss on all lines is lowered, and at the
breakpoints of exact minimax paths; they are rounded to fractions before their lines are computed.

Note: proofs_notes/lines.md
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize

from theory.documents import interval_document
from theory.errors import InputError
from theory.exact import snapped
from theory.landscape import Barrier, barrier_between
from theory.lines.segment import Line, line, require
from theory.losses import Separable
from theory.network import Network
from theory.problem import Problem, format_rational
from theory.tables import Between, Shown, Table, counted
from theory.types import Array, Progress, silent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# How many t of each line have their losses lowered: first, and from where that was best.
_COARSE, _FINE = 24, 200
_STARTS, _BEST = 64, 4
_STEPS = 60  # of each descent
_NEAR = (0.1, 0.01, 1e-3, 1e-6)  # weights are rounded to fractions so near, relative to the largest


@dataclass(frozen=True, repr=False)
class Star(Shown):
    """Straight lines from some networks to one centre.

    lower: what the maximum is at least with any other centre, by minimax barriers.
    """

    lines: tuple[Line, ...]
    lower: Fraction

    @property
    def centre(self) -> Network:
        """The network that all lines lead to."""
        return self.lines[0].networks[1]

    @property
    def highest(self) -> Line:
        """The line of the largest maximum."""
        return max(self.lines, key=lambda line: line.maximum.upper)

    @property
    def is_least(self) -> bool:
        """Whether no other centre is better: the bounds meet."""
        return self.highest.maximum.upper == self.lower

    @property
    def summary(self) -> str:
        """How many lines there are, and the highest loss on them."""
        highest = Between(*self.highest.maximum.ends)
        return f"{counted(len(self.lines), 'line')} to one centre, highest loss {highest}"

    def _table(self) -> Table:
        """A row for each line."""
        rows = [(k, Between(*line.maximum.ends)) for k, line in enumerate(self.lines)]
        return Table(("network", "highest loss"), rows)

    def plot(self, axes: Axes | None = None) -> Axes:
        """The loss on the lines, and the bound for all centres.

        Drawn on these axes, or on new ones of pyplot; they are handed back.
        """
        from theory.pictures.landscapes import draw_star
        from theory.pictures.style import on

        return on(axes, draw_star, self)

    def to_json(self) -> dict[str, Any]:
        """The part `middle` of the document of `isthmus line --middle`."""
        return {
            "network": self.centre.to_json(),
            "maximum": interval_document(*self.highest.maximum.ends),
            "least": format_rational(self.lower),
            "is_least": self.is_least,
        }


def least_star(
    problem: Problem,
    networks: Sequence[Network],
    *,
    max_cells: int | None = None,
    progress: Progress = silent,
) -> Star:
    """The best centre found for some networks of equal width, and a bound for all centres.

    max_cells: of the landscape, see `barrier_between`. `progress` may raise Interrupted, which then
    leaves. Raises InputError for fewer than two networks, and as `line` does.
    """
    if len(networks) < 2:
        raise InputError("networks", f"are {len(networks)}; a centre is between two at least")
    for network in networks:
        loss = require(problem, networks[0], network)
    barriers = [
        barrier_between(problem, *pair, labelled=True, max_cells=max_cells, progress=progress)
        for pair in combinations(networks, 2)
    ]
    lower = max(barrier.proved for barrier in barriers)
    best: Star | None = None
    for count, centre in enumerate(_centres(problem, loss, networks, barriers)):
        progress("centres tried", count)
        star = Star(tuple(line(problem, network, centre) for network in networks), lower)
        if best is None or star.highest.maximum.upper < best.highest.maximum.upper:
            best = star
        if best.is_least:
            break
    assert best is not None
    return best


def _centres(
    problem: Problem,
    loss: Separable,
    networks: Sequence[Network],
    barriers: Sequence[Barrier],
) -> Iterator[Network]:
    """Exact candidates: the networks, those on minimax paths, and rounded ones of low lines."""
    yield from networks
    for barrier in barriers:
        yield from barrier.path.breakpoints
    heights = _Heights(problem, loss, networks)
    random = np.random.default_rng(0)
    mean = heights.ends.mean(axis=0)
    starts = [mean, *mean + heights.units * random.normal(size=(_STARTS - 1, len(mean)))]
    lowered = sorted(heights.lowered(start, _COARSE) for start in starts)
    for _, coarse in lowered[:_BEST]:
        _, fine = heights.lowered(np.array(coarse), _FINE)
        for near in _NEAR:
            sizes = (near * heights.units).tolist()
            yield heights.network([snapped(*each) for each in zip(fine, sizes, strict=True)])


class _Heights:
    """The loss at some t of each line, in floating point, as a function of the centre.

    A network is a vector: the rows of W, a, and b and c where the problem has them. units (p,): the
    size of the largest weight of each of these.
    """

    def __init__(self, problem: Problem, loss: Separable, networks: Sequence[Network]) -> None:
        self._problem, self._loss, self._width = problem, loss, networks[0].width
        self._X, self._y = (np.array(v, dtype=float) for v in (problem.X, problem.y))
        self._weights = np.array(loss.every_weight(problem.n), dtype=float)
        parts = [self._parts(network) for network in networks]
        self.ends = np.array([[v for part in each for v in part] for each in parts], dtype=float)
        sizes = [max(abs(v) for part in same for v in part) for same in zip(*parts, strict=True)]
        self.units = np.repeat([float(size or 1) for size in sizes], [*map(len, parts[0])])

    def _parts(self, network: Network) -> list[Sequence[Fraction]]:
        """W, a, b and c, each in a row."""
        none = (Fraction(),) * self._problem.d
        free = [(network.b,)] * self._problem.output_bias + [network.c or none] * self._problem.skip
        return [[v for row in network.W for v in row], network.a, *free]

    def network(self, vector: Sequence[Fraction]) -> Network:
        """The network of a vector."""
        d, m = self._problem.d, self._width
        rows, rest = vector[: d * m], vector[d * m :]
        b = rest[m] if self._problem.output_bias else 0
        c = rest[-d:] if self._problem.skip else None
        return Network([rows[i * m : (i + 1) * m] for i in range(d)], rest[:m], b, c)

    def lowered(self, start: Float[Array, " p"], count: int) -> tuple[float, list[float]]:
        """The highest loss at so many t, and a centre of it, by a descent from a start (SLSQP)."""
        units = self.units

        def relative(x: Float[Array, " q"]) -> tuple[Float[Array, " s"], Float[Array, "s q"]]:
            losses, gradients = self.at(x[:-1] * units, count)
            down = np.insert(-gradients * units / scale, len(units), 1.0, axis=1)
            return x[-1] - losses / scale, down

        with np.errstate(over="ignore", invalid="ignore"):  # guesses need not be numbers
            scale = self.at(start, count)[0].max() or 1.0  # tolerances are absolute
            found = minimize(
                lambda x: x[-1],
                np.append(start / units, 1.0),
                jac=lambda x: np.append(np.zeros(len(units)), 1.0),
                constraints={
                    "type": "ineq",
                    "fun": lambda x: relative(x)[0],
                    "jac": lambda x: relative(x)[1],
                },
                method="SLSQP",
                options={"maxiter": _STEPS},
            )
            centre = found.x[:-1] * units if np.isfinite(found.x).all() else start
            return float(self.at(centre, count)[0].max()), centre.tolist()

    def at(
        self, centre: Float[Array, " p"], count: int
    ) -> tuple[Float[Array, " s"], Float[Array, "s p"]]:
        """Losses, at so many t of each line, and their gradients in the centre."""
        problem, d, m = self._problem, self._problem.d, self._width
        times = np.arange(1, count + 1) / count
        t = np.tile(times, len(self.ends))[:, None]
        points = (1 - t) * self.ends.repeat(count, axis=0) + t * centre
        W, a = points[:, : d * m].reshape(-1, d, m), points[:, d * m : d * m + m]
        outputs = self._X @ W
        images = problem.activation.at(outputs)
        fits = (images @ a[..., None])[..., 0]
        if problem.output_bias:
            fits = fits + points[:, d * m + m, None]
        if problem.skip:
            fits = fits + points[:, -d:] @ self._X.T
        losses = self._loss.terms(fits, self._y) @ self._weights
        slopes = self._loss.slopes(fits, self._y) * self._weights
        through = problem.activation.slopes(outputs > 0) * slopes[..., None] * a[:, None]
        parts = [
            (self._X.T @ through).reshape(len(t), -1),
            (images * slopes[..., None]).sum(axis=1),
            *[slopes.sum(axis=1, keepdims=True)] * problem.output_bias,
            *[slopes @ self._X] * problem.skip,
        ]
        return losses, t * np.concatenate(parts, axis=1)
