"""The conjectures that are shipped, each made by a function with its options as text.

The docstring of each function is its statement, with the source and what is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from inspect import signature
from itertools import combinations, combinations_with_replacement, product

from scipy.cluster.hierarchy import DisjointSet

from theory.certificates import certify
from theory.connectivity import radius_profiles, width_row
from theory.connectivity.critical_radii import CriticalRadii, radius_intervals
from theory.connectivity.estimates import estimated_intervals
from theory.connectivity.theorems import largest_mass
from theory.errors import InputError, Undecided, nearest
from theory.exact import rounded, simplest_between
from theory.gauges import gauge_of
from theory.geometry import geometry
from theory.hunt.conjecture import Conjecture, Document, Facts
from theory.hunt.exact_fits import radius_above, radius_bounds, separate_components
from theory.hunt.instances import Space
from theory.hunt.runs import ends_of_runs
from theory.landscape import Analysis, Component, analyse
from theory.landscape.cells import CellComplex
from theory.landscape.ends import Ends
from theory.landscape.least import least
from theory.landscape.valleys import valleys
from theory.lines import Real, align
from theory.losses import Hinge
from theory.margins import MaxMargin, max_margins
from theory.problem import Problem, format_rational, rational
from theory.radii.radii import DIGITS
from theory.regions import optimizer_regions
from theory.within import Ball

_RUNS = 32
_TIGHT = Fraction(1, 10**6)  # relative: least radii nearer than this are not told apart
_ENTRIES = range(-3, 4)  # of points to be labelled
_MARGIN = 1e-3  # relative: shorter intervals of estimated radii are passed over


# Two optimizers prefer different components


def separation(first: str = "adamw", second: str = "muon", barrier: str = "0") -> Conjecture:
    """Two optimizers reach the same component of exact fits first: as its ball grows, each one's
    first component is that of the other, or there is no first one, or the minimax barrier between
    the two is below `barrier`. Modulo permutation of neurons. False for AdamW and Muon (see
    `radii`; Zhang, Kim, Zhang, Jiang, Pilanci, arXiv 2605.09991)."""
    names = (geometry(first).ball.name, geometry(second).ball.name)
    height = rational(barrier, "barrier")
    return Conjecture(
        name="separation",
        statement=f"{names[0]} and {names[1]} reach the same component of exact fits first"
        + (f", or the barrier to the other's is below {height}" if height else ""),
        status="false for adamw and muon",
        source="radii in proofs_notes/radii.md; arXiv 2605.09991",
        test=partial(_separated, names, height),
        space=Space(n=(2, 4), d=(1, 2), width=(2, 2), entries=3),
        planted=True,
        batch=64,
    )


def _separated(names: tuple[str, str], height: Fraction, problem: Problem) -> Facts | None:
    complex_ = CellComplex.of(problem, problem.stated_width)
    components = separate_components(complex_)
    if not components:
        return None
    # No norm is less than the largest entry, so AdamW's radii are lower bounds of all; and they are
    # exact and the cheapest.
    exact = [radius_bounds(complex_, component, "adamw") for component in components]
    floors = [lower for lower, _ in exact]
    preferred: list[int] = []
    radii: dict[str, list[list[str]]] = {}
    for name in names:
        if preferred and _sure(preferred[0], complex_, components, name, floors):
            return None
        bounds = (
            exact
            if name == "adamw"
            else [radius_bounds(complex_, component, name) for component in components]
        )
        nearest = min(range(len(bounds)), key=lambda i: bounds[i][1])
        others = (lower for i, (lower, _) in enumerate(bounds) if i != nearest)
        if any(lower <= bounds[nearest][1] for lower in others):
            return None  # a tie, or as good as one
        preferred.append(nearest)
        radii[name] = [_shown(*pair) for pair in bounds]
    if preferred[0] == preferred[1]:
        return None
    analysis = analyse(problem, complex_.width)
    barrier = analysis.barriers[preferred[0]][preferred[1]]
    assert barrier is not None
    if barrier < height:
        return None
    return {
        "barrier": format_rational(barrier),
        "preferred": dict(zip(names, preferred, strict=True)),
        "radii": radii,
    }


def _sure(
    first: int,
    complex_: CellComplex,
    components: Sequence[Component],
    optimizer: str,
    floors: Sequence[Fraction],
) -> bool:
    """Whether some network shows that an optimizer reaches this component first."""
    upper = radius_above(complex_, components[first], optimizer)
    return all(upper < floor for i, floor in enumerate(floors) if i != first)


def _shown(lower: Fraction, upper: Fraction) -> list[str]:
    """A radius, or bounds of it rounded outwards."""
    if lower < upper:
        lower, upper = rounded(lower, DIGITS, math.floor), rounded(upper, DIGITS, math.ceil)
    return [format_rational(v) for v in sorted({lower, upper})]


# Components at one width


def disconnected_at_width() -> Conjecture:
    """Exact fits of one width are connected, modulo permutation of the neurons. False below width
    n + 1, where every sublevel set is (Nguyen, arXiv 2101.08576; `wide-networks`)."""
    return Conjecture(
        name="disconnected-at-width",
        statement="exact fits of one width are connected modulo permutation of the neurons",
        status="false below width n + 1, true from there on",
        source="wide-networks in proofs_notes/width-n-plus-1.md; arXiv 2101.08576",
        test=_disconnected,
        space=Space(n=(1, 4), d=(1, 2), width=(1, 3), entries=2),
        planted=True,
        batch=64,
    )


def _disconnected(problem: Problem) -> Facts | None:
    components = separate_components(CellComplex.of(problem, problem.stated_width))
    return {"components": len(components)} if components else None


def linear_barrier(ratio: str = "10") -> Conjecture:
    """Straight lines tell how high the pass is: between two components of exact fits the highest
    loss on the line between their networks, in the best order of the neurons, is less than `ratio`
    times the minimax barrier. The networks are those of the certificate, with a_j = +-1. False;
    how far one can be above the other is not known (`gpt2-barriers` measures it)."""
    bound = rational(ratio, "ratio")
    return Conjecture(
        name="linear-barrier",
        statement="between components of exact fits the highest loss on the best straight line is "
        f"less than {bound} times the minimax barrier",
        status="false",
        source="curves in proofs_notes/curves-above-barrier.md",
        test=partial(_far_above, bound),
        space=Space(n=(2, 4), d=(1, 2), width=(2, 2), entries=3),
        planted=True,
        batch=64,
    )


def _far_above(ratio: Fraction, problem: Problem) -> Facts | None:
    width = problem.stated_width
    if not separate_components(CellComplex.of(problem, width)):
        return None
    analysis = analyse(problem, width)
    best: tuple[Fraction, Facts] | None = None
    for i, j in combinations(range(len(analysis.components)), 2):
        ends = [analysis.components[k].representative for k in (i, j)]
        line = align(problem, *ends).maximum
        barrier = analysis.barriers[i][j]
        assert barrier
        if line >= Real.of(ratio * barrier) and (best is None or line.lower / barrier > best[0]):
            best = (
                line.lower / barrier,
                {
                    "components": [i, j],
                    "barrier": format_rational(barrier),
                    "line": " to ".join(_shown(*line.ends)),
                    "ratio": " to ".join(_shown(*(end / barrier for end in line.ends))),
                },
            )
    return None if best is None else best[1]


# Inside a ball


def bad_minimum_in_ball() -> Conjecture:
    """Inside AdamW's ball every valley is as deep as the deepest: no component of a sublevel set
    has a least loss above that of the ball. The radius is 1, which is general: only the ratio of y
    to rho matters. False: there are KKT points that are not global."""
    return Conjecture(
        name="bad-minimum-in-ball",
        statement="in AdamW's ball of radius 1 every component of a sublevel set holds a network "
        "of the least loss",
        status="false",
        source="components in proofs_notes/landscape.md",
        test=_bad_minimum,
        prove=_bad_minimum_proof,
        landscape=_valleys,
        space=Space(n=(1, 3), d=(1, 2), width=(1, 2), entries=2),
        batch=8,
    )


def _bad_minimum(problem: Problem) -> Facts | None:
    """The valley with the highest way out, by Kruskal's algorithm over all cells and faces."""
    complex_ = CellComplex.of(
        problem, problem.stated_width, within=Ball("adamw", Fraction(1)), max_cells=5000
    )
    cells = list(combinations_with_replacement(range(complex_.states), complex_.width))
    values = {cell: complex_.minimum(cell).value for cell in cells}
    faces = sorted(
        (complex_.face_minimum(cell, position, move).value, cell, target)
        for cell in cells
        for position in complex_.positions(cell)
        for move in complex_.moves(cell[position])
        if (target := complex_.neighbour(cell, position, move)) > cell
    )
    lowest = min(values.values())
    clusters = DisjointSet(cells)
    bottom = dict(values)  # by root
    best: tuple[Fraction, Fraction, Fraction] | None = None
    for height, cell, target in faces:
        one, other = clusters[cell], clusters[target]
        if one == other:
            continue
        low, high = sorted((bottom[one], bottom[other]))
        clusters.merge(one, other)
        bottom[clusters[one]] = low
        if high > lowest and height > high:
            best = max(best or (height - high, high, height), (height - high, high, height))
    if best is None:
        return None
    _, floor, out = best
    loss = complex_.loss_of
    return {
        "rho": "1",
        "minimum": format_rational(loss(lowest)),
        "valley": format_rational(loss(floor)),
        "escape": format_rational(loss(out)),
        "level": format_rational(
            simplest_between(loss(floor + (out - floor) / 3), loss(floor + 2 * (out - floor) / 3))
        ),
    }


