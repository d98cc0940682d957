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
    runs.jsonl                           every run of a part, also those that were stopped

Parts are made block by block, where pairs share no models: what is left of a block that is done
is its documents, so study.json alone is enough to go on with the next one, in another folder.

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
from zlib import crc32

import torch

from numerics.files import make_folder, provenance, write, write_json
from numerics.gpt2.cells import cells, ensemble_cells
from numerics.gpt2.config import Config
from numerics.gpt2.data import make_output
from numerics.gpt2.names import Cell, Curve, Pair
from numerics.gpt2.parts import (
    Aligned,
    Averaged,
    Connected,
    Continued,
    Lab,
    Part,
    Pretrained,
    Shuffled,
    Start,
    Surface,
    texts_of,
)
from numerics.gpt2.runs import DONE, FAILED, STOPPED, Runs
from numerics.gpt2.spectra import shuffled_values
from numerics.gpt2.training import Trainer, Workers, device_of
from numerics.training.loop import one_thread
from theory.claims.gpt2_study import median_rank
from theory.errors import InputError, Interrupted
from theory.parallel import ALONE, Jobs, results
from theory.types import Progress, silent

CONFIG, RESULT, RUNS = "config.json", "study.json", "runs.jsonl"

_DIGITS = 5  # that are kept


