"""A whole study from one configuration: ends, alignments, paths between them, and the controls.

A study is a folder. Each part of it (an end, an alignment, a path, ...) is a JSON file beside the
checkpoints it is about, written when the part is done, so a study that was stopped goes on with
what is missing; `study.json` gathers all parts. Parts run side by side in processes of their own,
or, under torchrun, one after the other, with all processes training together.

    config.json                          what the study is of
    ends/adamw-0/                        a model, and what was recorded: end.json
    continued/adamw-0.json               its losses after as many steps more as bends get
    pairs/adamw-0--adamw-1/              aligned/ the second model in the coordinates of the first
        polychain/                       a path: path.json, first/, bend-1/, last/; curve.json
    study.json                           everything that was measured

Sources: the paper's Table 1 and spectral figures (arXiv 2605.09991), with controls of our own.
"""

from __future__ import annotations

import json
import math
import statistics
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache, partial
from itertools import combinations_with_replacement
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
import torch
from joblib import delayed
from threadpoolctl import threadpool_limits

from numerics.files import make_folder, provenance, write, write_json
from numerics.gpt2.alignment import RESIDUAL_MAPS, LearnedRotation, align, fold
from numerics.gpt2.connection import LEARNED_FROM, learn_path, learn_rotation, measure
from numerics.gpt2.data import TEXTS, Corpus, Texts, make_output
from numerics.gpt2.model import (
    LanguageModel,
    Shape,
    build,
    load,
    save,
    window_loss,
)
from numerics.gpt2.paths import load_path, plane, profile, straight
from numerics.gpt2.pretraining import pretrain, ranks
from numerics.gpt2.spectra import (
    change,
    largest_jump,
    medians,
    monotonicity,
    singular_values,
)
from numerics.gpt2.training import (
    OPTIMIZERS,
    RECORDS,
    Recipe,
    Workers,
    device_of,
    fit,
)
from numerics.training.curves import BASES
from numerics.training.loop import Progress
from theory.claims.gpt2_study import median_rank
from theory.errors import InputError
from theory.problem import positive_integer
from theory.processes import processes

if TYPE_CHECKING:
    from transformers import GPT2LMHeadModel

SHIPPED = Path(__file__).parent / "studies"
CONFIG, RESULT = "config.json", "study.json"

_PLANE = 15  # points along each axis
_DIGITS = 5  # that are kept


