"""`isthmus gpt2` as its users run it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("transformers")

from command import run, run_json

import numerics.gpt2
from numerics.cli import main
from numerics.training.loop import one_thread

# For all that trains or measures.
SMALL = ["--text", "python-docs", "--other", "stdlib", "--windows", "4", "--batch", "4"]
SHAPE = ["--layers", "1", "--width", "16", "--heads", "2", "--block", "16"]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with one_thread():
        yield


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small models, trained on the command line."""
    folder = tmp_path_factory.mktemp("models")
    with one_thread():
        for optimizer in ("adamw", "muon"):
            options = ["--optimizer", optimizer, "--steps", "20", "--out", str(folder / optimizer)]
            assert main(["gpt2", "train", *options, *SHAPE, *SMALL]) == 0
    return folder


def test_train_writes_a_checkpoint_and_a_record(models: Path) -> None:
    from transformers import GPT2LMHeadModel

    record = json.loads((models / "muon" / "training.json").read_text())
    assert record["recipe"]["optimizer"] == "muon"
    assert record["command"][:3] == ["isthmus", "gpt2", "train"]
    assert "transformers" in record["versions"]
    assert [each["step"] for each in record["history"]] == list(range(21))
    assert record["loss"]["in"] < record["history"][0]["held_out"]
    model = GPT2LMHeadModel.from_pretrained(models / "muon")
    assert sum(p.numel() for p in model.parameters()) == record["parameters"]


def test_train_goes_on_from_a_checkpoint(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, models: Path
) -> None:
    options = ["--steps", 3, "--learning-rate", 1e-6, "--weight-decay", 0, "--out", tmp_path / "on"]
    start = ["--start", models / "adamw"]
    document = run_json(capsys, "gpt2", "train", *start, *options, *SMALL)
    before = json.loads((models / "adamw" / "training.json").read_text())
    assert document["history"][0]["held_out"] == pytest.approx(before["loss"]["in"], rel=1e-5)
    assert document["radius"] == {}  # no ball without weight decay


def test_connect_and_spectrum(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, models: Path
) -> None:
    path = tmp_path / "path"
    options = ["--steps", 5, "--alignment-steps", 2, "--points", 5, "--bends", 2, "--out", path]
    ends = [models / "adamw", models / "muon"]
    plots = [tmp_path / "path.png", tmp_path / "ranks.svg"]
    options += ["--plot", plots[0]]
    document = run_json(capsys, "gpt2", "connect", *ends, *options, *SMALL)
    for k, end in ((0, "adamw"), (-1, "muon")):
        loss = json.loads((models / end / "training.json").read_text())["loss"]
        assert document["loss"]["in"][k] == pytest.approx(loss["in"], abs=1e-4)
        assert document["loss"]["out"][k] == pytest.approx(loss["out"], abs=1e-4)
    assert document["bends"] == 2
    assert sorted(p.name for p in path.iterdir() if not p.name.startswith(".")) == [
        "bend-1", "bend-2", "connection.json", "first", "last", "path.json"
    ]  # fmt: skip
    along = run_json(capsys, "gpt2", "spectrum", path, "--points", 3, "--plot", plots[1])
    assert all(plot.stat().st_size > 1000 for plot in plots)
    assert along["t"] == [0, 0.5, 1]
    end = run_json(capsys, "gpt2", "spectrum", ends[1])
    for measure in ("stable_rank", "effective_rank", "spectral_norm"):
        # An alignment does not change singular values.
        last = {name: values[-1] for name, values in along[measure].items()}
        assert last == pytest.approx(end[measure], rel=1e-4)
    raw = run_json(capsys, "gpt2", "spectrum", ends[1], "--raw")
    assert raw["stable_rank"] != end["stable_rank"]


@pytest.mark.parametrize("alignment", ["none", "permutation", "orthogonal"])
def test_a_line_has_nothing_to_learn(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, models: Path, alignment: str
) -> None:
    options = ["--kind", "linear", "--alignment", alignment, "--points", 3, "--out", tmp_path / "p"]
    ends = [models / "adamw", models / "adamw"]
    document = run_json(capsys, "gpt2", "connect", *ends, *options, *SMALL)
    assert document["bends"] == 0
    assert document["barrier"] == pytest.approx({"in": 0, "out": 0}, abs=1e-5)


