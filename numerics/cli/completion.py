"""What the shell completes beside commands and options: names, and files where no name fits.

Names are read from where they are, without importing it: `isthmus hunt <TAB>` loads no numpy.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from importlib import resources
from pathlib import Path
from typing import TypeAlias

from theory.loading import example_names

Complete: TypeAlias = Callable[[str], list[str]]

OPTIMIZERS = (
    *("adamw", "lion", "signsgd", "muon", "muon-adamw", "ngd", "colnorm"),
    *("adamw-ngd", "colnorm-ngd", "ngd-adamw", "sgd"),
)
"""Those of `theory.geometry`, which composes their names; a test compares the two."""

_STUDIES = "gpt2/studies"  # in the package numerics
_GALLERY = "claims/gallery"  # in the package theory


def among(*names: str) -> Complete:
    """These names."""
    return lambda incomplete: _begun(names, incomplete)


def several(*names: str) -> Complete:
    """Lists of these names, with commas between them: the last one is completed."""

    def complete(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        return [f"{before}{comma}{name}" for name in _begun(names, last)]

    return complete


def problems(incomplete: str) -> list[str]:
    """Shipped examples, and files beside them."""
    return _or_files(example_names(), incomplete)


def claims(incomplete: str) -> list[str]:
    """Ids of claims and of theorems of the gallery, `gallery`, and Python files beside them."""
    return _or_files(("gallery", *claim_names(), *theorem_names()), incomplete)


def conjectures(incomplete: str) -> list[str]:
    """Shipped conjectures, and Python files beside them."""
    return _or_files(conjecture_names(), incomplete)


def studies(incomplete: str) -> list[str]:
    """Shipped studies of GPT-2 models, and files beside them."""
    return _or_files(study_names(), incomplete)


def claim_names() -> list[str]:
    """The id of each claim that has a module of its own."""
    sources = _sources("claims")
    found = (re.search(r'^    id = "([a-z0-9-]+)"$', text, re.MULTILINE) for text in sources)
    return [each[1] for each in found if each]


def theorem_names() -> list[str]:
    """Modules of the gallery but for those of its frame."""
    (frame,) = (
        ast.literal_eval(each.value)
        for each in ast.parse(_source(f"{_GALLERY}/__init__.py")).body
        if isinstance(each, ast.Assign) and _is_name(each.targets[0], "_FRAME")
    )
    stems = (Path(name).stem for name in _files("theory", _GALLERY, ".py"))
    return [stem.replace("_", "-") for stem in stems if stem not in (*frame, "__init__")]


def conjecture_names() -> list[str]:
    """The keys of `theory.hunt.CONJECTURES`."""
    (table,) = (
        each.value
        for each in ast.parse(_source("hunt/shipped.py")).body
        if isinstance(each, ast.AnnAssign) and _is_name(each.target, "CONJECTURES")
    )
    assert isinstance(table, ast.Dict)
    return [ast.literal_eval(key) for key in table.keys if key is not None]


def study_names() -> list[str]:
    """The shipped configurations."""
    return ["second", *(Path(name).stem for name in _files("numerics", _STUDIES, ".toml"))]


def _begun(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _or_files(names: Iterable[str], incomplete: str) -> list[str]:
    """Names and files so begun. Nothing where no name is: then the shell looks, in folders too."""
    found = _begun(names, incomplete)
    files = sorted(str(file) for file in Path().glob("*.*")) if found and incomplete else []
    return [*found, *_begun(files, incomplete)]


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _source(file: str) -> str:
    return (resources.files("theory") / file).read_text(encoding="utf-8")


def _sources(folder: str) -> Iterable[str]:
    return (_source(f"{folder}/{name}") for name in _files("theory", folder, ".py"))


def _files(package: str, folder: str, ending: str) -> list[str]:
    found = (resources.files(package) / folder).iterdir()
    return sorted(each.name for each in found if each.name.endswith(ending))
