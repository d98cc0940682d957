"""Ensembles: closed forms, Jensen, what is chosen and what it is measured on."""

from __future__ import annotations

import math
from typing import Any

import pytest

pytest.importorskip("transformers")

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional
from transformers import GPT2LMHeadModel

from numerics.gpt2.data import Corpus, Texts
from numerics.gpt2.ensembles import average_loss, ensembles, window_losses
from numerics.gpt2.model import Shape, build, window_loss
from numerics.gpt2.paths import Path, straight
from theory.errors import InputError

SHAPE = Shape(layers=1, width=16, heads=2, block=8)
BY_ROUNDING = 1e-5


def model(seed: int) -> GPT2LMHeadModel:
    """Of predictions that are far from even."""
    built, generator = build(SHAPE, seed=seed), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=generator))
    return built


@pytest.fixture(scope="module")
def ends() -> tuple[GPT2LMHeadModel, GPT2LMHeadModel]:
    return model(0), model(1)


@pytest.fixture(scope="module")
def texts() -> Texts:
    return Texts(
        {"in": Corpus.read(["python-docs"]), "out": Corpus.read(["stdlib"])}, SHAPE.block, 6
    )


LOSSES = st.lists(st.lists(st.floats(0, 30), min_size=6, max_size=6), min_size=1, max_size=4).map(
    lambda rows: [torch.tensor(row, dtype=torch.float64).view(2, 3) for row in rows]
)


@given(LOSSES)
def test_an_average_is_at_most_the_mean_and_at_least_the_least(losses: list[torch.Tensor]) -> None:
    """Jensen from above; the average probability is at most the largest from below."""
    together, alone = average_loss(losses), [float(each.mean()) for each in losses]
    assert together <= sum(alone) / len(alone) + 1e-9
    assert together >= float(torch.stack(losses).min(0).values.mean()) - 1e-9


@given(LOSSES, st.integers(1, 3))
def test_a_model_with_itself_is_the_model(losses: list[torch.Tensor], times: int) -> None:
    """And counting every model several times changes nothing."""
    alone = losses[0]
    assert average_loss([alone] * times) == pytest.approx(float(alone.mean()), abs=1e-9)
    assert average_loss(losses * times) == pytest.approx(average_loss(losses), abs=1e-9)


def test_probabilities_are_averaged_and_not_logits() -> None:
    """p = 1/2 and 1/8 average to 5/16; by logits it would be sqrt(1 * 1/7) over one more."""
    losses = [torch.tensor([[math.log(n)]], dtype=torch.float64) for n in (2, 8)]
    assert average_loss(losses) == pytest.approx(math.log(16 / 5), abs=1e-12)


def test_a_hopeless_model_costs_the_logarithm_of_two() -> None:
    certain, wrong = torch.zeros(2, 2).double(), torch.full((2, 2), math.inf).double()
    assert average_loss([certain, wrong]) == pytest.approx(math.log(2))
    assert average_loss([wrong, wrong]) == math.inf


def test_two_models_by_their_whole_distributions(
    ends: tuple[GPT2LMHeadModel, GPT2LMHeadModel], texts: Texts
) -> None:
    """As an ensemble is defined: the mean of softmaxes, and the entropy of what comes."""
    windows = texts.windows("in", torch.device("cpu"))
    with torch.no_grad():
        softmaxes = [functional.softmax(m(windows[:, :-1]).logits.double(), -1) for m in ends]
    mean = torch.stack(softmaxes).mean(0)
    assert torch.allclose(mean.sum(-1), torch.ones(()).double())
    taken = mean.gather(-1, windows[:, 1:, None]).squeeze(-1)
    found = average_loss([window_losses(m, windows, at_once=4) for m in ends])
    assert found == pytest.approx(-float(taken.log().mean()), abs=BY_ROUNDING)


