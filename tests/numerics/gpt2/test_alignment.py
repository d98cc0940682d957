"""Folding and aligning GPT-2 models: the same logits, planted maps found, spectra kept."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from profiles import part
from scipy.linalg import helmert
from torch import Tensor

pytest.importorskip("transformers")

from transformers import GPT2LMHeadModel

from numerics.gpt2.alignment import (
    RESIDUAL_MAPS,
    Alignment,
    LayerMap,
    LearnedRotation,
    align,
    fold,
    similarity,
)
from numerics.gpt2.data import Corpus, Texts
from numerics.gpt2.model import (
    Shape,
    build,
    hidden_matrices,
    load,
    save,
    token_loss,
)
from numerics.gpt2.training import Recipe, Trainer
from numerics.training.loop import one_thread
from theory.errors import InputError

SHAPE = Shape(layers=2, width=16, heads=4, block=8, vocabulary=32)
TOKENS = torch.randint(0, 32, (4, 9), generator=torch.Generator().manual_seed(0))
FLOAT32 = 1e-4  # of logits of size 10, after a few layers
FLOAT64 = 1e-10
KINDS = sorted(RESIDUAL_MAPS)


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    # Matrices are tiny here, and threads wait for each other where other tests run.
    with one_thread():
        yield


def model(seed: int, shape: Shape = SHAPE) -> GPT2LMHeadModel:
    """One in float64 with no weight at its initial value: scales, shifts and biases are there."""
    built = build(shape, seed=seed).double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return built


@cache
def folded(seed: int, shape: Shape = SHAPE) -> GPT2LMHeadModel:
    return fold(model(seed, shape))


def logits(of: GPT2LMHeadModel) -> Tensor:
    with torch.inference_mode():
        return of(TOKENS[:, :-1]).logits


def difference(first: GPT2LMHeadModel, second: GPT2LMHeadModel) -> float:
    """The largest, of all weights."""
    with torch.no_grad():
        pairs = zip(first.parameters(), second.parameters(), strict=True)
        return max(float((p - q).abs().max()) for p, q in pairs)


def loss_between(
    first: GPT2LMHeadModel, second: GPT2LMHeadModel, t: float, tokens: Tensor = TOKENS
) -> float:
    """At a point of the straight line; t = 0 is the first model."""
    others = dict(second.named_parameters())
    with torch.no_grad():
        weights = {n: (1 - t) * p + t * others[n] for n, p in first.named_parameters()}
        return token_loss(first, tokens, weights).item()


def orthogonal(generator: np.random.Generator, *shape: int) -> Tensor:
    return torch.linalg.qr(torch.from_numpy(generator.standard_normal((*shape, shape[-1]))))[0]


def residual_map(generator: np.random.Generator, kind: str, d: int = SHAPE.width) -> Tensor:
    """A random one, with ones fixed."""
    if kind == "permutation":
        return torch.eye(d, dtype=torch.float64)[generator.permutation(d)]
    rows = torch.from_numpy(helmert(d))
    return rows.T @ orthogonal(generator, d - 1) @ rows + 1 / d


def random_alignment(seed: int, kind: str = "orthogonal") -> Alignment:
    generator, h, d = np.random.default_rng(seed), SHAPE.heads, SHAPE.width
    layers = [
        LayerMap(
            torch.from_numpy(generator.permutation(h)),
            orthogonal(generator, h, d // h),
            orthogonal(generator, h, d // h),
            torch.from_numpy(generator.permutation(4 * d)),
        )
        for _ in range(SHAPE.layers)
    ]
    return Alignment(residual_map(generator, kind), tuple(layers))


# Folding


def test_a_folded_model_has_the_same_logits() -> None:
    plain = model(0)
    assert (logits(fold(plain)) - logits(plain)).abs().max() < FLOAT64
    single = plain.float()
    assert (logits(fold(single)) - logits(single)).abs().max() < FLOAT32


def test_folding_leaves_the_argument_as_it_was() -> None:
    plain = model(0)
    before = copy.deepcopy(plain)
    fold(plain)
    assert difference(plain, before) == 0
    assert all(p.requires_grad for p in plain.parameters())


def test_a_folded_model_has_what_it_says() -> None:
    found, d = folded(0), SHAPE.width
    weights = dict(found.named_parameters())
    for name, weight in weights.items():
        if ".ln_" in name:
            assert not weight.requires_grad
            expected = 1 if name.endswith("weight") else d**-0.5 if "ln_f" in name else 0
            assert (weight == expected).all()
        else:
            assert weight.requires_grad
        if name.endswith(("c_attn.weight", "c_fc.weight")):
            assert weight.sum(dim=0).abs().max() < FLOAT64
        if ".c_proj." in name or "wte" in name or "wpe" in name:
            assert weight.sum(dim=-1).abs().max() < FLOAT64
        if name.endswith("c_attn.bias"):
            assert (weight[d:] == 0).all()
            assert (weight[:d] != 0).all()


def test_folding_again_changes_nothing() -> None:
    once = folded(0)
    assert difference(fold(once), once) < FLOAT64


def test_a_scale_of_zero_folds() -> None:
    plain = model(0)
    for name, parameter in plain.named_parameters():
        if ".ln_" in name and name.endswith("weight"):
            parameter.data[:5] = 0
    assert (logits(fold(plain)) - logits(plain)).abs().max() < FLOAT64


def test_a_tied_head_is_untied() -> None:
    tied = model(0)
    tied.config.tie_word_embeddings = True
    tied.lm_head.weight = tied.transformer.wte.weight
    found = fold(tied)
    assert found.lm_head.weight is not found.transformer.wte.weight
    assert not found.config.tie_word_embeddings
    assert tied.config.tie_word_embeddings
    assert (logits(found) - logits(tied)).abs().max() < FLOAT64


def test_scales_and_shifts_that_do_not_show_fold_to_one_model() -> None:
    plain = model(0)
    other = copy.deepcopy(plain)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for k, block in enumerate(other.transformer.h):
            scale = torch.rand(SHAPE.width, generator=generator) + 0.5
            block.ln_1.weight.mul_(scale)
            block.ln_1.bias.mul_(scale)
            block.attn.c_attn.weight.div_(scale[:, None].double())
            block.attn.c_attn.bias[SHAPE.width : 2 * SHAPE.width] += k + 1  # of keys
        other.transformer.wte.weight += torch.randn(32, 1, generator=generator)
    assert difference(fold(other), fold(plain)) < FLOAT64


# Alignment


@pytest.mark.parametrize("kind", KINDS)
def test_an_aligned_model_has_the_same_logits_and_is_closer(kind: str) -> None:
    first, second = folded(0), folded(1)
    moved = align(first, second, residual=kind).of(second)
    assert (logits(moved) - logits(second)).abs().max() < FLOAT64
    assert similarity(first, moved) > similarity(first, second)
    assert [p.requires_grad for p in moved.parameters()] == [
        p.requires_grad for p in second.parameters()
    ]


def test_an_aligned_checkpoint_is_one_of_transformers(tmp_path: Path) -> None:
    first, second = (copy.deepcopy(folded(seed)).float() for seed in (0, 1))
    save(align(first, second).of(second), tmp_path)
    for read in (load(tmp_path), GPT2LMHeadModel.from_pretrained(tmp_path)):
        assert type(read) is GPT2LMHeadModel
        assert (logits(read) - logits(second)).abs().max() < FLOAT32
        assert (logits(read) - logits(model(1).float())).abs().max() < FLOAT32
    align(first, load(tmp_path))  # still folded


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("planted", KINDS)
def test_planted_maps_are_found(kind: str, planted: str) -> None:
    first = folded(0)
    copied = random_alignment(0, planted).of(first)
    assert difference(first, copied) > 0.1
    moved = align(first, copied, residual=kind).of(copied)
    if kind == planted or kind == "orthogonal":
        assert difference(first, moved) < FLOAT64
    else:
        # A permutation cannot undo a rotation.
        assert difference(first, moved) > 0.1


def test_the_line_to_a_planted_copy_has_no_barrier() -> None:
    first = folded(0)
    copied = random_alignment(1).of(first)

    loss = loss_between(first, copied, 0)
    assert loss_between(first, copied, 1) == pytest.approx(loss)
    assert abs(loss_between(first, copied, 0.5) - loss) > 0.1
    moved = align(first, copied).of(copied)
    assert loss_between(first, moved, 0.5) == pytest.approx(loss)


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_is_aligned_with_itself(kind: str) -> None:
    first = folded(0)
    found, identity = align(first, first, residual=kind), Alignment.identity(first)
    assert torch.allclose(found.residual, identity.residual, atol=FLOAT64)
    for ours, theirs in zip(found.layers, identity.layers, strict=True):
        for name, value in vars(ours).items():
            assert torch.allclose(value, getattr(theirs, name), atol=FLOAT64)


def test_what_nothing_decides_stays() -> None:
    """Fewer tokens and positions than the width: they leave some of the residual map open."""
    shape = replace(SHAPE, vocabulary=3, block=2)
    first = folded(0, shape)
    assert difference(first, align(first, first).of(first)) < 1e-5


@pytest.mark.parametrize("kind", KINDS)
def test_singular_values_stay(kind: str) -> None:
    first, second = folded(0), folded(1)
    moved = hidden_matrices(align(first, second, residual=kind).of(second))
    for name, matrix in hidden_matrices(second).items():
        before, after = (torch.linalg.svdvals(m) for m in (matrix, moved[name]))
        assert torch.allclose(before, after, atol=FLOAT64)


@pytest.mark.parametrize("kind", KINDS)
def test_similarity_grows_from_round_to_round(kind: str) -> None:
    first, second = folded(0), folded(1)
    found = [
        similarity(first, align(first, second, residual=kind, rounds=rounds).of(second))
        for rounds in range(1, 12)
    ]
    assert all(b >= a for a, b in pairwise(found))
    assert found[-1] > found[0] or kind == "permutation"
    assert align(first, second, residual=kind).residual.shape == (16, 16)


def test_more_freedom_within_layers_is_no_less_similar() -> None:
    """What a round finds within layers beats random maps there, with the same residual map."""
    first, second = folded(0), folded(1)
    found = align(first, second)
    best = similarity(first, found.of(second))
    for seed in range(20):
        other = replace(found, layers=random_alignment(seed).layers)
        assert similarity(first, other.of(second)) < best


@given(seed=st.integers(0, 2**32 - 1), kind=st.sampled_from(KINDS))
@part(2)
def test_random_maps_keep_logits_and_norms(seed: int, kind: str) -> None:
    first = folded(seed % 7)
    moved = random_alignment(seed, kind).of(first)
    assert (logits(moved) - logits(first)).abs().max() < FLOAT64
    assert similarity(moved, moved) == pytest.approx(similarity(first, first))


def test_alignment_does_not_see_random_maps() -> None:
    """Of the second model: it is compared with the first the same way afterwards."""
    first, second = folded(0), folded(1)
    expected = similarity(first, align(first, second).of(second))
    for seed in range(3):
        other = random_alignment(seed).of(second)
        assert similarity(first, align(first, other).of(other)) == pytest.approx(expected)


def test_weights_are_differentiable_in_the_residual_map() -> None:
    second = folded(1)
    residual = torch.eye(SHAPE.width, dtype=torch.float64, requires_grad=True)
    moved = replace(Alignment.identity(second), residual=residual).apply(
        dict(second.named_parameters())
    )
    size = torch.stack([w.square().sum() for w in moved.values()]).sum()
    gradient = torch.autograd.grad(size, residual)[0]
    assert gradient.abs().min() >= 0
    assert gradient.norm() > 0


def _narrower() -> GPT2LMHeadModel:
    return folded(1, replace(SHAPE, width=8))


def _other_mlp() -> GPT2LMHeadModel:
    config = copy.deepcopy(folded(1).config)
    config.n_inner = 24
    return fold(GPT2LMHeadModel(config).double())


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (_narrower, "second: has n_embd 8, but the first model has 16"),
        (_other_mlp, r"second: has transformer.h.0.mlp.c_fc.weight \(16, 24\), but .* \(16, 64\)"),
        (lambda: model(1), "second: is not folded: transformer.h.0.ln_1.weight is not 1; fold it"),
    ],
)
def test_models_that_do_not_fit(second: Callable[[], GPT2LMHeadModel], message: str) -> None:
    with pytest.raises(InputError, match=message):
        align(folded(0), second())
    with pytest.raises(InputError, match=message):
        LearnedRotation(folded(0), second())


def test_a_first_model_that_is_not_folded() -> None:
    with pytest.raises(InputError, match="first: is not folded: transformer.ln_f.bias is not 0.25"):
        align(build(SHAPE, seed=0).double(), folded(1))


def test_options_that_are_not_known() -> None:
    with pytest.raises(InputError, match="residual: 'affine' is not one of"):
        align(folded(0), folded(1), residual="affine")
    with pytest.raises(InputError, match="rounds"):
        align(folded(0), folded(1), rounds=0)


# The learned rotation


def pair() -> tuple[GPT2LMHeadModel, GPT2LMHeadModel]:
    first, second = (copy.deepcopy(folded(seed)).float() for seed in (0, 1))
    return first, align(first, second).of(second)


def test_a_rotation_starts_with_the_second_model() -> None:
    first, second = pair()
    module = LearnedRotation(first, second)
    assert difference(module.model(), second) < 1e-5
    for t, s in ((0.0, 0.4), (0.5, 0.5)):
        expected = loss_between(first, second, s)
        assert module(TOKENS, t).item() == pytest.approx(expected, rel=1e-4)


def test_a_learned_rotation_keeps_logits_and_lowers_the_loss_half_way() -> None:
    first, second = pair()
    before = [copy.deepcopy(m) for m in (first, second)]
    module = LearnedRotation(first, second)
    trained = [name for name, p in module.named_parameters() if p.requires_grad]
    assert trained == ["skew"]
    pattern = np.arange(4000) % 11
    recipe = Recipe(steps=30, batch=8, learning_rate=1e-2, weight_decay=0.0)
    texts = Texts({"in": Corpus(pattern, pattern[:200], 32, ["planted"], "")}, block=8, count=1)
    Trainer(texts).fit(module, recipe)
    windows = torch.from_numpy(np.lib.stride_tricks.sliding_window_view(pattern, 9)[:11].copy())
    moved = module.model()
    reached = loss_between(first, moved, 0.5, windows)
    assert reached < loss_between(first, second, 0.5, windows) - 0.1
    assert reached == pytest.approx(module(windows, 0.5).item(), rel=1e-4)
    assert (logits(moved) - logits(second)).abs().max() < FLOAT32
    assert all(difference(*both) == 0 for both in zip((first, second), before, strict=True))
