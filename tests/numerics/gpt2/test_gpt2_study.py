"""Whole studies: configurations, parts that are made once, what is gathered, and the command."""

from __future__ import annotations

import json
import math
import pickle
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pytest

pytest.importorskip("transformers")

import torch
from command import run, said
from gpt2_studies import SMALL, TINY

from numerics.gpt2.alignment import fold
from numerics.gpt2.cells import cells
from numerics.gpt2.config import SHIPPED, Config
from numerics.gpt2.ensembles import average_loss, window_losses
from numerics.gpt2.estimate import estimate
from numerics.gpt2.model import load, window_loss
from numerics.gpt2.names import Cell
from numerics.gpt2.parts import Connected, Continued, Pretrained, texts_of
from numerics.gpt2.paths import load_path
from numerics.gpt2.runs import Runs
from numerics.gpt2.spectra import medians
from numerics.gpt2.study import RESULT, RUNS, Study
from numerics.training.loop import one_thread
from theory.errors import InputError, Interrupted
from theory.parallel import Jobs
from theory.types import silent


class Stopping:
    """A progress callback that interrupts when so many parts are done."""

    def __init__(self, at: float = math.inf) -> None:
        self.at = at
        self.done: list[str] = []

    def __call__(self, stage: str, count: int) -> None:
        if "parts done" in stage:
            self.done.append(stage.partition(";")[0])
            if count >= self.at:
                raise Interrupted("at the third part")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration."""
    file = tmp_path_factory.mktemp("configuration") / "small.toml"
    file.write_text(SMALL)
    return file


@pytest.fixture(scope="module")
def coarse() -> Iterator[None]:
    """Planes of few points."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("numerics.gpt2.parts.PLANE_POINTS", 3)
        yield


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, small: Path, coarse: None) -> Study:
    """A small study, which was interrupted twice: between two parts, and in the middle of one."""
    made = Study(Config.read(str(small)), tmp_path_factory.mktemp("study"))
    stopping = Stopping(3)
    with one_thread(), pytest.raises(Interrupted, match="at the third part"):
        made.run(progress=stopping)
    assert len(stopping.done) == 3

    def within(stage: str, step: int) -> None:
        if "training" in stage and step == 4:
            raise Interrupted("within a part")

    with one_thread(), pytest.raises(Interrupted, match="within a part"):
        made.run(progress=within)
    states = list(made.folder.rglob("state.safetensors"))
    assert len(states) == 1
    again = Stopping()
    with one_thread():
        made.run(progress=again)
    assert not set(again.done) & set(stopping.done)
    assert not states[0].exists()
    return made


@pytest.fixture(scope="module")
def result(study: Study) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((study.folder / RESULT).read_text())
    return document


def test_every_part_is_there(study: Study, result: dict[str, Any]) -> None:
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


def test_a_finished_study_is_not_made_again(study: Study, result: dict[str, Any]) -> None:
    done = Stopping()
    assert study.run(progress=done) == result
    assert done.done == []


