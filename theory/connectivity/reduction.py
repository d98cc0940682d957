"""Few neurons in place of many, inside the solution set.

Each reduction leads from a prepared point along straight lines inside one cell, so the lines stay
in the set. Source: proofs_notes/paths.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import ceil, comb

from flint import fmpq

from theory.arrangement import Arrangement, arrangement
from theory.connectivity.exchange import Exchange, Weights
from theory.connectivity.solutions import Neuron, Point, SolutionSet
from theory.errors import BudgetError
from theory.exact import from_flint, primitive, to_flint, transposed
from theory.landscape.domain import EntrywiseBall
from theory.linear import LinearProgram
from theory.within import Ball

_STRETCHES = (16, 8, 4, 2, 1)  # of neurons that share one layer: the first inside the ball
_COST_BITS = 40  # of costs that only guide
_MAX_CORNERS = 50_000  # of the entrywise ball, some 100 microseconds each


def reductions(solutions: SolutionSet, point: Point) -> Iterator[list[Point]]:
    """Points that lead to fewer and fewer neurons; each list starts anew from the given point.

    The last point of each list is a vertex: no neuron can go without new ones.
    """
    yield [to_vertex(solutions, point)]
    try:
        arranged = arrangement(solutions.problem.X)
    except BudgetError:
        return
    blocks = _blocks(point, arranged)
    merged = _merged(solutions, point, blocks)
    yield [merged, to_vertex(solutions, merged)]
    gauge = solutions.gauge
    if gauge is not None and gauge.exact and not gauge.free:
        corners = _to_corners(solutions, point, blocks, arranged)
        if corners is not None:
            yield [*corners, to_vertex(solutions, corners[-1])]


def exchange_of(
    solutions: SolutionSet, neurons: Sequence[Neuron], stretch: int = 1
) -> tuple[list[Neuron], Weights, Exchange]:
    """Neurons as columns of what has to keep its sum: in some size, and how much of that they have.

    neurons: prepared, none blank. The sizes are such that columns are short integers. stretch:
    where each has room of its own, how many times that it may take.
    """
    kept = solutions.joint and solutions.summed
    units: list[Neuron] = []
    weights: Weights = []
    columns: list[list[fmpq]] = []
    costs: list[fmpq] = []
    caps: list[fmpq | None] = []
    for neuron in neurons:
        column = solutions.image(neuron) + (solutions.outer(neuron) if kept else [])
        short, scale = primitive(column)
        unit = solutions.scaled(neuron, from_flint([scale])[0])
        units.append(unit)
        weights.append(1 / scale)
        columns.append(short)
        room = solutions.room(neuron)
        caps.append(None if room is None else stretch * to_flint([room])[0] / scale)
        if solutions.summed:
            costs += to_flint([solutions.cost(unit)])
    if not solutions.summed:
        # The part of its room that a unit takes, to some digits: these costs only guide the choice.
        least = min((cap for cap in caps if cap is not None), default=fmpq(1))
        parts = [fmpq() if cap is None else least / cap for cap in caps]
        costs = [fmpq((part * 2**_COST_BITS).ceil()) for part in parts]
    return units, weights, Exchange(columns, costs, caps)


def to_vertex(solutions: SolutionSet, point: Point) -> Point:
    """The same neurons, each scaled, such that none can go without new ones.

    The sums that the set depends on stay, and the cost does not grow.
    """
    used = [j for j, neuron in enumerate(point) if not neuron.blank]
    # Where neurons share one layer only, what the others leave to one is not linear.
    shared = solutions.gauge is not None and solutions.gauge.power == 2
    for stretch in _STRETCHES if shared else (1,):
        units, weights, exchange = exchange_of(solutions, [point[j] for j in used], stretch)
        result = [solutions.blank()] * len(point)
        for j, neuron, weight in zip(used, units, exchange.vertex(weights), strict=True):
            if weight:
                result[j] = solutions.scaled(neuron, from_flint([weight])[0])
        if solutions.holds(result):
            break
    return tuple(result)


def _blocks(point: Point, arranged: Arrangement) -> dict[tuple[int, int], list[int]]:
    """Neurons by sign and one of the cones that hold them."""
    blocks: dict[tuple[int, int], list[int]] = {}
    for j, neuron in enumerate(point):
        if not neuron.blank:
            cone = int(arranged.cones_containing(neuron.u)[0])
            blocks.setdefault((neuron.sign, cone), []).append(j)
    return blocks


def _merged(
    solutions: SolutionSet, point: Point, blocks: dict[tuple[int, int], list[int]]
) -> Point:
    """As few equal neurons for each block as the ball allows; one where neurons share it."""
    result = [solutions.blank()] * len(point)
    wholes = []
    for members in blocks.values():
        whole = solutions.merged([point[j] for j in members])
        wholes.append(whole)
        _spread(solutions, result, members, whole, len(members))
    for members, whole in zip(blocks.values(), wholes, strict=True):
        for count in range(1, len(members)):
            trial = list(result)
            _spread(solutions, trial, members, whole, count)
            if solutions.holds(trial):
                result = trial
                break
    return tuple(result)


def _spread(
    solutions: SolutionSet, point: list[Neuron], members: Sequence[int], whole: Neuron, count: int
) -> None:
    """The first `count` members get equal parts of the whole, the others nothing."""
    for k, j in enumerate(members):
        point[j] = solutions.scaled(whole, Fraction(1, count)) if k < count else solutions.blank()


def _to_corners(
    solutions: SolutionSet,
    point: Point,
    blocks: dict[tuple[int, int], list[int]],
    arranged: Arrangement,
) -> list[Point] | None:
    """Neurons that are multiples of vertices of the entrywise ball in their cones, of least number.

    First the neurons of a block become equal, with the least total mass that their number allows;
    then each block is spread over the vertices. None where there are too many vertices, where a
    float solver guesses wrong, or where blank neurons are missing.
    """
    assert isinstance(solutions.within, Ball)
    if not blocks or _corners(arranged) > _MAX_CORNERS:
        return None
    ball = EntrywiseBall(solutions.problem, arranged, solutions.within)
    atoms = [
        (b, Neuron(sign, Fraction(1), tuple(ball.vector(g))))
        for b, (sign, cone) in enumerate(blocks)
        for g in ball.cone(cone)
        if ball.column(g) >= 0
    ]
    masses = _least_masses(
        [solutions.image(atom) for _, atom in atoms],
        [b for b, _ in atoms],
        [len(members) for members in blocks.values()],
        to_flint(solutions.fit(point)),
    )
    if masses is None:
        return None
    equal = [solutions.blank()] * len(point)
    copies: list[list[Neuron]] = [[] for _ in blocks]
    for b, members in enumerate(blocks.values()):
        own = [(v, z) for (c, v), z in zip(atoms, masses, strict=True) if c == b and z]
        if own:
            whole = solutions.merged([solutions.scaled(*pair) for pair in own])
            _spread(solutions, equal, members, whole, len(members))
            copies[b] = [
                solutions.scaled(v, min(Fraction(1), z - k)) for v, z in own for k in range(ceil(z))
            ]
    shrunk, further = list(equal), []
    for members, wanted in zip(blocks.values(), copies, strict=True):
        if len(wanted) > len(members):
            further.append((members, wanted))
        else:
            for k, j in enumerate(members):
                shrunk[j] = wanted[k] if k < len(wanted) else solutions.blank()
    free = [j for j, neuron in enumerate(shrunk) if neuron.blank]
    grown = list(shrunk)
    for members, wanted in further:
        missing = len(wanted) - len(members)
        if missing > len(free):
            return None
        for j, copy in zip([*members, *free[:missing]], wanted, strict=True):
            grown[j] = copy
        del free[:missing]
    return [tuple(equal), tuple(shrunk), tuple(grown)]


def _least_masses(
    columns: Sequence[Sequence[fmpq]],
    block_of: Sequence[int],
    counts: Sequence[int],
    fit: Sequence[fmpq],
) -> list[Fraction] | None:
    """Weights >= 0 of least sum that give the fit, of sum at most counts[b] in each block."""
    if not columns:
        return []  # no neuron has any effect
    one, size = fmpq(1), len(columns)
    used = sorted(set(block_of))  # the others have no neuron of any effect
    # A zero row, of a zero row of X, says nothing: its fit is zero, too.
    rows = [(row, f) for row, f in zip(transposed(columns, len(fit)), fit, strict=True) if any(row)]
    program = LinearProgram(
        c=[one] * size,
        E=[row for row, _ in rows],
        e=[f for _, f in rows],
        G=[
            *([one if i == k else fmpq() for i in range(size)] for k in range(size)),
            *([-one if c == b else fmpq() for c in block_of] for b in used),
        ],
        g=[*([fmpq()] * size), *(fmpq(-counts[b]) for b in used)],
    )
    found = program.guess()
    return None if found is None else list(from_flint(found.x))


def _corners(arranged: Arrangement) -> int:
    """An upper bound of the vertices of a cube cut by the walls."""
    d, walls = arranged.rays.shape[1], len(arranged.normals)
    return sum(comb(d, k) * comb(walls, d - k) * 2**k for k in range(1, d + 1))