def test_tables_for_people(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, models: Path
) -> None:
    options = ["--kind", "linear", "--alignment", "none", "--points", 3, "--out", tmp_path / "p"]
    ends = [models / "adamw", models / "muon"]
    code, out, _ = run(capsys, "gpt2", "connect", *ends, *options, *SMALL)
    assert code == 0
    assert "out of distribution" in out
    code, out, _ = run(capsys, "gpt2", "spectrum", tmp_path / "p")
    assert code == 0
    assert "monotonicity" in out
    code, out, _ = run(capsys, "gpt2", "spectrum", models / "muon")
    assert code == 0
    assert "0.mlp-out" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("train --out {new} --optimizer sgd", "optimizer: 'sgd' is not one of adamw, muon"),
        ("train --out {new} --heads 3", "heads: 3 must divide"),
        ("train --out {new} --text nowhere", "nowhere: cannot be read"),
        ("train --out {new} --start {new}", "holds no checkpoint"),
        ("train --out {models}/adamw", "holds a trained model"),
        ("connect {models}/adamw {models}/muon --out {new} --kind spiral", "kind: 'spiral' is"),
        ("connect {models}/adamw {models}/muon --out {new} --alignment x", "alignment: 'x' is"),
        ("connect {models}/adamw {models}/muon --out {new} --bends 0", "bends: "),
        ("connect {models}/adamw {new} --out {new}", "holds no checkpoint"),
        ("spectrum {new}", "holds no checkpoint"),
        ("spectrum {models}/adamw --plot {new}.png", "plot: draws what changes along a path"),
        ("spectrum {models}/adamw --plot {new}.gif", "must end in"),
        ("table nowhere --out {new}", "shipped are default, paper, paper-bookcorpus"),
        ("table smoke", "out: name a folder"),
        ("table smoke --out {new} --jobs 0", "jobs: "),
    ],
)
def test_wrong_input_is_a_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, models: Path, arguments: str, message: str
) -> None:
    command = arguments.format(new=tmp_path / "new", models=models).split()
    code, out, err = run(capsys, "gpt2", *command)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert message in err


def test_without_the_extra_all_commands_say_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, module in list(sys.modules.items()):
        if name.startswith("numerics.gpt2."):
            monkeypatch.delitem(sys.modules, name)
            monkeypatch.setattr(numerics.gpt2, name.rpartition(".")[2], module)  # to be put back
    monkeypatch.setitem(sys.modules, "transformers", None)
    for command in ("train", "connect a b", "spectrum a", "table smoke", "table smoke --estimate"):
        out = [] if command == "spectrum a" else ["--out", "x"]
        code, said, err = run(capsys, "gpt2", *command.split(), *out)
        assert (code, said) == (2, "")
        assert err.startswith("isthmus: gpt2: needs the extra: pip install 'isthmus[gpt2]'")


def test_another_vocabulary_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, models: Path
) -> None:
    from tokenizers import Tokenizer, models as tokens, pre_tokenizers, trainers  # noqa: I001

    tokenizer = Tokenizer(tokens.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
    tokenizer.train_from_iterator(["ab" * 9], trainers.BpeTrainer(show_progress=False))
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    file = tmp_path / "text.txt"
    file.write_text("abba" * 200)
    options = ["--tokenizer", tmp_path / "tokenizer.json", "--text", file, "--other", file]
    ends = [models / "adamw", models / "muon"]
    code, _, err = run(capsys, "gpt2", "connect", *ends, "--out", tmp_path / "p", *options)
    assert code == 2
    assert "has a vocabulary of 256, the text one of" in err


def test_a_tokenizer_with_ids_above_its_vocabulary_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from tokenizers import Tokenizer, models as tokens, pre_tokenizers  # noqa: I001

    tokenizer = Tokenizer(tokens.WordLevel({"a": 0, "b": 70_000, "?": 2}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    file = tmp_path / "text.txt"
    file.write_text("a b " * 200)
    options = ["--tokenizer", tmp_path / "tokenizer.json", "--text", file, "--other", file]
    code, out, err = run(capsys, "gpt2", "train", "--out", tmp_path / "out", *options)
    assert (code, out) == (2, "")
    assert "has 3 tokens, but ids up to 70000: number them 0 to 2, or add tokens" in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_what_was_made_in_a_folder_of_text_is_not_read_as_text(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text("to be or not to be " * 100)
    options = [*SHAPE, *SMALL, "--text", ".", "--steps", "2"]
    options.remove("python-docs")
    options.remove("--text")
    code, _, err = run(capsys, "gpt2", "train", "--out", "a", *options)
    assert (code, err) == (0, "")
    code, _, err = run(capsys, "gpt2", "train", "--out", "b", *options)
    assert (code, err) == (0, "isthmus: .: not read as text, as isthmus made them: a\n")
    first, second = (json.loads(Path(name, "training.json").read_text()) for name in "ab")
    assert first["loss"] == second["loss"]  # the same text, seed and recipe
    code, _, err = run(capsys, "gpt2", "train", "--out", "c", "--text", "a", *SHAPE)
    assert (code, err) == (2, "isthmus: a: was made by isthmus gpt2; name a folder of text\n")
    line = ["--kind", "linear", "--alignment", "none", *options[len(SHAPE) :]]
    code, _, err = run(capsys, "gpt2", "connect", "a", "b", "--out", "p", *line)
    assert code == 0
    assert "as isthmus made them: a, b" in err