def test_parts_that_are_made_side_by_side_are_the_same(
    study: Study, result: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By copies, as other processes get them; those have tests of their own."""

    @contextmanager
    def copies(make: Any, items: Iterable[Any], jobs: Jobs, **options: Any) -> Iterator[Any]:
        assert jobs == Jobs(2)
        make, items = pickle.loads(pickle.dumps((make, list(items))))
        yield (make(item, silent) for item in items)

    monkeypatch.setattr("numerics.gpt2.study.results", copies)
    shutil.copytree(study.folder, tmp_path / "study")
    again, done = Study(study.config, tmp_path / "study"), Stopping()
    missing = [part.file for stage in study.stages for part in stage[-2:]]
    for file in missing:
        (again.folder / file).unlink()
    document = again.run(jobs=Jobs(2), progress=done)
    assert done.done == missing
    for part in ("start", "pairs", "cells"):
        assert document[part] == result[part]


def test_another_study_does_not_fit_into_the_folder(study: Study) -> None:
    with pytest.raises(InputError, match="holds another study"):
        Study(replace(study.config, points=7), study.folder).run()


def test_every_run_is_on_record(study: Study, result: dict[str, Any]) -> None:
    """Also the two that were stopped; what they were goes with them."""
    runs = Runs(study.folder / RUNS).read().values()
    assert {run["configuration"] for run in runs} == {study.config.digest}
    assert all(run["began"] <= run["ended"] for run in runs)
    done = [run["part"] for run in runs if run["state"] == "done"]
    parts = [part.file for stage in study.stages for part in stage]
    assert sorted(set(done)) == sorted(parts)
    (stopped,) = [run for run in runs if run["state"] == "stopped"]
    again = next(run for run in runs if run["part"] == stopped["part"] and run is not stopped)
    assert again["began"] >= stopped["ended"]
    curve = "pairs/adamw-0--adamw-1/polychain/curve.json"
    told = next(run for run in runs if run["part"] == curve)
    assert told["barrier"] == result["pairs"]["adamw-0--adamw-1"]["curves"]["polychain"]["barrier"]


def test_a_run_whose_process_was_killed_was_stopped(tmp_path: Path) -> None:
    runs = Runs(tmp_path / RUNS)
    first, second = runs.begin("a", "digest"), runs.begin("b", "digest")
    runs.end(second, "done", {"loss": 1.0})
    before = runs.path.read_text()
    runs.close()
    runs.close()
    assert runs.path.read_text().startswith(before)
    assert [run["state"] for run in runs.read().values()] == ["stopped", "done"]
    assert list(runs.read()) == [first, second]


def test_a_part_that_fails_is_on_record(study: Study, tmp_path: Path) -> None:
    ends = replace(study.config.ends, accumulation=5)
    made = Study(replace(study.config, ends=ends), tmp_path / "study")
    with pytest.raises(InputError, match="batch: 8 must be a multiple"):
        made.run()
    (failed,) = Runs(made.folder / RUNS).read().values()
    assert failed["state"] == "failed"
    assert failed["error"].startswith("batch: 8 must be a multiple")


def stored(document: dict[str, Any], folder: Path) -> Path:
    folder.mkdir()
    (folder / RESULT).write_text(json.dumps(document))
    return folder


def test_what_is_known_is_not_made_again_but_what_it_left_is_where_it_is_needed(
    study: Study, result: dict[str, Any], tmp_path: Path
) -> None:
    """In another folder, from the document alone: two parts are made, and the models for them."""
    known = json.loads(json.dumps(result))
    pair = known["pairs"]["muon-0--muon-1"]
    del pair["curves"]["linear"], pair["shuffled"]
    earlier = stored(known, tmp_path / "earlier")
    before = Runs(study.folder / RUNS).read()
    (earlier / RUNS).write_bytes((study.folder / RUNS).read_bytes())
    again, done = Study(study.config, tmp_path / "study"), Stopping()
    document = again.run(earlier=earlier, progress=done)
    folder = "pairs/muon-0--muon-1"
    assert done.done == [
        "ends/muon-0/end.json",
        "ends/muon-1/end.json",
        f"{folder}/alignment.json",
        f"{folder}/shuffled.json",
        f"{folder}/linear/curve.json",
    ]
    for part in ("pairs", "cells", "continued", "sweep", "ensembles"):
        assert document[part] == result[part]
    runs = list(Runs(again.folder / RUNS).read().items())
    assert runs[: len(before)] == list(before.items())
    assert [run["part"] for _, run in runs[len(before) :]] == done.done


def test_what_is_known_of_another_study_is_refused(
    study: Study, result: dict[str, Any], tmp_path: Path
) -> None:
    other = Study(replace(study.config, points=5), tmp_path / "study")
    with pytest.raises(InputError, match="earlier: is of another study"):
        other.run(earlier=stored(result, tmp_path / "earlier"))


def test_what_is_done_is_gathered_where_a_study_is_stopped(
    study: Study, result: dict[str, Any], tmp_path: Path
) -> None:
    known = json.loads(json.dumps(result))
    for name in ("muon-0--muon-1", "adamw-0--muon-1"):
        del known["pairs"][name]["alignment"]
    again = Study(study.config, tmp_path / "study")
    earlier = stored(known, tmp_path / "earlier")
    with pytest.raises(Interrupted, match="at the third part"):
        again.run(earlier=earlier, progress=Stopping(0))
    document = json.loads((again.folder / RESULT).read_text())
    assert document["parts"]["of"] == result["parts"]["of"] == result["parts"]["done"]
    assert document["parts"]["done"] == result["parts"]["of"] - 2
    # A pair that lacks a part counts in no statistics.
    assert set(document["cells"]) == {"adamw-adamw", "adamw-muon"}
    assert document["cells"]["adamw-adamw"] == result["cells"]["adamw-adamw"]
    assert document["cells"]["adamw-muon"]["linear"]["barrier"]["in"]["n"] == 1


def test_the_line_between_random_directions_has_the_ranks_of_the_ends(
    result: dict[str, Any],
) -> None:
    for pair in result["pairs"].values():
        for name, ranks in pair["shuffled"]["stable_rank"].items():
            for k, end in ((0, "first"), (-1, "last")):
                own = result["ends"][pair[end]]["stable_rank"][name]
                assert ranks[k] == pytest.approx(own, rel=1e-4)


def test_half_way_between_random_directions_the_singular_values_have_that_stable_rank(
    result: dict[str, Any],
) -> None:
    drawn = [pair for pair in result["pairs"].values() if "plane" in pair]
    assert drawn
    for pair in drawn:
        (matrix,) = pair["half_way_shuffled"]
        along = pair["shuffled"]["stable_rank"][matrix]
        values = pair["half_way_shuffled"][matrix]
        rank = sum(value**2 for value in values) / max(values) ** 2
        assert rank == pytest.approx(along[len(along) // 2], rel=1e-3)


def test_a_damaged_part_is_told(study: Study) -> None:
    part = study.folder / "start.json"
    content = part.read_text()
    part.write_text(content[:100])
    with pytest.raises(InputError, match=r"start.json: is no JSON; remove it to make it again"):
        study.run()
    part.write_text(content)


def test_ends_are_checkpoints_with_the_losses_that_are_told(
    study: Study, result: dict[str, Any]
) -> None:
    windows = texts_of(study.config).windows("in", torch.device("cpu"))
    for name, end in result["ends"].items():
        loss = window_loss(load(study.folder / "ends" / name), windows)
        assert end["loss"]["in"] == pytest.approx(loss, rel=1e-4)
        assert end["history"][-1]["held_out"] == pytest.approx(loss, rel=1e-4)


def test_paths_begin_and_end_at_the_two_models(study: Study, result: dict[str, Any]) -> None:
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


def test_bends_are_trained(study: Study, result: dict[str, Any]) -> None:
    for pair in result["pairs"].values():
        for kind in ("polychain", "bezier", "polychain, by adamw"):
            if kind not in pair["curves"]:
                continue
            middle = len(pair["curves"]["linear"]["t"]) // 2
            bent, line = (pair["curves"][k]["loss"]["in"][middle] for k in (kind, "linear"))
            assert bent < line


def test_cells_are_what_the_curves_say(result: dict[str, Any]) -> None:
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


def test_ensembles_are_of_the_models_of_their_pair(study: Study, result: dict[str, Any]) -> None:
    for name, pair in result["pairs"].items():
        told = pair["ensembles"]["loss"]["out"]
        # Two models of each optimizer: only a pair of both leaves a third one.
        crossing = pair["cell"] == "adamw-muon"
        assert ("three models averaged" in told) == crossing
        windows = texts_of(study.config).windows("out", torch.device("cpu"))[1::2]
        models = [load(study.folder / "ends" / pair[end]) for end in ("first", "last")]
        if crossing:
            models.append(load(study.folder / "ends" / {"1": "muon-0", "0": "muon-1"}[name[-1]]))
        losses = [window_losses(model, windows) for model in models]
        # Alignment leaves predictions as they are, up to rounding.
        assert told["ends averaged"] == pytest.approx(average_loss(losses[:2]), abs=1e-3)
        if crossing:
            assert told["three models averaged"] == pytest.approx(average_loss(losses), abs=1e-3)
        perplexity = result["ensembles"][pair["cell"]]["out"]["ends averaged"]["values"]
        assert math.exp(told["ends averaged"]) == pytest.approx(
            perplexity[
                [n for n, p in result["pairs"].items() if p["cell"] == pair["cell"]].index(name)
            ],
            rel=1e-4,
        )


def test_the_third_model_is_the_next_in_the_circle() -> None:
    config = replace(Config.read("smoke"), seeds=4)
    thirds = {str(pair): str(config.third(pair)) for pair in config.pairs}
    assert thirds["adamw-0--adamw-1"] == "adamw-2"
    assert thirds["adamw-2--adamw-3"] == "adamw-0"
    assert thirds["muon-3--muon-0"] == "muon-1"
    assert thirds["adamw-3--muon-0"] == "muon-1"
    two = replace(config, seeds=2)
    between = [str(two.third(pair)) for pair in two.pairs if pair.first.optimizer == "adamw"]
    assert between == ["None", "muon-0", "muon-1"]


def test_the_middle_above_ends_trained_on_by_hand() -> None:
    curve: dict[str, Any] = {
        "t": [0, 0.5, 1],
        "loss": {"in": [2.0, 3.5, 1.0], "out": [2.0, 3.5, 1.0]},
        "barrier": {"in": 2.0, "out": 2.0},
        "maximum": {"in": 3.5, "out": 3.5},
        "spectra": {"stable_rank": {"a": [1, 3, 5], "b": [2, 8, 2], "c": [9, 4, 3]}},
    }
    random = {"stable_rank": {"a": [4, 5], "b": [2, 3], "c": [1, 1]}}
    pair = {"cell": "x", "first": "a", "last": "b", "curves": {"linear": curve}, "shuffled": random}
    continued = {"a": {"in": 1.5, "out": 2.5}, "b": {"in": 1.0, "out": 2.5}}
    found = cells({"a--b": pair}, continued)["x"]
    assert found["random directions"]["change"]["values"] == [0.5]
    found = found["linear"]
    assert found["middle above ends trained on"]["in"]["values"] == [2.25]
    assert found["middle above ends trained on"]["out"]["values"] == [1.0]
    assert medians(curve["spectra"]["stable_rank"]) == [2, 4, 3]
    assert found["change"] == {"mean": 1.0, "std": None, "n": 1, "values": [1.0]}
    assert found["monotonicity"]["values"] == [pytest.approx(1 / 3)]
    assert found["largest_jump"]["values"] == [2.0]
    untrained = cells({"a--b": pair}, {"a": continued["a"]})["x"]["linear"]
    above = untrained["middle above ends trained on"]["in"]
    assert (above["n"], above["mean"], above["values"]) == (0, None, [None])


def test_norms_stay_within_reach(result: dict[str, Any]) -> None:
    own = {"adamw": "entrywise", "muon": "spectral"}
    for end in result["ends"].values():
        records = end["history"]
        assert records[0]["remainder"] == 1
        assert all(b["remainder"] < a["remainder"] for a, b in pairwise(records))
        for record in records:
            for name, norm in record[own[end["optimizer"]]].items():
                assert norm <= record["reach"][name] * (1 + 1e-4)


# Configurations


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_shipped_configurations_are_whole(name: str) -> None:
    config = Config.read(name)
    assert config.name == name
    assert len(config.pairs) == len(set(config.pairs))
    for first, last in config.pairs:
        assert {first, last} <= config.models.keys()
        # The same seed would be the same start and the same batches.
        assert first.seed != last.seed


def test_pairs_are_neighbours_in_a_circle() -> None:
    config = replace(Config.read("smoke"), seeds=5)
    five = [str(pair) for pair in config.pairs if pair.cell == Cell("muon", "muon")]
    assert five == [f"muon-{k}--muon-{(k + 1) % 5}" for k in range(5)]


def test_blocks_of_disjoint_pairs_share_no_model_and_no_seed() -> None:
    config = Config.read("second")
    for cell in config.cells:
        ends = [model for pair in config.pairs if pair.cell == cell for model in pair]
        assert len(ends) == len(set(ends)) == 8
    for pair in config.pairs:
        assert len({*map(config.block, pair), config.block(config.third(pair) or pair.last)}) == 1
    seeds = [recipe.seed for model, recipe in config.models.items() if model.is_end]
    assert sorted(seeds) == list(range(24))
    for model, recipe in config.models.items():  # only what it says differs from its end
        end = config.models.get(model._replace(variant=""))
        if end is not None and model.variant:
            changes = config.variants[model.variant].changes
            assert recipe == replace(end, **changes)


def test_the_design_of_noise_is_balanced() -> None:
    """Each of the three is high twice, and every two of them take all four combinations."""
    config = Config.read("second")
    levels = []
    for name, variant in config.variants.items():
        if name.startswith("noise"):
            changed, ends = variant.changes, config.ends
            assert changed["steps"] * changed["batch"] == ends.steps * ends.batch
            rates = {changed[k] / getattr(ends, k) for k in ("learning_rate", "muon_learning_rate")}
            assert len(rates) == 1
            levels.append(
                (rates == {2.0}, changed["weight_decay"] > 0.1, changed["batch"] < ends.batch)
            )
    for j, k in combinations(range(3), 2):
        assert len({(level[j], level[k]) for level in levels}) == len(levels) == 4


def test_bends_between_optimizers_are_trained_by_either() -> None:
    config = Config.read("smoke")
    by = {str(c): r.optimizer for c, r in config.curves(Cell("adamw", "muon")).items()}
    assert by.pop("polychain, by adamw") == "adamw"
    assert set(by.values()) == {"muon"} == {config.cross}
    for name in ("adamw", "muon"):
        alone = config.curves(Cell(name, name))
        assert [str(curve) for curve in alone] == list(by)
        assert {recipe.optimizer for recipe in alone.values()} == {name}


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
        ("[paths]\ncells = ['adamw']", "cells: 'adamw' must be two of adamw, muon"),
        ("[paths]\ndisjoint = true", "seeds: 3 must be even, for disjoint pairs"),
        ("[paths]\nunaligned = 1", "unaligned: 1 must be true or false"),
        ("[paths]\ncontinued = 0", "continued: "),
        ("[controls]\nlonger = 0", "controls.longer: must be a section"),
        ("[controls.a]\nsteps = 3", "controls.a: optimizers = None must be a list of adamw, muon"),
        ("[controls.a]\noptimizers = ['muon']\nstep = 3", "controls.a: has step, which means"),
        ("[controls.a]\noptimizers = ['muon']\nseeds = 0", "controls.a.seeds: "),
        ("[paths]\nkinds = 'bezier'", "kinds: 'bezier' must be a list of names"),
        ("seeds = '3'", "seeds: "),
        ("model = 3", "model must be a section"),
        ("[", "is no TOML"),
    ],
)
def test_wrong_configurations_are_refused(tmp_path: Path, change: str, message: str) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(f"{change}\n[text]\ntraining = ['stdlib']\nother = ['stdlib']")
    with pytest.raises(InputError, match=message):
        Config.read(str(file))


def test_a_base_says_what_a_file_leaves_out(tmp_path: Path) -> None:
    base, file = Config.read("paper"), tmp_path / "more.toml"
    file.write_text("base = 'paper'\nseeds = 2\n[ends]\nmuon_learning_rate = 0.5")
    found = Config.read(str(file))
    ends = replace(base.ends, muon_learning_rate=0.5)
    assert found == replace(base, name="more", seeds=2, ends=ends)
    file.write_text("base = 'papers'")
    with pytest.raises(InputError, match="base = 'papers' is not one of default, paper"):
        Config.read(str(file))


def test_the_papers_rates_and_decays() -> None:
    rates = {
        name: (config.ends.learning_rate, config.ends.muon_learning_rate)
        for name in ("enwik8", "stories", "bookcorpus", "lm1b", "spectra")
        for config in [Config.read(f"paper-{name}")]
    }
    assert rates == {
        "enwik8": (0.01, 0.03),
        "stories": (0.004, 0.004),
        "bookcorpus": (0.004, 0.005),
        "lm1b": (0.004, 0.003),
        "spectra": (0.001, 0.005),
    }
    spectra = Config.read("paper-spectra")
    assert (spectra.shape.layers, spectra.shape.width) == (8, 1024)
    decays = [replace(spectra.ends, optimizer=by).decay_of("key") for by in ("adamw", "muon")]
    assert decays == [0.1, 0.01]


def test_configurations_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="nowhere: cannot be read: .*default, paper, .*second, smoke"
    ):
        Config.read("nowhere")
    file = tmp_path / "short.toml"
    file.write_text("[text]\ntraining = ['stdlib']")
    with pytest.raises(InputError, match=r"\[text\] lacks other"):
        Config.read(str(file))


# What it would take


def test_an_estimate_counts_what_a_study_makes(study: Study) -> None:
    config = study.config
    rows = {row["kind"]: row for row in estimate(config)}
    parts = [part for stage in study.stages for part in stage]
    for words, kind in (("ends", Pretrained), ("ends trained on", Continued), ("bends", Connected)):
        made = [
            part
            for part in parts
            if isinstance(part, kind)
            and not (isinstance(part, Connected) and part.curve.kind == "linear")
        ]
        assert rows[f"{words}, adamw"]["parts"] + rows[f"{words}, muon"]["parts"] == len(made)
    longer = config.variants["longer"].changes["steps"]
    assert rows["ends, adamw"]["steps"] == 3 * config.ends.steps + longer
    assert rows["alignments"]["parts"] == len(config.pairs)
    assert (
        rows["ends trained on, muon"]["seconds_per_step"] == rows["ends, muon"]["seconds_per_step"]
    )  # the same module, measured once
    for row in rows.values():
        assert row["hours"] == pytest.approx(row["steps"] * row["seconds_per_step"] / 3600)
        assert row["seconds_per_step"] > 0


# The command


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages without pictures: the tests of the report draw them."""
    monkeypatch.setattr("numerics.gpt2.report.figures", lambda pictures, name: "")


@pytest.mark.usefixtures("undrawn")
def test_table_makes_a_study_with_a_page_and_verdicts(
    capsys: pytest.CaptureFixture[str], study: Study, small: Path, result: dict[str, Any]
) -> None:
    """Of the study that is there: a part that is missing is made in this process."""
    (study.folder / "start.json").unlink()
    arguments = ("gpt2", "table", small, "--out", study.folder, "--jobs", 2, "--json", "-")
    code, out, err = run(capsys, *arguments)
    assert said(err) == ""
    document = json.loads(out)
    ids = [claim["id"] for claim in document["claims"]]
    assert ids == [
        "gpt2-polychain-beats-linear",
        "gpt2-spectrum-preserved",
        "gpt2-cross-transition",
    ]
    assert code == (0 if all(claim["holds"] for claim in document["claims"]) else 1)
    stored = json.loads((study.folder / RESULT).read_text())
    assert stored["command"] == document["command"] == ["isthmus", *map(str, arguments)]
    assert stored["cells"] == document["cells"] == result["cells"]
    page = (study.folder / "index.html").read_text()
    assert all(name in page for name in ids)


@pytest.mark.usefixtures("undrawn")
def test_a_study_too_small_to_tell_gets_no_verdict(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, study: Study
) -> None:
    folder = tmp_path / "study"
    shutil.copytree(study.folder, folder)
    config = study.config.to_json() | {"verdicts": False}
    (folder / "config.json").write_text(json.dumps(config))
    (tmp_path / "small.toml").write_text(f"verdicts = false\n{SMALL}")
    arguments = ("gpt2", "table", tmp_path / "small.toml", "--out", folder)
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


@pytest.mark.parametrize("budget", ["90 m", "m", "1,5h", "-3m", "2d"])
def test_a_budget_is_a_time(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, budget: str
) -> None:
    out = tmp_path / "study"
    code, _, err = run(capsys, "gpt2", "table", "smoke", "--out", out, f"--time-budget={budget}")
    assert code == 2
    assert "must be such as 90 or 90s" in err
    assert not out.exists()


def test_a_study_whose_time_is_spent_goes_on_from_its_document(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, small: Path, result: dict[str, Any]
) -> None:
    known = json.loads(json.dumps(result))
    del known["ends"]["adamw-0"]
    earlier = stored(known, tmp_path / "earlier")
    out = tmp_path / "study"
    arguments = ("gpt2", "table", small, "--out", out, "--jobs", 1)
    resumed = ("--resume", earlier, "--time-budget", "0s")
    code, _, err = run(capsys, *arguments, *resumed)
    assert code == 3
    assert "the time budget of 0 s is spent" in err
    document = json.loads((out / RESULT).read_text())
    assert document["parts"]["done"] == result["parts"]["done"] - 1
    assert document["pairs"] == result["pairs"]


def test_an_estimate_makes_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    tiny = tmp_path / "tiny.toml"
    tiny.write_text(TINY)
    code, out, err = run(capsys, "gpt2", "table", tiny, "--estimate", "--jobs", 2, "--json", "-")
    document = json.loads(out)
    assert code == 0
    lines = err.splitlines()  # not silent where no one watches a bar
    assert lines[0] == "isthmus: reading the text: 0"
    assert lines[1] == "isthmus: measuring ends, adamw; kinds done of 8: 0"
    assert lines[-1] == "isthmus: measuring evaluations; kinds done of 8: 7"
    assert document["hours_side_by_side"] == pytest.approx(document["hours"] / 2)
    assert document["hours"] == pytest.approx(sum(row["hours"] for row in document["kinds"]))
    code, out, _ = run(capsys, "gpt2", "table", tiny, "--estimate")
    assert code == 0
    assert "hours of computing" in out
    assert list(tmp_path.iterdir()) == [tiny]
