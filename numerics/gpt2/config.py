"""What a study of GPT-2 models is of: a configuration; its models, pairs and curves."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import chain
from pathlib import Path
from typing import Any, Self

from numerics.gpt2.model import Shape
from numerics.gpt2.names import LINE, OPTIMIZERS, TEXTS, Cell, Curve, Model, Pair
from numerics.gpt2.training import Recipe
from numerics.training.curves import BASES
from theory.claims.gpt2_protocol import PROTOCOL, digest
from theory.errors import InputError
from theory.problem import positive_integer

SHIPPED = {
    **{path.stem: path for path in sorted((Path(__file__).parent / "studies").glob("*.toml"))},
    "second": PROTOCOL,
}
"""Configurations by their names."""

_RECIPE = [field.name for field in fields(Recipe) if field.name not in ("optimizer", "seed")]
_SECTIONS = {
    "text": ["training", "other", "tokenizer"],
    "model": ["layers", "width", "heads", "block", "activation"],
    "ends": _RECIPE,
    "alignment": _RECIPE,
    "bends": _RECIPE,
    "paths": ["kinds", "bends", "cross", "cells", "disjoint", "continued", "unaligned"],
}
"""Of a file, with what may be in them; beside them are [controls.NAME], and what a protocol says
for its readers and claims alone."""

_PROTOCOL = ("protocol", "hypotheses")

_ALONE = {"seeds": 3, "windows": 128, "points": 21, "verdicts": True}
"""What is in no section, unless it is said."""


@dataclass(frozen=True)
class Variant:
    """Models that are trained otherwise than the ends of paths, and that no paths lead to.

    optimizers: by each of these. seeds: so many, from 0 on. changes: of the recipe.
    """

    optimizers: Sequence[str]
    seeds: int
    changes: Mapping[str, Any]

    @classmethod
    def read(cls, name: str, section: Any) -> Self:
        """Of [controls.NAME]. Raises InputError for what is none."""
        if not isinstance(section, dict):
            raise InputError(f"controls.{name}", "must be a section")
        changes = dict(section)
        optimizers, seeds = changes.pop("optimizers", None), changes.pop("seeds", 1)
        if not isinstance(optimizers, list) or not set(optimizers) <= OPTIMIZERS.keys():
            raise InputError(
                f"controls.{name}",
                f"optimizers = {optimizers!r} must be a list of {', '.join(OPTIMIZERS)}",
            )
        if wrong := sorted(changes.keys() - set(_RECIPE)):
            raise InputError(f"controls.{name}", f"has {', '.join(wrong)}, which means nothing")
        return cls(optimizers, positive_integer(seeds, f"controls.{name}.seeds"), changes)

    @property
    def is_rate(self) -> bool:
        """Whether only learning rates differ."""
        return bool(self.changes) and self.changes.keys() <= {"learning_rate", "muon_learning_rate"}


@dataclass(frozen=True)
class Config:
    """What a study is of.

    shape: its vocabulary is that of the text. text: where it is from, by TEXTS. ends, bends,
    alignment: recipes, of whose `optimizer` and `seed` the study makes its own. kinds: of paths.
    number: of bends. cross: the optimizer of bends between models of two optimizers. cells: what
    pairs there are. disjoint: whether pairs of a cell share no model; else they are neighbours in a
    circle of seeds. continued: ends of so many seeds are also trained on; None for all. unaligned:
    whether bends are also learned between models that are not aligned. variants: other models, by
    their names. verdicts: whether the claims are judged; not where a study is too small to tell.
    protocol: the digest of the file, where it is a protocol with hypotheses; else empty.
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
    cells: Sequence[Cell]
    disjoint: bool
    continued: int | None
    unaligned: bool
    variants: Mapping[str, Variant]
    verdicts: bool
    protocol: str

    @classmethod
    def read(cls, source: str) -> Self:
        """A shipped configuration by its name, or a TOML file such as these.

        Raises InputError for what cannot be read, misses a key or has one that means nothing.
        """
        path, document = _document(source)
        protocol = digest(document) if "hypotheses" in document else ""
        for key in _PROTOCOL:
            document.pop(key, None)
        controls = document.pop("controls", {})
        sections = {key: document.pop(key, {}) for key in _SECTIONS}
        alone = {key: document.pop(key, of) for key, of in _ALONE.items()}
        if document:
            raise InputError(source, f"has {', '.join(document)}, which means nothing")
        for key, found in {**sections, "controls": controls}.items():
            if not isinstance(found, dict):
                raise InputError(source, f"{key} must be a section")
        for key, found in sections.items():
            if wrong := sorted(found.keys() - set(_SECTIONS[key])):
                raise InputError(source, f"[{key}] has {', '.join(wrong)}, which means nothing")
        text, paths = sections["text"], sections["paths"]
        if missing := [key for key in ("training", "other") if key not in text]:
            raise InputError(source, f"[text] lacks {', '.join(missing)}")
        try:
            return cls(
                name=path.stem.removeprefix("gpt2-"),
                shape=Shape(**sections["model"]),
                text=dict(zip(TEXTS, (text["training"], text["other"]), strict=True)),
                tokenizer=text.get("tokenizer"),
                ends=Recipe(**sections["ends"]),
                alignment=Recipe(**sections["alignment"]),
                bends=Recipe(**sections["bends"]),
                kinds=paths.get("kinds", ["polychain"]),
                number=paths.get("bends", 1),
                cross=paths.get("cross", "muon"),
                cells=[_cell(name) for name in paths.get("cells", _CELLS)],
                disjoint=paths.get("disjoint", False),
                continued=paths.get("continued"),
                unaligned=paths.get("unaligned", True),
                variants={name: Variant.read(name, found) for name, found in controls.items()},
                protocol=protocol,
                **alone,
            )
        except TypeError as error:
            raise InputError(source, f"has a value of the wrong type: {error}") from None

    def __post_init__(self) -> None:
        lists: list[tuple[str, Any, Any, str]] = [("kinds", self.kinds, str, "names")]
        lists += [("text", sources, str, "names") for sources in self.text.values()]
        for name, values, kind, words in lists:
            if not isinstance(values, list) or not all(isinstance(v, kind) for v in values):
                raise InputError(name, f"{values!r} must be a list of {words}")
        for name in ("windows", "points", "number"):
            positive_integer(getattr(self, name), name)
        if positive_integer(self.seeds, "seeds") < 2:
            raise InputError("seeds", f"{self.seeds} must be at least 2, for a pair")
        if self.disjoint and self.seeds % 2:
            raise InputError("seeds", f"{self.seeds} must be even, for disjoint pairs")
        if self.continued is not None:
            positive_integer(self.continued, "continued")
        if self.cross not in OPTIMIZERS:
            raise InputError("cross", f"{self.cross!r} is not one of {', '.join(OPTIMIZERS)}")
        for name in ("verdicts", "disjoint", "unaligned"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(name, f"{getattr(self, name)!r} must be true or false")
        if not self.kinds:
            raise InputError("kinds", "name at least one kind of path")
        if unknown := [kind for kind in self.kinds if kind not in BASES]:
            raise InputError("kinds", f"{unknown[0]!r} is not one of {', '.join(BASES)}")

    def to_json(self) -> dict[str, Any]:
        """Everything, as plain JSON."""
        document = asdict(self) | {"cells": [str(cell) for cell in self.cells]}
        plain: dict[str, Any] = json.loads(json.dumps(document))
        return plain

    @property
    def digest(self) -> str:
        """Tells this configuration from others: that of its protocol, if it has one."""
        return self.protocol or digest(self.to_json())

    @property
    def models(self) -> dict[Model, Recipe]:
        """All that are trained from the start; variants first: some take longest."""
        found: dict[Model, Recipe] = {}
        for name, variant in self.variants.items():
            for optimizer in variant.optimizers:
                for seed in range(variant.seeds):
                    model = Model(optimizer, seed, name)
                    found[model] = replace(self._recipe(model), **variant.changes)
        for optimizer in dict.fromkeys(chain(*self.cells)):
            for seed in range(self.seeds):
                model = Model(optimizer, seed)
                found[model] = self._recipe(model)
        return found

    def _recipe(self, model: Model) -> Recipe:
        """That of the ends.

        In a study of disjoint pairs each optimizer has seeds of its own: models are independent
        then, as tests that exchange them ask for.
        """
        optimizers = list(dict.fromkeys(chain(*self.cells)))
        shift = 0
        if self.disjoint and model.optimizer in optimizers:
            shift = self.seeds * optimizers.index(model.optimizer)
        return replace(self.ends, optimizer=model.optimizer, seed=shift + model.seed)

    @property
    def pairs(self) -> list[Pair]:
        """Of each cell: pairs of seeds 0 and 1, 2 and 3, ...; or neighbours in a circle of seeds.

        So models of two optimizers have different seeds too: with the same they would have the same
        start and see the same batches.
        """
        n = self.seeds
        seeds = [(k, (k + 1) % n) for k in range(0, n, 2 if self.disjoint else 1)]
        return [
            Pair(Model(a, j), Model(b, k))
            for a, b in self.cells
            for j, k in (seeds[:1] if a == b and n == 2 else seeds)
        ]

    def block(self, model: Model) -> int:
        """Which models are made together: the pairs of a block need no model of another one."""
        blocks = self.seeds // 2 if self.disjoint else 1
        return model.seed // 2 if self.disjoint and model.is_end else blocks - 1

    def is_continued(self, model: Model) -> bool:
        """Whether an end is trained on, for comparison with bends."""
        return model.is_end and (self.continued is None or model.seed < self.continued)

    def third(self, pair: Pair) -> Model | None:
        """A model that is in no way between the two, for an ensemble: by the last one's optimizer.

        Of the next seed in the circle, and of the pair's block; None where there is none.
        """
        optimizer, seed = pair.last.optimizer, pair.last.seed
        others = [
            m
            for m in self.models
            if m.is_end and m.optimizer == optimizer and m not in pair
            if self.block(m) == self.block(pair.last)
        ]
        return min(others, key=lambda m: (m.seed - seed) % self.seeds, default=None)

    def curves(self, cell: Cell) -> dict[Curve, Recipe]:
        """The curves between the models of each pair and how their bends are trained.

        The bends of a cell of two optimizers are trained by one of them, those of one kind by the
        other one too: what is between the ends may be due to it.
        """
        own = self.cross if cell.first != cell.last else cell.first
        by = {name: replace(self.bends, optimizer=name) for name in cell}
        main = self.kinds[0]
        found = {Curve(kind): by[own] for kind in self.kinds}
        if self.unaligned:
            found[Curve(main, aligned=False)] = by[own]
        found |= {Curve(main, by=name): by[name] for name in by if name != own}
        return found | dict.fromkeys((LINE, LINE._replace(aligned=False)), by[own])


def _document(source: str) -> tuple[Path, dict[str, Any]]:
    """A configuration's file and what it says: in place of, or beside, what its `base` says."""
    path = SHIPPED.get(source, Path(source))
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        names = ", ".join(sorted(SHIPPED))
        raise InputError(source, f"cannot be read: {error.strerror}; shipped are {names}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(source, f"is no TOML: {error}") from None
    base = document.pop("base", None)
    if base is not None:
        if base not in SHIPPED:
            raise InputError(source, f"base = {base!r} is not one of {', '.join(sorted(SHIPPED))}")
        _, below = _document(base)
        for key, value in document.items():
            both = isinstance(value, dict) and isinstance(below.get(key), dict)
            below[key] = {**below[key], **value} if both else value
        document = below
    return path, document


_CELLS = ("adamw-adamw", "adamw-muon", "muon-muon")


def _cell(name: Any) -> Cell:
    names = str(name).split("-")
    if len(names) != 2 or not set(names) <= OPTIMIZERS.keys():
        raise InputError("cells", f"{name!r} must be two of {', '.join(OPTIMIZERS)}, as adamw-muon")
    return Cell(*names)