def _valleys(problem: Problem, facts: Facts) -> Analysis:
    level = rational(facts["level"], "level")
    return analyse(problem, problem.stated_width, within=Ball("adamw", Fraction(1)), level=level)


def _bad_minimum_proof(problem: Problem, facts: Facts) -> dict[str, Document]:
    return {"valleys": certify(_valleys(problem, facts))}


# Valleys of balls


def valleys_of_two_balls(first: str = "adamw", second: str = "muon") -> Conjecture:
    """Where the ball of `second` of radius 1 has no spurious valley, that of `first` has none. The
    radius is general: only the ratio of y to rho matters. False both ways for AdamW and Muon. In
    balls that are no polytopes a valley counts that is deeper than 10^-6 of the loss of zero
    weights. Certificates prove the numbers."""
    names = (geometry(first).ball.name, geometry(second).ball.name)
    return Conjecture(
        name="valleys-of-two-balls",
        statement=f"where the ball of {names[1]} of radius 1 has no spurious valley, that of "
        f"{names[0]} has none",
        status="false for adamw and muon, both ways",
        source="valley-numbers in proofs_notes/valleys-in-balls.md",
        test=partial(_more_valleys, names),
        prove=_both_numbers,
        space=Space(n=(1, 3), d=(1, 2), width=(1, 2), entries=2),
        batch=2,
    )


