"""The second study's protocol: its tests, when it decides, and what each hypothesis hangs on."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction
from math import comb
from statistics import fmean
from typing import Any

import pytest
from gpt2_second import second

from numerics.training.trainer import trainer
from theory.claims import CLAIMS, verify
from theory.claims.gpt2_protocol import (
    RECORDED,
    ProtocolClaim,
    digest,
    exchanged,
    flipped,
    protocol,
    rank_at_loss,
    second_study,
)
from theory.errors import InputError, Undecided

HYPOTHESES: dict[str, Any] = {
    name: type(claim) for name, claim in CLAIMS.items() if isinstance(claim, ProtocolClaim)
}
each = pytest.mark.parametrize("name", HYPOTHESES)


def test_each_hypothesis_is_a_claim() -> None:
    assert set(HYPOTHESES) == set(protocol()["hypotheses"])


@each
def test_it_holds_in_the_planted_study(name: str) -> None:
    result = verify(HYPOTHESES[name](second()), trainer)
    assert result.prediction.values.keys() == result.observation.values.keys()
    assert result.holds


@each
def test_it_is_not_decided_while_parts_are_missing(name: str) -> None:
    document = second()
    document["parts"]["done"] = 154
    with pytest.raises(Undecided, match="^154 of 155 parts$"):
        verify(HYPOTHESES[name](document), trainer)


@each
def test_another_configuration_decides_nothing(name: str) -> None:
    """Nor does one that is complete, or one of which nobody says which it was."""
    document = second()
    for changed in (digest({**protocol(), "seeds": 10}), None):
        document["configuration"] = changed
        with pytest.raises(InputError, match="is not of the protocol, gpt2-second.toml"):
            verify(HYPOTHESES[name](document), trainer)


def test_the_shipped_study_is_by_the_protocol_and_complete() -> None:
    study = second_study()
    assert study["configuration"] == digest(protocol())
    assert study["parts"] == {"done": 155, "of": 155}
    assert RECORDED.keys() == HYPOTHESES.keys()
    for name, claim in HYPOTHESES.items():
        assert claim().document is study
        assert verify(claim(), trainer).holds == claim().recorded == RECORDED[name]


def test_a_digest_is_of_what_is_said_not_of_how() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert digest({"a": 1}) != digest({"a": 1.5})


# The tests


def test_exchanging_counts_all_choices() -> None:
    generator = random.Random(0)
    first, second_ = ([generator.gauss(m, 1) for _ in range(n)] for m, n in ((0.5, 3), (0, 4)))
    values, count, total = [*first, *second_], 0, 0
    for order in itertools.permutations(range(7)):  # each choice 3! 4! times
        chosen = [values[k] for k in order]
        total += 1
        count += fmean(chosen[:3]) - fmean(chosen[3:]) >= fmean(first) - fmean(second_) - 1e-12
    assert exchanged(first, second_) == Fraction(count, total)


def test_the_least_p_is_one_over_all_relabellings() -> None:
    low, high = [float(k) for k in range(8)], [100.0 + k for k in range(8)]
    assert exchanged(high, low) == Fraction(1, comb(16, 8))
    assert exchanged(low, high) == 1
    assert exchanged(high[:4], low[:4]) == Fraction(1, 70)
    assert flipped(high[:5]) == Fraction(1, 32)
    assert flipped([-value for value in high]) == 1


def test_without_a_difference_p_is_uniform_enough() -> None:
    """P(p <= alpha) <= alpha: over all relabellings of one sample, for every alpha."""
    values = [1.0, 2.5, 3.0, 4.0, 6.5, 7.0]
    chosen = [set(c) for c in itertools.combinations(range(6), 3)]
    found = [
        exchanged([values[k] for k in c], [values[k] for k in range(6) if k not in c])
        for c in chosen
    ]
    for alpha in {*found}:
        assert Fraction(sum(p <= alpha for p in found), len(found)) <= alpha
    signs = itertools.product((1, -1), repeat=5)
    found = [flipped([s * v for s, v in zip(own, values, strict=False)]) for own in signs]
    for alpha in {*found}:
        assert Fraction(sum(p <= alpha for p in found), len(found)) <= alpha


def test_a_rank_at_a_loss_is_between_those_around_it() -> None:
    points = [(1.5, 20.0), (2.0, 10.0), (1.0, 30.0)]
    assert rank_at_loss(points, 1.75) == 15
    assert rank_at_loss(points, 1.25) == 25
    assert [rank_at_loss(points, loss) for loss in (1.5, 0.5, 3.0)] == [20, 30, 10]
