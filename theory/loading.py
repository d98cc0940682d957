"""Problems from files: JSON, CSV or NPZ, and the shipped examples."""

from __future__ import annotations

import csv
import io
import os
import re
import warnings
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from importlib import resources
from pathlib import Path
from typing import Any, TypeAlias

from theory.errors import InputError, nearest
from theory.problem import (
    Problem,
    is_number,
    parse_json,
    rational,
    read_data,
    read_json,
    require_few,
)

_SPREADSHEET = "is a spreadsheet; save it as CSV"
_PACKED = "is compressed; unpack it first"
_FRAME = "cannot be read; save the table as CSV, in pandas with to_csv('data.csv', index=False)"
_ARRAY = "holds one array; put both into one file with np.savez('data.npz', X=X, y=y)"
_FOREIGN = {
    ".npy": _ARRAY,
    **dict.fromkeys((".xlsx", ".xls", ".ods"), _SPREADSHEET),
    **dict.fromkeys((".gz", ".bz2", ".xz", ".zst", ".zip", ".7z", ".tar"), _PACKED),
    **dict.fromkeys((".parquet", ".feather", ".arrow", ".pkl", ".h5", ".hdf5", ".mat"), _FRAME),
}
"""What to do with files of other formats, by their endings."""

_MARKS = {
    b"\x93NUMPY": _ARRAY,
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

_DELIMITERS = ("\t", ";", ",")
_MISSING = {"", "na", "n/a", "nan", "null", "none", "nil", "?", "-"}
_INDEX = {"", "unnamed: 0", "index", "id", "row"}
"""Names of first columns that are no features if they count the rows; pandas writes two of them."""


class DataWarning(UserWarning):
    """A file was read, but may not say what its author means."""


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


def _columns(
    header: Sequence[str], target: str | None, drop: Sequence[str], name: str
) -> tuple[list[int], int]:
    """Which columns are features, and which is the target; all by name or number."""
    names = ", ".join(column or repr(column) for column in header)
    if target is None:
        raise InputError("target", f"name the column to fit (one of {names})")
    twice = [name for name in header if header.count(name) > 1]
    if twice:
        raise InputError("target", f"{name} has two columns named {twice[0]!r}")

    def number(column: str, field: str) -> int:
        if column in header:
            return list(header).index(column)
        if re.fullmatch(r"-?\d{1,9}", column) and -len(header) <= int(column) < len(header):
            return int(column) % len(header)
        raise InputError(field, f"{column!r} is not a column of {name}: {names}")

    fitted = number(target, "target")
    dropped = {number(column, "drop") for column in drop}
    if fitted in dropped:
        raise InputError("drop", f"{header[fitted]!r} is the column to fit")
    return [j for j in range(len(header)) if j != fitted and j not in dropped], fitted


def _load_table(text: str, path: Path, target: str | None, drop: Sequence[str]) -> Problem:
    """CSV, with semicolons or tabs too."""
    lines, rows = _rows(text, path)
    names, *data = rows
    numbered = [str(j) for j in range(len(names))]
    # A first line without any number names the columns; pandas may name them 0, 1, ...
    if named := not any(map(is_number, names)) or names == ["", *numbered[:-1]]:
        header, rows, lines = [cell.strip() for cell in names], data, lines[1:]
    else:
        header = numbered
    features, fitted = _columns(header, target, drop, path.name)
    places = [f"{path.name} row {k} (line {line})" for k, line in enumerate(lines, 1)]
    for place, row in zip(places, rows, strict=True):
        if len(row) != len(header):
            raise InputError(place, f"has {len(row)} entries, but the table has {len(header)}")
    if not named and names == numbered and data:
        _doubt(f"the first line of {path.name}, {', '.join(names)}, is read as data, not as names")
    if (
        0 in features
        and header[0].casefold() in _INDEX
        and _count([row[0].strip() for row in rows])
    ):
        _doubt(
            f"the first column of {path.name}, {header[0]!r}, counts the rows, and is a feature "
            f"all the same; leave it out with --drop {header[0]!r}"
        )

    def entry(place: str, row: Sequence[str], j: int) -> Fraction:
        remedy = (
            "write labels as numbers, such as 1 and -1"
            if j == fitted
            else "write categories as columns of 0 and 1, or leave the column out with --drop "
            f"{header[j]!r}"
        )
        return _entry(row[j], f"{place}, column {header[j]!r}", remedy)

    located = list(zip(places, rows, strict=True))
    X = [[entry(place, row, j) for j in features] for place, row in located]
    y = [entry(place, row, fitted) for place, row in located]
    return Problem(X=X, y=y, name=path.stem)


def _rows(text: str, path: Path) -> tuple[list[int], list[list[str]]]:
    """Line numbers and cells of the rows that are not blank, by the delimiter that fits."""
    found = {}
    for delimiter in _DELIMITERS:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        try:
            rows = [(reader.line_num, row) for row in reader if any(map(str.strip, row))]
        except csv.Error as error:
            raise InputError(str(path), f"cannot be read: {error}") from None
        if not rows:
            raise InputError(str(path), "is empty")
        found[delimiter] = [line for line, _ in rows], [row for _, row in rows]
    for lines, cells in found.values():
        if len(cells[0]) > 1 and len({*map(len, cells)}) == 1:
            return lines, cells
    lines, cells = max(found.values(), key=lambda each: len(each[1][0]))
    if len(cells[0]) == 1:
        other = next((each for each in "| " if each in cells[0][0].strip()), None)
        found_there = f"columns with {other!r} between them" if other else "one column"
        raise InputError(
            str(path),
            f"has {found_there}; it must be JSON, or a table with a comma, semicolon or tab "
            "between columns",
        )
    return lines, cells


def _count(cells: Sequence[str]) -> bool:
    """Whether they are 0, 1, ... or 1, 2, ..."""
    return len(cells) > 1 and any([*map(str, range(k, len(cells) + k))] == cells for k in (0, 1))


def _doubt(message: str) -> None:
    warnings.warn(message, DataWarning, stacklevel=4)


def _entry(cell: str, place: str, remedy: str) -> Fraction:
    """The number in a cell; what stands there in place of one is refused with a remedy."""
    text = cell.strip()
    if text.casefold() in _MISSING:
        shown = f"{text!r} is a missing value" if text else "a value is missing"
        raise InputError(place, f"{shown}; fill it in, or remove the row or the column")
    if re.fullmatch(r"[-+]?\d*,\d+", text):
        raise InputError(place, f"{text!r} has a comma; write decimals with a point")
    try:
        float(text)
    except ValueError:
        if not is_number(text):  # p/q is no float
            raise InputError(place, f"{text!r} is not a number; {remedy}") from None
    return rational(text, place)


def _load_npz(
    content: bytes, path: Path, target: str | None, drop: Sequence[str], convert: _Conversion
) -> Problem:
    import numpy as np  # only this format needs it

    try:
        # np.load would take a lone array for an archive.
        # What is packed may be much longer.
        unpacked = sum(each.file_size for each in zipfile.ZipFile(io.BytesIO(content)).infolist())
        require_few(unpacked // 8, str(path))
        with np.lib.npyio.NpzFile(io.BytesIO(content)) as archive:
            members = {key: archive[key] for key in archive.files}
    except InputError:
        raise
    except Exception as error:  # a broken or hostile archive can raise nearly anything
        raise InputError(str(path), f"cannot be read: {error}") from None
    arrays = {key: member for key, member in members.items() if isinstance(member, np.ndarray)}
    if not arrays:
        raise InputError(str(path), "is an archive without arrays")
    if "X" in arrays:
        _refuse_drop(drop, path)
        key = target or "y"
        if key not in arrays:
            raise InputError("target", f"{key!r} is not an array of {path.name}: {sorted(arrays)}")
        X, y = arrays["X"].tolist(), arrays[key].tolist()
    else:
        columns = [arrays[key].tolist() for key in arrays]
        if not all(isinstance(c, list) for c in columns):
            raise InputError(str(path), "holds neither an array X nor one-dimensional columns")
        if len({*map(len, columns)}) > 1:
            raise InputError(str(path), "has columns of different lengths")
        features, fitted = _columns(list(arrays), target, drop, path.name)
        X = [list(row) for row in zip(*(columns[j] for j in features), strict=True)]
        y = columns[fitted]
    if any(array.dtype.kind == "f" for array in arrays.values()):
        problem = convert(X, y)
    else:
        problem = Problem(X=X, y=y)
    return replace(problem, name=path.stem)


_Conversion: TypeAlias = Callable[[Any, Any], Problem]


def _refuse_drop(drop: Sequence[str], path: Path) -> None:
    if drop:
        raise InputError("drop", f"{path.name} holds X as a whole, not a table of columns")


def load_problem(
    source: str | Path,
    *,
    target: str | None = None,
    floats: str | None = None,
    drop: Sequence[str] = (),
) -> Problem:
    """The problem in a JSON, CSV or NPZ file, or the shipped example of that name.

    A file of other name, such as a pipe, is taken for what its content looks like. A table may have
    commas, semicolons or tabs between its columns, and a first line that names them.

    target: the column to fit (CSV, NPZ tables), by name or 0-based number; for an NPZ file with an
        array "X", the name of the target array (default "y").
    floats: how float arrays (NPZ) become rationals: "exact" for their binary value, or the largest
        denominator allowed, such as "1000". Without it float arrays are refused.
    drop: columns of a table that are no features, by name or number.

    Raises InputError for what cannot be read, warns with DataWarning of what may be misread.
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
    suffix = path.suffix.lower()
    if not (os.path.exists(path) or suffix or len(path.parts) > 1):
        return example(str(source))
    content = read_data(path)
    mark = next((mark for mark in _MARKS if content.startswith(mark)), None)
    if suffix in _FOREIGN or mark is not None:
        raise InputError(str(path), _MARKS[mark] if mark is not None else _FOREIGN[suffix])
    if suffix == ".npz" or content.startswith(b"PK\x03\x04"):
        return _load_npz(content, path, target, drop, convert)
    text = _text(content, path)
    if suffix == ".json" or (suffix not in (".csv", ".tsv") and text.lstrip()[:1] in ("{", "[")):
        _refuse_drop(drop, path)
        return Problem.from_json(parse_json(text, str(path)), name=path.stem)
    return _load_table(text, path, target, drop)


def _text(content: bytes, path: Path) -> str:
    if b"\0" in content:
        raise InputError(str(path), "is not text; a problem is a JSON, CSV or NPZ file")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(
            str(path), f"cannot be read: line {line} is not text in UTF-8; save it as UTF-8"
        ) from None