def _more_valleys(names: tuple[str, str], problem: Problem) -> Facts | None:
    found = {}
    # Exact trees are far cheaper.
    for name in sorted(names, key=lambda name: not Ball(name, 1).gauge.exact):
        found[name] = _valleys_at(problem, problem.stated_width, name, Fraction(1))
        if (found[name] == 1) != (name == names[1]):
            return None
    return {
        "valleys": [found[name] for name in names],
        "more": _ball(names[0], 1, problem.stated_width),
        "fewer": _ball(names[1], 1, problem.stated_width),
    }


def valleys_by_width(optimizer: str = "adamw") -> Conjecture:
    """One neuron more makes no more valleys, in the optimizer's ball of radius 1. False: in small
    balls of AdamW their number grows with every neuron (`small-balls`)."""
    name = geometry(optimizer).ball.name
    return Conjecture(
        name="valleys-by-width",
        statement=f"in {name}'s ball of radius 1 one neuron more makes no more valleys",
        status="false",
        source="small-balls in proofs_notes/valleys-in-balls.md",
        test=partial(_rising_with_width, name),
        prove=_both_numbers,
        space=Space(n=(1, 3), d=(1, 2), width=(2, 3), entries=3),
        batch=4,
    )


def _rising_with_width(name: str, problem: Problem) -> Facts | None:
    width = problem.stated_width
    return None if width == 1 else _rising(problem, name, (1, width - 1), (1, width))