@dataclass(frozen=True)
class Config:
    """What a study is of.

    shape: its vocabulary is that of the text. text: where it is from, by TEXTS. ends, bends,
    alignment: recipes, of whose `optimizer` and `seed` the study makes its own. kinds: of paths.
    cross: the optimizer of bends between models of two optimizers. learning_rates: AdamW's, beside
    that of the ends. longer: AdamW is also trained for so many times the steps; with 1 it is not.
    verdicts: whether the claims are judged; not where a study is too small to tell.
    """

    name: str
    shape: Shape
    text: Mapping[str, Sequence[str]]
    tokenizer: str | None
    seeds: int
    windows: int
    points: int
    ends: Recipe
    alignment: Recipe
    bends: Recipe
    kinds: Sequence[str]
    number: int
    cross: str
    learning_rates: Sequence[float]
    longer: int
    verdicts: bool = True

    @classmethod
    def read(cls, source: str) -> Self:
        """A shipped configuration by its name, or a TOML file such as these.

        Raises InputError for what cannot be read, misses a key or has one that means nothing.
        """
        shipped = SHIPPED / f"{source}.toml"
        path = shipped if shipped.is_file() else Path(source)
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            names = ", ".join(sorted(p.stem for p in SHIPPED.glob("*.toml")))
            raise InputError(
                source, f"cannot be read: {error.strerror}; shipped are {names}"
            ) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(source, f"is no TOML: {error}") from None
        return cls._of(path.stem, source, document)

    @classmethod
    def _of(cls, name: str, source: str, document: dict[str, Any]) -> Self:
        def section(key: str, allowed: Sequence[str], needed: Sequence[str] = ()) -> dict[str, Any]:
            found = document.pop(key, {})
            if not isinstance(found, dict):
                raise InputError(source, f"{key} must be a section")
            if wrong := sorted(found.keys() - set(allowed)):
                raise InputError(source, f"[{key}] has {', '.join(wrong)}, which means nothing")
            if missing := [each for each in needed if each not in found]:
                raise InputError(source, f"[{key}] lacks {', '.join(missing)}")
            return found

        recipe = [field.name for field in fields(Recipe) if field.name not in ("optimizer", "seed")]
        text = section("text", ["training", "other", "tokenizer"], ["training", "other"])
        shape = section("model", ["layers", "width", "heads", "block"])
        ends, alignment, bends = (section(key, recipe) for key in ("ends", "alignment", "bends"))
        paths = section("paths", ["kinds", "bends", "cross"])
        controls = section("controls", ["learning_rates", "longer"])
        numbers = {key: document.pop(key, of) for key, of in _NUMBERS.items()}
        verdicts = document.pop("verdicts", True)
        if document:
            raise InputError(source, f"has {', '.join(document)}, which means nothing")
        try:
            return cls(
                name=name,
                shape=Shape(**shape),
                text=dict(zip(TEXTS, (text["training"], text["other"]), strict=True)),
                tokenizer=text.get("tokenizer"),
                ends=Recipe(**ends),
                alignment=Recipe(**alignment),
                bends=Recipe(**bends),
                kinds=paths.get("kinds", ["polychain"]),
                number=paths.get("bends", 1),
                cross=paths.get("cross", "muon"),
                learning_rates=controls.get("learning_rates", []),
                longer=controls.get("longer", 1),
                verdicts=verdicts,
                **numbers,
            )
        except TypeError as error:
            raise InputError(source, f"has a value of the wrong type: {error}") from None

    def __post_init__(self) -> None:
        lists: list[tuple[str, Any, Any, str]] = [("kinds", self.kinds, str, "names")]
        lists += [("text", sources, str, "names") for sources in self.text.values()]
        lists += [("learning_rates", self.learning_rates, (int, float), "numbers")]
        for name, values, kind, words in lists:
            if not isinstance(values, list) or not all(isinstance(v, kind) for v in values):
                raise InputError(name, f"{values!r} must be a list of {words}")
        for name in ("windows", "points", "number", "longer"):
            positive_integer(getattr(self, name), name)
        if positive_integer(self.seeds, "seeds") < 2:
            raise InputError("seeds", f"{self.seeds} must be at least 2, for a pair")
        if self.cross not in OPTIMIZERS:
            raise InputError("cross", f"{self.cross!r} is not one of {', '.join(OPTIMIZERS)}")
        if not isinstance(self.verdicts, bool):
            raise InputError("verdicts", f"{self.verdicts!r} must be true or false")
        if not self.kinds:
            raise InputError("kinds", "name at least one kind of path")
        if unknown := [kind for kind in self.kinds if kind not in BASES]:
            raise InputError("kinds", f"{unknown[0]!r} is not one of {', '.join(BASES)}")

    def to_json(self) -> dict[str, Any]:
        """Everything, as plain JSON."""
        document: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return document

    @property
    def pairs(self) -> dict[str, tuple[str, str, str]]:
        """For each pair its cell, the first end and the second, neighbours in the circle of seeds.

        So models of two optimizers have different seeds too: with the same they would have the same
        start and see the same batches.
        """
        n = self.seeds
        circle = [(k, (k + 1) % n) for k in range(n)]
        found = [
            (f"{a}-{b}", f"{a}-{j}", f"{b}-{k}")
            for a, b in combinations_with_replacement(OPTIMIZERS, 2)
            for j, k in (circle[:1] if a == b and n == 2 else circle)
        ]
        return {f"{first}--{last}": (cell, first, last) for cell, first, last in found}


_NUMBERS = {"seeds": 3, "windows": 128, "points": 21}


# Parts of a study

UNALIGNED, BY = ", not aligned", ", by "


