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
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import Any

from numerics.files import make_folder, provenance, write, write_json
from numerics.gpt2.cells import cells, ensemble_cells
from numerics.gpt2.config import Config
from numerics.gpt2.data import make_output
from numerics.gpt2.names import Cell, Curve, Model, Pair
from numerics.gpt2.parts import (
    Aligned,
    Averaged,
    Connected,
    Continued,
    Lab,
    Part,
    Pretrained,
    Start,
    Surface,
    texts_of,
)
from numerics.gpt2.training import Trainer, Workers, device_of
from numerics.training.loop import one_thread
from theory.claims.gpt2_study import median_rank
from theory.errors import InputError
from theory.parallel import ALONE, Jobs, results
from theory.types import Progress, silent

CONFIG, RESULT = "config.json", "study.json"

_DIGITS = 5  # that are kept


@dataclass(frozen=True)
class Study:
    """A study in its folder; `stages` are its parts, of which the later need the earlier."""

    config: Config
    folder: Path

    @property
    def stages(self) -> list[Sequence[Part]]:
        """The parts by stage."""
        config = self.config
        pretrained = [Pretrained(*each) for each in config.models.items()]
        continued = [
            Continued(model, replace(config.bends, optimizer=model.optimizer, seed=1))
            for model in config.models
            if model.is_end
        ]
        curves = [
            Connected(pair, *each)
            for pair in config.pairs
            for each in config.curves(pair.cell).items()
        ]
        shown: dict[Cell, Pair] = {}
        for pair in config.pairs:
            shown.setdefault(pair.cell, pair)
        planes = [Surface(pair, Curve(config.kinds[0])) for pair in shown.values()]
        return [
            [*pretrained, Start()],
            [*continued, *map(Aligned, config.pairs)],
            curves,
            [*map(self._averaged, config.pairs), *planes],
        ]

    def _averaged(self, pair: Pair) -> Averaged:
        return Averaged(pair, Curve(self.config.kinds[0]), self.config.third(pair))

    def run(
        self,
        *,
        jobs: Jobs = ALONE,
        workers: Workers | None = None,
        command: Sequence[str] = (),
        progress: Progress = silent,
    ) -> dict[str, Any]:
        """Make what is missing, and gather all of it in study.json; the document.

        jobs: parts at a time, each with a GPU of its own where there are as many. workers: of
        torchrun; then there is one job. command: to record. `progress` may raise Interrupted,
        which then leaves; the study goes on another time.

        Raises InputError where the folder is another study's.
        """
        workers = workers or Workers(device=device_of())
        if workers.first:
            self._claim()
        files = [self.folder / part.file for stage in self.stages for part in stage]
        for stage in self.stages:
            workers.wait()  # all have looked at the last stage, and see what was made
            todo = [part for part in stage if not (self.folder / part.file).exists()]
            workers.wait()
            for part in self._made(todo, jobs, workers, progress):
                done = sum(file.exists() for file in files)
                progress(f"{part.file}; parts done of {len(files)}", done)
        workers.wait()
        document = self.gather() | provenance(command)
        if workers.first:
            write(self.folder / RESULT, json.dumps(document))  # of long lists, unindented
        return document

    def _claim(self) -> None:
        """Make the folder this study's."""
        make_output(self.folder)
        path = self.folder / CONFIG
        if not path.exists():
            write_json(path, self.config.to_json())
        elif _read(path) != self.config.to_json():
            raise InputError(str(self.folder), "holds another study; give another folder")

    def _made(
        self, todo: Sequence[Part], jobs: Jobs, workers: Workers, progress: Progress
    ) -> Iterator[Part]:
        """Make these parts; each as it is done."""
        jobs, own = jobs.at_most(len(todo)), [workers]
        if not jobs.alone:
            own = [Workers(device=device_of(k)) for k in range(jobs.cores)]
        work = zip(todo, cycle(own))
        with results(self._make, work, jobs, progress=progress, ordered=False) as made:
            yield from made

    def _make(self, work: tuple[Part, Workers], progress: Progress) -> Part:
        """Make a part and write its document, the last of its files."""
        part, workers = work

        def report(stage: str, count: int) -> None:
            progress(f"{part.file}, {stage}", count)

        begun = time.perf_counter()
        lab = Lab(self.config, self.folder, Trainer(texts_of(self.config), workers, report))
        with one_thread():
            document = part.make(lab)
        if workers.first:
            path = self.folder / part.file
            make_folder(path.parent)
            write_json(path, {**document, "seconds_taken": time.perf_counter() - begun})
        workers.wait()
        return part

    def gather(self) -> dict[str, Any]:
        """Everything that was measured, of a study whose parts are all there."""
        config = self.config
        found = {part: _read(self.folder / part.file) for stage in self.stages for part in stage}
        seconds = sum(document.pop("seconds_taken") for document in found.values())
        models = {part.model: end for part, end in found.items() if isinstance(part, Pretrained)}
        continued = {
            str(part.model): losses for part, losses in found.items() if isinstance(part, Continued)
        }
        pairs = {str(pair): self._gathered(pair, found) for pair in config.pairs}
        swept = [Model("adamw", 0), *(model for model in models if model.rate is not None)]
        document = {
            "name": config.name,
            "config": config.to_json(),
            "corpus": {text: corpus.to_json() for text, corpus in texts_of(config).corpora.items()},
            "start": found[Start()],
            "ends": {str(model): end for model, end in models.items() if model.is_end},
            "longer": {
                str(model._replace(longer=False)): end
                for model, end in models.items()
                if model.longer
            },
            "sweep": [_swept(models[model]) for model in swept],
            "pairs": pairs,
            "continued": continued,
            "cells": cells(pairs, continued),
            "ensembles": ensemble_cells(pairs),
            "seconds": seconds,
        }
        rounded: dict[str, Any] = _rounded(document)
        return rounded

    def _gathered(self, pair: Pair, found: Mapping[Part, dict[str, Any]]) -> dict[str, Any]:
        curves = {
            str(curve): found[Connected(pair, curve, recipe)]
            for curve, recipe in self.config.curves(pair.cell).items()
        }
        document = {
            "cell": str(pair.cell),
            "first": str(pair.first),
            "last": str(pair.last),
            "alignment": found[Aligned(pair)],
            "curves": curves,
            "ensembles": found[self._averaged(pair)],
        }
        plane = Surface(pair, Curve(self.config.kinds[0]))
        if plane in found:
            return document | {"plane": found[plane]}
        for curve in curves.values():  # many numbers; those of one pair in each cell are drawn
            del curve["spectra"]["singular_values"]
        return document


def _read(path: Path) -> dict[str, Any]:
    """A JSON document, of floats. Raises InputError for what is none."""
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(str(path), f"cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise InputError(str(path), f"is no JSON; remove it to make it again ({error})") from None
    return document


def _swept(end: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{key: end[key] for key in ("optimizer", "seed", "learning_rate")},
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