def valleys_by_radius(optimizer: str = "adamw") -> Conjecture:
    """A larger ball has no more valleys than a smaller one, from rho = 1 to rho = 2. False."""
    name = geometry(optimizer).ball.name
    return Conjecture(
        name="valleys-by-radius",
        statement=f"{name}'s ball has no more valleys at rho = 2 than at rho = 1",
        status="false",
        source="valley-numbers in proofs_notes/valleys-in-balls.md",
        test=partial(_rising_with_radius, name),
        prove=_both_numbers,
        space=Space(n=(1, 3), d=(1, 2), width=(1, 2), entries=3),
        batch=4,
    )


def _rising_with_radius(name: str, problem: Problem) -> Facts | None:
    width = problem.stated_width
    return _rising(problem, name, (1, width), (2, width))


def _rising(problem: Problem, name: str, *places: tuple[int, int]) -> Facts | None:
    """Two radii and widths of which the second has more valleys."""
    numbers = [_valleys_at(problem, width, name, Fraction(rho)) for rho, width in places]
    if numbers[1] <= numbers[0]:
        return None
    fewer, more = (_ball(name, *place) for place in places)
    return {"valleys": numbers, "more": more, "fewer": fewer}


def _ball(name: str, rho: int, width: int) -> Facts:
    return {"optimizer": name, "rho": format_rational(rho), "width": width}


def _valleys_at(problem: Problem, width: int, name: str, rho: Fraction) -> int:
    """How many there are; Undecided where intervals leave open whether one is deep enough."""
    found = valleys(problem, width, within=Ball(name, rho), max_cells=5000)
    for valley in found.valleys[1:]:
        assert valley.depth is not None
        if valley.depth <= 2 * found.min_depth and not found.exact:
            raise Undecided(f"a valley of {name}'s ball is hardly deeper than is told")
    return len(found.valleys)


def _both_numbers(problem: Problem, facts: Facts) -> dict[str, Document]:
    return {side: _valleys_proof(problem, facts[side]) for side in ("more", "fewer")}


def _valleys_proof(problem: Problem, at: Facts) -> Document:
    return certify(valleys(problem, at["width"], within=Ball(at["optimizer"], at["rho"])))


def monotone_in_width(optimizer: str = "adamw", labelled: str = "yes") -> Conjecture:
    """Exact fits in the optimizer's ball that are connected at one width are connected at every
    larger one, at most that of the problem, for each radius. False for AdamW (`not-monotone`), and
    modulo permutation for Muon too; open for Muon with neurons distinguished. For balls that are no
    polytopes the radii to look at are estimates; what is found there is proved, but 'nothing found'
    is no proof for the instance."""
    name = geometry(optimizer).ball.name
    if labelled not in ("yes", "no"):
        raise InputError("labelled", f"{labelled!r} must be yes or no")
    exact = gauge_of(geometry(name).ball).exact
    kind = "" if labelled == "yes" else ", modulo permutation of the neurons"
    return Conjecture(
        name="monotone-in-width",
        statement=f"exact fits in {name}'s ball that are connected at one width are connected at "
        f"every larger one{kind}",
        status="false" if exact or labelled == "no" else "open",
        source="not-monotone in proofs_notes/width-profile.md",
        test=partial(_not_monotone, name, labelled == "yes"),
        prove=partial(_not_monotone_proof, name, labelled == "yes"),
        landscape=partial(_in_ball, name, labelled == "yes", "disconnected"),
        space=Space(n=(2, 2), d=(1, 2), width=(3, 3), entries=2),
        batch=8 if exact else 1,
    )


