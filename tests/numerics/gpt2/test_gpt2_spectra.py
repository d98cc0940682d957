"""Spectra of GPT-2: invariances and closed forms of ranks, and how far optimizers can go."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("transformers")

from numerics.gpt2.model import Shape, build, hidden_matrices
from numerics.gpt2.names import KINDS
from numerics.gpt2.paths import straight
from numerics.gpt2.spectra import (
    MUON_LENGTH,
    change,
    effective_rank,
    largest_jump,
    monotonicity,
    norms,
    radius,
    reach,
    singular_values,
    spectra,
    stable_rank,
)
from theory.claims.implicit_bias import adamw_length
from theory.errors import InputError, Interrupted

SHAPE = Shape(layers=2, width=16, heads=2, block=8, vocabulary=11)
NAMES = {f"{layer}.{kind}" for layer in range(2) for kind in KINDS}


def values(matrix: torch.Tensor) -> torch.Tensor:
    return torch.linalg.svdvals(matrix.double())


def orthogonal(n: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64)).Q


# Of one matrix


def test_singular_values_are_those_of_each_matrix() -> None:
    model = build(SHAPE, seed=0)
    found = singular_values(model)
    assert found.keys() == NAMES
    for name, matrix in hidden_matrices(model).items():
        assert found[name].dtype == torch.float64
        expected = np.linalg.svd(matrix.numpy().astype(float), compute_uv=False)
        assert found[name].numpy() == pytest.approx(expected, rel=1e-10)
    weights = dict(model.named_parameters())
    assert torch.equal(singular_values(weights)["1.mlp-in"], found["1.mlp-in"])


def test_orthogonal_maps_on_either_side_change_no_singular_value() -> None:
    weights = {k: v.double() for k, v in build(SHAPE, seed=0).state_dict().items()}
    name = "transformer.h.1.mlp.c_fc.weight"
    left, right = orthogonal(16, 1), orthogonal(64, 2)
    moved = weights | {name: left @ weights[name] @ right}
    one, other = singular_values(weights)["1.mlp-in"], singular_values(moved)["1.mlp-in"]
    assert torch.allclose(one, other, rtol=1e-10)
    assert stable_rank(one) == pytest.approx(stable_rank(other))
    assert effective_rank(one) == pytest.approx(effective_rank(other))


@pytest.mark.parametrize("rank", [stable_rank, effective_rank])
def test_ranks_in_closed_form(rank: object) -> None:
    assert callable(rank)
    outer = torch.outer(torch.arange(1.0, 4), torch.ones(5))
    assert rank(values(torch.eye(7))) == pytest.approx(7)
    assert rank(values(3 * orthogonal(6, 0))) == pytest.approx(6)
    assert rank(values(outer)) == pytest.approx(1)
    assert rank(values(torch.zeros(3, 4))) == 0.0


def test_ranks_by_hand() -> None:
    spectrum = torch.tensor([2.0, 1.0, 1.0])
    assert stable_rank(spectrum) == 1.5
    assert effective_rank(spectrum) == pytest.approx(math.exp(1.5 * math.log(2)))


SPECTRA = st.lists(st.just(0.0) | st.floats(1e-3, 1e3), min_size=1, max_size=8)


@given(SPECTRA, st.floats(1e-3, 1e3))
def test_ranks_are_between_one_and_the_rank_and_know_no_scale(
    spectrum: list[float], scale: float
) -> None:
    tensor = torch.tensor(sorted(spectrum, reverse=True), dtype=torch.float64)
    nonzero = int((tensor > 0).sum())
    for rank in (stable_rank, effective_rank):
        found = rank(tensor)
        assert min(1, nonzero) - 1e-9 <= found <= nonzero + 1e-9
        assert rank(scale * tensor) == pytest.approx(found)
    # sum (s / max)^2 <= sum s / max = 1 / max p <= exp(entropy of p)
    assert stable_rank(tensor) <= effective_rank(tensor) + 1e-9


def test_norms_of_both_balls() -> None:
    model = build(SHAPE, seed=0)
    found = norms(model)
    assert found.keys() == {"spectral", "entrywise"}
    for name, matrix in hidden_matrices(model).items():
        assert found["spectral"][name] == pytest.approx(float(torch.linalg.matrix_norm(matrix, 2)))
        assert found["entrywise"][name] == float(matrix.abs().max())


# Along a path


def test_spectra_along_a_path_are_those_of_its_models() -> None:
    path = straight(build(SHAPE, seed=0), build(SHAPE, seed=1), kind="bezier", bends=1)
    found = spectra(path, points=3, matrices=["0.query", "1.mlp-out"], chosen=[0.0, 0.3])
    assert found.t == (0.0, 0.5, 1.0)
    for k, t in enumerate(found.t):
        model = path.at(t)
        sizes = norms(model)
        for name, spectrum in singular_values(model).items():
            assert found.stable_rank[name][k] == pytest.approx(stable_rank(spectrum))
            assert found.effective_rank[name][k] == pytest.approx(effective_rank(spectrum))
            assert found.spectral_norm[name][k] == pytest.approx(sizes["spectral"][name])
            assert found.entrywise_norm[name][k] == pytest.approx(sizes["entrywise"][name])
    expected = singular_values(path.at(0.3))["1.mlp-out"].tolist()
    assert found.singular_values["1.mlp-out"][1] == pytest.approx(expected)
    document = found.to_json()
    assert json.loads(json.dumps(document)) == document
    assert document["stable_rank"].keys() == NAMES
    assert document["chosen"] == [0.0, 0.3]
    assert document["singular_values"].keys() == {"0.query", "1.mlp-out"}


def test_no_singular_values_are_kept_unless_asked_for() -> None:
    model = build(SHAPE, seed=0)
    document = spectra(straight(model, model), points=2).to_json()
    assert (document["chosen"], document["singular_values"]) == ([], {})


def test_spectra_are_refused_and_interrupted() -> None:
    path = straight(build(SHAPE, seed=0), build(SHAPE, seed=1))
    with pytest.raises(InputError, match="matrices: 7.query not among 0.query, 0.key"):
        spectra(path, matrices=["7.query"])
    with pytest.raises(InputError, match="points: 1 must be at least 2"):
        spectra(path, points=1)

    def progress(stage: str, steps: int) -> None:
        if steps == 1:
            raise Interrupted("as asked for")

    with pytest.raises(Interrupted, match="^interrupted; as asked for$"):
        spectra(path, progress=progress)


# What sums ranks up

RANKS = st.lists(st.floats(0.5, 100), min_size=2, max_size=9)


def test_sums_of_ranks_by_hand() -> None:
    # Between the second and the third point, not only from an end to another point.
    assert change([10.0, 8.0, 12.0, 10.0]) == 0.5
    assert change([3.0, 3.0]) == 0.0
    assert change([0.0, 0.0]) == 0.0
    assert change([0.0, 1.0]) == math.inf
    assert monotonicity([2.0, 4.0, 3.0, 5.0]) == 3 / 5
    assert monotonicity([5.0, 3.0, 4.0, 2.0]) == -3 / 5
    assert monotonicity([2.0, 3.0, 2.0]) == 0.0
    assert monotonicity([2.0, 2.0]) == 0.0
    assert largest_jump([2.0, 5.0, 4.0]) == 1.5
    assert largest_jump([4.0, 5.0, 2.0]) == 1.5
    assert largest_jump([2.0, 3.0, 2.0]) is None


@given(st.integers(1, 12), st.floats(1, 10), st.floats(0.1, 5))
def test_equal_steps(steps: int, start: float, size: float) -> None:
    rising = [start + size * k for k in range(steps + 1)]
    assert monotonicity(rising) == pytest.approx(1)
    assert monotonicity(rising[::-1]) == pytest.approx(-1)
    assert largest_jump(rising) == pytest.approx(1 / steps)
    assert change(rising) == pytest.approx(steps * size / start)


@given(RANKS, st.floats(0.1, 10))
def test_sums_of_ranks_know_no_direction_and_no_scale(ranks: list[float], scale: float) -> None:
    back, scaled = ranks[::-1], [scale * rank for rank in ranks]
    assert change(ranks) == change(back) == pytest.approx(change(scaled), abs=1e-9)
    assert monotonicity(ranks) == pytest.approx(-monotonicity(back))
    assert -1 - 1e-9 <= monotonicity(ranks) <= 1 + 1e-9
    assert largest_jump(ranks) == largest_jump(back)
    jump = largest_jump(ranks)
    # The steps sum up to the span, so the largest has at least an equal part.
    assert (jump is None) == (ranks[0] == ranks[-1])
    assert jump is None or jump >= 1 / (len(ranks) - 1) - 1e-9


# The balls


def test_radii() -> None:
    assert radius("adamw", 0.1, (64, 16)) == radius("adamw", 0.1, (16, 64)) == 10
    assert radius("muon", 0.1, (64, 16)) == 20
    assert radius("muon", 0.1, (16, 64)) == radius("muon", 0.1, (16, 16)) == 10
    with pytest.raises(InputError, match="optimizer: 'sgd' is not one of adamw, muon"):
        radius("sgd", 0.1, (4, 4))
    for weight_decay in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(InputError, match="weight_decay: .* must be positive"):
            radius("adamw", weight_decay, (4, 4))


RATES = st.lists(st.floats(0, 2), max_size=20)


@given(st.floats(0, 100), RATES, st.floats(0.01, 0.5), st.floats(0.5, 2))
def test_reach_has_the_closed_form(
    start: float, rates: list[float], weight_decay: float, length: float
) -> None:
    shape = (64, 16)
    found = reach("muon", start, rates, weight_decay, shape, length=length)
    left = math.prod(1 - rate * weight_decay for rate in rates)
    limit = length * radius("muon", weight_decay, shape)
    assert found == pytest.approx(left * start + (1 - left) * limit)
    assert min(start, limit) - 1e-9 <= found <= max(start, limit) + 1e-9


def test_reach_without_weight_decay_is_the_length_of_all_steps() -> None:
    assert reach("adamw", 1.0, [0.5, 0.25], 0.0, (4, 4), length=2.0) == 2.5
    assert reach("muon", 1.0, [], 0.1, (4, 4)) == 1.0


def test_reach_refuses_steps_that_weight_decay_turns_round() -> None:
    for rate in (-0.1, 11.0, math.nan):
        with pytest.raises(InputError, match=r"learning_rates: .* is not in \[0, 1\]"):
            reach("adamw", 1.0, [rate], 0.1, (4, 4))


def test_signs_that_never_change_attain_the_reach(generator: np.random.Generator) -> None:
    signs = generator.choice([-1.0, 1.0], (5, 3))
    weights, rates = 0.3 * signs, generator.uniform(0, 1, 50)
    for k, rate in enumerate(rates, 1):
        weights = (1 - rate * 0.1) * weights + rate * signs
        bound = reach("adamw", 0.3, rates[:k].tolist(), 0.1, (5, 3))
        assert np.abs(weights).max() == pytest.approx(bound)


def test_signs_that_change_stay_within_the_reach(generator: np.random.Generator) -> None:
    weights, rates = generator.normal(size=(5, 3)), generator.uniform(0, 1, 50)
    start = float(np.abs(weights).max())
    for k, rate in enumerate(rates, 1):
        weights = (1 - rate * 0.1) * weights + rate * generator.choice([-1.0, 1.0], (5, 3))
        bound = reach("adamw", start, rates[:k].tolist(), 0.1, (5, 3))
        assert np.abs(weights).max() <= bound + 1e-12


@pytest.mark.parametrize("shape", [(24, 8), (8, 24), (12, 12)])
def test_runs_of_muon_stay_within_the_reach(shape: tuple[int, int]) -> None:
    """The solution is far outside the ball, and draws the weights to its edge."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(32, shape[1], generator=generator)
    targets = inputs @ (1000 * torch.randn(shape, generator=generator)).T
    weights = torch.nn.Parameter(torch.randn(shape, generator=generator) / 4)
    start = float(torch.linalg.matrix_norm(weights.detach(), 2))
    optimizer = torch.optim.Muon([weights], lr=0.5, weight_decay=0.1)
    rates: list[float] = []
    for step in range(60):
        rates.append(0.5 * (1 - step / 60))
        optimizer.param_groups[0]["lr"] = rates[-1]
        optimizer.zero_grad()
        (inputs @ weights.T - targets).square().mean().backward()
        optimizer.step()
        norm = float(torch.linalg.matrix_norm(weights.detach().double(), 2))
        assert norm <= reach("muon", start, rates, 0.1, shape, length=MUON_LENGTH)
    # Exactly orthogonal directions would not get so far.
    assert norm > 1.05 * reach("muon", start, rates, 0.1, shape)


def test_runs_of_adamw_exceed_the_reach_of_signs_and_stay_within_their_own() -> None:
    weights, betas = torch.nn.Parameter(torch.full((2, 3), 0.5, dtype=torch.float64)), (0.9, 0.95)
    optimizer = torch.optim.AdamW([weights], lr=0.3, weight_decay=0.1, betas=betas)
    for step in range(1, 101):
        # The worst gradients: they grow by beta2 / beta1.
        weights.grad = torch.full_like(weights, -((betas[1] / betas[0]) ** step))
        optimizer.step()
        norm = float(weights.detach().abs().max())
        longest = adamw_length(*betas)
        assert norm <= reach("adamw", 0.5, [0.3] * step, 0.1, (2, 3), length=longest)
    assert norm > 1.1 * reach("adamw", 0.5, [0.3] * 100, 0.1, (2, 3))