@dataclass(frozen=True)
class _Lab:
    """Where the parts of a study are made, and by whom."""

    config: Config
    folder: Path
    workers: Workers

    @property
    def texts(self) -> Texts:
        config = self.config
        corpora = {text: _corpus(tuple(config.text[text]), config.tokenizer) for text in TEXTS}
        return Texts(corpora, config.shape.block, config.windows)

    @property
    def shape(self) -> Shape:
        return replace(self.config.shape, vocabulary=self.texts.training.vocabulary)

    def model(self, end: str) -> GPT2LMHeadModel:
        """A trained end on the device, as it was trained."""
        return load(self.folder / "ends" / end).to(self.workers.device)

    def pair(self, first: str, last: str) -> Path:
        return self.folder / "pairs" / f"{first}--{last}"


@lru_cache(maxsize=4)
def _corpus(sources: tuple[str, ...], tokenizer: str | None) -> Corpus:
    return Corpus.read(sources, None if tokenizer is None else Path(tokenizer))


Part: TypeAlias = Callable[[_Lab, Progress], dict[str, Any]]
"""What makes one part; all processes call it, and what the first returns is its document."""


def _end(lab: _Lab, progress: Progress, *, name: str, recipe: Recipe) -> dict[str, Any]:
    model = build(lab.shape, seed=recipe.seed)
    folder = lab.folder / "ends" / name
    return pretrain(model, recipe, lab.texts, folder=folder, workers=lab.workers, progress=progress)


def _continued(lab: _Lab, progress: Progress, *, end: str, recipe: Recipe) -> dict[str, Any]:
    model = fold(lab.model(end))
    fit(
        LanguageModel(model),
        recipe,
        lab.texts.training,
        block=lab.config.shape.block,
        workers=lab.workers,
        folder=lab.folder / "continued" / end,
        progress=progress,
    )
    return lab.texts.losses(model) if lab.workers.first else {}


def _alignment(lab: _Lab, progress: Progress, *, first: str, last: str) -> dict[str, Any]:
    """Barriers of straight lines, from one stage of the alignment to the next."""
    raw = [lab.model(end) for end in (first, last)]
    ours, theirs = (fold(model) for model in raw)
    stages = {"none": raw, "folded": [ours, theirs]}
    for residual in RESIDUAL_MAPS:
        moved = align(ours, theirs, residual=residual).of(theirs)
        stages[residual] = [ours, moved.to(lab.workers.device)]
    learned = learn_rotation(
        ours,
        stages[LEARNED_FROM][1],
        lab.texts,
        lab.config.alignment,
        folder=lab.pair(first, last) / "rotation",
        workers=lab.workers,
        progress=progress,
    )
    if not lab.workers.first:
        return {}
    save(learned, lab.pair(first, last) / "aligned")
    stages["learned"] = [ours, learned]
    windows, points = lab.texts.windows("in", lab.workers.device), lab.config.points
    return {
        stage: profile(straight(*models), windows, points=points, progress=progress).barrier
        for stage, models in stages.items()
    }


def _curve(
    lab: _Lab, progress: Progress, *, first: str, last: str, name: str, recipe: Recipe
) -> dict[str, Any]:
    pair, kind = lab.pair(first, last), name.partition(",")[0]
    theirs = lab.model(last) if name.endswith(UNALIGNED) else load(pair / "aligned")
    path = learn_path(
        fold(lab.model(first)),
        fold(theirs.to(lab.workers.device)),  # what is folded stays, with its frozen parameters
        lab.texts,
        recipe,
        kind=kind,
        bends=lab.config.number,
        folder=pair / _file(name),
        workers=lab.workers,
        progress=progress,
    )
    if not lab.workers.first:
        return {}
    path.save(pair / _file(name))
    return measure(path, lab.texts, points=lab.config.points, progress=progress)


def _plane(lab: _Lab, progress: Progress, *, first: str, last: str, name: str) -> dict[str, Any]:
    if not lab.workers.first:
        return {}
    path = load_path(lab.pair(first, last) / _file(name)).to(lab.workers.device)
    windows = lab.texts.windows("in", lab.workers.device)
    models = path.first, path.last, path.bends[0]
    return plane(*models, windows, resolution=_PLANE, progress=progress).to_json()


