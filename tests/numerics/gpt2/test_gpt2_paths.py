"""Paths between GPT-2 models: their ends, closed forms, what learning changes, and the plane."""

from __future__ import annotations

import copy
import json
from itertools import pairwise
from pathlib import Path as FilePath

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("transformers")

from transformers import GPT2LMHeadModel

from numerics.gpt2.data import Corpus, Texts
from numerics.gpt2.model import Shape, build, is_hidden, token_loss, window_loss
from numerics.gpt2.paths import Path, Profile, grid, load_path, plane, profile, straight
from numerics.gpt2.training import Recipe, Trainer
from numerics.training.curves import BASES
from theory.errors import InputError, Interrupted

SHAPE = Shape(layers=1, width=16, heads=2, block=8, vocabulary=11)
KINDS = sorted(BASES)
BENDS = [0, 1, 2, 3]
BY_ROUNDING = 1e-5  # of losses near 10, in float32


def model(seed: int, shape: Shape = SHAPE) -> GPT2LMHeadModel:
    """Random in all parameters, where `build` has biases of zero and norms of one."""
    built, generator = build(shape, seed=seed), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=generator))
        built.transformer.ln_f.bias[seed] = -0.0  # 0.0 * weight would turn it into 0.0
    return built


@pytest.fixture(scope="module")
def ends() -> tuple[GPT2LMHeadModel, GPT2LMHeadModel]:
    return model(0), model(1)


@pytest.fixture(scope="module")
def windows() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(SHAPE.vocabulary, (6, 9), generator=generator)


Ends = tuple[GPT2LMHeadModel, GPT2LMHeadModel]


def bent(ends: Ends, kind: str, bends: int) -> Path:
    return Path(kind, *ends, [model(10 + k) for k in range(bends)])


def bits(weights: torch.Tensor) -> torch.Tensor:
    return weights.detach().view(torch.int32)  # tells -0.0 from 0.0


def vector(weights: GPT2LMHeadModel | Path) -> torch.Tensor:
    return torch.nn.utils.parameters_to_vector(weights.parameters()).detach().double()


# Ends and closed forms


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bends", BENDS)
def test_a_path_ends_in_its_models_bit_for_bit(ends: Ends, kind: str, bends: int) -> None:
    path = bent(ends, kind, bends)
    for t, end in zip((0.0, 1.0), ends, strict=True):
        weights, moved = path.weights(t), path.at(t).state_dict()
        for name, expected in end.named_parameters():
            assert torch.equal(bits(weights[name]), bits(expected)), name
            assert torch.equal(bits(moved[name]), bits(expected)), name


@pytest.mark.parametrize("kind", KINDS)
def test_bends_that_diverged_leave_the_ends_as_they_are(ends: Ends, kind: str) -> None:
    path = bent(ends, kind, 2)
    with torch.no_grad():
        path.control[1].lm_head.weight.fill_(torch.nan)
    for t, end in zip((0.0, 1.0), ends, strict=True):
        assert torch.equal(vector(path.at(t)), vector(end))


