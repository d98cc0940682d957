"""`isthmus gpt2` as its users run it."""

import json
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

pytest.importorskip("transformers")

from command import run, run_json, said
from gpt2_studies import TINY

from numerics.cli import main
from numerics.training.loop import one_thread

SMALL = [
    "--text",
    "python-docs",
    "--other",
    "stdlib",
    "--windows",
    "4",
    "--batch",
    "4",
]  # for all that trains or measures
SHAPE = ["--layers", "1", "--width", "16", "--heads", "2", "--block", "16"]


@pytest.fixture(autouse=True)
def _one_thread():
    with one_thread():
        yield


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Two small models, trained on the command line."""
    folder = tmp_path_factory.mktemp("models")
    with one_thread():
        for optimizer in ("adamw", "muon"):
            options = ["--optimizer", optimizer, "--steps", "20", "--out", folder / optimizer]
            assert main(["gpt2", "train", *map(str, options), *SHAPE, *SMALL]) == 0
    return folder


def test_train_writes_a_checkpoint_and_a_record(models):
    from transformers import GPT2LMHeadModel

    record = json.loads((models / "muon" / "training.json").read_text())
    assert record["recipe"]["optimizer"] == "muon"
    assert record["command"][:3] == ["isthmus", "gpt2", "train"]
    assert "transformers" in record["versions"]
    assert [each["step"] for each in record["history"]] == list(range(21))
    assert record["loss"]["in"] < record["history"][0]["held_out"]
    model = GPT2LMHeadModel.from_pretrained(models / "muon")
    assert sum(p.numel() for p in model.parameters()) == record["parameters"]


def test_train_goes_on_from_a_checkpoint(capsys, tmp_path, models):
    options = ["--steps", 3, "--learning-rate", 1e-6, "--weight-decay", 0, "--out", tmp_path / "on"]
    start = ["--start", models / "adamw"]
    document = run_json(capsys, "gpt2", "train", *start, *options, *SMALL)
    before = json.loads((models / "adamw" / "training.json").read_text())
    assert document["history"][0]["held_out"] == pytest.approx(before["loss"]["in"], rel=1e-5)
    assert document["radius"] == {}  # no ball without weight decay


def test_connect_and_spectrum(capsys, tmp_path, models):
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
def test_a_line_has_nothing_to_learn(capsys, tmp_path, models, alignment):
    options = ["--kind", "linear", "--alignment", alignment, "--points", 3, "--out", tmp_path / "p"]
    ends = [models / "adamw", models / "adamw"]
    document = run_json(capsys, "gpt2", "connect", *ends, *options, *SMALL)
    assert document["bends"] == 0
    assert document["barrier"] == pytest.approx({"in": 0, "out": 0}, abs=1e-5)


def test_tables_for_people(capsys, tmp_path, models):
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
        ("table nowhere --out {new}", "shipped are default, paper, smoke"),
        ("table smoke", "out: name a folder"),
        ("table smoke --out {new} --jobs 0", "jobs: "),
    ],
)
def test_wrong_input_is_a_line(capsys, tmp_path, models, arguments, message):
    command = arguments.format(new=tmp_path / "new", models=models).split()
    code, out, err = run(capsys, "gpt2", *command)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert message in err


WITHOUT = """
import sys

sys.modules["transformers"] = None
from numerics.cli import main

for command in ("train", "connect a b", "spectrum a", "table smoke", "table smoke --estimate"):
    print(main(["gpt2", *command.split(), *(["--out", "x"] if command != "spectrum a" else [])]))
"""


def test_without_the_extra_all_commands_say_what_to_install():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["2"] * 5
    assert done.stderr.count("isthmus: gpt2: needs the extra: pip install 'isthmus[gpt2]'") == 5


def test_another_vocabulary_is_refused(capsys, tmp_path, models):
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


def test_a_tokenizer_with_ids_above_its_vocabulary_is_refused(capsys, tmp_path):
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


def test_what_was_made_in_a_folder_of_text_is_not_read_as_text(capsys, tmp_path, monkeypatch):
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
    code, _, err = run(capsys, "gpt2", "connect", "a", "b", "--out", "p", *options[len(SHAPE) :])
    assert code == 0
    assert "as isthmus made them: a, b" in err


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    file = tmp_path_factory.mktemp("configuration") / "tiny.toml"
    file.write_text(TINY)
    return file


@pytest.fixture(scope="module")
def blank():
    """Pages with empty pictures: the tests of the report look at them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("numerics.page.svg", lambda make, salt: "<svg></svg>")
        yield


@pytest.fixture(scope="module")
def study(tmp_path_factory, tiny, blank):
    """A study made on the command line: its folder, the exit code and what was printed."""
    folder = tmp_path_factory.mktemp("study") / "study"
    arguments = ["gpt2", "table", tiny, "--out", folder, "--jobs", 2, "--json", "-"]
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err, one_thread():
        code = main(list(map(str, arguments)))
    return folder, code, out.getvalue(), err.getvalue()


def test_table_makes_a_study_with_a_page_and_verdicts(study):
    folder, code, out, err = study
    assert said(err) == ""
    document = json.loads(out)
    ids = [claim["id"] for claim in document["claims"]]
    assert ids == [
        "gpt2-polychain-beats-linear",
        "gpt2-spectrum-preserved",
        "gpt2-cross-transition",
    ]
    assert code == (0 if all(claim["holds"] for claim in document["claims"]) else 1)
    stored = json.loads((folder / "study.json").read_text())
    assert stored["command"] == document["command"]
    assert stored["cells"] == document["cells"]
    page = (folder / "index.html").read_text()
    assert all(name in page for name in ids)


def test_a_study_too_small_to_tell_gets_no_verdict(capsys, tmp_path, study, blank):
    """The same study: what is missing is made again in this process, and the rest is there."""
    folder = tmp_path / "study"
    shutil.copytree(study[0], folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"verdicts": False}))
    (folder / "start.json").unlink()
    (tmp_path / "tiny.toml").write_text(f"verdicts = false\n{TINY}")
    arguments = ("gpt2", "table", tmp_path / "tiny.toml", "--out", folder)
    code, out, _ = run(capsys, *arguments, "--jobs", 1)
    assert code == 0
    assert "This study tests the machinery. It is too small to tell, so no claim is judged." in out
    page = (folder / "index.html").read_text()
    assert "too small to tell" in page
    for text in (out, page):
        assert "is false" not in text
        assert "gpt2-polychain-beats-linear" not in text
    code, out, _ = run(capsys, *arguments, "--json", "-")
    assert (code, json.loads(out)["claims"]) == (0, [])


def test_an_estimate_makes_nothing(capsys, tmp_path, tiny):
    before = set(tmp_path.iterdir())
    code, out, err = run(capsys, "gpt2", "table", tiny, "--estimate", "--jobs", 2, "--json", "-")
    document = json.loads(out)
    assert code == 0
    said = err.splitlines()  # not silent where no one watches a bar
    assert said[0] == "isthmus: reading the text: 0"
    assert said[1] == "isthmus: measuring ends, adamw; kinds done of 8: 0"
    assert said[-1] == "isthmus: measuring evaluations; kinds done of 8: 7"
    assert document["hours_side_by_side"] == pytest.approx(document["hours"] / 2)
    assert document["hours"] == pytest.approx(sum(row["hours"] for row in document["kinds"]))
    code, out, _ = run(capsys, "gpt2", "table", tiny, "--estimate")
    assert code == 0
    assert "hours of computing" in out
    assert set(tmp_path.iterdir()) == before