def _start(lab: _Lab, progress: Progress) -> dict[str, Any]:
    model = build(lab.shape, seed=0).to(lab.workers.device)
    values = {name: v.tolist() for name, v in singular_values(fold(model)).items()}
    return {"loss": lab.texts.losses(model), **ranks(fold(model)), "singular_values": values}


def _file(curve: str) -> str:
    return curve.replace(", ", "-").replace(" ", "-")


@dataclass(frozen=True)
class Study:
    """A study in its folder; `stages` are its parts, by their files: the later need the earlier."""

    config: Config
    folder: Path

    @property
    def stages(self) -> list[dict[str, Part]]:
        """The parts by stage."""
        config = self.config
        ends: dict[str, Part] = {}
        for name, recipe in self._ends().items():
            ends[f"ends/{name}/end.json"] = partial(_end, name=name, recipe=recipe)
        ends["start.json"] = _start
        second: dict[str, Part] = {}
        for optimizer in OPTIMIZERS:
            for seed in range(config.seeds):
                end = f"{optimizer}-{seed}"
                second[f"continued/{end}.json"] = partial(
                    _continued, end=end, recipe=replace(config.bends, optimizer=optimizer, seed=1)
                )
        curves: dict[str, Part] = {}
        planes: dict[str, Part] = {}
        planned: set[str] = set()
        for pair, (cell, first, last) in config.pairs.items():
            where = f"pairs/{pair}"
            second[f"{where}/alignment.json"] = partial(_alignment, first=first, last=last)
            for name, recipe in self.curves(cell).items():
                curves[f"{where}/{_file(name)}/curve.json"] = partial(
                    _curve, first=first, last=last, name=name, recipe=recipe
                )
            if cell not in planned:
                planned.add(cell)
                planes[f"{where}/plane.json"] = partial(
                    _plane, first=first, last=last, name=config.kinds[0]
                )
        return [ends, second, curves, planes]

    def curves(self, cell: str) -> dict[str, Recipe]:
        """The curves between each two ends of a cell and how their bends are trained.

        The bends of a cell of two optimizers are trained by one of them, those of one kind by the
        other one too: what is between the ends may be due to it.
        """
        kinds = list(self.config.kinds)
        optimizers = dict.fromkeys(cell.split("-"))
        trains = self.config.cross if len(optimizers) > 1 else cell.split("-")[0]
        by = {name: replace(self.config.bends, optimizer=name) for name in optimizers}
        found = dict.fromkeys([*kinds, kinds[0] + UNALIGNED], by[trains])
        others = [name for name in optimizers if name != trains]
        found |= {f"{kinds[0]}{BY}{name}": by[name] for name in others}
        return found | dict.fromkeys(["linear", "linear" + UNALIGNED], by[trains])

    def _ends(self) -> dict[str, Recipe]:
        """All models that are trained from the start; those that take longest first."""
        config, found = self.config, {}
        if config.longer > 1:
            steps = config.longer * config.ends.steps
            found["adamw-0-longer"] = replace(config.ends, steps=steps)
        for optimizer in OPTIMIZERS:
            for seed in range(config.seeds):
                recipe = replace(config.ends, optimizer=optimizer, seed=seed)
                found[f"{optimizer}-{seed}"] = recipe
        for rate in config.learning_rates:
            found[f"adamw-0-at-{rate:g}"] = replace(config.ends, learning_rate=rate)
        return found

    def run(
        self,
        *,
        jobs: int = 1,
        workers: Workers | None = None,
        command: Sequence[str] = (),
        progress: Progress = lambda stage, count: None,
    ) -> dict[str, Any]:
        """Make what is missing, and gather all of it in study.json; the document.

        jobs: parts at a time, each in a process of its own with one thread, and with a GPU of its
        own where there are as many. workers: of torchrun; then there is one job. command: to
        record. `progress` may raise Interrupted, which then leaves; the study goes on another time.

        Raises InputError where the folder is another study's.
        """
        workers = workers or Workers(device=device_of())
        if workers.first:
            self._claim()
        files = [self.folder / name for stage in self.stages for name in stage]
        for stage in self.stages:
            workers.wait()  # all have looked at the last stage, and see what was made
            todo = {name: part for name, part in stage.items() if not self._has(name)}
            workers.wait()
            for name in self._made(todo, jobs, workers, progress):
                done = sum(file.exists() for file in files)
                progress(f"{name}; parts done of {len(files)}", done)
        workers.wait()
        document = self.gather() | provenance(command)
        if workers.first:
            write(self.folder / RESULT, json.dumps(document))  # of long lists, unindented
        return document

    def _has(self, name: str) -> bool:
        return (self.folder / name).exists()

    def _claim(self) -> None:
        """Make the folder this study's."""
        make_output(self.folder)
        path = self.folder / CONFIG
        if not path.exists():
            write_json(path, self.config.to_json())
        elif read(path) != self.config.to_json():
            raise InputError(str(self.folder), "holds another study; give another folder")

    def _made(
        self, todo: Mapping[str, Part], jobs: int, workers: Workers, progress: Progress
    ) -> Iterator[str]:
        """Make these parts; the name of each as it is done."""
        if jobs == 1 or len(todo) < 2:
            lab = _Lab(self.config, self.folder, workers)
            for name, part in todo.items():
                _make(lab, name, part, progress)
                yield name
            return
        labs = [_Lab(self.config, self.folder, Workers(device=device_of(k))) for k in range(jobs)]
        work = (
            delayed(_alone)(labs[k % jobs], name, part)
            for k, (name, part) in enumerate(todo.items())
        )
        with processes(jobs) as run:
            yield from run(work)

    def gather(self) -> dict[str, Any]:
        """Everything that was measured, of a study whose parts are all there."""
        config, lab = self.config, _Lab(self.config, self.folder, Workers())
        everything = {name: read(self.folder / name) for stage in self.stages for name in stage}
        seconds = sum(document.pop("seconds_taken") for document in everything.values())
        ends = {name: everything[f"ends/{name}/end.json"] for name in self._ends()}
        continued = {
            name: everything[f"continued/{name}.json"]
            for name in ends
            if f"continued/{name}.json" in everything
        }
        pairs: dict[str, Any] = {}
        for pair, (cell, first, last) in config.pairs.items():
            where = f"pairs/{pair}"
            pairs[pair] = {
                "cell": cell,
                "first": first,
                "last": last,
                "alignment": everything[f"{where}/alignment.json"],
                "curves": {
                    name: everything[f"{where}/{_file(name)}/curve.json"]
                    for name in self.curves(cell)
                },
            }
            if f"{where}/plane.json" in everything:
                pairs[pair]["plane"] = everything[f"{where}/plane.json"]
            else:  # many numbers; those of one pair in each cell are drawn
                for curve in pairs[pair]["curves"].values():
                    del curve["spectra"]["singular_values"]
        texts = {
            text: {
                "sources": list(config.text[text]),
                "training": len(corpus.training),
                "held_out": len(corpus.held_out),
            }
            for text, corpus in lab.texts.corpora.items()
        }
        sweep = {"adamw-0": ends["adamw-0"]} | {n: e for n, e in ends.items() if "-at-" in n}
        document = {
            "name": config.name,
            "config": config.to_json(),
            "corpus": texts,
            "start": everything["start.json"],
            "ends": {name: ends[name] for name in continued},
            "longer": {n.removesuffix("-longer"): e for n, e in ends.items() if "-longer" in n},
            "sweep": [_swept(end) for end in sweep.values()],
            "pairs": pairs,
            "continued": continued,
            "cells": cells(pairs, continued),
            "seconds": seconds,
        }
        rounded: dict[str, Any] = _rounded(document)
        return rounded


