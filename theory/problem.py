"""A training problem: data X (n, d) and targets y (n,) as exact rationals.

Everything downstream is exact, so a float is never taken silently: decimal text such as "0.1"
means 1/10, and a float array enters only through `Problem.from_floats`, which says which rational
it means.

Standard library only (the certificate checker imports this module and nothing else of the
project); NPZ files alone need numpy.
"""

from __future__ import annotations

import csv
import json
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from importlib import resources
from pathlib import Path
from typing import Any, SupportsIndex, TypeAlias

from theory.errors import InputError

Rational: TypeAlias = int | Fraction | Decimal | str
"""What is accepted as an exact number: an integer, a Fraction, a Decimal, decimal text or "p/q"."""

_NUMBER = re.compile(r"\s*[-+]?(\d+/\d+|(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?)\s*", re.ASCII)
_KEYS = {"X", "y", "width", "description"}


def rational(value: object, field: str) -> Fraction:
    """The exact rational that `value` states; `field` names it in errors.

    Raises InputError for floats (with the remedy), for NaN and infinities, and for other text.
    """
    if isinstance(value, Fraction):
        return value
    if isinstance(value, str):
        # The pattern bounds the exponent: Fraction("1e999999999") would fill the memory.
        if _NUMBER.fullmatch(value) is None:
            raise InputError(field, f"{value!r} is not a finite number; write 3, 0.25 or '1/4'")
        try:
            return Fraction(value)
        except ZeroDivisionError:
            raise InputError(field, f"{value!r} divides by zero") from None
        except ValueError as error:  # more digits than Python converts
            raise InputError(field, str(error)) from None
    if isinstance(value, Decimal):
        return rational(str(value), field)
    if isinstance(value, bool):
        raise InputError(field, f"{value!r} is not a number")
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InputError(field, f"{value!r} is not a finite number")
        raise InputError(
            field,
            f"{value!r} is a float; pass text such as '0.1', or convert with Problem.from_floats",
        )
    if isinstance(value, SupportsIndex):
        return Fraction(operator.index(value))
    raise InputError(field, f"{value!r} is not a number")


def format_rational(value: Fraction | int) -> str:
    """ "p" or "p/q" in lowest terms.

    Raises OverflowError for more digits than Python writes, some thousands.
    """
    try:
        return str(Fraction(value))
    except ValueError as error:
        raise OverflowError(str(error)) from None


def _sequence(value: object, field: str) -> list[Any]:
    """`value` as a list; text and mappings are not sequences of numbers."""
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise InputError(field, f"must be a list, not {type(value).__name__}")
    return list(value)


def rational_vector(value: object, field: str) -> tuple[Fraction, ...]:
    """A list of exact rationals, each checked by `rational`."""
    return tuple(rational(v, f"{field}[{k}]") for k, v in enumerate(_sequence(value, field)))


def rational_matrix(value: object, field: str) -> tuple[tuple[Fraction, ...], ...]:
    """A list of rows of equal length of exact rationals."""
    rows = tuple(
        rational_vector(row, f"{field}[{k}]") for k, row in enumerate(_sequence(value, field))
    )
    for k, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise InputError(
                f"{field}[{k}]", f"has {len(row)} entries, but {field}[0] has {len(rows[0])}"
            )
    return rows


def positive_integer(value: object, field: str) -> int:
    """A positive integer; bools and text are refused."""
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        raise InputError(field, f"{value!r} is not an integer")
    number = operator.index(value)
    if number < 1:
        raise InputError(field, f"{number} must be at least 1")
    return number


