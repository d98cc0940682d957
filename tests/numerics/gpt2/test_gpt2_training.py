"""Pretraining: schedules, the split between the optimizers, states, several processes."""

from __future__ import annotations

import copy
import io
import json
import uuid
from contextlib import nullcontext, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("transformers")

import torch
from gpt2_studies import TINY
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.distributed.launcher.api import LaunchConfig, elastic_launch
from transformers import GPT2LMHeadModel

from numerics.cli import main
from numerics.gpt2 import parts, report, training
from numerics.gpt2.data import Corpus, Texts
from numerics.gpt2.model import (
    BYTES,
    LanguageModel,
    Shape,
    build,
    hidden_matrices,
    load,
    save,
    shape_of,
    token_loss,
    window_loss,
)
from numerics.gpt2.names import OPTIMIZERS
from numerics.gpt2.training import (
    BETAS,
    MOMENTUM,
    Recipe,
    Record,
    Trainer,
    Workers,
    torchrun_workers,
)
from theory.errors import InputError, Interrupted

SHAPE = Shape(layers=2, width=16, heads=2, block=16)
RECIPE = Recipe("muon", steps=20, batch=4)


@pytest.fixture(scope="module")
def prose() -> Texts:
    return texts("python-docs")


def texts(source: str) -> Texts:
    return Texts({"in": Corpus.read([source])}, SHAPE.block, 8)


def trained(
    on: Texts, recipe: Recipe, folder: Path | None = None, **options: Any
) -> tuple[GPT2LMHeadModel, list[Record]]:
    model = build(SHAPE, seed=0)
    history = Trainer(on, **options).fit(LanguageModel(model), recipe, folder=folder)
    return model, history


def assert_same(first: nn.Module, second: nn.Module, **tolerance: Any) -> None:
    for (name, a), b in zip(first.state_dict().items(), second.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b, msg=name, **tolerance)


def assert_close_but_for_rounding(first: GPT2LMHeadModel, second: GPT2LMHeadModel) -> None:
    # The loss does not depend on the keys' biases: their gradients are rounding, which AdamW
    # makes steps of full length.
    for model in (first, second):
        for block in model.transformer.h:
            block.attn.c_attn.bias.data.chunk(3)[1].zero_()
    assert_same(first, second, rtol=0, atol=1e-3)


# Recipes


@given(
    st.sampled_from(["cosine", "wsd"]),
    st.integers(1, 300),
    st.floats(0, 0.5),
    st.floats(0, 0.5),
    st.floats(0, 1),
)
def test_rates_rise_and_never_rise_again(
    schedule: str, steps: int, warmup: float, decay: float, floor: float
) -> None:
    recipe = Recipe(steps=steps, schedule=schedule, warmup=warmup, decay=decay, floor=floor)
    heights = [recipe.height(step) for step in range(steps)]
    top = heights.index(max(heights))
    assert heights[: top + 1] == sorted(heights[: top + 1])
    assert all(b <= a + 1e-12 for a, b in zip(heights[top:], heights[top + 1 :], strict=False))
    assert all(0 <= height <= 1 for height in heights)


def test_schedules_by_hand() -> None:
    cosine = Recipe(steps=101, warmup=0, floor=0.1)
    assert [cosine.height(s) for s in (0, 50, 100)] == pytest.approx([1, 0.55, 0.1])
    stays = Recipe(steps=100, schedule="wsd", warmup=0.1, decay=0.2, floor=0)
    assert [stays.height(s) for s in (0, 9, 50, 80, 90, 99)] == pytest.approx(
        [0.1, 1, 1, 1, 0.5, 0.05]
    )
    assert Recipe("muon", steps=1).hidden_rates() == [0.03]
    assert [Recipe("muon_qk").highest(kind) for kind in ("query", "value")] == [0.03, 4e-3]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"optimizer": "sgd"}, "optimizer: 'sgd' is not one of adamw, muon"),
        ({"schedule": "linear"}, "schedule: 'linear' is not one of cosine, wsd"),
        ({"precision": "float16"}, "precision: 'float16' is not one of"),
        ({"steps": 0}, "steps: "),
        ({"learning_rate": -1.0}, "learning_rate: -1.0 must be positive"),
        ({"floor": 1.5}, "floor: 1.5 must be between 0 and 1"),
        ({"muon_weight_decay": 2.0}, "muon_weight_decay: 2.0 must be between 0 and 1"),
        ({"seed": -1}, "seed: -1 must not be negative"),
    ],
)
def test_wrong_recipes_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Recipe(**change)