def read(path: Path) -> dict[str, Any]:
    """A JSON document, of floats. Raises InputError for what is none."""
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(str(path), f"cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise InputError(str(path), f"is no JSON; remove it to make it again ({error})") from None
    return document


def _make(lab: _Lab, name: str, part: Part, progress: Progress) -> None:
    """Make a part and write its document, the last of its files."""
    begun = time.perf_counter()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in each of many processes: results do not depend on how many
    try:
        with threadpool_limits(1):
            document = part(lab, lambda stage, count: progress(f"{name}, {stage}", count))
    finally:
        torch.set_num_threads(threads)
    if lab.workers.first:
        path = lab.folder / name
        make_folder(path.parent)
        write_json(path, {**document, "seconds_taken": time.perf_counter() - begun})
    lab.workers.wait()


def _alone(lab: _Lab, name: str, part: Part) -> str:
    """In a process of its own, which the one that started it ends on Ctrl-C."""
    _make(lab, name, part, lambda stage, count: None)
    return name


def _swept(end: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "optimizer": end["optimizer"],
        "seed": end["seed"],
        "learning_rate": end["learning_rate"],
        "loss": end["loss"]["in"],
        "stable_rank": median_rank(end),
    }


def _rounded(value: Any) -> Any:
    """Digits beyond these are noise, and make the file several times as long."""
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list) else value