def test_a_bend_of_a_polychain_is_on_it(ends: Ends) -> None:
    path = bent(ends, "polychain", 1)
    assert torch.equal(vector(path.at(0.5)), vector(path.bends[0]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bends", BENDS)
def test_bends_on_the_straight_line_leave_it_as_it_is(ends: Ends, kind: str, bends: int) -> None:
    path, (first, last) = straight(*ends, kind=kind, bends=bends), map(vector, ends)
    for t in np.linspace(0, 1, 12):
        line = (1 - t) * first + t * last
        assert torch.allclose(vector(path.at(t)), line, rtol=0, atol=1e-6)


def test_a_bezier_curve_by_de_casteljau(ends: Ends) -> None:
    path, t = bent(ends, "bezier", 2), 0.3
    points = [vector(m) for m in path.control]
    while len(points) > 1:
        points = [(1 - t) * a + t * b for a, b in pairwise(points)]
    assert torch.allclose(vector(path.at(t)), points[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_is_that_of_the_model_there(ends: Ends, windows: torch.Tensor, kind: str) -> None:
    path = bent(ends, kind, 2)
    for t in (0.0, 0.4, 1.0):
        assert path(windows, t).item() == pytest.approx(window_loss(path.at(t), windows), rel=1e-5)


def test_what_is_no_path_is_refused(ends: Ends) -> None:
    with pytest.raises(InputError, match="kind: 'spline' is not one of polychain, bezier"):
        Path("spline", *ends)
    with pytest.raises(InputError, match="models: must share one shape.*width=16.*width=8"):
        straight(ends[0], build(Shape(layers=1, width=8, heads=2, block=8), seed=0))
    with pytest.raises(InputError, match="bends: -1 must not be negative"):
        straight(*ends, bends=-1)
    for t in (-0.1, 1.1, float("nan")):
        with pytest.raises(InputError, match=r"t: \S+ must be in \[0, 1\]"):
            straight(*ends).weights(t)


# Learning


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("t", [0.0, 0.3, 0.9])
def test_gradients_reach_all_bends_and_nothing_else(
    ends: Ends, windows: torch.Tensor, kind: str, t: float
) -> None:
    path = straight(*ends, kind=kind, bends=3)
    path(windows, t).backward()
    for name, parameter in path.named_parameters():
        assert parameter.requires_grad == name.startswith("bends.")
        assert (parameter.grad is not None) == name.startswith("bends."), name
    parts = path.coefficients(t)[1:-1]
    for part, bend in zip(parts, path.control[1:-1], strict=True):
        assert (part > 0) == bool(bend.lm_head.weight.grad.any())
    assert all(parameter.grad is None for end in ends for parameter in end.parameters())


def test_a_gradient_is_the_part_of_the_bend_times_that_of_the_model(
    ends: Ends, windows: torch.Tensor
) -> None:
    path = bent(ends, "bezier", 1)
    path(windows, 0.25).backward()
    moved = path.at(0.25)
    token_loss(moved, windows).backward()
    for found, expected in zip(path.bends[0].parameters(), moved.parameters(), strict=True):
        assert found.grad is not None
        assert torch.allclose(found.grad, 2 * 0.25 * 0.75 * expected.grad, atol=1e-5)


def test_learning_lowers_the_middle_and_leaves_the_models(
    ends: Ends, windows: torch.Tensor
) -> None:
    before = [vector(end) for end in ends]
    path = straight(*ends, bends=1)
    start = window_loss(path.at(0.5), windows)
    trained = [parameter for parameter in path.parameters() if parameter.requires_grad]
    optimizer, generator = torch.optim.AdamW(trained, lr=0.02), np.random.default_rng(0)
    for _ in range(20):
        optimizer.zero_grad()
        path(windows, generator.random()).backward()
        optimizer.step()
    assert window_loss(path.at(0.5), windows) < 0.9 * start
    for end, own, old in zip(ends, (path.first, path.last), before, strict=True):
        assert torch.equal(vector(end), old)
        assert torch.equal(vector(own), old)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_trainer_lowers_a_path_by_all_its_bends(kind: str, optimizer: str) -> None:
    texts = Texts({"in": Corpus.read(["python-docs"])}, block=8, count=8)
    shape = Shape(layers=1, width=16, heads=2, block=8)
    path = straight(model(0, shape), model(1, shape), kind=kind, bends=2)
    windows = texts.windows("in", torch.device("cpu"))
    before = [vector(each) for each in path.control]
    straight_loss = profile(path, windows, points=7).loss
    Trainer(texts).fit(path, Recipe(optimizer, steps=20, batch=4, learning_rate=0.02))
    loss = profile(path, windows, points=7).loss
    assert (loss[0], loss[-1]) == (straight_loss[0], straight_loss[-1])
    assert np.less(loss[1:-1], straight_loss[1:-1]).all()
    moved = [not torch.equal(vector(m), old) for m, old in zip(path.control, before, strict=True)]
    assert moved == [False, True, True, False]


def test_frozen_parameters_stay_frozen_in_bends_and_models_of_the_path() -> None:
    first, last = model(0), model(1)
    first.transformer.ln_f.weight.requires_grad_(False)
    path = straight(first, last, bends=2)
    for each in (*path.bends, path.at(0.3)):
        flags = {name: p.requires_grad for name, p in each.named_parameters()}
        assert flags.pop("transformer.ln_f.weight") is False
        assert all(flags.values())
    assert first.lm_head.weight.requires_grad


def test_a_model_of_the_path_shares_nothing_with_it(ends: Ends) -> None:
    path = straight(*ends, bends=1)
    before = vector(path)
    for t in (0.0, 0.5, 1.0):
        with torch.no_grad():
            path.at(t).lm_head.weight.fill_(7.0)
    assert torch.equal(vector(path), before)


def test_hidden_matrices_of_bends_are_known_by_their_names(ends: Ends) -> None:
    names = [name for name, p in straight(*ends, bends=2).named_parameters() if p.requires_grad]
    assert sum(map(is_hidden, names)) == 2 * 4


def test_a_path_moves_between_devices_as_a_whole(ends: Ends) -> None:
    path = straight(*ends, bends=1).to("meta")
    assert {parameter.device.type for parameter in path.parameters()} == {"meta"}
    assert ends[0].device.type == "cpu"


# Files


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bends", [0, 2])
def test_a_saved_path_comes_back(ends: Ends, tmp_path: FilePath, kind: str, bends: int) -> None:
    path = bent(ends, kind, bends)
    path.save(tmp_path / "found" / "path")
    again = load_path(tmp_path / "found" / "path")
    assert (again.kind, len(again.bends)) == (kind, bends)
    for (name, value), (other, expected) in zip(
        again.named_parameters(), path.named_parameters(), strict=True
    ):
        assert name == other
        assert torch.equal(bits(value), bits(expected))
        assert value.requires_grad == expected.requires_grad
    reference = GPT2LMHeadModel.from_pretrained(tmp_path / "found" / "path" / "last")
    assert torch.equal(vector(reference), vector(ends[1]))


def test_a_path_is_written_over_another(ends: Ends, tmp_path: FilePath) -> None:
    bent(ends, "bezier", 2).save(tmp_path)
    bent(ends, "polychain", 1).save(tmp_path)
    assert json.loads((tmp_path / "path.json").read_text()) == {"kind": "polychain", "bends": 1}
    assert len(load_path(tmp_path).bends) == 1


def test_writing_that_breaks_off_leaves_no_path(
    ends: Ends, tmp_path: FilePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    bent(ends, "bezier", 2).save(tmp_path)

    def broken(model: GPT2LMHeadModel, folder: FilePath) -> None:
        raise InputError(str(folder), "no space left")

    monkeypatch.setattr("numerics.gpt2.paths.save", broken)
    with pytest.raises(InputError, match="no space left"):
        bent(ends, "bezier", 1).save(tmp_path)
    with pytest.raises(InputError, match="path.json: cannot be read"):
        load_path(tmp_path)
    (tmp_path / "path.json").mkdir()
    with pytest.raises(InputError, match="path.json: cannot be replaced"):
        straight(*ends).save(tmp_path)


def test_folders_without_a_path_are_refused(ends: Ends, tmp_path: FilePath) -> None:
    with pytest.raises(InputError, match="path.json: cannot be read: No such file"):
        load_path(tmp_path)
    for text in ("{", "[]", '{"kind": "bezier"}', '{"kind": "bezier", "bends": null}'):
        (tmp_path / "path.json").write_text(text)
        with pytest.raises(InputError, match="path.json: describes no path"):
            load_path(tmp_path)
    (tmp_path / "path.json").write_text('{"kind": "bezier", "bends": 1}')
    with pytest.raises(InputError, match="first: holds no checkpoint"):
        load_path(tmp_path)


# Profiles


def test_a_planted_profile_has_the_barrier_by_hand() -> None:
    planted = Profile((0.0, 0.25, 0.5, 1.0), (1.0, 4.0, 4.5, 3.0))
    assert planted.barrier == 2.5  # 4 - 1.5 and 4.5 - 2
    assert planted.maximum == 4.5
    assert Profile((0.0, 0.5, 1.0), (2.0, 0.0, 4.0)).barrier == 0.0
    assert Profile((0.0, 0.5, 1.0), (2.0, 0.0, 4.0)).maximum == 4.0


LOSSES = st.lists(st.floats(0, 100), min_size=2, max_size=9)


@given(LOSSES)
def test_barriers_are_not_negative_and_know_no_direction(losses: list[float]) -> None:
    t = grid(len(losses))
    there, back = Profile(t, tuple(losses)), Profile(t, tuple(losses[::-1]))
    assert there.barrier >= 0
    assert there.barrier == pytest.approx(back.barrier, abs=1e-10)
    assert there.maximum == back.maximum == max(losses)
    assert there.barrier <= there.maximum - min(losses[0], losses[-1]) + 1e-10


@given(LOSSES, st.floats(-10, 10))
def test_a_constant_changes_no_barrier(losses: list[float], constant: float) -> None:
    t = grid(len(losses))
    lifted = Profile(t, tuple(loss + constant for loss in losses))
    assert lifted.barrier == pytest.approx(Profile(t, tuple(losses)).barrier, abs=1e-10)


@pytest.mark.parametrize(
    ("t", "loss", "message"),
    [
        ((0.0, 1.0), (1.0,), "loss: has 1 values for 2 of t"),
        ((0.0, 0.5), (1.0, 1.0), "t: .* must rise from 0 to 1"),
        ((0.0, 0.5, 0.5, 1.0), (1.0,) * 4, "t: .* must rise from 0 to 1"),
        ((), (), "t: .* must rise from 0 to 1"),
    ],
)
def test_grids_without_both_ends_are_refused(
    t: tuple[float, ...], loss: tuple[float, ...], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        Profile(t, loss)


def test_a_path_from_a_model_to_itself_has_no_barrier(ends: Ends, windows: torch.Tensor) -> None:
    for kind in KINDS:
        found = profile(straight(ends[0], ends[0], kind=kind, bends=2), windows, points=5)
        assert found.barrier == pytest.approx(0, abs=BY_ROUNDING)
        assert found.maximum == pytest.approx(window_loss(ends[0], windows), abs=BY_ROUNDING)


@pytest.mark.parametrize("kind", KINDS)
def test_profiles_know_no_direction(ends: Ends, windows: torch.Tensor, kind: str) -> None:
    path = bent(ends, kind, 2)
    back = Path(kind, *ends[::-1], list(path.bends)[::-1])
    one, other = profile(path, windows, points=6), profile(back, windows, points=6)
    assert one.loss == pytest.approx(other.loss[::-1], abs=BY_ROUNDING)
    assert one.barrier == pytest.approx(other.barrier, abs=BY_ROUNDING)
    assert one.loss[0] == window_loss(ends[0], windows)
    assert one.loss[-1] == window_loss(ends[1], windows)


def test_a_profile_reports_and_is_interrupted(ends: Ends, windows: torch.Tensor) -> None:
    seen: list[int] = []

    def progress(stage: str, steps: int) -> None:
        assert "loss along a path" in stage
        seen.append(steps)
        if steps == 2:
            raise Interrupted("as asked for")

    with pytest.raises(Interrupted, match="^interrupted; as asked for$"):
        profile(straight(*ends), windows, points=5, progress=progress)
    assert seen == [0, 1, 2]
    with pytest.raises(InputError, match="points: 1 must be at least 2"):
        profile(straight(*ends), windows, points=1)


# The plane


def third_above_the_middle(first: GPT2LMHeadModel, second: GPT2LMHeadModel) -> GPT2LMHeadModel:
    """A model whose x is half way between the two, so that a grid without margin holds it."""
    start, along = vector(first), vector(second) - vector(first)
    offset = vector(model(5))
    offset -= (offset @ along) / (along @ along) * along
    third = copy.deepcopy(first)
    where = (start + along / 2 + 0.4 * offset).float()
    torch.nn.utils.vector_to_parameters(where, third.parameters())
    return third


def test_the_plane_goes_through_the_three_models(ends: Ends, windows: torch.Tensor) -> None:
    first, second = ends
    third = third_above_the_middle(first, second)
    found = plane(first, second, third, windows, resolution=3, margin=0)
    corners = found.loss[0, 0], found.loss[0, 2], found.loss[2, 1]
    expected = [window_loss(each, windows) for each in (first, second, third)]
    assert corners == pytest.approx(expected, abs=BY_ROUNDING)
    assert [found.x[0], found.x[2], found.x[1]] == pytest.approx(found.models[:, 0], abs=1e-4)
    assert [found.y[0], found.y[0], found.y[2]] == pytest.approx(found.models[:, 1])
    assert found.loss[0, 1] == pytest.approx(
        window_loss(straight(first, second).at(0.5), windows), abs=BY_ROUNDING
    )


def test_coordinates_are_distances(ends: Ends, windows: torch.Tensor) -> None:
    three = (*ends, model(2))
    found = plane(*three, windows, resolution=2)
    assert found.models[0].tolist() == [0, 0]
    assert found.models[1, 1] == 0
    assert found.models[2, 1] > 0
    for a in range(3):
        for b in range(a):
            apart = float((vector(three[a]) - vector(three[b])).norm())
            assert np.linalg.norm(found.models[a] - found.models[b]) == pytest.approx(apart)
    width, height = np.ptp(found.models, axis=0)
    around = 2 * 0.2 * max(width, height)
    assert np.ptp(found.x) == pytest.approx(width + around)
    assert np.ptp(found.y) == pytest.approx(height + around)
    document = json.loads(json.dumps(found.to_json()))
    assert np.array(document["loss"]).shape == (2, 2)
    assert document["models"] == found.models.tolist()


def test_models_on_one_line_span_no_plane(ends: Ends, windows: torch.Tensor) -> None:
    first, last = ends
    for three in (
        (first, last, straight(first, last).at(0.3)),
        (first, straight(first, last).at(0.7), last),
        (first, first, last),
        (first, last, last),
        (first, first, first),
    ):
        with pytest.raises(InputError, match="models: are on one line"):
            plane(*three, windows)


def test_other_planes_are_refused(ends: Ends, windows: torch.Tensor) -> None:
    three = (*ends, model(2))
    with pytest.raises(InputError, match="resolution: 1 must be at least 2"):
        plane(*three, windows, resolution=1)
    with pytest.raises(InputError, match="margin: -1 must not be negative"):
        plane(*three, windows, margin=-1)
    with pytest.raises(InputError, match="models: must share one shape"):
        plane(*ends, build(Shape(layers=1, width=8, heads=2, block=8), seed=0), windows)


def test_a_plane_is_interrupted_and_changes_no_model(ends: Ends, windows: torch.Tensor) -> None:
    three = (*ends, model(2))
    before = [vector(each) for each in three]

    def progress(stage: str, steps: int) -> None:
        if steps == 3:
            raise Interrupted("as asked for")

    with pytest.raises(Interrupted, match="^interrupted; as asked for$"):
        plane(*three, windows, resolution=3, progress=progress)
    assert all(torch.equal(vector(each), old) for each, old in zip(three, before, strict=True))