# The optimizers


def test_a_step_of_muon_is_torchs_on_each_matrix_and_adamws_on_the_rest(prose: Texts) -> None:
    recipe = replace(RECIPE, steps=1, warmup=0, clip=1e9)
    model, _ = trained(prose, recipe)
    start = build(SHAPE, seed=0)
    windows = prose.training.batch(step=0, seed=0, size=recipe.batch, block=SHAPE.block)
    LanguageModel(start)(windows, 0.0).backward()
    gradients = hidden_matrices({name: p.grad for name, p in start.named_parameters()})
    for name, matrix in hidden_matrices(start).items():
        # As it would be trained alone.
        outputs, inputs = matrix.shape
        alone = nn.Linear(inputs, outputs, bias=False)
        alone.weight.data.copy_(matrix)
        alone.weight.grad = gradients[name].contiguous()
        muon = torch.optim.Muon(alone.parameters(), lr=0.03, weight_decay=0.1, momentum=MOMENTUM)
        muon.step()
        torch.testing.assert_close(hidden_matrices(model)[name], alone.weight.detach(), msg=name)
    head = start.lm_head.weight
    torch.optim.AdamW([head], lr=4e-3, weight_decay=0.1, betas=BETAS).step()
    torch.testing.assert_close(model.lm_head.weight, head)
    bias = start.transformer.h[0].mlp.c_fc.bias
    torch.optim.AdamW([bias], lr=4e-3, weight_decay=0, betas=BETAS).step()
    torch.testing.assert_close(model.transformer.h[0].mlp.c_fc.bias, bias)


@pytest.mark.parametrize(
    ("optimizer", "by_muon"),
    [("muon_vof", ("value", "output", "mlp-in", "mlp-out")), ("muon_qk", ("query", "key"))],
)
def test_on_parts_each_matrix_is_stepped_by_its_rule(
    prose: Texts, optimizer: str, by_muon: tuple[str, ...]
) -> None:
    """As in models of which all are: the gradients of a first step are the same."""
    recipe = replace(RECIPE, steps=1, warmup=0)
    found, muon, adamw = (
        hidden_matrices(trained(prose, replace(recipe, optimizer=name))[0])
        for name in (optimizer, "muon", "adamw")
    )
    for name, matrix in found.items():
        same, other = (muon, adamw) if name.partition(".")[2] in by_muon else (adamw, muon)
        torch.testing.assert_close(matrix, same[name], rtol=1e-6, atol=1e-7)
        assert not torch.allclose(matrix, other[name], atol=1e-4)


def test_muon_may_have_a_weight_decay_of_its_own(prose: Texts) -> None:
    """After one step the models differ by what decays, and only where Muon is."""
    recipe = replace(RECIPE, steps=1, warmup=0, muon_learning_rate=0.5)
    one, _ = trained(prose, recipe)
    other, _ = trained(prose, replace(recipe, muon_weight_decay=0.0))
    start = hidden_matrices(build(SHAPE, seed=0))
    without = hidden_matrices(other)
    for name, matrix in hidden_matrices(one).items():
        torch.testing.assert_close(without[name] - matrix, 0.5 * 0.1 * start[name])
    assert torch.equal(one.lm_head.weight, other.lm_head.weight)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_learns(prose: Texts, optimizer: str) -> None:
    model, history = trained(prose, replace(RECIPE, optimizer=optimizer))
    assert [record["step"] for record in history] == list(range(21))
    windows = prose.windows("in", model.device)
    assert window_loss(model, windows) < window_loss(build(SHAPE, seed=0), windows) - 0.3


def test_parameters_without_gradients_stay(prose: Texts) -> None:
    model = build(SHAPE, seed=0)
    model.transformer.wte.weight.requires_grad_(False)
    Trainer(prose).fit(LanguageModel(model), replace(RECIPE, steps=2))
    assert torch.equal(model.transformer.wte.weight, build(SHAPE, seed=0).transformer.wte.weight)


