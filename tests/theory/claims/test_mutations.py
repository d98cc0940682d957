"""Faults planted in the theory that claims predict from, each noticed by the claim.

A fault stays in place while the claim predicts and observes: what they share would hide it. The
checker and what observations are made of stay as they are. A claim notices a fault where it does
not hold, or is refused on the way. The ids of the tests are the list: CLAIM-FAULT.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pkgutil import resolve_name
from typing import Any, TypeAlias

import pytest
from gpt2_second import FAULTS as SECOND
from gpt2_second import second
from gpt2_studies import MATRICES, statistic, study
from learned import Learner

from numerics.report.claims.margin import train_to_margin
from numerics.training import runs
from numerics.training.loop import train, train_together
from theory.claims import (
    CLAIMS,
    BadRegions,
    Claim,
    ConvexEqualsNonconvex,
    CurvesAboveBarrier,
    FiniteWidthSandwich,
    Gpt2CrossTransition,
    Gpt2PolychainBeatsLinear,
    Gpt2SpectrumPreserved,
    ImplicitBias,
    KinkLimits,
    Margin,
    NotImpliedByPriorWork,
    PermutationIsNotEnough,
    RegionInteraction,
    SameOptimizerConnectivity,
    SmallWidthSeparation,
    Staircase,
    ValleysInBalls,
    WhereTrainingEnds,
    WidthNPlus1,
    WidthProfile,
    finite_width_sandwich,
    implicit_bias,
    instances,
    width_profile,
)
from theory.claims.base import verify
from theory.claims.float_landscape import float_landscape
from theory.claims.float_margins import float_margins
from theory.claims.float_valleys import float_bars
from theory.claims.instances import instance
from theory.claims.margin import TrainToMargin
from theory.claims.region_interaction import TrainMeeting
from theory.claims.where_training_ends import rests_at
from theory.connectivity import OptimalPolytope
from theory.errors import InputError, Undecided
from theory.landscape import analyse
from theory.landscape.domain import SIGN_FLIP, Domain
from theory.landscape.kinks import RULES
from theory.landscape.shares import shares
from theory.landscape.valleys import valleys
from theory.margins import Labelled, max_margins
from theory.regions import Meeting
from theory.within import Ball, Penalty

Fault: TypeAlias = Callable[[pytest.MonkeyPatch], None]
"""Plants it."""

MORE = 1 + Fraction(1, 1000)

FIRST = instance("non-monotone", "adamw", "1/2")
ROUND = instance("non-monotone-ngd", "ngd", "31/32")


def changed(change: Callable[..., Any], *places: str) -> Fault:
    """What a function returns is changed, wherever it is called from: MODULE:NAME."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        for place in places:
            module, _, name = place.partition(":")
            holder, _, name = name.rpartition(".")
            owner = resolve_name(f"{module}:{holder}" if holder else module)
            whole = getattr(owner, name)

            def faulty(*args: Any, whole: Any = whole, **options: Any) -> Any:
                return change(whole(*args, **options))

            patch.setattr(owner, name, faulty)

    return plant


