"""Reading JSON: every value passes through one of these, which refuse whatever the format does not
name. Standard library and the problem loader only."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Mapping, Sequence
from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from fractions import Fraction
from typing import NamedTuple, NoReturn

from theory.certificates import work
from theory.errors import InputError
from theory.problem import Problem

BIASES = ("decayed", "adamw", "free")
"""How hidden biases are treated in a ball."""

_RATIONAL = re.compile(r"-?\d+(/\d+)?", re.ASCII)
_NAME = re.compile(rf"[a-z_]+(:{_RATIONAL.pattern})?", re.ASCII)


class CertificateInvalid(ValueError):
    """The certificate proves nothing; `field` is the first part at fault, `reason` says why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def fail(where: str, reason: str) -> NoReturn:
    raise CertificateInvalid(where, reason)


def show(value: object) -> str:
    """A value for a message, never too long, and never an error of its own."""
    try:
        text = str(value) if isinstance(value, Fraction) else reprlib.repr(value)
    except ValueError:  # more digits than Python prints
        return f"a very long {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:28]}...{text[-28:]}"


def mapping(value: object, where: str) -> Mapping[object, object]:
    if not isinstance(value, dict):
        fail(where, f"must be a JSON object, not {show(value)}")
    return value


def fields(value: object, where: str, names: Sequence[str]) -> dict[str, object]:
    """A JSON object with exactly these fields."""
    found = mapping(value, where)
    for name in names:
        if name not in found:
            fail(where, f"the field {name!r} is missing")
    for key in found:
        if key not in names:
            fail(where, f"{show(key)} is not a field of it; its fields are {', '.join(names)}")
    return {name: found[name] for name in names}


def entries(value: object, where: str, length: int | None = None) -> list[object]:
    if not isinstance(value, list):
        fail(where, f"must be a list, not {show(value)}")
    if length is not None and len(value) != length:
        fail(where, f"has {len(value)} entries, but must have {show(length)}")
    return value


def integer(value: object, where: str) -> int:
    if type(value) is not int:  # JSON's true is no integer, though Python's is
        fail(where, f"must be an integer, not {show(value)}")
    return value


def width(value: object) -> int:
    """The field `width`: at least 1."""
    found = integer(value, "width")
    if found < 1:
        fail("width", f"is {show(found)}, but must be at least 1")
    return found


def sign(value: object, where: str) -> int:
    if not isinstance(value, str) or value not in ("+", "-"):
        fail(where, f"its sign must be '+' or '-', not {show(value)}")
    return 1 if value == "+" else -1


def sigma(value: object, where: str, rows: int) -> str:
    """A sign vector, one character for each row."""
    if not isinstance(value, str) or len(value) != rows or not set(value) <= set("+-0"):
        fail(where, f"its sigma must be {rows} characters of '+-0', not {show(value)}")
    return value


class Network(NamedTuple):
    """As it is given: the columns w_j (d,) of W, a (m,), and b with c (d,)."""

    columns: list[tuple[Fraction, ...]]
    a: tuple[Fraction, ...]
    linear: tuple[Fraction, ...]


def network(value: object, where: str, problem: Problem, neurons: int | None = None) -> Network:
    """A network, of so many neurons if it is said."""
    found, linear = with_linear(value, where, ("W", "a"), problem)
    a = vector(found["a"], f"{where}.a", neurons)
    rows = entries(found["W"], f"{where}.W", problem.d)
    W = [vector(row, f"{where}.W[{i}]", len(a)) for i, row in enumerate(rows)]
    return Network(list(zip(*W, strict=True)), a, linear)


def with_linear(
    value: object, where: str, names: Sequence[str], problem: Problem
) -> tuple[dict[str, object], tuple[Fraction, ...]]:
    """A JSON object with these fields, and perhaps "b" and "c", where the problem has them; b with
    c, which are zero where they are left out."""
    found = mapping(value, where)
    free = {"b": (problem.output_bias, "output bias"), "c": (problem.skip, "skip connection")}
    for name, (has, what) in free.items():
        if name in found and not has:
            fail(f"{where}.{name}", f"the problem has no {what}")
    read = fields(found, where, (*names, *(name for name in free if name in found)))
    b = rational(read["b"], f"{where}.b") if "b" in read else Fraction()
    c = (Fraction(),) * problem.d
    if "c" in read:
        c = vector(read["c"], f"{where}.c", problem.d)
    return read, (b, *c)


def index(value: object, where: str, length: int, what: str) -> int:
    index = integer(value, where)
    if not 0 <= index < length:
        fail(where, f"is {show(index)}, but there are {length} {what}")
    return index


def rational(value: object, where: str) -> Fraction:
    if not isinstance(value, str) or _RATIONAL.fullmatch(value) is None:
        fail(where, f"must be a rational as text, 'p' or 'p/q', not {show(value)}")
    try:
        return Fraction(value)
    except ZeroDivisionError:
        fail(where, f"{show(value)} divides by zero")
    except ValueError as error:  # more digits than Python reads
        fail(where, str(error))


