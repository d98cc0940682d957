"""Problems from files: JSON, CSV or NPZ, and the shipped examples."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any, TypeAlias

from theory.errors import InputError, nearest
from theory.problem import Problem, is_number, read_json


def example_names() -> list[str]:
    """The names of the shipped problems."""
    folder = resources.files("theory") / "examples"
    return sorted(
        f.name.removesuffix(".json") for f in folder.iterdir() if f.name.endswith(".json")
    )


def example(name: str) -> Problem:
    """A shipped problem by its name."""
    if name not in example_names():
        meant = nearest(name, example_names()) or "`isthmus problems` lists them"
        raise InputError(name, f"is neither a file nor a shipped example; {meant}")
    with resources.as_file(resources.files("theory") / "examples" / f"{name}.json") as path:
        return Problem.from_json(read_json(path), name=name)


def _from_table(
    header: Sequence[str], rows: Sequence[Sequence[object]], target: str | None, name: str
) -> tuple[list[list[object]], list[object]]:
    """Split a table into features and the target column, given by name or number."""
    if target is None:
        raise InputError("target", f"name the column to fit (one of {', '.join(header)})")
    twice = [name for name in header if header.count(name) > 1]
    if twice:
        raise InputError("target", f"{name} has two columns named {twice[0]!r}")
    if target in header:
        column = list(header).index(target)
    elif re.fullmatch(r"-?\d{1,9}", target) and -len(header) <= int(target) < len(header):
        column = int(target) % len(header)
    else:
        raise InputError("target", f"{target!r} is not a column of {name}: {', '.join(header)}")
    for k, row in enumerate(rows):
        if len(row) != len(header):
            raise InputError(
                f"{name} row {k + 1}", f"has {len(row)} entries, but the table has {len(header)}"
            )
    X = [[v for j, v in enumerate(row) if j != column] for row in rows]
    return X, [row[column] for row in rows]


def _load_csv(path: Path, target: str | None, convert: _Conversion) -> Problem:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(str(path), f"cannot be read: {error}") from None
    if not rows:
        raise InputError(str(path), "is empty")
    # A first line without any number names the columns.
    if any(is_number(cell) for cell in rows[0]):
        header = [str(j) for j in range(len(rows[0]))]
    else:
        header = [cell.strip() for cell in rows.pop(0)]
    X, y = _from_table(header, rows, target, path.name)
    return Problem(X=X, y=y, name=path.stem)  # type: ignore[arg-type]


def _load_npz(path: Path, target: str | None, convert: _Conversion) -> Problem:
    import numpy as np  # only this format needs it

    try:
        # np.load would leave the file open where it is no archive, and take a lone array for one.
        with path.open("rb") as file, np.lib.npyio.NpzFile(file) as archive:
            members = {key: archive[key] for key in archive.files}
    except Exception as error:  # a broken or hostile archive can raise nearly anything
        raise InputError(str(path), f"cannot be read: {error}") from None
    arrays = {key: member for key, member in members.items() if isinstance(member, np.ndarray)}
    if "X" in arrays:
        key = target or "y"
        if key not in arrays:
            raise InputError("target", f"{key!r} is not an array of {path.name}: {sorted(arrays)}")
        X, y = arrays["X"].tolist(), arrays[key].tolist()
    else:
        columns = [arrays[key].tolist() for key in arrays]
        if not all(isinstance(c, list) for c in columns):
            raise InputError(str(path), "holds neither an array X nor one-dimensional columns")
        try:
            rows = list(zip(*columns, strict=True))
        except ValueError:
            raise InputError(str(path), "has columns of different lengths") from None
        X, y = _from_table(list(arrays), rows, target, path.name)
    if any(array.dtype.kind == "f" for array in arrays.values()):
        problem = convert(X, y)
    else:
        problem = Problem(X=X, y=y)
    return replace(problem, name=path.stem)


_Conversion: TypeAlias = Callable[[Any, Any], Problem]


def load_problem(
    source: str | Path, *, target: str | None = None, floats: str | None = None
) -> Problem:
    """The problem in a JSON, CSV or NPZ file, or the shipped example of that name.

    target: the column to fit (CSV, NPZ tables), by name or 0-based number; for an NPZ file with an
        array "X", the name of the target array (default "y").
    floats: how float arrays (NPZ) become rationals: "exact" for their binary value, or the largest
        denominator allowed, such as "1000". Without it float arrays are refused.
    """

    def convert(X: Any, y: Any) -> Problem:
        if floats == "exact":
            return Problem.from_floats(X, y)
        if floats is not None and re.fullmatch(r"\d{1,30}", floats):
            return Problem.from_floats(X, y, limit_denominator=int(floats))
        if floats is None:
            raise InputError(
                "floats",
                "the file holds float arrays; say which rationals they mean: 'exact' for the "
                "binary values, or the largest denominator, such as 1000",
            )
        raise InputError("floats", f"{floats!r} must be 'exact' or a positive integer")

    path = Path(source)
    loaders = {".csv": _load_csv, ".npz": _load_npz}
    suffix = path.suffix.lower()
    if path.is_file() or suffix in {".json", *loaders}:
        if suffix in loaders:
            return loaders[suffix](path, target, convert)
        return Problem.from_json(read_json(path), name=path.stem)
    return example(str(source))