@dataclass(frozen=True)
class Study:
    """A study in its folder; `stages` are its parts, of which the later need the earlier."""

    config: Config
    folder: Path

    @property
    def stages(self) -> list[Sequence[Part]]:
        """The parts by stage, block by block: a block that is done is done with its models."""
        config = self.config
        models, pairs = config.models, config.pairs
        shown: dict[Cell, Pair] = {}
        for pair in pairs:
            shown.setdefault(pair.cell, pair)
        main = Curve(config.kinds[0])
        stages: list[Sequence[Part]] = []
        for block in range(1 + max(map(config.block, models))):
            own = [model for model in models if config.block(model) == block]
            between = [pair for pair in pairs if config.block(pair.first) == block]
            stages += [
                [*(Pretrained(model, models[model]) for model in own), *[Start()][block:]],
                [
                    *(
                        Continued(model, replace(config.bends, optimizer=model.optimizer, seed=1))
                        for model in own
                        if config.is_continued(model)
                    ),
                    *map(Aligned, between),
                    *map(Shuffled, between),
                ],
                [
                    Connected(pair, *each)
                    for pair in between
                    for each in config.curves(pair.cell).items()
                ],
                [
                    *map(self._averaged, between),
                    *(Surface(pair, main) for pair in between if pair in shown.values()),
                ],
            ]
        return [stage for stage in stages if stage]

    def _averaged(self, pair: Pair) -> Averaged:
        return Averaged(pair, Curve(self.config.kinds[0]), self.config.third(pair))

    def run(
        self,
        *,
        jobs: Jobs = ALONE,
        workers: Workers | None = None,
        command: Sequence[str] = (),
        earlier: Path | None = None,
        progress: Progress = silent,
    ) -> dict[str, Any]:
        """Make what is missing, and gather all of it in study.json; the document.

        jobs: parts at a time, each with a GPU of its own where there are as many. workers: of
        torchrun; then there is one job. command: to record. earlier: a folder with the document and
        the record of this study: its parts are taken from there, and what others need of them is
        made again. `progress` may
        raise Interrupted, which then leaves; what is done is gathered, and the study goes on
        another time.

        Raises InputError where the folder, or the earlier one, is another study's.
        """
        workers = workers or Workers(device=device_of())
        runs = Runs(self.folder / RUNS)
        if workers.first:
            self._claim()
            if earlier is not None:
                self._restore(earlier)
            runs.close()
        workers.wait()
        todo, parts = self.missing, [part for stage in self.stages for part in stage]
        files = [self.folder / part.file for part in parts]
        workers.wait()  # all have seen what is missing
        try:
            for stage in self.stages:
                workers.wait()  # all see what the last stage made
                left = [part for part in stage if part in todo]
                for part in self._made(left, jobs, workers, progress):
                    done = sum(file.exists() for file in files)
                    progress(f"{part.file}; parts done of {len(files)}", done)
        except Interrupted:
            if workers.first:
                runs.close()
                self._gathered(command)
            raise
        workers.wait()
        return self._gathered(command) if workers.first else {}

    def _claim(self) -> None:
        """Make the folder this study's."""
        make_output(self.folder)
        path = self.folder / CONFIG
        if not path.exists():
            write_json(path, self.config.to_json())
        elif read_document(path) != self.config.to_json():
            raise InputError(str(self.folder), "holds another study; give another folder")

    def _restore(self, earlier: Path) -> None:
        """Write the documents of parts that are known, and the record, where they are not there."""
        known, record = read_document(earlier / RESULT), earlier / RUNS
        if known.get("configuration") != self.config.digest:
            raise InputError(str(earlier), "is of another study")
        if record.exists() and not (self.folder / RUNS).exists():
            write(self.folder / RUNS, record.read_bytes())
        for part in (part for stage in self.stages for part in stage):
            found: Any = known
            for key in part.place:
                found = found.get(key, {})
            path = self.folder / part.file
            if found and not path.exists():
                make_folder(path.parent)
                write_json(path, {**found, "seconds_taken": known["taken"][part.file]})

    @property
    def missing(self) -> set[Part]:
        """The parts to make: those that are not done, and those whose checkpoints these need."""
        needed: set[str] = set()
        found: set[Part] = set()
        for part in reversed([part for stage in self.stages for part in stage]):
            lost = part.writes in needed and not any(
                (self.folder / part.writes / name).exists() for name in ("config.json", "path.json")
            )
            if lost or not (self.folder / part.file).exists():
                found.add(part)
                needed.update(part.reads)
        return found

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
        """Make a part and write its document, the last of its files; and record the run."""
        part, workers = work

        def report(stage: str, count: int) -> None:
            progress(f"{part.file}, {stage}", count)

        begun, runs, run = time.perf_counter(), Runs(self.folder / RUNS), ""
        lab = Lab(self.config, self.folder, Trainer(texts_of(self.config), workers, report))
        if workers.first:
            run = runs.begin(part.file, self.config.digest)
        try:
            with one_thread():
                document = part.make(lab)
        except BaseException as error:
            if workers.first:
                stopped = isinstance(error, Interrupted | KeyboardInterrupt)
                runs.end(run, *((STOPPED,) if stopped else (FAILED, {"error": str(error)})))
            raise
        if workers.first:
            path = self.folder / part.file
            make_folder(path.parent)
            write_json(path, {**document, "seconds_taken": time.perf_counter() - begun})
            results = {key: document[key] for key in _TOLD if key in document}
            runs.end(run, DONE, _rounded(results))
        workers.wait()
        return part

    def _gathered(self, command: Sequence[str]) -> dict[str, Any]:
        document = self.gather() | provenance(command)
        write(self.folder / RESULT, json.dumps(document))  # of long lists, unindented
        return document

    def gather(self) -> dict[str, Any]:
        """Everything that was measured; of a study that is not complete, the parts that are there.

        Each part's document is at its place, and beside them what follows from several. A pair
        without all of its parts has no cell yet.
        """
        config = self.config
        parts = [part for stage in self.stages for part in stage]
        found = {
            part: _rounded(read_document(self.folder / part.file))
            for part in parts
            if (self.folder / part.file).exists()
        }
        taken = {part.file: each.pop("seconds_taken") for part, each in found.items()}
        document: dict[str, Any] = {
            "name": config.name,
            "configuration": config.digest,
            "parts": {"done": len(found), "of": len(parts)},
            "taken": taken,
            "config": config.to_json(),
            "corpus": {text: corpus.to_json() for text, corpus in texts_of(config).corpora.items()},
            "ends": {},
            "controls": {},
            "pairs": {},
            "continued": {},
        }
        for pair in config.pairs:
            names = {"cell": pair.cell, "first": pair.first, "last": pair.last}
            document["pairs"][str(pair)] = {k: str(v) for k, v in names.items()} | {"curves": {}}
        for part in parts:
            if part in found:
                *keys, last = part.place
                at = document
                for key in keys:
                    at = at[key]
                at[last] = found[part]
        for name, each in document["pairs"].items():
            if "plane" not in each:  # many numbers; those of one pair in each cell are drawn
                for curve in each["curves"].values():
                    curve["spectra"].pop("singular_values", None)
            else:
                each["half_way_shuffled"] = _half_way_shuffled(name, each)
        drawn = [str(model) for model in config.models if model.is_end and model.seed < _DRAWN]
        for name, end in [*document["ends"].items(), *document["controls"].items()]:
            if name not in drawn:
                for record in end["history"]:
                    for key in _NORMS:
                        record.pop(key, None)
        of_pairs: dict[Pair, list[Part]] = {}
        for part in parts:
            if isinstance(part, Aligned | Shuffled | Connected | Averaged | Surface):
                of_pairs.setdefault(part.pair, []).append(part)
        whole = {
            str(pair): document["pairs"][str(pair)]
            for pair, own in of_pairs.items()
            if found.keys() >= set(own)
        }
        document["cells"] = cells(whole, document["continued"])
        document["ensembles"] = ensemble_cells(whole)
        document |= self._derived(document["controls"], document["ends"])
        document["seconds"] = sum(taken.values())
        rounded: dict[str, Any] = _rounded(document)  # what was computed here
        return rounded

    def _derived(
        self, controls: Mapping[str, Any], ends: Mapping[str, Any]
    ) -> dict[str, dict[str, Any] | list[Any]]:
        """The models that were trained longer, and learning rates with those of the ends."""
        models, variants = self.config.models, self.config.variants
        swept = [model for model in models if model.variant and variants[model.variant].is_rate]
        beside = dict.fromkeys(model._replace(variant="") for model in swept)
        every = {**ends, **controls}
        return {
            "longer": {
                str(model._replace(variant="")): controls[str(model)]
                for model in models
                if model.variant == "longer" and str(model) in controls
            },
            "sweep": [_swept(every[str(m)]) for m in (*beside, *swept) if str(m) in every],
        }


def _half_way_shuffled(name: str, pair: Mapping[str, Any]) -> dict[str, list[float]]:
    """Singular values half way between matrices that have those of both ends, shuffled, by matrix:
    of those of which a curve of the pair has all singular values."""
    curve = next(iter(pair["curves"].values()))
    found = {}
    for matrix, along in curve["spectra"]["singular_values"].items():
        first, last = (torch.tensor(along["values"][k], dtype=torch.float64) for k in (0, -1))
        shape = 4 * len(first), len(first)  # of what enters an MLP
        seed = crc32(f"{name} {matrix}".encode())
        (middle,) = shuffled_values(first, last, shape, [0.5], seed=seed)
        found[matrix] = middle.tolist()
    return found


_TOLD = ("barrier", "none", "learned", "steps")
"""What the record says of a part that is done, where it has that."""

_NORMS = ("spectral", "entrywise", "reach")
"""Of histories: many numbers."""

_DRAWN = 3
"""So many models of each optimizer have all of their history in the document."""


def read_document(path: Path) -> dict[str, Any]:
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