def put(place: str, value: Any) -> Fault:
    """Something else in the place of MODULE:NAME."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        module, _, name = place.partition(":")
        holder, _, name = name.rpartition(".")
        patch.setattr(resolve_name(f"{module}:{holder}" if holder else module), name, value)

    return plant


def times(factor: Fraction, *names: str) -> Callable[[Any], Any]:
    """A dataclass with some of its numbers scaled."""

    def scale(found: Any) -> Any:
        values = {name: getattr(found, name) for name in names}
        return replace(found, **{name: v and factor * v for name, v in values.items()})

    return scale


# Faults of the landscape

_moves = Domain._moves


def _fewer_moves(self: Domain, state: int) -> tuple[Any, ...]:
    """Neurons of positive sign change their cone at zero only."""
    return tuple(move for move in _moves(self, state) if state % 2 or move.wall == SIGN_FLIP)


FACES_DROPPED = put("theory.landscape.domain:Domain._moves", _fewer_moves)


def _merged(found: Sequence[Any]) -> tuple[Any, ...]:
    if len(found) < 2:
        return tuple(found)
    first, second, *others = found
    both = replace(first, cells=first.cells + second.cells, links=first.links + second.links)
    return tuple(replace(each, id=k) for k, each in enumerate([both, *others]))


COMPONENT_MERGED = changed(
    _merged,
    "theory.landscape.analysis:components_of",
    "theory.connectivity.profile:components_of",
    "theory.regions.meeting:components_of",
)

RADIUS_SCALED = changed(
    lambda rho: rho and rho * MORE, "theory.connectivity.critical_radii:CriticalRadii._solve"
)
SIZES = ("theory.landscape.conic:ConicBall._size", "theory.landscape.conic:ConicBall._lengths")


def barriers_scaled(analysis: Any) -> Any:
    rows = enumerate(analysis.barriers)
    return replace(
        analysis,
        barriers=tuple(
            tuple(v * MORE if v is not None and i != k else v for k, v in enumerate(row))
            for i, row in rows
        ),
    )


def radii_scaled(found: Any) -> Any:
    scaled = times(MORE, "lower", "upper")
    return replace(
        found,
        components=tuple(
            {name: scaled(radius) for name, radius in component.items()}
            for component in found.components
        ),
    )


# The claims, small, with what noticing their faults needs


class Remembering(Learner):
    """Learns curves that it was not asked for before, in few steps."""

    def __init__(self) -> None:
        super().__init__(steps=20)

    def __call__(self, asked: Any, progress: Any) -> Any:
        """Runs of a meeting end as they do in truth, whatever is claimed of it."""
        if isinstance(asked, TrainMeeting):
            return Met(asked.meeting)
        if isinstance(asked, TrainToMargin):
            return _to_margin(asked)
        return super().__call__(asked, progress)


@cache
def _to_margin(asked: TrainToMargin) -> Any:
    return train_to_margin(asked, silent)


class Met:
    """As trained at the radii of `MEETINGS`; what starts at a network of both stays there."""

    complete = True

    def __init__(self, meeting: Meeting) -> None:
        self.reached, self.shared = MEETINGS[meeting.rho]
        there = 0 if meeting.witness is None else 2
        self.witness_gaps = self.witness_losses = self.witness_violations = (0.0,) * there


MEETINGS = {
    (Fraction(3, 5), Fraction(3, 2)): ((50, 170), (0, 0)),
    (Fraction(3, 5), Fraction(17, 10)): ((50, 169), (0, 0)),
    (Fraction(3, 5), Fraction(13, 10)): ((50, 0), (0, 0)),
}


def silent(stage: str, count: int) -> None:
    """Progress that nobody sees."""


class OfSome(SameOptimizerConnectivity):
    """One optimizer of each kind, at the bound, trained for less long."""

    def cases(self) -> Iterator[Any]:
        """Of those of the claim."""
        for case in super().cases():
            if case.within.optimizer in {"adamw", "ngd"} and case.width != self.wide:
                yield replace(case, seeds=16, steps=800)


TWO_POINTS = replace(ValleysInBalls().cases[0], widths={"adamw": 3, "ngd": 3}, changes=(), small=3)

SMALL: dict[str, Claim] = {
    each.id: each
    for each in (
        SmallWidthSeparation(seeds=48, steps=2000),
        PermutationIsNotEnough({"flagship": PermutationIsNotEnough().cases["flagship"]}),
        WidthNPlus1(
            {"two points": WidthNPlus1().counterexamples["two points"]}, searched=1, pairs=3
        ),
        ImplicitBias(rho=Fraction(19, 10), seeds=8, steps=3500),
        ConvexEqualsNonconvex(instances=(("flagship", Fraction(3, 2)),), seeds=32),
        FiniteWidthSandwich(finite_width_sandwich._TIGHT[:3], searched=0),
        OfSome(),
        CurvesAboveBarrier(searched=1),
        WidthProfile({FIRST: 4, ROUND: 2}),
        NotImpliedByPriorWork((FIRST,)),
        Staircase((("staircase-cube", Fraction(3)),), searched=0),
        RegionInteraction(
            thresholds={"two-regions": "3/5"},
            others={},
            trained={
                ("two-regions", ("adamw", "muon")): (
                    *(("3/5", "3/2"), ("3/5", "17/10"), ("3/5", "13/10")),
                )
            },
            vertices=3,
        ),
        replace(WhereTrainingEnds().quick(), optimizers=("adamw", "sgd")),
        KinkLimits().quick(),
        ValleysInBalls((TWO_POINTS,)),
        BadRegions(tuple(replace(case, width=2) for case in BadRegions().cases[:2])),
        replace(
            Margin(),
            data={name: Margin().data[name] for name in ("opposite-labels", "opposite-margins")},
            optimizers=("adamw", "muon"),
            seeds=24,
        ),
    )
}


def shifted(by: int) -> Callable[[Any], Any]:
    """A width, if there is one, by so many neurons off."""
    return lambda width: width and width + by


def with_option(name: str, change: Callable[[Any], Any], place: str) -> Fault:
    """A function is called with another value of an option."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        whole = resolve_name(place)

        def faulty(*args: Any, **options: Any) -> Any:
            given = {name: change(options[name])} if name in options else {}
            return whole(*args, **(options | given))

        put(place, faulty)(patch)

    return plant