def _not_monotone(name: str, labelled: bool, problem: Problem) -> Facts | None:
    for profile in radius_profiles(problem, name, problem.stated_width):
        counts = profile.components_labelled if labelled else profile.components
        first = next((k for k, components in enumerate(counts, start=1) if components == 1), None)
        if first is None or profile.margin < _MARGIN:
            continue
        later = [k for k, components in enumerate(counts, start=1) if k > first and components > 1]
        if not later:
            continue
        found = {}
        for width in (first, later[0]):
            row = width_row(
                CellComplex.of(problem, width, labelled=True, within=Ball(name, profile.rho)),
                level=Fraction(),
            )
            found[width] = row.components_labelled if labelled else row.components
        if found[first] == 1 < found[later[0]]:
            return {
                "rho": format_rational(profile.rho),
                "connected": first,
                "disconnected": later[0],
                "components": found[later[0]],
            }
    return None


def _not_monotone_proof(
    name: str, labelled: bool, problem: Problem, facts: Facts
) -> dict[str, Document]:
    return {
        key: certify(_in_ball(name, labelled, key, problem, facts))
        for key in ("connected", "disconnected")
    }


def _in_ball(name: str, labelled: bool, width: str, problem: Problem, facts: Facts) -> Analysis:
    """The exact fits of the radius and the width that the facts state."""
    rho = rational(facts["rho"], "rho")
    return analyse(problem, facts[width], level=0, labelled=labelled, within=Ball(name, rho))


# Where training ends


def kinks_hold_few_runs(optimizer: str = "adamw") -> Conjecture:
    """Of 32 runs of the optimizer in its ball of radius 1, from random starts, at most half end on
    a kink: at a loss that is not the least of their cell, where its equations of rest say
    (`rest-on-kinks`). False for AdamW, from two data on. What runs do is measured in floating
    point; certificates prove what valleys the ball has."""
    name = Ball(optimizer, 1).optimizer
    return Conjecture(
        name="kinks-hold-few-runs",
        statement=f"of {_RUNS} runs of {name} in its ball of radius 1 at most half end on a kink",
        status="false",
        source="rest-on-kinks in proofs_notes/valleys.md",
        test=partial(_mostly_on_kinks, name),
        prove=_valleys_there,
        landscape=_in_that_ball,
        space=Space(n=(1, 3), d=(1, 2), width=(1, 2), entries=3),
        batch=2,
    )


def _mostly_on_kinks(name: str, problem: Problem) -> Facts | None:
    width, within = problem.stated_width, Ball(name, 1)
    tree = valleys(problem, width, within=within, max_cells=5000)
    W, a, rate = ends_of_runs(problem, within, width, _RUNS)
    ends = Ends(tree, step=rate).of(W, a)
    losses = [float(end.loss or 0) for end in ends if end.kind == "kink"]
    if 2 * len(losses) <= _RUNS:
        return None
    return {"at": _ball(name, 1, width), "losses": sorted({round(loss, 2) for loss in losses})}


def _valleys_there(problem: Problem, facts: Facts) -> dict[str, Document]:
    return {"valleys": _valleys_proof(problem, facts["at"])}


def _in_that_ball(problem: Problem, facts: Facts) -> Analysis:
    at = facts["at"]
    return analyse(problem, at["width"], within=Ball(at["optimizer"], at["rho"]))


# Labels


def labels_of_margins(first: str = "adamw", second: str = "muon") -> Conjecture:
    """Where all networks of the largest margin in the ball of `first` agree on a point's label, and
    all those in the ball of `second` do, it is the same. The points have integer entries up to 3;
    targets other than 1 and -1 are passed over. False for AdamW and Muon, from two data on
    (`labels-of-points`)."""
    names = (geometry(first).ball.name, geometry(second).ball.name)
    return Conjecture(
        name="labels-of-margins",
        statement=f"networks of the largest margin in the balls of {names[0]} and {names[1]} give "
        "no point different labels",
        status="false for adamw and muon",
        source="labels-of-points in proofs_notes/margin.md",
        test=partial(_labels_differ, names),
        prove=_labels_proof,
        landscape=_all_labels_right,
        space=Space(n=(1, 3), d=(1, 2), width=(2, 2), entries=3),
        batch=8,
    )


