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
import signal
import statistics
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache, partial
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any, Self, TypeAlias

import numpy as np
import torch
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits
from torch import Tensor
from transformers import GPT2LMHeadModel

from numerics.files import make_folder, write_json
from numerics.gpt2.alignment import LearnedRotation, align, fold
from numerics.gpt2.data import Corpus
from numerics.gpt2.model import (
    LanguageModel,
    Shape,
    build,
    hidden_matrices,
    load,
    save,
    window_loss,
)
from numerics.gpt2.paths import Profile, load_path, plane, profile, straight
from numerics.gpt2.spectra import (
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
from numerics.gpt2.training import (
    OPTIMIZERS,
    Progress,
    Recipe,
    Record,
    Workers,
    device_of,
    fit,
)
from theory.errors import InputError
from theory.problem import positive_integer, read_json

SHIPPED = Path(__file__).parent / "studies"
CONFIG, RESULT = "config.json", "study.json"

TEXTS = ("in", "out")
"""In distribution, out of distribution."""

_SPECTRA_POINTS = 11
_CHOSEN = tuple(k / 6 for k in range(7))  # t's of the singular values that are kept
_PLANE = 15  # points along each axis
_DIGITS = 5  # that are kept


@dataclass(frozen=True)
class Config:
    """What a study is of.

    shape: its vocabulary is that of the text. text: where it is from, by TEXTS. ends, bends,
    alignment: recipes, of whose `optimizer` and `seed` the study makes its own. kinds: of paths.
    cross: the optimizer of bends between models of two optimizers. learning_rates: AdamW's, beside
    that of the ends. longer: AdamW is also trained for so many times the steps; with 1 it is not.
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
                **numbers,
            )
        except TypeError as error:
            raise InputError(source, f"has a value of the wrong type: {error}") from None

    def __post_init__(self) -> None:
        for name in ("windows", "points", "number", "longer"):
            positive_integer(getattr(self, name), name)
        if positive_integer(self.seeds, "seeds") < 2:
            raise InputError("seeds", f"{self.seeds} must be at least 2, for a pair")
        if self.cross not in OPTIMIZERS:
            raise InputError("cross", f"{self.cross!r} is not one of {', '.join(OPTIMIZERS)}")
        if not self.kinds:
            raise InputError("kinds", "name at least one kind of path")
        if unknown := [kind for kind in self.kinds if kind not in ("polychain", "bezier")]:
            raise InputError("kinds", f"{unknown[0]!r} is not one of polychain, bezier")

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

UNALIGNED = ", not aligned"


@dataclass(frozen=True)
class _Lab:
    """Where the parts of a study are made, and by whom."""

    config: Config
    folder: Path
    workers: Workers

    def corpus(self, text: str = "in") -> Corpus:
        config = self.config
        return _corpus(tuple(config.text[text]), config.tokenizer)

    @property
    def shape(self) -> Shape:
        return replace(self.config.shape, vocabulary=self.corpus().vocabulary)

    def windows(self, text: str) -> Tensor:
        config = self.config
        found = self.corpus(text).windows(config.windows, block=config.shape.block)
        return found.to(self.workers.device)

    def losses(self, model: GPT2LMHeadModel) -> dict[str, float]:
        model.to(self.workers.device)
        return {text: window_loss(model, self.windows(text)) for text in TEXTS}

    def fit(self, module: torch.nn.Module, recipe: Recipe, folder: Path, **options: Any) -> Any:
        return fit(
            module,
            recipe,
            self.corpus(),
            block=self.config.shape.block,
            workers=self.workers,
            folder=folder,
            **options,
        )

    def model(self, end: str) -> GPT2LMHeadModel:
        """A trained end, folded, on the device."""
        return fold(load(self.folder / "ends" / end)).to(self.workers.device)


@lru_cache(maxsize=4)
def _corpus(sources: tuple[str, ...], tokenizer: str | None) -> Corpus:
    return Corpus.read(sources, None if tokenizer is None else Path(tokenizer))


Part: TypeAlias = Callable[[_Lab, Progress], dict[str, Any] | None]
"""What makes one part; all processes call it, the first gives its document."""


def _end(lab: _Lab, progress: Progress, *, name: str, recipe: Recipe) -> dict[str, Any] | None:
    folder = lab.folder / "ends" / name
    model = build(lab.shape, seed=recipe.seed)
    windows = lab.windows("in")

    def watch() -> Record:
        return {"held_out": window_loss(model, windows), **norms(model)}

    begun = time.perf_counter()
    history = lab.fit(LanguageModel(model), recipe, folder, watch=watch, progress=progress)
    if not lab.workers.first:
        return None
    seconds = time.perf_counter() - begun
    save(model, folder)
    return {
        "optimizer": recipe.optimizer,
        "seed": recipe.seed,
        "learning_rate": max(recipe.hidden_rates()),
        "steps": recipe.steps,
        "weight_decay": recipe.weight_decay,
        "loss": lab.losses(model),
        **_ranks(fold(model)),
        **_reached(history, recipe, model),
        "seconds": max(seconds, history[-1]["seconds"]),
    }


def _ranks(model: GPT2LMHeadModel) -> dict[str, dict[str, float]]:
    values = singular_values(model)
    return {
        "stable_rank": {name: stable_rank(v) for name, v in values.items()},
        "effective_rank": {name: effective_rank(v) for name, v in values.items()},
    }


def _reached(history: Sequence[Record], recipe: Recipe, model: GPT2LMHeadModel) -> dict[str, Any]:
    """The records with how large the norms could be by then, and the radius they tend to."""
    optimizer, decay, rates = recipe.optimizer, recipe.weight_decay, recipe.hidden_rates()
    norm = {"adamw": "entrywise", "muon": "spectral"}[optimizer]
    shapes = {name: tuple(matrix.shape) for name, matrix in hidden_matrices(model).items()}
    for record in history:
        before = rates[: record["step"]]
        record["remainder"] = math.prod(1 - rate * decay for rate in before)
        record["reach"] = {
            name: reach(optimizer, history[0][norm][name], before, decay, shape)
            for name, shape in shapes.items()
        }
    radii = {name: radius(optimizer, decay, shape) for name, shape in shapes.items()}
    return {"history": list(history), **({"radius": radii} if decay else {})}


def _continued(lab: _Lab, progress: Progress, *, end: str, recipe: Recipe) -> dict[str, Any] | None:
    model = lab.model(end)
    lab.fit(LanguageModel(model), recipe, lab.folder / "continued" / end, progress=progress)
    return lab.losses(model) if lab.workers.first else None


def _alignment(lab: _Lab, progress: Progress, *, first: str, last: str) -> dict[str, Any] | None:
    """Barriers of straight lines, from one stage of the alignment to the next."""
    folder = lab.folder / "pairs" / f"{first}--{last}"
    raw = [load(lab.folder / "ends" / end).to(lab.workers.device) for end in (first, last)]
    ours, theirs = (fold(model) for model in raw)
    stages = {"none": raw, "folded": [ours, theirs]}
    for residual in ("permutation", "orthogonal"):
        moved = align(ours, theirs, residual=residual).of(theirs).to(lab.workers.device)
        stages[residual] = [ours, moved]
    learned = LearnedRotation(ours, stages["orthogonal"][1])
    lab.fit(learned, lab.config.alignment, folder / "rotation", progress=progress)
    if not lab.workers.first:
        return None
    stages["learned"] = [ours, learned.model().to(lab.workers.device)]
    save(stages["learned"][1], folder / "aligned")
    windows, points = lab.windows("in"), lab.config.points
    return {
        stage: profile(straight(*models), windows, points=points).barrier
        for stage, models in stages.items()
    }


def _curve(
    lab: _Lab, progress: Progress, *, first: str, last: str, name: str, recipe: Recipe
) -> dict[str, Any] | None:
    pair = lab.folder / "pairs" / f"{first}--{last}"
    folder = pair / _file(name)
    kind = name.removesuffix(UNALIGNED)
    ours = lab.model(first)
    # A fold of what is folded changes nothing, and freezes what it has to.
    theirs = lab.model(last) if name.endswith(UNALIGNED) else fold(load(pair / "aligned"))
    theirs.to(lab.workers.device)
    bent = kind != "linear"
    path = (
        straight(ours, theirs, kind=kind, bends=lab.config.number)
        if bent
        else straight(ours, theirs)
    )
    path.to(lab.workers.device)
    if bent:
        lab.fit(path, recipe, folder, progress=progress)
    if not lab.workers.first:
        return None
    path.save(folder)
    points = lab.config.points
    profiles = {text: profile(path, lab.windows(text), points=points) for text in TEXTS}
    return {
        "t": list(profiles["in"].t),
        "loss": {text: list(p.loss) for text, p in profiles.items()},
        "barrier": {text: p.barrier for text, p in profiles.items()},
        "maximum": {text: p.maximum for text, p in profiles.items()},
        "spectra": _spectra(path, lab.config.shape.layers),
    }


def _spectra(path: Any, layers: int) -> dict[str, Any]:
    shown = f"{layers - 1}.mlp-in"
    found = spectra(path, points=_SPECTRA_POINTS, matrices=[shown], chosen=_CHOSEN).to_json()
    chosen, values = found.pop("chosen"), found.pop("singular_values")
    return found | {"singular_values": {shown: {"t": list(chosen), "values": values[shown]}}}


def _plane(lab: _Lab, progress: Progress, *, first: str, last: str, name: str) -> Any:
    if not lab.workers.first:
        return None
    path = load_path(lab.folder / "pairs" / f"{first}--{last}" / _file(name))
    path.to(lab.workers.device)
    models = path.first, path.last, path.bends[0]
    found = plane(*models, lab.windows("in"), resolution=_PLANE, progress=progress)
    return found.to_json()


def _start(lab: _Lab, progress: Progress) -> dict[str, Any] | None:
    if not lab.workers.first:
        return None
    model = fold(build(lab.shape, seed=0))
    values = {name: v.tolist() for name, v in singular_values(model).items()}
    return {**_ranks(model), "singular_values": values, "loss": lab.losses(model)}


def _file(curve: str) -> str:
    return curve.replace(UNALIGNED, "-not-aligned")


@dataclass(frozen=True)
class Study:
    """A study in its folder; `stages` are its parts, each by its file: the later need the earlier.
    """

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
            for name in self.curves:
                curves[f"{where}/{_file(name)}/curve.json"] = partial(
                    _curve, first=first, last=last, name=name, recipe=self._bend(cell)
                )
            if cell not in planned:
                planned.add(cell)
                planes[f"{where}/plane.json"] = partial(
                    _plane, first=first, last=last, name=config.kinds[0]
                )
        return [ends, second, curves, planes]

    @property
    def curves(self) -> list[str]:
        """The names of the curves between each two ends; the longest first."""
        kinds = list(self.config.kinds)
        return [*kinds, kinds[0] + UNALIGNED, "linear", "linear" + UNALIGNED]

    def _bend(self, cell: str) -> Recipe:
        first, last = cell.split("-")
        optimizer = first if first == last else self.config.cross
        return replace(self.config.bends, optimizer=optimizer)

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
        progress: Progress = lambda stage, count: None,
    ) -> dict[str, Any]:
        """Make what is missing, and gather all of it in study.json; the document.

        jobs: parts at a time, each in a process of its own with one thread, and with a GPU of its
        own where there are as many. workers: of torchrun; then there is one job. `progress` may
        raise Interrupted, which then leaves; the study goes on another time.

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
        document = self.gather()
        if workers.first:
            write_json(self.folder / RESULT, document)
        return document

    def _has(self, name: str) -> bool:
        return (self.folder / name).exists()

    def _claim(self) -> None:
        """Make the folder this study's."""
        make_folder(self.folder)
        path = self.folder / CONFIG
        if not path.exists():
            write_json(path, self.config.to_json())
        elif read_json(path) != self.config.to_json():
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
        yield from Parallel(n_jobs=jobs, batch_size=1, return_as="generator_unordered")(work)

    def gather(self) -> dict[str, Any]:
        """Everything that was measured, of a study whose parts are all there."""
        config, lab = self.config, _Lab(self.config, self.folder, Workers())

        def part(name: str) -> dict[str, Any]:
            found: dict[str, Any] = read_json(self.folder / name)
            return found

        everything = {name: part(name) for stage in self.stages for name in stage}
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
                    name: everything[f"{where}/{_file(name)}/curve.json"] for name in self.curves
                },
            }
            if f"{where}/plane.json" in everything:
                pairs[pair]["plane"] = everything[f"{where}/plane.json"]
        texts = {
            text: {
                "sources": list(config.text[text]),
                "training": len(lab.corpus(text).training),
                "held_out": len(lab.corpus(text).held_out),
            }
            for text in TEXTS
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
    if document is not None:
        path = lab.folder / name
        make_folder(path.parent)
        write_json(path, {**document, "seconds_taken": time.perf_counter() - begun})
    lab.workers.wait()


def _alone(lab: _Lab, name: str, part: Part) -> str:
    """In a process of its own, which the one that started it ends on Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _make(lab, name, part, lambda stage, count: None)
    return name


def _swept(end: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "optimizer": end["optimizer"],
        "seed": end["seed"],
        "learning_rate": end["learning_rate"],
        "loss": end["loss"]["in"],
        "stable_rank": statistics.median(end["stable_rank"].values()),
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

    "barrier above continued ends" is above the chord of the losses that the ends have after as many
    steps more as the bends got. Pairs of a cell share ends, so their spread is not that of
    independent pairs.
    """
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for cell in dict.fromkeys(pair["cell"] for pair in pairs.values()):
        members = [pair for pair in pairs.values() if pair["cell"] == cell]
        found[cell] = {}
        for name in members[0]["curves"]:
            curves = [pair["curves"][name] for pair in members]
            ranks = [median_rank(curve) for curve in curves]
            found[cell][name] = {
                "barrier": {t: _statistic([c["barrier"][t] for c in curves]) for t in TEXTS},
                "maximum": {t: _statistic([c["maximum"][t] for c in curves]) for t in TEXTS},
                "barrier above continued ends": {
                    t: _statistic([_above(pair, name, continued, t) for pair in members])
                    for t in TEXTS
                },
                "change": _statistic([change(r) for r in ranks]),
                "monotonicity": _statistic([monotonicity(r) for r in ranks]),
                "largest_jump": _statistic([largest_jump(r) for r in ranks]),
            }
    return found


def median_rank(curve: Mapping[str, Any]) -> list[float]:
    """The median over hidden matrices of the stable rank along a curve."""
    ranks = np.array(list(curve["spectra"]["stable_rank"].values()))
    medians: list[float] = np.median(ranks, axis=0).tolist()
    return medians


def _above(
    pair: Mapping[str, Any], name: str, continued: Mapping[str, Mapping[str, float]], text: str
) -> float:
    curve = pair["curves"][name]
    along = Profile(tuple(curve["t"]), tuple(curve["loss"][text]))
    return along.barrier_above(continued[pair["first"]][text], continued[pair["last"]][text])


def _statistic(values: Sequence[float | None]) -> Statistic:
    known = [v for v in values if v is not None]
    return {
        "mean": statistics.fmean(known) if known else None,
        "std": statistics.stdev(known) if len(known) > 1 else None,
        "n": len(known),
        "values": list(values),
    }


# What it would take


def estimate(config: Config, device: torch.device | None = None) -> list[dict[str, Any]]:
    """The time each kind of part takes on this device, from a few steps of it.

    For each kind: the parts, the steps of all of them together, tokens and seconds of a step, and
    hours of all together. Evaluations are a kind of their own: a step is one text at one t.
    """
    device = device or device_of()
    study, lab = Study(config, Path()), _Lab(config, Path(), Workers(device=device))
    first, second = (fold(build(lab.shape, seed=seed)) for seed in (0, 1))
    seeds, curves = config.seeds, study.curves
    pairs = Counter(cell for cell, _, _ in config.pairs.values())
    bent = sum(name.removesuffix(UNALIGNED) != "linear" for name in curves)
    trained: dict[str, tuple[torch.nn.Module, Recipe, int]] = {}
    for optimizer in OPTIMIZERS:
        longer, swept = 0, 0
        if optimizer == "adamw":
            longer, swept = config.longer if config.longer > 1 else 0, len(config.learning_rates)
        recipe = replace(config.ends, optimizer=optimizer)
        model = LanguageModel(build(lab.shape, seed=0))
        trained[f"ends, {optimizer}"] = (model, recipe, seeds + longer + swept)
        recipe = replace(config.bends, optimizer=optimizer)
        trained[f"ends trained on, {optimizer}"] = (LanguageModel(fold(first)), recipe, seeds)
        some = sum(n for cell, n in pairs.items() if study._bend(cell).optimizer == optimizer)
        path = straight(first, second, bends=config.number)
        trained[f"bends, {optimizer}"] = (path, recipe, some * bent)
    rotation = LearnedRotation(first, align(first, second).of(second))
    trained["alignments"] = (rotation, config.alignment, len(config.pairs))
    rows = []
    for kind, (module, recipe, parts) in trained.items():
        seconds = _seconds_per_step(lab, module, recipe)
        tokens = recipe.batch * config.shape.block
        rows.append(_row(kind, parts, parts * recipe.steps, tokens, seconds))
    windows = lab.windows("in")
    begun = time.perf_counter()
    window_loss(first.to(device), windows)
    seconds = time.perf_counter() - begun
    count = len(config.pairs) * config.points * (len(TEXTS) * len(curves) + 5)  # 5 alignments
    count += config.seeds * len(OPTIMIZERS) * 20 + len(pairs) * _PLANE**2
    rows.append(_row("evaluations", count, count, windows.numel(), seconds))
    return rows


def _seconds_per_step(lab: _Lab, module: torch.nn.Module, recipe: Recipe) -> float:
    few = replace(recipe, steps=3)
    history = fit(
        module, few, lab.corpus(), block=lab.config.shape.block, workers=lab.workers
    )
    seconds: float = (history[-1]["seconds"] - history[1]["seconds"]) / 2  # the first warms up
    return seconds


def _row(kind: str, parts: int, steps: int, tokens: int, seconds: float) -> dict[str, Any]:
    return {
        "kind": kind,
        "parts": parts,
        "steps": steps,
        "tokens_per_step": tokens,
        "seconds_per_step": seconds,
        "hours": steps * seconds / 3600,
    }