def with_radius(change: Callable[[Any], Any], place: str) -> Fault:
    """A function of a problem and a ball is called with another ball."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        whole = resolve_name(place)

        def faulty(problem: Any, within: Any, **options: Any) -> Any:
            return whole(problem, Ball(within.optimizer, change(within.rho)), **options)

        put(place, faulty)(patch)

    return plant


def _narrower(problem: Any, width: int, **options: Any) -> Any:
    return analyse(problem, max(1, width - 1), **options)


def _grown(path: Any) -> Any:
    start, second, *rest = path.points
    grown = tuple(neuron._replace(u=tuple(MORE * v for v in neuron.u)) for neuron in second)
    return replace(path, points=(start, grown, *rest))


def _one_less(counts: dict[Fraction, int]) -> dict[Fraction, int]:
    return {rho: max(1, count - 1) if count else 0 for rho, count in counts.items()}


def _wider(problem: Any, width: int, **options: Any) -> Any:
    return valleys(problem, width + 1, **options)


def _narrower_shares(problem: Any, width: int, **options: Any) -> Any:
    return shares(problem, max(1, width - 1), **options)


def _one_local(found: Any) -> list[Any]:
    """Of the optima that are local minima only the first."""
    local = iter([True])
    return [optimum for optimum in found if not optimum.local or next(local, False)]


def _deeper(tree: Any) -> Any:
    """The ways out of its valleys are higher."""
    scaled = times(MORE, "death", "proved_death")
    return replace(tree, valleys=tuple(map(scaled, tree.valleys)))


def _wider_margins(problem: Any, names: Any, width: int, **options: Any) -> Any:
    return max_margins(problem, names, width + 1, **options)


def _apart(components: Any) -> Any:
    """Each cell by itself."""
    return tuple(
        replace(each, id=k, cells=(cell,))
        for k, (each, cell) in enumerate((each, cell) for each in components for cell in each.cells)
    )


VALLEYS = "theory.claims.valleys_in_balls:valleys"
NONCONVEX = "theory.claims.convex_equals_nonconvex:solve"
LENGTHS = "theory.claims.implicit_bias:LENGTHS"
LENGTHS_OF = {name: implicit_bias.LENGTHS[name] for name in ("adamw", "lion")}
_remainder = vars(runs.Runs)["remainder"].fget
_rank_bound = vars(OptimalPolytope)["rank_bound"].fget
_label = vars(Labelled)["label"].fget

SETTING = {
    # Training and what is observed without the theory, which no fault changes, are done once.
    "numerics.training.runs:train": cache(train),
    "numerics.training.trainer:train_together": cache(train_together),
    "theory.claims.finite_width_sandwich:_missing": cache(finite_width_sandwich._missing),
    **{
        f"theory.claims.{name}:float_landscape": cache(float_landscape)
        for name in ("small_width_separation", "permutation_is_not_enough", "width_n_plus_1")
    },
    "theory.claims.small_width_separation:float_bars": cache(float_bars),
    "theory.claims.margin:float_margins": cache(float_margins),
    # Fewer records.
    "theory.claims.implicit_bias:_RECORDS": 100,
    # Fewer optimizers and widths.
    LENGTHS: LENGTHS_OF,
    "theory.claims.small_width_separation:_OPTIMIZERS": ("lion", "muon"),
    "theory.claims.convex_equals_nonconvex:_OPTIMIZERS": ("adamw", "ngd"),
    "theory.claims.region_interaction:_WIDTHS": (2, None),
}

FAULTS: dict[str, dict[str, Fault]] = {
    "small-width-separation": {
        "faces dropped": FACES_DROPPED,
        "component merged": COMPONENT_MERGED,
        "barrier scaled": changed(barriers_scaled, "theory.claims.small_width_separation:analyse"),
        "radius scaled": changed(radii_scaled, "theory.claims.small_width_separation:least_radii"),
        "level scaled": changed(
            times(MORE, "below", "event"), "theory.landscape.membership:Membership._around"
        ),
        "level scaled down": changed(
            times(1 / MORE, "below", "event"), "theory.landscape.membership:Membership._around"
        ),
        "valleys forgotten": changed(
            lambda bottoms: bottoms[:1], "theory.landscape.valleys:_bottoms"
        ),
    },
    "permutation-is-not-enough": {
        "faces dropped": FACES_DROPPED,
        "neurons taken for unlabelled": with_option(
            "labelled",
            lambda labelled: False,
            "theory.claims.permutation_is_not_enough:barrier_between",
        ),
        "barrier scaled": changed(
            times(MORE, "value"), "theory.claims.permutation_is_not_enough:barrier_between"
        ),
    },
    "width-n-plus-1": {
        "faces dropped": FACES_DROPPED,
        "width shifted": put("theory.claims.width_n_plus_1:analyse", _narrower),
        "barrier scaled": changed(barriers_scaled, "theory.claims.width_n_plus_1:analyse"),
        "breakpoint dropped": changed(
            lambda path: [path[0], path[-1]], "theory.claims.width_n_plus_1:unconstrained_path"
        ),
    },
    "implicit-bias": {
        "AdamW's direction taken for 1": put(LENGTHS, LENGTHS_OF | {"adamw": 1.0}),
        "AdamW's direction scaled": put(LENGTHS, LENGTHS_OF | {"adamw": 1.166}),
        "Lion's direction scaled": put(LENGTHS, LENGTHS_OF | {"lion": 0.999}),
        "rate doubled": put(
            "numerics.training.runs:Runs.remainder", property(lambda each: _remainder(each) ** 2)
        ),
    },
    "convex-equals-nonconvex": {
        "radius scaled": with_radius(lambda rho: rho * MORE, NONCONVEX),
        "radius scaled down": with_radius(lambda rho: rho / MORE, NONCONVEX),
        "width shifted": with_option("width", shifted(1), NONCONVEX),
        "bound scaled": changed(times(MORE, "lower"), NONCONVEX),
    },
    "finite-width-sandwich": {
        "width shifted down": changed(shifted(-1), "theory.claims.finite_width_sandwich:_shift"),
        "width shifted up": changed(shifted(1), "theory.claims.finite_width_sandwich:_shift"),
        "bound scaled": changed(
            times(MORE, "lower", "upper"), "theory.claims.finite_width_sandwich:solve"
        ),
    },
    "same-optimizer-connectivity": {
        "width shifted": changed(
            shifted(-2), "theory.claims.same_optimizer_connectivity:connected_from"
        ),
        "breakpoint dropped": changed(
            lambda path: replace(path, points=(path.points[0], *path.points[2:])),
            "theory.claims.same_optimizer_connectivity:connect",
        ),
        "weights scaled": changed(_grown, "theory.claims.same_optimizer_connectivity:connect"),
    },
    "curves-above-barrier": {
        "barrier scaled": changed(
            times(MORE, "value"), "theory.claims.curves_above_barrier:barrier_between"
        ),
        "barrier scaled down": changed(
            times(1 / MORE, "value"), "theory.claims.curves_above_barrier:barrier_between"
        ),
        "breakpoint dropped": changed(
            lambda found: replace(
                found, path=replace(found.path, breakpoints=found.path.breakpoints[::2])
            ),
            "theory.claims.curves_above_barrier:barrier_between",
        ),
        "neurons taken for unlabelled": with_option(
            "labelled",
            lambda labelled: False,
            "theory.claims.curves_above_barrier:barrier_between",
        ),
    },
    "width-profile": {
        "faces dropped": FACES_DROPPED,
        "component merged": changed(_one_less, "theory.connectivity.critical_radii:_counts"),
        "radius scaled": RADIUS_SCALED,
        "width shifted": changed(shifted(-1), "theory.claims.width_profile:_bound"),
        "fits not found": put("theory.landscape.conic:on_the_fit", lambda *near: iter(())),
        "ball too large": changed(lambda size: size / 2, *SIZES),
        "ball too small": changed(lambda size: size * 2, *SIZES),
    },
    "not-implied-by-prior-work": {
        "faces dropped": FACES_DROPPED,
        "component merged": COMPONENT_MERGED,
        "radius scaled": RADIUS_SCALED,
        "radius of a path scaled": changed(
            times(MORE, "lower", "upper"), "theory.claims.not_implied_by_prior_work:largest_radius"
        ),
    },
    "staircase": {
        "direction dropped": changed(
            lambda found: (found[0], found[1][:-1]),
            "theory.connectivity.staircase:active_directions",
        ),
        "vertex dropped": changed(
            lambda found: found[:-1], "theory.connectivity.staircase:_vertices"
        ),
        "component merged": changed(
            lambda step: replace(step, components=max(1, step.components - 1)),
            "theory.connectivity.staircase:OptimalPolytope.step",
        ),
        "length of directions scaled": changed(
            lambda found: (found[0] * MORE, found[1]),
            "theory.connectivity.staircase:active_directions",
        ),
        "width shifted": put(
            "theory.connectivity.staircase:OptimalPolytope.rank_bound",
            property(lambda optima: _rank_bound(optima) - 1),
        ),
    },
    "region-interaction": {
        "cells dropped": changed(
            lambda found: [replace(each, cells=each.cells[:1]) for each in found],
            "theory.regions.meeting:components_of",
        ),
        "radius scaled": changed(
            times(MORE, "lower", "upper"), "theory.regions.least_radius:Search.run"
        ),
        "radius scaled down": changed(
            times(1 / MORE, "lower", "upper"), "theory.regions.least_radius:Search.run"
        ),
        "width a third": changed(
            lambda width: width // 3, "theory.claims.region_interaction:_sufficient"
        ),
    },
    "where-training-ends": {
        "valley dropped": changed(
            lambda tree: replace(tree, valleys=tree.valleys[:-1]),
            "theory.claims.where_training_ends:valleys",
        ),
        "losses scaled": changed(
            lambda place: (place[0] * MORE, *place[1:]), "theory.landscape.ends:Ends.place"
        ),
        "plateaus named valleys": changed(
            lambda place: (place[0], place[1].replace("plateau", "valley"), place[2]),
            "theory.landscape.ends:Ends.place",
        ),
        "valleys named plateaus": changed(
            lambda place: (place[0], place[1].replace("valley", "plateau"), place[2]),
            "theory.landscape.ends:Ends.place",
        ),
        "radius scaled": with_option(
            "within",
            lambda place: (
                Ball(place.optimizer, place.rho * MORE) if isinstance(place, Ball) else place
            ),
            "theory.claims.where_training_ends:valleys",
        ),
        "penalty scaled": with_option(
            "within",
            lambda place: Penalty(place.beta * MORE) if isinstance(place, Penalty) else place,
            "theory.claims.where_training_ends:valleys",
        ),
        "rule of another optimizer": put(
            "theory.landscape.kinks:RULES", {**RULES, "adamw": RULES["signsgd"]}
        ),
    },
    "margin": {
        "faces dropped": FACES_DROPPED,
        "cells apart": changed(_apart, "theory.margins.separation:Separable.components"),
        "component forgotten": changed(
            lambda found: found[:1], "theory.margins.separation:Separable.components"
        ),
        "margin scaled": changed(times(MORE, "lower", "upper"), "theory.margins.margins:_margin"),
        "margin scaled down": changed(
            times(1 / MORE, "lower", "upper"), "theory.margins.margins:_margin"
        ),
        "round margins scaled down": changed(
            lambda found: found if found.lower == found.upper else times(1 / MORE, "upper")(found),
            "theory.margins.margins:_margin",
        ),
        "labels exchanged": put(
            "theory.margins.margins:Labelled.label",
            property(lambda each: -(_label(each) or 0)),
        ),
        "width shifted": put("theory.claims.margin:max_margins", _wider_margins),
    },
    "kink-limits": {
        "rules exchanged": put(
            "theory.landscape.kinks:RULES", {"adamw": RULES["signsgd"], "ngd": RULES["muon"]}
        ),
        "radius scaled": with_option(
            "within",
            lambda ball: Ball(ball.optimizer, ball.rho * MORE),
            "theory.claims.kink_limits:valleys",
        ),
        "share shifted": changed(
            lambda rests: [replace(rest, shares=rest.shares + 0.01) for rest in rests],
            "theory.claims.kink_limits:rests_at",
        ),
        "wall of another row": put(
            "theory.claims.kink_limits:rests_at", lambda tree, place: rests_at(tree, "-:+-0-")
        ),
        "taken for a KKT point": changed(lambda gap: 0.0, "theory.claims.kink_limits:least_gap"),
    },
    "valleys-in-balls": {
        "cells dropped": changed(_one_local, "theory.landscape.valleys:optima"),
        "valley dropped": changed(
            lambda tree: replace(tree, valleys=tree.valleys[: max(1, len(tree.valleys) - 1)]),
            VALLEYS,
        ),
        "depth scaled": changed(_deeper, VALLEYS),
        "radius scaled": with_option(
            "within", lambda ball: Ball(ball.optimizer, ball.rho * MORE), VALLEYS
        ),
        "width shifted": put(VALLEYS, _wider),
        "theorem's width shifted": changed(
            shifted(-2), "theory.claims.valleys_in_balls:connected_from"
        ),
    },
    "bad-regions": {
        "cells dropped": changed(
            lambda found: list(found)[:-1], "theory.landscape.limits:Plateaus.cells"
        ),
        "plateaus taken for none": changed(
            lambda local: False, "theory.landscape.limits:Plateaus._local"
        ),
        "local minima taken for granted": changed(
            lambda rests: True, "theory.landscape.limits:Plateaus._rests"
        ),
        "width shifted": put("theory.claims.bad_regions:shares", _narrower_shares),
        "radius scaled": with_option(
            "within",
            lambda ball: ball and Ball(ball.optimizer, ball.rho * MORE),
            "theory.claims.bad_regions:shares",
        ),
        "penalty scaled": changed(
            lambda found: replace(found, minimum=tuple(MORE * each for each in found.minimum)),
            "theory.claims.bad_regions:penalty_shares",
        ),
        "zero neurons taken for at rest": changed(
            lambda bad: bad is not None, "theory.landscape.penalty_shares:_bad"
        ),
        "rays at which no cone beside leads further": changed(
            lambda rests: True, "theory.landscape.penalty_shares:_Region.rests"
        ),
    },
}

PLANTED = [(name, fault) for name, faults in FAULTS.items() for fault in faults]


@pytest.fixture(autouse=True)
def remembered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is not the theory is done once, the theory each time."""
    for place, value in SETTING.items():
        put(place, value)(monkeypatch)
    theory = [instances._intervals, width_profile._bound]
    for each in theory:
        each.cache_clear()
    yield
    for each in theory:
        each.cache_clear()