def _labels_differ(names: tuple[str, str], problem: Problem) -> Facts | None:
    if any(abs(v) != 1 for v in problem.y):
        return None
    width = problem.stated_width
    found = max_margins(problem, names, width, max_cells=5000)
    if not found.components:
        return None
    points = sorted(product(_ENTRIES, repeat=problem.d), key=lambda x: (sum(map(abs, x)), x))
    there = Problem(points, (0,) * len(points), activation=problem.activation)
    fits = [found.largest(name).witness.fit(there) for name in names]
    differ = [x for x, f, g in zip(points, *fits, strict=True) if f * g < 0]
    if not differ:
        return None
    largest = {name: MaxMargin(problem, name, width) for name in names}
    for x in differ:
        labels = {}
        for name, networks in largest.items():
            labels[name] = networks.label(x).label
            if labels[name] is None:
                break
        else:
            if len({*labels.values()}) == 2:
                return {
                    "point": [*x],
                    "labels": labels,
                    "margins": {
                        name: _shown(each.margin.lower, each.margin.upper)
                        for name, each in largest.items()
                    },
                }
    return None


def _labels_proof(problem: Problem, facts: Facts) -> dict[str, Document]:
    width, point = problem.stated_width, facts["point"]
    return {name: certify(MaxMargin(problem, name, width).proof(point)) for name in facts["labels"]}


def _all_labels_right(problem: Problem, facts: Facts) -> Analysis:
    return analyse(replace(problem, loss=Hinge()), problem.stated_width)


# Constants of the theorems: found is an instance at which one cannot be smaller


def sharp_extra_neurons(optimizer: str = "adamw") -> Conjecture:
    """The number of neurons by which the convex relaxation is too optimistic can be lowered by one:
    in an entrywise ball p(m + n - 2) <= relax(m), at m = 1 for exact fits. An instance found shows
    that n - 1 in `adamw-sandwich` is sharp for its n. The atlas has instances for n = 2 to 5, and
    proofs_notes/sup-norm.md for n = 6."""
    name = geometry(optimizer).ball.name
    if not gauge_of(geometry(name).ball).exact:
        raise InputError("optimizer", f"{name} has no entrywise ball")
    return Conjecture(
        name="sharp-extra-neurons",
        statement="what the convex relaxation fits with one neuron's budget, n - 1 neurons fit",
        status="false for n = 2, 3, 4, 5, 6; open beyond",
        source="adamw-sandwich in proofs_notes/sup-norm.md",
        test=partial(_needs_all_neurons, name),
        prove=partial(_needs_all_neurons_proof, name),
        space=Space(n=(2, 4), d=(2, 2), width=(1, 1), entries=2),
        batch=4,
    )


def _needs_all_neurons(name: str, problem: Problem) -> Facts | None:
    if problem.n < 2:
        return None
    unit = CellComplex.of(problem, 1, within=Ball(name, Fraction(1)))
    every = tuple(sorted({column for group in unit.groups for column in group}))
    # Neurons that share the budget of one: all columns in one group.
    rho = CriticalRadii(unit).of([every])
    if not rho:
        return None
    minimum = least(
        CellComplex.of(problem, problem.n - 1, within=Ball(name, rho), max_cells=50_000)
    )
    if not minimum.value:
        return None
    return {
        "rho": format_rational(rho),
        "neurons": problem.n - 1,
        "least_loss": format_rational(minimum.value),
    }


def _needs_all_neurons_proof(name: str, problem: Problem, facts: Facts) -> dict[str, Document]:
    rho = rational(facts["rho"], "rho")
    too_few, enough = (
        least(CellComplex.of(problem, width, within=Ball(name, rho)))
        for width in (facts["neurons"], problem.n)
    )
    return {"too-few": certify(too_few), "enough": certify(enough)}