# What the pairs of a cell have in common

Statistic: TypeAlias = dict[str, Any]
"""mean, std (with n - 1; None of one value), n and the values of the pairs."""


def cells(
    pairs: Mapping[str, Mapping[str, Any]], continued: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, dict[str, Any]]]:
    """By cell and curve: barriers, maxima, and how the median stable rank goes along the curve.

    "middle above ends trained on" is the loss at t = 1/2 less the mean loss of the two ends after
    as many steps more as the bends got: a path through ends trained as long has at least that
    barrier. Pairs of a cell share ends, so their spread is not that of independent pairs.
    """
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for cell in dict.fromkeys(pair["cell"] for pair in pairs.values()):
        members = [pair for pair in pairs.values() if pair["cell"] == cell]
        found[cell] = {}
        for name in members[0]["curves"]:
            curves = [pair["curves"][name] for pair in members]
            ranks = [medians(curve["spectra"]["stable_rank"]) for curve in curves]
            found[cell][name] = {
                "barrier": {t: _statistic([c["barrier"][t] for c in curves]) for t in TEXTS},
                "maximum": {t: _statistic([c["maximum"][t] for c in curves]) for t in TEXTS},
                "middle above ends trained on": {
                    t: _statistic([_above(pair, name, continued, t) for pair in members])
                    for t in TEXTS
                },
                "change": _statistic([change(r) for r in ranks]),
                "monotonicity": _statistic([monotonicity(r) for r in ranks]),
                "largest_jump": _statistic([largest_jump(r) for r in ranks]),
            }
    return found


def _above(
    pair: Mapping[str, Any], name: str, continued: Mapping[str, Mapping[str, float]], text: str
) -> float:
    curve = pair["curves"][name]
    middle = np.interp(0.5, curve["t"], curve["loss"][text])
    ends = [continued[pair[end]][text] for end in ("first", "last")]
    return float(middle) - statistics.fmean(ends)


def _statistic(values: Sequence[float | None]) -> Statistic:
    known = [v for v in values if v is not None]
    return {
        "mean": statistics.fmean(known) if known else None,
        "std": statistics.stdev(known) if len(known) > 1 else None,
        "n": len(known),
        "values": list(values),
    }


# What it would take