def stands(claim: Claim) -> bool:
    """Whether it holds; not where theory refuses its own answers."""
    try:
        return verify(claim, Remembering(), silent).holds
    except (InputError, Undecided) as error:
        print(error)
        return False


@pytest.mark.parametrize("name", SMALL)
def test_without_a_fault_it_holds(name: str) -> None:
    assert stands(SMALL[name])


@pytest.mark.parametrize(
    ("name", "fault"), PLANTED, ids=[f"{name}-{fault}" for name, fault in PLANTED]
)
def test_it_notices(name: str, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    FAULTS[name][fault](monkeypatch)
    assert not stands(SMALL[name])


def test_every_claim_is_here() -> None:
    assert {*SMALL, *STUDIES} == set(CLAIMS)
    assert FAULTS.keys() == SMALL.keys()
    assert all(len(faults) > 1 for faults in FAULTS.values())


# GPT-2: predictions are thresholds, so faults are planted in what was measured


def _curve(document: Any, cell: str, curve: str) -> Any:
    return document["cells"][cell][curve]


def _barrier_raised(document: Any) -> None:
    line = _curve(document, "muon-muon", "linear")["barrier"]["out"]["values"]
    bent = _curve(document, "muon-muon", "polychain")["barrier"]
    bent["out"] = statistic([bent["out"]["values"][0], 1.001 * line[1]])


def _barriers_scaled(document: Any) -> None:
    line = _curve(document, "adamw-adamw", "linear")["barrier"]["in"]["values"]
    bent = _curve(document, "adamw-adamw", "polychain")["barrier"]
    bent["in"] = statistic([0.2501 * value for value in line])


def _rank_changed(document: Any) -> None:
    _curve(document, "adamw-adamw", "polychain")["change"] = statistic([0.1, 0.4001])


def _optimizers_alike(document: Any) -> None:
    for name, end in document["ends"].items():
        if name.startswith("muon"):
            end["stable_rank"] = dict.fromkeys(MATRICES, 8.5)


def _way_back(document: Any) -> None:
    _curve(document, "adamw-muon", "polychain")["monotonicity"] = statistic([1.0, 0.899])


def _jump(document: Any) -> None:
    _curve(document, "adamw-muon", "polychain")["largest_jump"] = statistic([0.2, 0.2401])


STUDIES: dict[str, tuple[Callable[[Any], Claim], dict[str, Callable[[Any], None]]]] = {
    "gpt2-polychain-beats-linear": (
        Gpt2PolychainBeatsLinear,
        {
            "one barrier above the line": _barrier_raised,
            "barriers above a quarter of the line's": _barriers_scaled,
        },
    ),
    "gpt2-spectrum-preserved": (
        Gpt2SpectrumPreserved,
        {"rank changed": _rank_changed, "optimizers alike": _optimizers_alike},
    ),
    "gpt2-cross-transition": (
        Gpt2CrossTransition,
        {"a way back": _way_back, "a jump": _jump},
    ),
    **{name: (type(CLAIMS[name]), faults) for name, faults in SECOND.items()},
}

MEASURED = [(name, fault) for name, (_, faults) in STUDIES.items() for fault in faults]


@pytest.mark.parametrize(
    ("name", "fault"), MEASURED, ids=[f"{name}-{fault}" for name, fault in MEASURED]
)
def test_a_study_with_a_fault_is_noticed(name: str, fault: str) -> None:
    claim, faults = STUDIES[name]
    document = second() if name in SECOND else study()
    assert stands(claim(document))
    faults[fault](document)
    assert not stands(claim(document))