def test_accumulated_parts_are_the_batch(prose: Texts) -> None:
    recipe = Recipe("adamw", steps=3, batch=4)
    whole, _ = trained(prose, recipe)
    parts, _ = trained(prose, replace(recipe, accumulation=4))
    assert_close_but_for_rounding(whole, parts)


def test_what_parts_change_is_rounding_which_muon_enlarges(prose: Texts) -> None:
    """Over 30 steps of Muon the same batches in one part and in two: in float64 the weights agree
    to 1e-11 and in float32 they part by a million times as much, as its iteration is in bfloat16.
    """
    recipe = Recipe("muon", steps=30, batch=4)
    apart = {}
    for kind in (torch.float32, torch.float64):
        whole, parts = (build(SHAPE, seed=0).to(kind) for _ in range(2))
        Trainer(prose).fit(LanguageModel(whole), recipe)
        Trainer(prose).fit(LanguageModel(parts), replace(recipe, accumulation=2))
        both = zip(hidden_matrices(whole).values(), hidden_matrices(parts).values(), strict=True)
        apart[kind] = max(float((a - b).detach().abs().max()) for a, b in both)
    assert apart[torch.float64] < 1e-11
    assert apart[torch.float32] > 1e-5


def test_a_batch_that_does_not_divide_is_refused(prose: Texts) -> None:
    with pytest.raises(InputError, match="batch: 4 must be a multiple of .* 1 x 3"):
        trained(prose, replace(RECIPE, accumulation=3))


def test_divergence_is_told(prose: Texts) -> None:
    model = build(SHAPE, seed=0)
    with torch.no_grad():
        model.lm_head.weight.fill_(torch.inf)
    with pytest.raises(InputError, match="learning_rate: .* diverges in step 0"):
        Trainer(prose).fit(LanguageModel(model), RECIPE)


# States


class Stop:
    """A progress callback that interrupts at some step."""

    def __init__(self, at: int) -> None:
        self.at = at

    def __call__(self, stage: str, step: int) -> None:
        if step == self.at:
            raise Interrupted("at the step asked for")


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_goes_on_as_if_it_had_not_stopped(
    tmp_path: Path, prose: Texts, optimizer: str
) -> None:
    recipe = replace(RECIPE, optimizer=optimizer)
    through, history = trained(prose, recipe)
    with pytest.raises(Interrupted, match="at the step asked for"):
        trained(prose, recipe, folder=tmp_path, progress=Stop(13))
    steps: list[int] = []
    again, resumed = trained(
        prose, recipe, folder=tmp_path, progress=lambda stage, step: steps.append(step)
    )
    assert steps == list(range(13, 20))
    assert_same(through, again, rtol=0, atol=0)
    assert [r["loss"] for r in resumed] == [r["loss"] for r in history]
    assert not tmp_path.exists()


@pytest.fixture
def stopped(tmp_path: Path, prose: Texts) -> Path:
    with pytest.raises(Interrupted, match="at the step asked for"):
        trained(prose, RECIPE, folder=tmp_path, progress=Stop(2))
    return tmp_path


def test_states_of_other_training_are_refused(stopped: Path, prose: Texts) -> None:
    with pytest.raises(InputError, match=r"another recipe \(steps, seed\)"):
        trained(prose, replace(RECIPE, steps=30, seed=1), folder=stopped)
    for other in (build(replace(SHAPE, layers=1), seed=0), build(SHAPE, seed=1)):
        with pytest.raises(InputError, match="is of another model or text"):
            Trainer(prose).fit(LanguageModel(other), RECIPE, folder=stopped)
    with pytest.raises(InputError, match="is of another model or text"):
        trained(texts("stdlib"), RECIPE, folder=stopped)


@pytest.mark.parametrize("keep", [0, 100, -1])
def test_states_that_are_cut_off_are_refused(stopped: Path, prose: Texts, keep: int) -> None:
    (file,) = stopped.iterdir()
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(InputError, match="is no saved state; remove it to start anew"):
        trained(prose, RECIPE, folder=stopped)


# Several processes