def sharp_connected_width(optimizer: str = "adamw") -> Conjecture:
    """One neuron fewer than the theorem asks for connects as well. AdamW: the exact fits of width
    m_0 - 1 = ceil(S) + n - 1 are connected, labelled, for each radius. Muon: those of width
    min(2 P, q) are. An instance found shows that the width of the theorem (`adamw-connected`,
    `muon-connected`) is sharp. For AdamW the atlas has some with n = 2, 3; for Muon this is
    open."""
    name = geometry(optimizer).ball.name
    if name not in ("adamw", "muon"):
        raise InputError("optimizer", f"{name} must be adamw or muon")
    muon = name == "muon"
    return Conjecture(
        name="sharp-connected-width",
        statement=f"exact fits in {name}'s ball are connected at one neuron less than the theorem "
        "asks for",
        status="open" if muon else "false for n = 2, 3; open beyond",
        source=(
            "muon-connected in proofs_notes/paths.md"
            if muon
            else "adamw-connected in proofs_notes/width-profile.md"
        ),
        test=_muon_not_sharp if muon else _adamw_not_sharp,
        prove=partial(_not_connected_proof, name),
        landscape=partial(_in_ball, name, True, "width"),
        space=(
            Space(n=(1, 2), d=(1, 1), width=(1, 1), entries=2)
            if muon
            else Space(n=(1, 2), d=(1, 2), width=(1, 4), entries=2)
        ),
        batch=1 if muon else 8,
    )


def _adamw_not_sharp(problem: Problem) -> Facts | None:
    """Some radius at which the width of the problem is m_0 - 1 or more and disconnects."""
    spare = problem.stated_width - problem.n + 1
    if spare < 1:
        return None
    least_rho = largest_mass(problem, Fraction(1)) / spare  # from here on ceil(S) <= spare
    for step in radius_intervals(problem, "adamw", problem.stated_width):
        if step.components_labelled > 1 and (step.upper is None or step.upper > least_rho):
            low = max(step.lower, least_rho)
            high = 2 * low + 1 if step.upper is None else step.upper
            rho = simplest_between(low, (low + high) / 2) if low else high / 2
            return {
                "rho": format_rational(rho),
                "width": problem.stated_width,
                "components": step.components_labelled,
            }
    return None


def _muon_not_sharp(problem: Problem) -> Facts | None:
    q = problem.n + problem.d * (problem.d + 1) // 2
    width = min(CellComplex.of(problem, 1).states, q)
    for step in estimated_intervals(problem, "muon", width, max_cells=5000):
        if step.components_labelled < 2 or step.lower <= 0:
            continue
        high = 2 * step.lower + 1 if step.upper is None else step.upper
        if high < step.lower * Fraction(1 + _MARGIN):
            continue
        rho = simplest_between((3 * step.lower + 2 * high) / 5, (2 * step.lower + 3 * high) / 5)
        complex_ = CellComplex.of(problem, width, labelled=True, within=Ball("muon", rho))
        row = width_row(complex_, level=Fraction())
        if row.components_labelled > 1:
            return {
                "rho": format_rational(rho),
                "width": width,
                "components": row.components_labelled,
            }
    return None


def _not_connected_proof(name: str, problem: Problem, facts: Facts) -> dict[str, Document]:
    return {"disconnected": certify(_in_ball(name, True, "width", problem, facts))}


def sharp_muon_width() -> Conjecture:
    """At q - 2 neurons Muon's ball already fits whatever it fits at any width (`muon-exact`,
    q = n + d (d + 1) / 2, where the number of blocks is no smaller). An instance found shows that
    q - 1 is sharp for its n and d. Known for (n, d) = (3, 2); else open."""
    return Conjecture(
        name="sharp-muon-width",
        statement="Muon's ball fits with q - 2 neurons whatever it fits with more",
        status="false for (n, d) = (3, 2); else open",
        source="muon-exact in proofs_notes/two-summing.md",
        test=_needs_more_for_muon,
        prove=_needs_more_for_muon_proof,
        space=Space(n=(1, 3), d=(1, 2), width=(1, 1), entries=2),
        batch=1,
    )


def _needs_more_for_muon(problem: Problem) -> Facts | None:
    q = problem.n + problem.d * (problem.d + 1) // 2
    if q < 3 or CellComplex.of(problem, 1).states < q - 1:
        return None
    any_width = optimizer_regions(problem, ("muon", "adamw"), None)
    if any_width.level:
        return None
    enough = any_width.least(0).upper
    narrow = optimizer_regions(problem, ("muon", "adamw"), q - 2, max_cells=50_000)
    needed = None if narrow.level else narrow.least(0).lower
    if enough is None or needed is None or needed <= enough * (1 + 10 * _TIGHT):
        return None
    return {
        "neurons": q - 2,
        "rho": format_rational(simplest_between(enough + (needed - enough) / 3, needed)),
        "least": format_rational(enough),
        "least_with_too_few": format_rational(needed),
    }