def estimate(
    config: Config,
    device: torch.device | None = None,
    progress: Progress = lambda stage, count: None,
) -> list[dict[str, Any]]:
    """The time each kind of part takes on this device, from a few steps of it.

    For each kind: the parts, the steps of all of them together, tokens and seconds of a step, and
    hours of all together. Evaluations are a kind of their own: a step is one text at one t.
    progress: told what is measured next, and how many kinds were.
    """
    progress("reading the text", 0)
    device = device or device_of()
    study, lab = Study(config, Path()), _Lab(config, Path(), Workers(device=device))
    first, second = (fold(build(lab.shape, seed=seed)) for seed in (0, 1))
    seeds = config.seeds
    pairs = Counter(cell for cell, _, _ in config.pairs.values())
    curves = [
        (name, recipe.optimizer)
        for cell, count in pairs.items()
        for name, recipe in study.curves(cell).items()
        for _ in range(count)
    ]
    model = LanguageModel(build(lab.shape, seed=0))
    path = straight(first, second, bends=config.number)
    trained: dict[str, tuple[torch.nn.Module, Recipe, int]] = {}
    for optimizer in OPTIMIZERS:
        longer, swept = 0, 0
        if optimizer == "adamw":
            longer, swept = config.longer if config.longer > 1 else 0, len(config.learning_rates)
        recipe = replace(config.ends, optimizer=optimizer)
        trained[f"ends, {optimizer}"] = (model, recipe, seeds + longer + swept)
        recipe = replace(config.bends, optimizer=optimizer)
        trained[f"ends trained on, {optimizer}"] = (model, recipe, seeds)
        bent = [by for name, by in curves if not name.startswith("linear")].count(optimizer)
        trained[f"bends, {optimizer}"] = (path, recipe, bent)
    # One round: how good the alignment is does not matter here, and more take minutes.
    rotation = LearnedRotation(first, align(first, second, rounds=1).of(second))
    trained["alignments"] = (rotation, config.alignment, len(config.pairs))
    rows = []
    steps: dict[tuple[int, str], float] = {}  # of one window; ends and ends trained on are the same
    windows_cost: dict[int, float] = {}
    for k, (kind, (module, recipe, parts)) in enumerate(trained.items()):
        once, each = (id(module), recipe.optimizer), id(module)
        if once not in steps:
            progress(f"measuring {kind}; kinds done of {len(trained) + 1}", k)
            steps[once] = _seconds_per_step(lab, recipe, module, 1)
        if each not in windows_cost:
            windows_cost[each] = _seconds_per_window(lab, recipe, module)
        seconds = steps[once] + (recipe.batch - 1) * windows_cost[each]
        tokens = recipe.batch * config.shape.block
        rows.append(_row(kind, parts, parts * recipe.steps, tokens, seconds))
    progress(f"measuring evaluations; kinds done of {len(trained) + 1}", len(trained))
    windows = lab.texts.windows("in", device)
    few = windows[: max(1, len(windows) // _SMALLER)]
    begun = time.perf_counter()
    window_loss(first.to(device), few)
    seconds = (time.perf_counter() - begun) * len(windows) / len(few)
    lines = len(RESIDUAL_MAPS) + 3  # stages of the alignment
    count = config.points * (len(TEXTS) * len(curves) + lines * len(config.pairs))
    count += len(study._ends()) * RECORDS + len(pairs) * _PLANE**2
    rows.append(_row("evaluations", count, count, windows.numel(), seconds))
    return rows


def _seconds_per_step(lab: _Lab, recipe: Recipe, module: torch.nn.Module, batch: int) -> float:
    """Of the second step, as the first warms up; of the first where it is long in any case."""
    few = replace(recipe, steps=1, batch=batch, accumulation=1)
    texts = lab.texts

    def measured() -> float:
        history = fit(module, few, texts.training, block=texts.block, workers=lab.workers)
        seconds: float = history[1]["seconds"] - history[0]["seconds"]
        return seconds

    first = measured()
    return first if first > _LONG else measured()


def _seconds_per_window(lab: _Lab, recipe: Recipe, module: torch.nn.Module) -> float:
    """What each window but the first adds to a step.

    From batches of 1, 4, 16, ... windows, to a sixteenth of a whole one, and on while that is
    quick, as on a GPU; by AdamW, whose own part is small: windows cost all optimizers the same.
    """
    seconds = partial(_seconds_per_step, lab, replace(recipe, optimizer="adamw"), module)
    batch, first = 1, seconds(1)
    last = first
    while batch < recipe.batch and (_SMALLER * batch < recipe.batch or last < _QUICK):
        batch = min(4 * batch, recipe.batch)
        last = seconds(batch)
    return max(0.0, last - first) / max(1, batch - 1)


_SMALLER = 16  # a whole batch of the paper's size takes a CPU minutes
_QUICK, _LONG = 0.5, 5.0  # seconds of a step


def _row(kind: str, parts: int, steps: int, tokens: int, seconds: float) -> dict[str, Any]:
    return {
        "kind": kind,
        "parts": parts,
        "steps": steps,
        "tokens_per_step": tokens,
        "seconds_per_step": seconds,
        "hours": steps * seconds / 3600,
    }
