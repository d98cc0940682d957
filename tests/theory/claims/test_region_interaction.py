"""The claim about two regions, and what would make it false."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import pytest

from numerics.training.meetings import INSIDE, TOLERANCE, TrainedMeeting
from numerics.training.trainer import trainer
from theory.claims import CLAIMS, RegionInteraction, verify
from theory.claims.base import Bounds, Prediction, Result, Values
from theory.claims.region_interaction import Meetings, TrainMeeting
from theory.errors import Interrupted
from theory.loading import example
from theory.regions import optimizer_regions

PAIR = ("adamw", "muon")
SHORT = RegionInteraction(
    thresholds={"two-regions": "3/5"},
    others={("muon", "ngd"): "flagship"},
    trained={("two-regions", PAIR): (("3/5", "3/2"), ("3/5", "17/10"), ("3/5", "13/10"))},
    vertices=3,
    seeds=16,
    steps=2000,
)
WIDTH_2 = "two-regions, width 2"
FRONTIER = f"{WIDTH_2}, adamw and muon"
DISJOINT, OVERLAP, EMPTY = (
    f"{WIDTH_2}, adamw 3/5, muon {rho}" for rho in ("3/2", "17/10", "13/10")
)
LARGE = "two-regions, large width, adamw 1, muon 17/12"
JOINT = f"least rho of muon to meet adamw at 1/2, 3/5, 985/1393, {WIDTH_2}"


def silent(stage: str, count: int) -> None:
    """Progress that nobody sees."""


@pytest.fixture(scope="module")
def result() -> Result[Meetings, Mapping[str, TrainedMeeting]]:
    return verify(SHORT, trainer)


@dataclass(frozen=True)
class Told:
    """What a claim sees of a meeting that was trained."""

    reached: tuple[int, int]
    shared: tuple[int, int]
    witness_gaps: tuple[float, ...] = ()
    witness_losses: tuple[float, ...] = ()
    witness_violations: tuple[float, ...] = ()
    complete: bool = True


@dataclass(frozen=True)
class Pretence:
    """A trainer that trains nothing: runs end as told, by phase."""

    told: dict[str, Told]

    def __call__(self, asked: TrainMeeting, progress: Any) -> Told:
        return self.told[asked.meeting.phase]


FINE = {
    "disjoint": Told((3, 4), (0, 0)),
    "overlap": Told((3, 4), (1, 0), (1e-15, -1e-15), (1e-7, 1e-7), (0.0, 0.0)),
    "empty": Told((5, 0), (0, 0)),
}


MET = replace(
    SHORT,
    thresholds={},
    others={},
    trained={("flagship", PAIR): (("11/5", "9/2"), ("5/2", "7/2"), ("11/5", "14/5"))},
)


@pytest.fixture(scope="module")
def met() -> Prediction[Meetings]:
    return MET.predict(silent)


def holds(met: Prediction[Meetings], **told: Told) -> bool:
    trainer: Any = Pretence({**FINE, **told})
    return MET.compare(met.values, MET.observe(met, trainer, silent).values)


def test_it_holds_and_compares_what_it_predicts(
    result: Result[Meetings, Mapping[str, TrainedMeeting]],
) -> None:
    assert result.holds
    assert result.prediction.values.keys() == result.observation.values.keys()
    assert set(result.observation.evidence) < set(result.prediction.evidence.meetings)
    assert len(result.observation.evidence) == 3
    # Frontiers at widths 2, 3 and large and of another pair; meetings, two of them at large width.
    assert len(result.prediction.certificates) == 4 + 3 + 2


def test_instances_of_the_theory(result: Result[Meetings, Mapping[str, TrainedMeeting]]) -> None:
    values = result.prediction.values
    joint = values[JOINT]
    assert isinstance(joint, tuple)
    assert joint[1] == Bounds(Fraction(5, 3), Fraction(5, 3))
    own = values[f"least rho of adamw, {WIDTH_2}"]
    assert own == Bounds(Fraction(1, 2), Fraction(1, 2))
    told = {at: values[f"phase, {at}"] for at in (DISJOINT, OVERLAP, EMPTY)}
    assert list(told.values()) == ["disjoint", "overlap", "empty: muon"]


@pytest.mark.parametrize(
    ("name", "rho", "known"),
    [
        ("two-regions", "3/5", (Fraction(1, 2), 2**0.5, Fraction(5, 3))),
        ("split-by-adamw-2", "8/5", (Fraction(14, 9), 2.86744176, Fraction(53, 18))),
        ("flagship", "11/5", (Fraction(2), 3.05941170, 5.76575377)),
    ],
)
def test_thresholds(name: str, rho: str, known: tuple[Fraction | float, ...]) -> None:
    found = optimizer_regions(example(name), PAIR, 2)
    least_radii = (found.least(0), found.least(1), found.meet(Fraction(rho)))
    for least, value in zip(least_radii, known, strict=True):
        assert least.upper - least.lower <= least.upper / 10**6
        assert float(least.upper) == pytest.approx(float(value), rel=1e-7)


def test_the_one_that_is_verified() -> None:
    claim = CLAIMS["region-interaction"]
    assert isinstance(claim, RegionInteraction)
    assert set(claim.thresholds) == {"two-regions", "split-by-adamw-2", "flagship"}
    assert set(claim.others) == {
        ("adamw", "muon-adamw"),
        ("lion", "ngd"),
        ("muon", "ngd"),
        ("adamw", "sgd"),
    }
    phases = set()
    for (name, optimizers), radii in claim.trained.items():
        found = optimizer_regions(example(name), optimizers, 2)
        for first, second in radii:
            meeting = found.at(Fraction(first), Fraction(second))
            phases.add((meeting.phase, meeting.empty))
    assert phases == {
        ("overlap", ()),
        ("disjoint", ()),
        ("empty", ("muon",)),
        ("empty", ("adamw",)),
        ("empty", ("lion",)),
        ("empty", PAIR),
    }


def test_what_training_tolerates_is_too_little_to_be_in_both() -> None:
    """A run counts as in both regions only where the theory of a higher level allows it."""
    claim, wider = RegionInteraction(), Fraction(1 + INSIDE) ** 2
    for (name, optimizers), radii in claim.trained.items():
        problem = example(name)
        level = Fraction(TOLERANCE) * sum(v * v for v in problem.y)
        exact = optimizer_regions(problem, optimizers, 2)
        higher = optimizer_regions(problem, optimizers, 2, level=level)
        for rho in (tuple(map(Fraction, pair)) for pair in radii):
            meeting = exact.at(*rho)
            if meeting.phase == "disjoint":
                assert higher.meet(wider * rho[0]).lower > wider * rho[1]
            for optimizer in meeting.empty:
                which = optimizers.index(optimizer)
                assert higher.least(which).lower > wider * rho[which]


# What makes it false


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (JOINT, (2.0, 5 / 3 + 1e-5, 1.4142136)),
        (JOINT, (2.0, 5 / 3, float("nan"))),
        (f"least rho of adamw, {WIDTH_2}", 0.5 + 1e-5),
        (f"phase, {OVERLAP}", "disjoint"),
        (f"phase, {EMPTY}", "empty: adamw"),
        (f"runs reach their region, {EMPTY}", ("some", "some")),
        (f"runs reach their region, {DISJOINT}", ("some", "none")),
        (f"of these in both regions, {DISJOINT}", ("some", "none")),
        (f"Frank-Wolfe gaps at a network of both, {OVERLAP}", (0.0, 1e-6)),
        (f"highest loss / ||y||^2 from there on, {OVERLAP}", (1e-3, 0.0)),
        (f"violation from there on, {OVERLAP}", (0.01, 0.0)),
        (f"proof, {FRONTIER}", "invalid: point 0"),
        (f"neurons of a network of both regions, {LARGE}", 9.0),
        (
            f"its squared error / ||y||^2, and how far it is outside each ball, {LARGE}",
            (0.0, 0.0, 1e-3),
        ),
    ],
)
def test_an_observation_that_differs(
    result: Result[Meetings, Mapping[str, TrainedMeeting]], key: str, value: Any
) -> None:
    seen: Values = result.observation.values
    assert key in seen
    assert not SHORT.compare(result.prediction.values, {**seen, key: value})


def test_a_wrong_threshold(result: Result[Meetings, Mapping[str, TrainedMeeting]]) -> None:
    values: dict[str, Any] = dict(result.prediction.values)
    first, threshold, last = values[JOINT]
    wrong = Bounds(*(bound * Fraction(1001, 1000) for bound in (threshold.lower, threshold.upper)))
    values[JOINT] = (first, wrong, last)
    assert not SHORT.compare(values, result.observation.values)


def test_a_tampered_certificate(result: Result[Meetings, Mapping[str, TrainedMeeting]]) -> None:
    """A threshold that is a little larger has no proof."""
    certificates = copy.deepcopy(dict(result.prediction.certificates))
    excluded = next(
        point
        for point in certificates[FRONTIER]["points"]
        if point["rho"] == ["3/5", "5/3"] and "duals" in point
    )
    excluded["rho"][1] = "1667/1000"
    tampered = replace(result.prediction, certificates=certificates)
    trainer: Any = Pretence(FINE)
    values = SHORT.observe(tampered, trainer, silent).values
    assert str(values[f"proof, {FRONTIER}"]).startswith("invalid: ")
    assert not SHORT.compare(result.prediction.values, values)


def test_runs_decide(met: Prediction[Meetings]) -> None:
    assert holds(met)
    # In the other's ball though the regions are disjoint; where they overlap, any number is.
    assert not holds(met, disjoint=Told((3, 4), (0, 1)))
    assert not holds(met, disjoint=Told((0, 4), (0, 0)))
    assert holds(met, overlap=replace(FINE["overlap"], shared=(3, 4)))
    assert not holds(met, empty=Told((5, 1), (0, 0)))
    assert not holds(met, overlap=replace(FINE["overlap"], witness_gaps=(1e-15, 1e-3)))
    assert not holds(met, overlap=replace(FINE["overlap"], witness_losses=(1e-2, 1e-7)))
    assert not holds(met, overlap=replace(FINE["overlap"], witness_violations=(0.0, 0.01)))
    assert not holds(met, overlap=Told((3, 4), (0, 0)))  # without the network of both


def test_an_interrupted_training_decides_nothing(met: Prediction[Meetings]) -> None:
    with pytest.raises(Interrupted, match="^interrupted$"):
        holds(met, empty=replace(FINE["empty"], complete=False))