def test_the_losses_of_tokens_are_those_of_windows(
    ends: tuple[GPT2LMHeadModel, GPT2LMHeadModel], texts: Texts
) -> None:
    windows = texts.windows("out", torch.device("cpu"))
    losses = window_losses(ends[0], windows)
    assert losses.shape == (6, SHAPE.block)
    assert float(losses.mean()) == pytest.approx(window_loss(ends[0], windows), abs=BY_ROUNDING)


def between(
    path: Path, texts: Texts, points: int = 5, third: GPT2LMHeadModel | None = None
) -> dict[str, Any]:
    return ensembles(path, texts, points=points, third=third)


def test_a_path_that_stays_at_one_model_is_no_ensemble(
    ends: tuple[GPT2LMHeadModel, GPT2LMHeadModel], texts: Texts
) -> None:
    found = between(straight(ends[0], ends[0], bends=1), texts, third=ends[0])
    for text in ("in", "out"):
        loss = window_loss(ends[0], texts.windows(text, torch.device("cpu"))[1::2])
        assert list(found["loss"][text].values()) == pytest.approx([loss] * 5, abs=BY_ROUNDING)


def test_what_is_best_is_chosen_on_half_the_text_and_measured_on_the_other(
    ends: tuple[GPT2LMHeadModel, GPT2LMHeadModel], texts: Texts
) -> None:
    """By models one by one, of a path whose bend is a third one."""
    bend, another = model(2), model(3)
    path = Path("polychain", *ends, [bend])
    found = between(path, texts, third=another)
    cpu = torch.device("cpu")
    points = {t: path.at(t) for t in (0.0, 0.25, 0.5, 0.75, 1.0)}
    deciding = {t: window_loss(m, texts.windows("in", cpu)[::2]) for t, m in points.items()}
    best = min((0.25, 0.5, 0.75), key=deciding.__getitem__)
    assert found["t"] == best
    for text in ("in", "out"):
        losses = {t: window_losses(m, texts.windows(text, cpu)[1::2]) for t, m in points.items()}
        told = found["loss"][text]
        better = min((0.0, 1.0), key=deciding.__getitem__)
        assert told["best end"] == pytest.approx(float(losses[better].mean()), abs=BY_ROUNDING)
        assert told["best point"] == pytest.approx(float(losses[best].mean()), abs=BY_ROUNDING)
        extra = {
            "ends averaged": [],
            "three averaged": [losses[best]],
            "three models averaged": [window_losses(another, texts.windows(text, cpu)[1::2])],
        }
        for name, more in extra.items():
            models = [losses[0.0], losses[1.0], *more]
            mean = torch.stack([torch.exp(-each) for each in models]).mean(0)
            assert told[name] == pytest.approx(-float(mean.log().mean()), abs=BY_ROUNDING)
            assert told[name] < sum(float(each.mean()) for each in models) / len(models)


def test_choosing_does_not_look_at_what_is_measured(
    ends: tuple[GPT2LMHeadModel, GPT2LMHeadModel], texts: Texts, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def recorded(model: Any, windows: torch.Tensor, weights: Any = None) -> float:
        seen.append(windows)
        return window_loss(model, windows, weights)

    monkeypatch.setattr("numerics.gpt2.ensembles.window_loss", recorded)
    between(straight(*ends), texts)
    assert len(seen) == 5
    assert all(torch.equal(each, texts.windows("in", torch.device("cpu"))[::2]) for each in seen)


def test_without_a_third_model_there_is_no_control(
    ends: tuple[GPT2LMHeadModel, GPT2LMHeadModel], texts: Texts
) -> None:
    assert "three models averaged" not in between(straight(*ends), texts)["loss"]["in"]


def test_too_little_to_choose_from_is_refused(
    ends: tuple[GPT2LMHeadModel, GPT2LMHeadModel], texts: Texts
) -> None:
    with pytest.raises(InputError, match="windows: must be at least 2"):
        between(straight(*ends), Texts(texts.corpora, SHAPE.block, 1))
    with pytest.raises(InputError, match="points: 2 must be at least 3"):
        between(straight(*ends), texts, points=2)
