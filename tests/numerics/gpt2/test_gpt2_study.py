"""Whole studies: configurations, parts that are made once, what is gathered."""

import json
import math
from dataclasses import replace
from itertools import pairwise
from statistics import mean, stdev

import pytest

pytest.importorskip("transformers")

import torch

from numerics.gpt2.alignment import fold
from numerics.gpt2.model import load, window_loss
from numerics.gpt2.paths import load_path
from numerics.gpt2.spectra import medians
from numerics.gpt2.study import RESULT, SHIPPED, Config, Study, cells, estimate
from theory.errors import InputError, Interrupted

SMOKE = Config.read("smoke")
SMALL = replace(
    SMOKE,
    shape=replace(SMOKE.shape, layers=1, width=16, block=16),
    windows=4,
    points=3,
    ends=replace(SMOKE.ends, steps=20),
    alignment=replace(SMOKE.alignment, steps=2),
    bends=replace(SMOKE.bends, steps=10),
)  # every part of that study, with less of each


class Stopping:
    """A progress callback that interrupts when so many parts are done."""

    def __init__(self, at=math.inf):
        self.at, self.done = at, []

    def __call__(self, stage, count):
        if "parts done" in stage:
            self.done.append(stage.partition(";")[0])
            if count >= self.at:
                raise Interrupted("at the third part")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A small study, which was interrupted twice: between two parts, and in the middle of one."""
    made = Study(SMALL, tmp_path_factory.mktemp("study"))
    stopping = Stopping(3)
    with pytest.raises(Interrupted, match="at the third part"):
        made.run(progress=stopping)
    assert len(stopping.done) == 3

    def within(stage, step):
        if "training" in stage and step == 15:
            raise Interrupted("within a part")

    with pytest.raises(Interrupted, match="within a part"):
        made.run(progress=within)
    states = list(made.folder.rglob("state.safetensors"))
    assert len(states) == 1
    again = Stopping()
    made.run(progress=again)
    assert not set(again.done) & set(stopping.done)
    assert not states[0].exists()
    return made


@pytest.fixture(scope="module")
def result(study):
    return json.loads((study.folder / RESULT).read_text())


def test_every_part_is_there(study, result):
    assert list(result["ends"]) == ["adamw-0", "adamw-1", "muon-0", "muon-1"]
    assert list(result["longer"]) == ["adamw-0"]
    assert [run["learning_rate"] for run in result["sweep"]] == [0.004, 0.002]
    assert {name: pair["cell"] for name, pair in result["pairs"].items()} == {
        "adamw-0--adamw-1": "adamw-adamw",
        "adamw-0--muon-1": "adamw-muon",
        "adamw-1--muon-0": "adamw-muon",
        "muon-0--muon-1": "muon-muon",
    }
    planes = [name for name, pair in result["pairs"].items() if "plane" in pair]
    assert planes == ["adamw-0--adamw-1", "adamw-0--muon-1", "muon-0--muon-1"]
    for pair in result["pairs"].values():
        assert set(pair["alignment"]) == {
            "none", "folded", "permutation", "orthogonal", "learned"
        }  # fmt: skip
        bent = ["polychain", "bezier", "polychain, not aligned"]
        if pair["cell"] == "adamw-muon":
            bent.append("polychain, by adamw")
        assert list(pair["curves"]) == [*bent, "linear", "linear, not aligned"]


def test_a_finished_study_is_not_made_again(study, result):
    done = Stopping()
    assert study.run(progress=done) == result
    assert done.done == []


def test_another_study_does_not_fit_into_the_folder(study):
    with pytest.raises(InputError, match="holds another study"):
        Study(replace(SMALL, points=7), study.folder).run()


def test_a_damaged_part_is_told(study):
    part = study.folder / "start.json"
    content = part.read_text()
    part.write_text(content[:100])
    with pytest.raises(InputError, match=r"start.json: is no JSON; remove it to make it again"):
        study.run()
    part.write_text(content)


def test_ends_are_checkpoints_with_the_losses_that_are_told(study, result):
    from numerics.gpt2.data import Corpus

    windows = Corpus.read(["python-docs"]).windows(SMALL.windows, block=SMALL.shape.block)
    for name, end in result["ends"].items():
        loss = window_loss(load(study.folder / "ends" / name), windows)
        assert end["loss"]["in"] == pytest.approx(loss, rel=1e-4)
        assert end["history"][-1]["held_out"] == pytest.approx(loss, rel=1e-4)


def test_paths_begin_and_end_at_the_two_models(study, result):
    for name, pair in result["pairs"].items():
        for curve in pair["curves"].values():
            for text in ("in", "out"):
                losses = [result["ends"][pair[end]]["loss"][text] for end in ("first", "last")]
                ends = [curve["loss"][text][k] for k in (0, -1)]
                assert ends == pytest.approx(losses, abs=1e-3)
        path = load_path(study.folder / "pairs" / name / "polychain")
        first = fold(load(study.folder / "ends" / pair["first"]))
        for a, b in zip(path.first.parameters(), first.parameters(), strict=True):
            assert torch.equal(a, b)


def test_bends_are_trained(study, result):
    for pair in result["pairs"].values():
        for kind in ("polychain", "bezier", "polychain, by adamw"):
            if kind not in pair["curves"]:
                continue
            middle = len(pair["curves"]["linear"]["t"]) // 2
            bent, line = (pair["curves"][k]["loss"]["in"][middle] for k in (kind, "linear"))
            assert bent < line


def test_cells_are_what_the_curves_say(result):
    pairs = [p for p in result["pairs"].values() if p["cell"] == "adamw-muon"]
    barriers = []
    for pair in pairs:
        curve = pair["curves"]["linear"]
        first, *_, last = curve["loss"]["in"]
        above = [
            loss - ((1 - t) * first + t * last)
            for t, loss in zip(curve["t"], curve["loss"]["in"], strict=True)
        ]
        barriers.append(max(above))
    told = result["cells"]["adamw-muon"]["linear"]["barrier"]["in"]
    assert told["values"] == pytest.approx(barriers, abs=1e-4)
    assert told["mean"] == pytest.approx(mean(barriers), abs=1e-4)
    assert told["std"] == pytest.approx(stdev(barriers), abs=1e-4)
    assert told["n"] == 2


def test_the_middle_above_ends_trained_on_by_hand():
    curve = {
        "t": [0, 0.5, 1],
        "loss": {"in": [2.0, 3.5, 1.0], "out": [2.0, 3.5, 1.0]},
        "barrier": {"in": 2.0, "out": 2.0},
        "maximum": {"in": 3.5, "out": 3.5},
        "spectra": {"stable_rank": {"a": [1, 3, 5], "b": [2, 8, 2], "c": [9, 4, 3]}},
    }
    pair = {"cell": "x", "first": "a", "last": "b", "curves": {"linear": curve}}
    continued = {"a": {"in": 1.5, "out": 2.5}, "b": {"in": 1.0, "out": 2.5}}
    (found,) = cells({"a--b": pair}, continued)["x"].values()
    assert found["middle above ends trained on"]["in"]["values"] == [2.25]
    assert found["middle above ends trained on"]["out"]["values"] == [1.0]
    assert medians(curve["spectra"]["stable_rank"]) == [2, 4, 3]
    assert found["change"] == {"mean": 1.0, "std": None, "n": 1, "values": [1.0]}
    assert found["monotonicity"]["values"] == [pytest.approx(1 / 3)]
    assert found["largest_jump"]["values"] == [2.0]


def test_norms_stay_within_reach(result):
    own = {"adamw": "entrywise", "muon": "spectral"}
    for end in result["ends"].values():
        records = end["history"]
        assert records[0]["remainder"] == 1
        assert all(b["remainder"] < a["remainder"] for a, b in pairwise(records))
        for record in records:
            for name, norm in record[own[end["optimizer"]]].items():
                assert norm <= record["reach"][name] * (1 + 1e-4)


# Configurations


@pytest.mark.parametrize("name", sorted(path.stem for path in SHIPPED.glob("*.toml")))
def test_shipped_configurations_are_whole(name):
    config = Config.read(name)
    assert config.name == name
    assert len(config.pairs) == len(set(config.pairs))
    for cell, first, last in config.pairs.values():
        assert cell == "-".join(end.split("-")[0] for end in (first, last))
        # The same seed would be the same start and the same batches.
        assert first.split("-")[1] != last.split("-")[1]


def test_pairs_are_neighbours_in_a_circle():
    five = [p for c, *p in replace(SMOKE, seeds=5).pairs.values() if c == "muon-muon"]
    assert five == [[f"muon-{k}", f"muon-{(k + 1) % 5}"] for k in range(5)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("seeds = 1", "seeds: 1 must be at least 2"),
        ("points = 0", "points: "),
        ("colour = 1", "has colour, which means nothing"),
        ("[ends]\nstep = 3", r"\[ends\] has step, which means nothing"),
        ("[ends]\noptimizer = 'muon'", r"\[ends\] has optimizer, which means nothing"),
        ("[ends]\nschedule = 'linear'", "schedule: 'linear' is not one of"),
        ("[ends]\nlearning_rate = 'high'", "has a value of the wrong type"),
        ("[model]\nheads = 3", "heads: 3 must divide"),
        ("[paths]\nkinds = ['spiral']", "kinds: 'spiral' is not one of polychain, bezier"),
        ("[paths]\nkinds = []", "kinds: name at least one"),
        ("[paths]\ncross = 'sgd'", "cross: 'sgd' is not one of adamw, muon"),
        ("[controls]\nlonger = 0", "longer: "),
        ("[controls]\nlearning_rates = ['high']", "learning_rates: .* must be a list of numbers"),
        ("[paths]\nkinds = 'bezier'", "kinds: 'bezier' must be a list of names"),
        ("seeds = '3'", "seeds: "),
        ("model = 3", "model must be a section"),
        ("[", "is no TOML"),
    ],
)
def test_wrong_configurations_are_refused(tmp_path, change, message):
    file = tmp_path / "wrong.toml"
    file.write_text(f"{change}\n[text]\ntraining = ['stdlib']\nother = ['stdlib']")
    with pytest.raises(InputError, match=message):
        Config.read(str(file))


def test_configurations_that_are_not_there_are_refused(tmp_path):
    with pytest.raises(InputError, match="nowhere: cannot be read: .*default, paper, smoke"):
        Config.read("nowhere")
    file = tmp_path / "short.toml"
    file.write_text("[text]\ntraining = ['stdlib']")
    with pytest.raises(InputError, match=r"\[text\] lacks other"):
        Config.read(str(file))


# What it would take


def test_an_estimate_counts_what_a_study_makes(study):
    rows = {row["kind"]: row for row in estimate(SMALL)}
    files = [name for stage in study.stages for name in stage]
    ends = [name for name in files if name.startswith("ends/")]
    curves = [n for n in files if n.endswith("curve.json") and "linear" not in n]
    assert rows["ends, adamw"]["parts"] + rows["ends, muon"]["parts"] == len(ends) + 1
    assert rows["bends, adamw"]["parts"] + rows["bends, muon"]["parts"] == len(curves)
    assert rows["ends, adamw"]["steps"] == SMALL.ends.steps * (2 + 2 + 1)  # longer: twice
    assert rows["alignments"]["parts"] == len(SMALL.pairs)
    assert (
        rows["ends trained on, muon"]["seconds_per_step"] == rows["ends, muon"]["seconds_per_step"]
    )  # the same module, measured once
    for row in rows.values():
        assert row["hours"] == pytest.approx(row["steps"] * row["seconds_per_step"] / 3600)
        assert row["seconds_per_step"] > 0