@dataclass(frozen=True)
class Problem:
    """Data and targets of a regression problem with scalar output.

    X: (n, d) rows x_k, y: (n,), both of Fractions; any `Rational` is converted on the way in.
    width: the number of hidden neurons the problem is meant for, if it says.
    name, description: for people; they do not take part in equality.
    """

    X: tuple[tuple[Fraction, ...], ...]  # (n, d)
    y: tuple[Fraction, ...]  # (n,)
    width: int | None = None
    name: str = field(default="", compare=False)
    description: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        X = rational_matrix(self.X, "X")
        y = rational_vector(self.y, "y")
        if not X:
            raise InputError("X", "is empty; at least one data point is needed")
        if not X[0]:
            raise InputError("X", "has no columns; at least one feature is needed")
        if len(y) != len(X):
            raise InputError("y", f"has {len(y)} entries, but X has {len(X)} rows")
        object.__setattr__(self, "X", X)
        object.__setattr__(self, "y", y)
        if self.width is not None:
            object.__setattr__(self, "width", positive_integer(self.width, "width"))

    @property
    def n(self) -> int:
        """Number of data points."""
        return len(self.X)

    @property
    def d(self) -> int:
        """Number of features."""
        return len(self.X[0])

    def integer_form(self) -> tuple[list[list[int]], int, list[int], int]:
        """(X', p, y', q): integer X' = p X and y' = q y, with the least such integers p, q > 0."""
        p = math.lcm(*(v.denominator for row in self.X for v in row))
        q = math.lcm(*(v.denominator for v in self.y))
        return [[int(v * p) for v in row] for row in self.X], p, [int(v * q) for v in self.y], q

    def with_bias(self) -> Problem:
        """The same problem with the constant feature 1 appended, so that neurons have biases."""
        return replace(self, X=tuple((*row, Fraction(1)) for row in self.X))

    @classmethod
    def from_floats(
        cls,
        X: Iterable[Iterable[float]],
        y: Iterable[float],
        *,
        limit_denominator: int | None = None,
        width: int | None = None,
    ) -> Problem:
        """A problem from float arrays X (n, d) and y (n,).

        By default each float stands for its exact binary value; with `limit_denominator` for the
        nearest rational with a denominator of at most that (see `Fraction.limit_denominator`).
        """
        if limit_denominator is not None:
            limit_denominator = positive_integer(limit_denominator, "limit_denominator")

        def convert(value: float, field: str) -> Fraction:
            try:
                exact = Fraction(float(value))
            except (ValueError, OverflowError, TypeError):
                raise InputError(field, f"{value!r} is not a finite number") from None
            return (
                exact if limit_denominator is None else exact.limit_denominator(limit_denominator)
            )

        rows = [_sequence(row, f"X[{i}]") for i, row in enumerate(_sequence(X, "X"))]
        exact_X = [
            [convert(v, f"X[{i}][{j}]") for j, v in enumerate(row)] for i, row in enumerate(rows)
        ]
        exact_y = [convert(v, f"y[{i}]") for i, v in enumerate(_sequence(y, "y"))]
        return cls(X=exact_X, y=exact_y, width=width)  # type: ignore[arg-type]

    def to_json(self) -> dict[str, Any]:
        """{"X", "y"} with rationals as text, and "width" if there is one."""
        document: dict[str, Any] = {
            "X": [[format_rational(v) for v in row] for row in self.X],
            "y": [format_rational(v) for v in self.y],
        }
        if self.width is not None:
            document["width"] = self.width
        return document

    @classmethod
    def from_json(cls, document: object, name: str = "") -> Problem:
        """The problem a JSON document {"X", "y", "width"?, "description"?} states."""
        if not isinstance(document, Mapping):
            raise InputError(name or "problem", 'must be a JSON object {"X": [...], "y": [...]}')
        for key in ("X", "y"):
            if key not in document:
                raise InputError(key, "is missing")
        for key in document:
            if key not in _KEYS:
                raise InputError(str(key), f"is not a known field; known are {sorted(_KEYS)}")
        return cls(
            X=document["X"],
            y=document["y"],
            width=document.get("width"),
            name=name,
            description=str(document.get("description", "")),
        )


def read_json(path: str | Path) -> Any:
    """A JSON file with decimals read as text: 0.1 means 1/10; NaN and Infinity are refused."""

    def refuse(constant: str) -> None:
        raise InputError(str(path), f"{constant} is not a finite number")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        document = dict(pairs)
        if len(document) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise InputError(str(path), f"the key {twice!r} stands twice in one object")
        return document

    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(path), f"cannot be read: {error}") from None
    try:
        return json.loads(text, parse_float=str, parse_constant=refuse, object_pairs_hook=once)
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        raise InputError(str(path), f"is not JSON: {error}") from None


def example_names() -> list[str]:
    """The names of the shipped problems."""
    folder = resources.files("theory") / "examples"
    return sorted(
        f.name.removesuffix(".json") for f in folder.iterdir() if f.name.endswith(".json")
    )


def example(name: str) -> Problem:
    """A shipped problem by its name."""
    if name not in example_names():
        raise InputError(
            name, f"is neither a file nor a shipped example ({', '.join(example_names())})"
        )
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
    if any(_NUMBER.fullmatch(cell) for cell in rows[0]):
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
