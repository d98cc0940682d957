"""MLPs on planes: the restricted network is the block, its problem has planted answers."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("transformers")

import torch
from command import run, run_json
from transformers import GPT2LMHeadModel

from numerics.cli import main
from numerics.gpt2.model import Shape, build, load, save, shape_of
from numerics.gpt2.slices import Slice, _orthonormal, located, occupied, slice_of
from numerics.training.loop import one_thread
from theory.errors import InputError
from theory.geometry import geometry
from theory.landscape.classify import classify
from theory.network import Network
from theory.problem import Problem

SHAPE = Shape(layers=2, width=16, heads=2, block=8, activation="relu")
WINDOWS = torch.randint(256, (6, 9), generator=torch.Generator().manual_seed(3))


def model(seed: int = 0, shape: Shape = SHAPE) -> GPT2LMHeadModel:
    """Random in all parameters, where `build` has biases of zero."""
    built, generator = build(shape, seed=seed), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=generator))
    return built


@pytest.mark.parametrize(("count", "size"), [(1, 1), (1, 16), (2, 16), (3, 128), (16, 16), (5, 7)])
def test_directions_are_orthonormal_exactly(count: int, size: int) -> None:
    found = _orthonormal(count, size, np.random.default_rng(count))
    for j, first in enumerate(found):
        for k, second in enumerate(found):
            product = sum(value * second.get(place, 0) for place, value in first.items())
            assert product == (j == k)
    assert all(0 <= place < size for each in found for place in each)


@pytest.mark.parametrize("output", [None, 5])
@pytest.mark.parametrize("directions", [1, 2, 3])
def test_the_network_is_the_block_on_the_plane(directions: int, output: int | None) -> None:
    """The MLP itself, run by torch on points of the plane and read in one direction."""
    of, layer, seed = model(), 1, 7
    cut = slice_of(of, WINDOWS, layer=layer, directions=directions, output=output, seed=seed)
    assert (cut.problem.n, cut.problem.d, cut.block.width) == (6, directions + 1, 64)
    generator = np.random.default_rng(seed)
    inputs = _orthonormal(directions, SHAPE.width, generator)
    read = _orthonormal(1, SHAPE.width, generator)[0] if output is None else {output: Fraction(1)}
    plane = torch.zeros(6, SHAPE.width)
    for row, x in enumerate(cut.problem.X):
        for z, along in zip(x, inputs, strict=False):
            for place, value in along.items():
                plane[row, place] += float(z * value)
    mlp = of.transformer.h[layer].mlp
    with torch.no_grad():
        said = mlp(plane) - mlp.c_proj.bias
    told = [sum(float(v) * row[k] for k, v in read.items()) for row in said]
    assert [float(y) for y in cut.problem.y] == pytest.approx([float(v) for v in told], abs=1e-4)
    assert cut.block.fit(cut.problem) == cut.problem.y


def test_points_are_projected_activations() -> None:
    """All coordinates but those of a direction are gone: with all of them nothing is."""
    of = model()
    whole = slice_of(of, WINDOWS, layer=0, directions=SHAPE.width)
    assert whole.kept == pytest.approx(1)
    states: list[torch.Tensor] = []
    of.transformer.h[0].ln_2.register_forward_hook(lambda _, given, out: states.append(out))
    with torch.no_grad():
        of(input_ids=WINDOWS[:, :-1])
    lengths = states[0][:, -1].norm(dim=-1).tolist()
    for x, length in zip(whole.problem.X, lengths, strict=True):
        assert x[-1] == 1
        assert sum(float(v) ** 2 for v in x[:-1]) == pytest.approx(length**2, rel=1e-2)
    assert 0 < slice_of(of, WINDOWS, layer=0, directions=2).kept < 1


def planted(weights: list[list[int]], outputs: list[int]) -> Slice:
    """A slice at six points on all sides, of a block with these neurons."""
    X = [[2, 1, 1], [-1, 2, 1], [-2, -1, 1], [1, -2, 1], [3, 2, 1], [-1, -3, 1]]
    block = Network(weights, outputs)
    problem = Problem(X, [0] * len(X), bias="free")
    return Slice(Problem(X, block.fit(problem), bias="free"), block, 1.0)


@pytest.mark.parametrize(
    ("weights", "outputs", "neurons"),
    [
        ([[1], [0], [0]], [1], 1),
        # Two neurons in one cone, with one sign of a, say what one can.
        ([[4, 5], [0, 1], [0, 0]], [1, 2], 1),
        ([[1, -1], [0, 0], [0, 0]], [1, 1], 2),  # |z_1|
        ([[1, 0], [0, 1], [0, 0]], [1, -1], 2),
    ],
)
def test_a_block_of_few_neurons_is_found_at_their_width(
    weights: list[list[int]], outputs: list[int], neurons: int
) -> None:
    found = located(planted(weights, outputs), widths=3, optimizers=())
    assert found["occupied"] == neurons
    assert [row["exact"] for row in found["widths"]] == [False] * (neurons - 1) + [True]
    assert found["widths"][-1]["least_loss"] == 0


def test_a_block_of_zeros_takes_one_neuron_that_is_zero() -> None:
    found = located(planted([[0], [0], [0]], [0]), widths=2, optimizers=())
    assert (found["occupied"], found["loss_of_zero"]) == (0, 0)
    assert [row["least_loss"] for row in found["widths"]] == [0]


def test_states_are_counted_once_and_dead_neurons_never() -> None:
    """By hand: on at rows 0 and 1 twice, once with the other sign, once at row 1, once nowhere."""
    problem = Problem([[1, 1], [2, 1], [-1, 1]], [0, 0, 0], bias="free")
    block = Network([[1, 2, 1, 2, -1], [0, 0, 0, -3, -5]], [1, 3, -1, 1, 1])
    assert occupied(Slice(problem, block, 1.0)) == {
        (1, (True, True, False)),
        (-1, (True, True, False)),
        (1, (False, True, False)),
    }


def test_the_block_is_a_global_minimum_of_its_slice() -> None:
    cut = slice_of(model(), WINDOWS, layer=1)
    assert classify(cut.problem, cut.block).verdict == "global minimum"


def test_more_weight_is_a_larger_ball_and_the_same_landscape() -> None:
    """W_2 doubled doubles what is said, so every radius, and quadruples losses."""
    of = model()
    before = located(slice_of(of, WINDOWS, layer=0, directions=1), widths=2)
    with torch.no_grad():
        of.transformer.h[0].mlp.c_proj.weight.mul_(2)
    after = located(slice_of(of, WINDOWS, layer=0, directions=1), widths=2)
    for old, new in zip(before["widths"], after["widths"], strict=True):
        assert new["least_loss"] == pytest.approx(4 * old["least_loss"])
        assert new["components"] == old["components"]
    for name in ("adamw", "muon"):
        old, new = before["radii"][name], after["radii"][name]
        assert new["block"] == pytest.approx(2 * old["block"])
        for (low, high), (lower, upper) in zip(old["components"], new["components"], strict=True):
            assert 2 * low <= upper * (1 + 1e-6)
            assert lower <= 2 * high * (1 + 1e-6)


def test_the_balls_do_not_count_biases() -> None:
    cut = slice_of(model(), WINDOWS, layer=0, directions=1)
    weights = np.array([[abs(float(a)) * float(w[0]) for w, a in zip(
        cut.block.neurons(), cut.block.a, strict=True
    )]])  # fmt: skip
    found = located(cut, widths=2)
    for name in ("adamw", "muon"):
        expected = float(geometry(name).gauge(weights).upper)
        assert found["radii"][name]["block"] == pytest.approx(expected)


def test_a_landscape_that_is_too_large_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    cut = slice_of(model(), WINDOWS, layer=0)

    def small(problem: Problem, width: int) -> Any:
        from theory.landscape import analyse

        return analyse(problem, width=width, max_cells=100)

    monkeypatch.setattr("numerics.gpt2.slices.analyse", small)
    found = located(cut, widths=3, optimizers=())
    assert [row["width"] for row in found["widths"]] == [1]
    assert "cells" in found["reason"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": 2}, "layer: 2 must be 0 to 1"),
        ({"layer": -1}, "layer: -1 must be 0 to 1"),
        ({"layer": 0, "output": 16}, "output: 16 must be 0 to 15"),
        ({"layer": 0, "directions": 17}, "directions: 17 must be at most 16"),
        ({"layer": 0, "directions": 0}, "directions: 0 must be at least 1"),
    ],
)
def test_what_the_model_does_not_have_is_refused(options: dict[str, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        slice_of(model(), WINDOWS, **options)


def test_activations_are_part_of_the_shape(tmp_path: Path) -> None:
    for name in ("relu", "gelu_new"):
        save(build(Shape(1, 8, 2, 4, activation=name), seed=0), tmp_path / name)
        assert shape_of(load(tmp_path / name)).activation == name
    with pytest.raises(InputError, match="activation: of the model is gelu_new: theory is of ReLU"):
        slice_of(load(tmp_path / "gelu_new"), WINDOWS[:, :5], layer=0)
    with pytest.raises(InputError, match="activation: 'swish' is not one of gelu_new, relu"):
        build(Shape(activation="swish"), seed=0)


def test_the_command_writes_what_others_read(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    options = ["--steps", "3", "--batch", "2", "--windows", "2", "--text", "python-docs"]
    shape = ["--layers", "1", "--width", "16", "--heads", "2", "--block", "8"]
    of = str(tmp_path / "model")
    with one_thread():
        train = ["gpt2", "train", "--activation", "relu", "--out", of, *options, *shape]
        assert main(train) == 0
    capsys.readouterr()
    arguments = ["gpt2", "slice", of, "--text", "python-docs", "--activations", 6]
    arguments += ["--max-width", 2, "--out", tmp_path / "cut"]
    code, out, _ = run(capsys, *arguments)
    assert code == 0
    assert "6 activations in 2 directions" in out
    document = run_json(capsys, *arguments[:-2], "--coordinate", 3, "--directions", 1)
    assert (document["points"], document["directions"]) == (6, 1)
    problem, block = (tmp_path / "cut" / f"{name}.json" for name in ("problem", "block"))
    assert len(json.loads(problem.read_text())["X"]) == 6
    found = run_json(capsys, "classify", block, "--problem", problem)
    assert found["verdict"] == "global minimum"
