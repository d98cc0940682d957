"""What a study of GPT-2 models is of: a configuration; its models, pairs and curves."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any, Self

from numerics.gpt2.model import Shape
from numerics.gpt2.names import LINE, OPTIMIZERS, TEXTS, Cell, Curve, Model, Pair
from numerics.gpt2.training import Recipe
from numerics.training.curves import BASES
from theory.errors import InputError
from theory.problem import positive_integer

SHIPPED = Path(__file__).parent / "studies"

_RECIPE = [field.name for field in fields(Recipe) if field.name not in ("optimizer", "seed")]
_SECTIONS = {
    "text": ["training", "other", "tokenizer"],
    "model": ["layers", "width", "heads", "block"],
    "ends": _RECIPE,
    "alignment": _RECIPE,
    "bends": _RECIPE,
    "paths": ["kinds", "bends", "cross"],
    "controls": ["learning_rates", "longer"],
}
"""Of a file, with what may be in them."""

_ALONE = {"seeds": 3, "windows": 128, "points": 21, "verdicts": True}
"""What is in no section, unless it is said."""


@dataclass(frozen=True)
class Config:
    """What a study is of.

    shape: its vocabulary is that of the text. text: where it is from, by TEXTS. ends, bends,
    alignment: recipes, of whose `optimizer` and `seed` the study makes its own. kinds: of paths.
    number: of bends. cross: the optimizer of bends between models of two optimizers.
    learning_rates: AdamW's, beside that of the ends. longer: AdamW is also trained for so many
    times the steps; with 1 it is not. verdicts: whether the claims are judged; not where a study is
    too small to tell.
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
    verdicts: bool

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
        sections = {key: document.pop(key, {}) for key in _SECTIONS}
        alone = {key: document.pop(key, of) for key, of in _ALONE.items()}
        if document:
            raise InputError(source, f"has {', '.join(document)}, which means nothing")
        for key, found in sections.items():
            if not isinstance(found, dict):
                raise InputError(source, f"{key} must be a section")
            if wrong := sorted(found.keys() - set(_SECTIONS[key])):
                raise InputError(source, f"[{key}] has {', '.join(wrong)}, which means nothing")
        text, paths, controls = (sections[key] for key in ("text", "paths", "controls"))
        if missing := [key for key in ("training", "other") if key not in text]:
            raise InputError(source, f"[text] lacks {', '.join(missing)}")
        try:
            return cls(
                name=path.stem,
                shape=Shape(**sections["model"]),
                text=dict(zip(TEXTS, (text["training"], text["other"]), strict=True)),
                tokenizer=text.get("tokenizer"),
                ends=Recipe(**sections["ends"]),
                alignment=Recipe(**sections["alignment"]),
                bends=Recipe(**sections["bends"]),
                kinds=paths.get("kinds", ["polychain"]),
                number=paths.get("bends", 1),
                cross=paths.get("cross", "muon"),
                learning_rates=controls.get("learning_rates", []),
                longer=controls.get("longer", 1),
                **alone,
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
    def models(self) -> dict[Model, Recipe]:
        """All that are trained from the start; those that take longest first."""
        ends, found = self.ends, {}
        if self.longer > 1:
            longer = replace(ends, steps=self.longer * ends.steps)
            found[Model("adamw", 0, longer=True)] = longer
        for optimizer in OPTIMIZERS:
            for seed in range(self.seeds):
                recipe = replace(ends, optimizer=optimizer, seed=seed)
                found[Model(optimizer, seed)] = recipe
        for rate in self.learning_rates:
            found[Model("adamw", 0, rate=rate)] = replace(ends, learning_rate=rate)
        return found

    @property
    def pairs(self) -> list[Pair]:
        """Neighbours in the circle of seeds, of each cell.

        So models of two optimizers have different seeds too: with the same they would have the same
        start and see the same batches.
        """
        n = self.seeds
        circle = [(k, (k + 1) % n) for k in range(n)]
        return [
            Pair(Model(a, j), Model(b, k))
            for a, b in combinations_with_replacement(OPTIMIZERS, 2)
            for j, k in (circle[:1] if a == b and n == 2 else circle)
        ]

    def third(self, pair: Pair) -> Model | None:
        """A model that is in no way between the two, for an ensemble: by the last one's optimizer.

        Of the next seed in the circle; None where both are all that there are.
        """
        optimizer, seed = pair.last.optimizer, pair.last.seed
        others = [m for m in self.models if m.is_end and m.optimizer == optimizer and m not in pair]
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
        found[Curve(main, aligned=False)] = by[own]
        found |= {Curve(main, by=name): by[name] for name in by if name != own}
        return found | dict.fromkeys((LINE, LINE._replace(aligned=False)), by[own])