def of_two(folder: Path, prose: Texts) -> tuple[int, list[Record], list[Record], str]:
    """What each of two processes does: training, and a study on the command line."""
    with torchrun_workers() as workers, pytest.MonkeyPatch.context() as patch:
        exact, steps = trained(prose, Recipe("muon", steps=20, batch=8), workers=workers)
        recipe = Recipe("adamw", steps=4, batch=8, accumulation=2)
        model, history = trained(prose, recipe, folder, workers=workers)
        if workers.first:
            save(exact, folder / "exact")
        if workers.first:
            save(model, folder / "model")
        # One group in a process: those of a second are looked for at the addresses of the first.
        patch.setattr(training, "torchrun_workers", lambda: nullcontext(workers))
        patch.setattr(parts, "PLANE_POINTS", 2)
        patch.setattr(report, "figures", lambda pictures, name: "")  # others draw
        with redirect_stdout(io.StringIO()) as said:
            study = ("gpt2", "table", folder / "tiny.toml", "--out", folder / "study")
            assert main([*map(str, study)]) == 0
    return workers.count, steps, history, said.getvalue()


def test_two_processes_of_torchrun_do_what_one_does(
    tmp_path: Path, prose: Texts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As torchrun starts them, but forked: to load torch and transformers takes them longest."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)  # which does not fork
    (tmp_path / "tiny.toml").write_text(f"verdicts = false\n{TINY}[paths]\ncells = ['adamw-adamw']")
    standalone: dict[str, Any] = {"rdzv_backend": "c10d", "rdzv_endpoint": "localhost:0"}
    launch = LaunchConfig(
        1, 1, 2, run_id=str(uuid.uuid4()), start_method="fork", monitor_interval=0.1, **standalone
    )
    done = elastic_launch(launch, of_two)(tmp_path, prose)
    (count, steps, together, said), (*_, silent) = done[0], done[1]
    model, history = trained(prose, Recipe("adamw", steps=4, batch=8))
    assert count == 2
    # The same sums: bit for bit in each step. Other sums, here of four parts, round otherwise.
    exact, alone = trained(prose, Recipe("muon", steps=20, batch=8, accumulation=2))
    assert [r["step"] for r in steps] == list(range(21))
    assert [r["loss"] for r in steps] == [r["loss"] for r in alone]
    assert_same(load(tmp_path / "exact"), exact, rtol=0, atol=0)
    assert [r["loss"] for r in together[1:]] == pytest.approx(
        [r["loss"] for r in history[1:]], abs=1e-4
    )
    assert_close_but_for_rounding(load(tmp_path / "model"), model)
    study = json.loads((tmp_path / "study" / "study.json").read_text())
    assert set(study["ends"]) == {"adamw-0", "adamw-1"}
    assert said.count("report:") == 1
    assert silent == ""


def test_a_batch_is_divided_among_processes(prose: Texts) -> None:
    with pytest.raises(InputError, match="2 x 1"):
        trained(prose, replace(RECIPE, batch=5), workers=Workers(count=2))


# Models


def test_checkpoints_are_plain_and_whole(tmp_path: Path) -> None:
    model = build(SHAPE, seed=3)
    save(model, tmp_path)
    assert_same(load(tmp_path), model, rtol=0, atol=0)
    assert shape_of(load(tmp_path)) == SHAPE
    assert_same(GPT2LMHeadModel.from_pretrained(tmp_path), model, rtol=0, atol=0)


@pytest.mark.parametrize("read", [False, True])
def test_the_activation_is_that_of_transformers(tmp_path: Path, read: bool) -> None:
    """Built or read, in one kernel: its losses and gradients to the last digits."""
    from transformers.activations import ACT2FN

    model = build(SHAPE, seed=3)
    if read:
        save(model, tmp_path)
        model = load(tmp_path)
    model, plain = model.double(), copy.deepcopy(model).double()
    for block in plain.transformer.h:
        block.mlp.act = ACT2FN["gelu_new"]
    tokens = torch.randint(BYTES, (3, 9), generator=torch.Generator().manual_seed(0))
    losses = [token_loss(each, tokens) for each in (model, plain)]
    for loss in losses:
        loss.backward()
    torch.testing.assert_close(*losses, rtol=1e-12, atol=0)
    for ours, theirs in zip(model.parameters(), plain.parameters(), strict=True):
        if theirs.grad is not None:
            torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-9, atol=1e-13)