def interval(value: object, where: str) -> tuple[Fraction, Fraction]:
    """A rational, or a list of two, which bound a value that is not known exactly."""
    if isinstance(value, list):
        lower, upper = vector(value, where, 2)
        if lower > upper:
            fail(where, f"{show(lower)} is above {show(upper)}")
        return lower, upper
    exact = rational(value, where)
    return exact, exact


def show_interval(value: tuple[Fraction, Fraction]) -> str:
    lower, upper = value
    if lower == upper:
        return str(lower)
    return f"between {_decimal(lower, ROUND_FLOOR)} and {_decimal(upper, ROUND_CEILING)}"


def show_above(value: Fraction) -> str:
    """A rational, rounded up to twelve digits where it is long."""
    return _short(value, ROUND_CEILING)


def show_below(value: Fraction) -> str:
    """A rational, rounded down to twelve digits where it is long."""
    return _short(value, ROUND_FLOOR)


def _short(value: Fraction, rounding: str) -> str:
    short = max(abs(value.numerator), value.denominator) < 10**12
    return str(value) if short else _decimal(value, rounding)


def _decimal(value: Fraction, rounding: str) -> str:
    """Twelve digits of a rational, rounded down or up."""
    with localcontext(prec=12, rounding=rounding, Emax=MAX_EMAX, Emin=MIN_EMIN) as context:
        top, bottom = Decimal(value.numerator), Decimal(value.denominator)
        return str(context.divide(top, bottom).normalize(context))


def vector(value: object, where: str, length: int | None = None) -> tuple[Fraction, ...]:
    found = entries(value, where, length)
    return tuple(rational(v, f"{where}[{k}]") for k, v in enumerate(found))


def symmetric(value: object, where: str, size: int) -> list[tuple[Fraction, ...]]:
    """A symmetric matrix, by rows."""
    rows = [vector(row, f"{where}[{i}]", size) for i, row in enumerate(entries(value, where, size))]
    if any(rows[i][k] != rows[k][i] for i in range(size) for k in range(i)):
        fail(where, "is not symmetric")
    return rows


def multipliers(value: object, where: str, rows: int) -> dict[int, Fraction]:
    """A list of [row, multiplier]: positive, and no row of it twice."""
    found: dict[int, Fraction] = {}
    for j, pair in enumerate(entries(value, where)):
        here = f"{where}[{j}]"
        row, multiplier = entries(pair, here, 2)
        k = index(row, here, rows, "rows")
        if k in found:
            fail(here, f"row {k} stands twice")
        found[k] = rational(multiplier, here)
        if found[k] <= 0:
            fail(here, f"the multiplier {show(found[k])} must be positive")
    return found


def problem(value: object) -> Problem:
    optional = ("activation", "loss", "weights", "form", "bias", "output_bias", "skip")
    present = [name for name in optional if name in mapping(value, "problem")]
    found = fields(value, "problem", ("X", "y", *present))
    names = {"activation": "relu", "loss": "squared"}
    for name, usual in names.items():
        text = found.get(name, usual)
        if not isinstance(text, str):
            fail(f"problem.{name}", f"must be text, not {show(text)}")
        if _NAME.fullmatch(text) is None:
            fail(
                f"problem.{name}",
                "must be a name in small letters, with a rational 'p' or 'p/q' where it has a "
                f"number, not {show(text)}",
            )
        names[name] = text
    rows = entries(found["X"], "problem.X")
    X = tuple(vector(row, f"problem.X[{k}]") for k, row in enumerate(rows))
    bias = found.get("bias")
    if bias is not None:
        if bias not in BIASES:
            fail("problem.bias", f"must be one of {', '.join(BIASES)}, not {show(bias)}")
        X = tuple((*row, Fraction(1)) for row in X)
    y = vector(found["y"], "problem.y")
    weights = vector(found["weights"], "problem.weights") if "weights" in found else None
    form = None
    if "form" in found:
        form = symmetric(found["form"], "problem.form", len(y))
        # Whether it is positive semidefinite is found by elimination.
        bits = len(y) * max(map(work.lengths, form), default=0)
        work.spend("whether the form is positive", len(y) ** 3 * work.rational(bits))
    free = {name: found[name] for name in present if name in ("output_bias", "skip")}
    for name, has in free.items():
        if not isinstance(has, bool):
            fail(f"problem.{name}", f"must be true or false, not {show(has)}")
    try:
        return Problem(
            X=X,
            y=y,
            activation=names["activation"],
            loss=names["loss"],
            weights=weights,
            form=form,
            bias=None if bias is None else str(bias),
            output_bias=free.get("output_bias") is True,
            skip=free.get("skip") is True,
        )
    except InputError as error:
        fail(f"problem.{error.field}", str(error).removeprefix(f"{error.field}: "))
