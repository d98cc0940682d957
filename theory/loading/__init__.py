"""Problems from files: JSON, CSV, NPY or NPZ, and the shipped examples."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from theory.errors import InputError, nearest
from theory.loading.arrays import archive_table, array_table
from theory.loading.tables import Choice, DataWarning, Table
from theory.loading.text import text_table
from theory.problem import Problem, parse_json, rational_matrix, read_data, read_json

__all__ = ["DataWarning", "example", "example_names", "load_problem"]

_SPREADSHEET = "is a spreadsheet; save it as CSV"
_PACKED = "is compressed; unpack it first"
_FRAME = "cannot be read; save the table as CSV, in pandas with to_csv('data.csv', index=False)"
_FOREIGN = {
    **dict.fromkeys((".xlsx", ".xls", ".ods"), _SPREADSHEET),
    **dict.fromkeys((".gz", ".bz2", ".xz", ".zst", ".zip", ".7z", ".tar"), _PACKED),
    **dict.fromkeys((".parquet", ".feather", ".arrow", ".pkl", ".h5", ".hdf5", ".mat"), _FRAME),
}
"""What to do with files of other formats, by their endings."""

_MARKS = {
    b"\x1f\x8b": _PACKED,
    b"BZh": _PACKED,
    b"\xfd7zXZ": _PACKED,
    b"\xd0\xcf\x11\xe0": _SPREADSHEET,
    b"PAR1": _FRAME,
    b"ARROW1": _FRAME,
    b"\xff\xfe": "is text in UTF-16; save it as UTF-8",
    b"\xfe\xff": "is text in UTF-16; save it as UTF-8",
}
"""The same by how they begin."""


def example_names() -> list[str]:
    """The names of the shipped problems."""
    folder = resources.files("theory") / "examples"
    return sorted(
        f.name.removesuffix(".json") for f in folder.iterdir() if f.name.endswith(".json")
    )


def example(name: str) -> Problem:
    """A shipped problem by its name."""
    return Problem.from_json(_shipped(name), name=name)


def _shipped(name: str) -> Any:
    if name not in example_names():
        meant = nearest(name, example_names()) or "`isthmus problems` lists them"
        raise InputError(name, f"is neither a file nor a shipped example; {meant}")
    with resources.as_file(resources.files("theory") / "examples" / f"{name}.json") as path:
        return read_json(path)


def load_problem(
    source: str | Path,
    *,
    target: str | None = None,
    drop: Sequence[str] = (),
    columns: Sequence[str] | None = None,
    rows: str | None = None,
    labels: Sequence[str] | None = None,
    standardise: bool = False,
    floats: str | None = None,
) -> Problem:
    """The problem in a JSON, CSV, NPY or NPZ file, or the shipped example of that name.

    A file of other name, such as a pipe, is taken for what its content looks like. A table may have
    commas, semicolons or tabs between its columns, and a first line that names them; where
    semicolons are between them, decimals may have a comma. Features without names have numbers,
    from 0.

    target: the column to fit (CSV, NPY, NPZ tables), by name or number; for an NPZ file with an
        array "X", the name of the target array (default "y").
    drop: columns that are no features, by name or number.
    columns: those that are, in this order, in place of drop.
    rows: those to read, numbers from 0 and slices as in Python: "0:20", "::5", "3,5,8".
    labels: the two texts in the target column that are -1 and 1; rows with others are left out.
    standardise: shift each feature by its mean, and divide it by its mean absolute deviation, which
        is rational. The target remains as it is.
    floats: how float arrays (NPY, NPZ) become rationals: "exact" for their binary value, or the
        largest denominator allowed, such as "1000". Without it float arrays are refused.

    Raises InputError for what cannot be read, warns with DataWarning of what may be misread.
    """
    choice = Choice(target, drop, columns, rows, labels, standardise, floats)
    path = Path(source)
    suffix = path.suffix.lower()
    if not (os.path.exists(path) or suffix or len(path.parts) > 1):
        return _from_json(_shipped(str(source)), str(source), str(source), choice)
    content = read_data(path)
    mark = next((mark for mark in _MARKS if content.startswith(mark)), None)
    if suffix in _FOREIGN or mark is not None:
        raise InputError(str(path), _MARKS[mark] if mark is not None else _FOREIGN[suffix])
    if suffix == ".npy" or content.startswith(b"\x93NUMPY"):
        return _from_table(array_table(content, path), path, choice)
    if suffix == ".npz" or content.startswith(b"PK\x03\x04"):
        return _from_table(archive_table(content, path, target), path, choice)
    text = _text(content, path)
    if suffix == ".json" or (suffix not in (".csv", ".tsv") and text.lstrip()[:1] in ("{", "[")):
        return _from_json(parse_json(text, str(path)), path.name, path.stem, choice)
    return _from_table(text_table(text, path), path, choice)


def _from_table(table: Table, path: Path, choice: Choice) -> Problem:
    X, y, _ = table.chosen(choice)
    return Problem(X=X, y=y, name=path.stem)


def _from_json(document: object, source: str, name: str, choice: Choice) -> Problem:
    """source: names the file in errors."""
    if choice.target not in (None, "y"):
        raise InputError("target", f"{source} states y itself; leave the option out")
    if isinstance(document, Mapping) and choice.changes:
        document = _chosen(document, source, choice)
    return Problem.from_json(document, name=name)


def _chosen(document: Mapping[str, Any], source: str, choice: Choice) -> dict[str, Any]:
    """The document with the choice carried out; what it says of all rows is left out."""
    y = document.get("y")
    # What is wrong with the rest is said as always; labels may be text until they are read.
    whole = Problem.from_json({**document, "y": [1] * len(y)} if isinstance(y, list) else document)
    header = [str(j) for j in range(len(document["X"][0]))]
    places = [f"row {k}" for k in range(whole.n)]
    table = Table(source, header, rational_matrix(document["X"], "X"), places, y=y)
    X, fitted, rows = table.chosen(replace(choice, target=None))
    chosen = {**document, "X": X, "y": fitted}
    chosen.pop("description", None)
    if "form" in document and rows != list(range(whole.n)):
        raise InputError("form", "is of all rows; leave out --rows and --labels")
    if "weights" in document:
        chosen["weights"] = [document["weights"][k] for k in rows]
    return chosen


def _text(content: bytes, path: Path) -> str:
    if b"\0" in content:
        raise InputError(str(path), "is not text; a problem is a JSON, CSV, NPY or NPZ file")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(
            str(path), f"cannot be read: line {line} is not text in UTF-8; save it as UTF-8"
        ) from None