def test_tied_heads_are_untied(tmp_path: Path) -> None:
    from transformers import GPT2Config

    config = GPT2Config(
        vocab_size=256, n_positions=16, n_embd=16, n_layer=1, n_head=2,
        bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    tied = GPT2LMHeadModel(config).eval()
    save(tied, tmp_path)
    model = load(tmp_path)
    embedding, head = model.transformer.wte.weight, model.lm_head.weight
    assert torch.equal(embedding, head)
    assert embedding.data_ptr() != head.data_ptr()
    save(model, tmp_path)
    assert_same(load(tmp_path), model, rtol=0, atol=0)


def test_wrong_checkpoints_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no checkpoint"):
        load(tmp_path)
    save(build(SHAPE, seed=0), tmp_path)
    file = tmp_path / "model.safetensors"
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="is no GPT-2 checkpoint"):
        load(tmp_path)


def test_checkpoints_that_lack_weights_are_refused(tmp_path: Path) -> None:
    import safetensors.torch

    model = build(SHAPE, seed=0)
    save(model, tmp_path)
    weights = {k: v.clone() for k, v in model.state_dict().items() if "c_fc" not in k}
    safetensors.torch.save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match="lacks weights: transformer.h.0.mlp.c_fc.bias"):
        load(tmp_path)


def test_shapes_are_checked() -> None:
    with pytest.raises(InputError, match="heads: 3 must divide the width 16"):
        Shape(width=16, heads=3)
    with pytest.raises(InputError, match="layers: "):
        Shape(layers=0)


# Text


def test_held_out_text_is_not_trained_on(tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_bytes(bytes(range(100)) * 40)  # 200 pieces of 20
    corpus = Corpus.read([str(file)])
    assert len(corpus.training) + len(corpus.held_out) == 4000
    assert len(corpus.held_out) == 200
    assert corpus.held_out[:20].tolist() == list(range(80, 100))  # the twentieth piece


def test_windows_and_batches_repeat_and_differ(prose: Texts) -> None:
    batch = {
        (step, seed): prose.training.batch(step=step, seed=seed, size=4, block=8)
        for step in (0, 1)
        for seed in (0, 1)
    }
    assert torch.equal(batch[0, 0], prose.training.batch(step=0, seed=0, size=4, block=8))
    assert len({tuple(b.flatten().tolist()) for b in batch.values()}) == 4
    windows = prose.training.windows(3, block=8)
    held_out = prose.training.held_out
    assert windows[0].tolist() == held_out[:9].tolist()
    assert windows[-1].tolist() == held_out[-9:].tolist()


def test_folders_are_read_in_order_without_what_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("b" * 300)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.txt").write_text("a" * 300)
    (tmp_path / "c.bin").write_bytes(b"\xff\xfe\x00" * 300)
    corpus = Corpus.read([str(tmp_path)])
    assert bytes(corpus.training).strip(b"b").strip(b"a") in (b"", b"\n")


def test_text_that_is_not_there_or_too_short_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: cannot be read: No such file"):
        Corpus.read(["nowhere"])
    with pytest.raises(InputError, match="holds no file with text"):
        Corpus.read([str(tmp_path)])
    file = tmp_path / "short.txt"
    file.write_text("short")
    with pytest.raises(InputError, match="holds 5 tokens, at least 200"):
        Corpus.read([str(file)])
    file.write_bytes(b"\xff" * 300)
    with pytest.raises(InputError, match="is not text in UTF-8"):
        Corpus.read([str(file)])
    file.write_text("0123456789" * 30)
    with pytest.raises(InputError, match="block: 300 is longer than the text: 15 tokens"):
        Corpus.read([str(file)]).windows(1, block=300)


def test_a_tokenizer_file_makes_the_tokens(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    text = tmp_path / "text.txt"
    text.write_text("to be or not to be " * 100)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
    tokenizer.train([str(text)], trainers.BpeTrainer(vocab_size=40, show_progress=False))
    path = tmp_path / "tokenizer.json"
    tokenizer.save(str(path))
    corpus = Corpus.read([str(text)], path)
    assert corpus.vocabulary == tokenizer.get_vocab_size()
    assert tokenizer.decode(corpus.training[:4].tolist()).split() == ["Ġto", "Ġbe", "Ġor", "Ġnot"]
    path.write_text("{}")
    with pytest.raises(InputError, match="is no tokenizer"):
        Corpus.read([str(text)], path)