def _needs_more_for_muon_proof(problem: Problem, facts: Facts) -> dict[str, Document]:
    rho = rational(facts["rho"], "rho")
    return {
        "too-few": certify(
            optimizer_regions(problem, ("muon", "adamw"), facts["neurons"]).at(rho, 100 * rho)
        ),
        "any-width": certify(
            optimizer_regions(problem, ("muon", "adamw"), None).at(rho, 100 * rho)
        ),
    }


# Two regions at large width


def disjoint_at_large_width(first: str = "adamw", second: str = "muon") -> Conjecture:
    """The exact fits in two optimizers' balls meet at every large width, as soon as both balls hold
    some. A theorem for AdamW and Muon (`dichotomy`): nothing is to be found. False for Muon
    and NGD, whose neurons share both balls."""
    names = (geometry(first).ball.name, geometry(second).ball.name)
    return Conjecture(
        name="disjoint-at-large-width",
        statement=f"at large width the exact fits in the balls of {names[0]} and {names[1]} meet "
        "once both balls hold some",
        status="a theorem for adamw and muon; false for muon and ngd",
        source="dichotomy in proofs_notes/region-interaction.md",
        test=partial(_disjoint, names),
        prove=partial(_disjoint_proof, names),
        space=Space(n=(1, 3), d=(1, 2), width=(1, 1), entries=2),
        batch=1,
    )


def _disjoint(names: tuple[str, str], problem: Problem) -> Facts | None:
    found = optimizer_regions(problem, names, None)
    single = [found.least(which) for which in (0, 1)]
    if found.level or single[0].upper is None or single[1].upper is None:
        return None
    # Near its own least radius the first region is smallest; where it is never empty, any will do.
    start = single[0].upper * (1 + _TIGHT) or Fraction(1, 8)
    rho = simplest_between(start, start * (1 + _TIGHT))
    needed, enough = found.meet(rho).lower, single[1].upper
    if needed is None or needed <= enough * (1 + 10 * _TIGHT):
        return None
    other = simplest_between(enough + (needed - enough) / 3, enough + 2 * (needed - enough) / 3)
    if found.at(rho, other).phase != "disjoint":
        return None
    return {"radii": {names[0]: format_rational(rho), names[1]: format_rational(other)}}


def _disjoint_proof(names: tuple[str, str], problem: Problem, facts: Facts) -> dict[str, Document]:
    radii = [rational(facts["radii"][name], name) for name in names]
    return {"disjoint": certify(optimizer_regions(problem, names, None).at(*radii))}


CONJECTURES: dict[str, Callable[..., Conjecture]] = {
    "separation": separation,
    "disconnected-at-width": disconnected_at_width,
    "linear-barrier": linear_barrier,
    "bad-minimum-in-ball": bad_minimum_in_ball,
    "valleys-of-two-balls": valleys_of_two_balls,
    "valleys-by-width": valleys_by_width,
    "valleys-by-radius": valleys_by_radius,
    "kinks-hold-few-runs": kinks_hold_few_runs,
    "labels-of-margins": labels_of_margins,
    "monotone-in-width": monotone_in_width,
    "sharp-extra-neurons": sharp_extra_neurons,
    "sharp-connected-width": sharp_connected_width,
    "sharp-muon-width": sharp_muon_width,
    "disjoint-at-large-width": disjoint_at_large_width,
}


def named(name: str, options: Mapping[str, str] | None = None) -> Conjecture:
    """A shipped conjecture by its name, with options by theirs."""
    if name not in CONJECTURES:
        meant = nearest(name, CONJECTURES) or f"these are {', '.join(CONJECTURES)}"
        raise InputError(name, f"is neither a file nor a shipped conjecture; {meant}")
    make, chosen = CONJECTURES[name], options or {}
    known = list(signature(make).parameters)
    for option in chosen:
        if option not in known:
            raise InputError(
                option, f"is no option of {name}; it has {', '.join(known) if known else 'none'}"
            )
    return make(**chosen)
