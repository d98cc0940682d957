"""A training problem: data X (n, d) and targets y (n,) as exact rationals.

Everything downstream is exact, so a float is never taken silently: decimal text such as "0.1"
means 1/10, and a float array enters only through `Problem.from_floats`, which says which rational
it means.

Standard library only: the certificate checker imports this module, and of the project nothing else
but what this imports. Files other than JSON, and the shipped problems, are read by
`theory.loading`.
"""

from __future__ import annotations

import json
import math
import operator
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    SupportsFloat,
    SupportsIndex,
    TypeAlias,
    TypedDict,
    Unpack,
)

from theory.activation import RELU, Activation
from theory.errors import InputError
from theory.losses import SQUARED, Loss
from theory.semidefinite import Semidefinite

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

    from theory.tables import Table

Rational: TypeAlias = SupportsIndex | Fraction | Decimal | str
"""What is accepted as an exact number: an integer, Python's or numpy's, a Fraction, a Decimal,
decimal text or "p/q"."""

Floats: TypeAlias = Literal["exact", "decimal"] | int
"""Which rational a float stands for: `exact`, its binary value; `decimal`, the shortest decimal
that rounds to it, which is what it is printed as, so that 0.1 is 1/10; a number, the nearest
rational with a denominator of at most that."""

_NUMBER = re.compile(r"\s*[-+]?(\d+/\d+|(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?)\s*", re.ASCII)
_MOST_BYTES = 1 << 26  # of a file
_MOST_NUMBERS = 1 << 19  # in a file
_MOST_BITS = 1 << 29  # of all numbers of X, or y, over a common denominator
_FEWER = "take fewer rows"
_FEW = 60  # numbers of X that are written out in a line, if they are short
_OPTIONS = ("width", "bias", "output_bias", "skip")
_KEYS = (
    *("X", "y", "width", "activation", "loss", "weights", "form", "bias", "output_bias", "skip"),
    "description",
)
DEFAULT = "default"
BIASES = (DEFAULT, "decayed", "adamw", "free")
"""How an optimizer treats hidden biases: see `theory.within.settled`."""


def is_number(text: str) -> bool:
    """Whether text is what `rational` reads as a number."""
    return _NUMBER.fullmatch(text) is not None


def rational(value: object, field: str) -> Fraction:
    """The exact rational that `value` states; `field` names it in errors.

    Raises InputError for floats (with the remedy), for NaN and infinities, and for other text.
    """
    if isinstance(value, Fraction):
        return value
    if isinstance(value, str):
        # The pattern bounds the exponent: Fraction("1e999999999") would fill the memory.
        if not is_number(value):
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
    if isinstance(value, SupportsIndex):  # arrays and tensors are, whatever they hold
        with suppress(TypeError):
            return Fraction(operator.index(value))
    if isinstance(value, Iterable):
        raise InputError(field, f"must be one number, not a {type(value).__name__} of them")
    raise InputError(field, f"{value!r} is not a number")


def exact_float(value: object, field: str, floats: Floats = "exact") -> Fraction:
    """The rational that a finite float stands for: see `Floats`."""
    if isinstance(value, Iterable) and not isinstance(value, str):
        raise InputError(field, "must be one number; flatten it, as ravel() does")
    try:
        if floats == "decimal":
            return Fraction(str(value))
        exact = Fraction(float(value))  # type: ignore[arg-type]
    except (ValueError, OverflowError, TypeError):
        raise InputError(field, f"{value!r} is not a finite number") from None
    return exact if isinstance(floats, str) else exact.limit_denominator(floats)


def _floats_meaning(floats: object) -> Floats:
    """What was said of floats, checked."""
    if floats == "exact" or floats == "decimal":
        return floats
    if isinstance(floats, str):
        raise InputError("floats", f"{floats!r} is none; write 'exact', 'decimal' or 1000")
    return positive_integer(floats, "floats")


def positive_rational(value: object, field: str) -> Fraction:
    """An exact rational above 0: a radius, a penalty."""
    number = rational(value, field)
    if number <= 0:
        raise InputError(field, f"{format_rational(number)} must be positive")
    return number


def integer(text: str, field: str) -> int:
    """The integer that text states: 2, and 2.0 too."""
    if not is_number(text) or (number := rational(text, field)).denominator != 1:
        raise InputError(field, f"{text!r} is not an integer")
    return int(number)


def format_rational(value: Fraction | int) -> str:
    """ "p" or "p/q" in lowest terms.

    Raises OverflowError for more digits than Python writes, some thousands.
    """
    try:
        return str(Fraction(value))
    except ValueError as error:
        raise OverflowError(str(error)) from None


def _listed(value: object, field: str) -> list[Any]:
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise InputError(field, f"must be a list, not {type(value).__name__}")
    return list(value)


def _sequence(value: object, field: str) -> list[Any]:
    """`value` as a list; text and mappings are not sequences of numbers.

    Arrays and tensors become lists of Python's numbers, data frames lists of rows.
    """
    for method in ("to_numpy", "tolist"):
        if hasattr(value, method) and not isinstance(value, type):
            value = getattr(value, method)()
    return _listed(value, field)


def _floats(value: object, field: str) -> list[Any]:
    """`value` as a list of numbers in their own precision, where arrays and tensors have one."""
    if hasattr(value, "detach"):
        tensor: Any = value.detach()
        try:
            value = tensor.cpu().numpy()
        except TypeError:  # numpy has no such numbers
            raise InputError(field, "has numbers of an unusual type; call float() of it") from None
    elif hasattr(value, "to_numpy"):
        value = value.to_numpy()
    return _listed(value, field)


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


def float_vector(value: object, field: str, floats: Floats = "exact") -> tuple[Fraction, ...]:
    """A list of floats as `exact_float` reads them."""
    return tuple(
        exact_float(v, f"{field}[{k}]", floats) for k, v in enumerate(_floats(value, field))
    )


def float_matrix(
    value: object, field: str, floats: Floats = "exact"
) -> tuple[tuple[Fraction, ...], ...]:
    """A list of rows of floats as `exact_float` reads them."""
    return tuple(
        float_vector(row, f"{field}[{k}]", floats) for k, row in enumerate(_floats(value, field))
    )


def positive_integer(value: object, field: str) -> int:
    """A positive integer; bools and text are refused."""
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        raise InputError(field, f"{value!r} is not an integer")
    number = operator.index(value)
    if number < 1:
        raise InputError(field, f"{number} must be at least 1")
    return number


def in_integers(vector: Sequence[Fraction]) -> tuple[list[int], int]:
    """(q v, q) with the least integer q > 0 for which q v has integer entries."""
    q = math.lcm(*(value.denominator for value in vector))
    return [value.numerator * (q // value.denominator) for value in vector], q


def _common_denominator(values: Sequence[Fraction], field: str) -> int:
    """The least common multiple of denominators; refused where the numbers would get too long."""
    common = 1
    for denominator in {v.denominator for v in values}:
        common = math.lcm(common, denominator)
        if common.bit_length() * len(values) > _MOST_BITS:
            digits = _MOST_BITS // len(values) * 3 // 10
            raise InputError(
                field, f"its common denominator has more than {digits:,} digits; write fewer digits"
            )
    return common


def _weights(value: object, n: int) -> tuple[Fraction, ...]:
    weights = rational_vector(value, "weights")
    if len(weights) != n:
        raise InputError("weights", f"has {len(weights)} entries, but X has {n} rows")
    for k, weight in enumerate(weights):
        if weight <= 0:
            raise InputError(f"weights[{k}]", f"{weight} must be positive; leave the row out for 0")
    return weights


def _form(value: object, n: int) -> Semidefinite:
    rows = rational_matrix(value, "form")
    if len(rows) != n or len(rows[0]) != n:
        columns = f" and {len(rows[0])} columns" if rows else ""
        raise InputError("form", f"has {len(rows)} rows{columns}, but must have {n} of both")
    return Semidefinite.of(rows)


def _with_ones(X: Iterable[Sequence[Fraction]]) -> tuple[tuple[Fraction, ...], ...]:
    return tuple((*row, Fraction(1)) for row in X)


def _check_bias(bias: object, rows: Sequence[Sequence[Fraction]]) -> None:
    if bias not in BIASES:
        raise InputError("bias", f"{bias!r} is none; write {', '.join(BIASES)}")
    if len(rows[0]) < 2:
        raise InputError("X", "has no columns; at least one feature is needed")
    constant = {row[-1] for row in rows}
    if len(constant) > 1 or min(constant) <= 0:
        raise InputError("bias", "needs a constant positive last column of X; see with_bias")


def is_missing(cell: object) -> bool:
    """None, NaN, NaT, and pandas' NA, which is neither true nor false."""
    if cell is None or type(cell).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(cell, SupportsFloat) and not isinstance(cell, str) and cell != cell


def _cell(cell: object, field: str, floats: Floats | None) -> Fraction:
    """A number in a column."""
    if getattr(getattr(cell, "dtype", None), "kind", "f") != "f":
        cell = cell.item()  # type: ignore[attr-defined]  # an array's, of no float
    exact = SupportsIndex | Fraction | Decimal | str
    if isinstance(cell, exact) or not isinstance(cell, SupportsFloat):
        return rational(cell, field)
    if floats is None:
        remedy = "pass floats='decimal' for 0.1 as 1/10, or 'exact' for binary values"
        raise InputError(field, f"{cell} is a float; {remedy}")
    return exact_float(cell, field, floats)


class ProblemOptions(TypedDict, total=False):
    """What `Problem` takes beside X and y."""

    width: int | None
    name: str
    description: str
    activation: Activation | str
    loss: Loss | str
    weights: Iterable[Rational] | None
    form: Iterable[Iterable[Rational]] | None
    bias: str | None
    output_bias: bool
    skip: bool


@dataclass(frozen=True, init=False, repr=False)
class Problem:
    """Data and targets of a regression problem with scalar output, and how it is to be solved.

    X: (n, d) rows x_k, y: (n,), both of Fractions; any `Rational` is converted on the way in.
    width: the number of hidden neurons the problem is meant for, if it says. activation: of the
    networks to be trained, by name too; see `Activation.named`.
    loss: of the fit, by name too; see `Loss.named`. weights: (n,) positive rationals by which its
    summands are multiplied; they become a part of the loss. form: (n, n) symmetric and positive
    semidefinite rationals Q, for the squared loss 1/2 (f - y)^T Q (f - y); a part of it as well.
    bias: how hidden biases, the weights of the last feature, are treated: see `with_bias`. None:
    the last feature is one as others are.
    output_bias, skip: whether networks also have a number b, and a linear part c . x, which no ball
    and no penalty counts.
    name, description: for people; they do not take part in equality.
    """

    X: tuple[tuple[Fraction, ...], ...]  # (n, d)
    y: tuple[Fraction, ...]  # (n,)
    width: int | None = None
    activation: Activation = RELU
    loss: Loss = SQUARED
    bias: str | None = None
    output_bias: bool = False
    skip: bool = False
    name: str = field(default="", compare=False)
    description: str = field(default="", compare=False)

    def __init__(
        self,
        X: Iterable[Iterable[Rational]],
        y: Iterable[Rational],
        width: int | None = None,
        name: str = "",
        description: str = "",
        activation: Activation | str = RELU,
        loss: Loss | str = SQUARED,
        weights: Iterable[Rational] | None = None,
        form: Iterable[Iterable[Rational]] | None = None,
        bias: str | None = None,
        output_bias: bool = False,
        skip: bool = False,
    ) -> None:
        rows = rational_matrix(X, "X")
        targets = rational_vector(y, "y")
        if not rows:
            raise InputError("X", "is empty; at least one data point is needed")
        if not rows[0]:
            raise InputError("X", "has no columns; at least one feature is needed")
        if len(targets) != len(rows):
            raise InputError("y", f"has {len(targets)} entries, but X has {len(rows)} rows")
        object.__setattr__(self, "X", rows)
        object.__setattr__(self, "y", targets)
        object.__setattr__(
            self, "width", None if width is None else positive_integer(width, "width")
        )
        if not isinstance(activation, Activation):
            activation = Activation.named(activation)
        object.__setattr__(self, "activation", activation)
        if not isinstance(loss, Loss):
            loss = Loss.named(loss)
        if weights is not None:
            loss = loss.weighted(_weights(weights, len(rows)))
        if form is not None:
            loss = loss.formed(_form(form, len(rows)))
        loss.check(targets)
        object.__setattr__(self, "loss", loss)
        if bias is not None:
            _check_bias(bias, rows)
        object.__setattr__(self, "bias", bias)
        for name_, value in (("output_bias", output_bias), ("skip", skip)):
            if not isinstance(value, bool):
                raise InputError(name_, f"must be true or false, not {value!r}")
            object.__setattr__(self, name_, value)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "description", description)

    def __repr__(self) -> str:
        """A call that makes an equal one, where that is short; else what it is, in one line."""
        from theory.tables import expression

        if self.n * self.d <= _FEW and self.loss.weights is None and self.loss.form is None:
            texts = {"activation": (self.activation, RELU), "loss": (self.loss, SQUARED)}
            stated = {name: str(value) for name, (value, usual) in texts.items() if value != usual}
            stated |= {name: value for name in _OPTIONS if (value := getattr(self, name))}
            text = expression("Problem", {"X": self.X, "y": self.y, **stated})
            if text is not None:
                return text
        return f"<{self._title}>"

    @property
    def _title(self) -> str:
        return f"Problem{self.name and f' {self.name}'}: {self.summary}"

    def _table(self) -> Table:
        from theory.tables import Table

        names = [f"x{k + 1}" for k in range(self.d)]
        if self.bias is not None:
            names[-1] = "1"
        return Table((*names, "y"), [(*x, y) for x, y in zip(self.X, self.y, strict=True)])

    def _repr_html_(self) -> str:
        return self._table().html(self._title)

    def to_dataframe(self) -> DataFrame:
        """A row for each data point: columns x1, x2, ..., the constant feature as 1, and y, exact.

        Raises InputError where pandas is not installed.
        """
        return self._table().dataframe()

    def plot(self, axes: Axes | None = None) -> Axes:
        """The data.

        Drawn on these axes, or on new ones of pyplot; they are handed back.
        """
        from theory.pictures.data import draw_data
        from theory.pictures.style import on

        return on(axes, draw_data, self)

    @property
    def n(self) -> int:
        """Number of data points."""
        return len(self.X)

    @property
    def d(self) -> int:
        """Number of features."""
        return len(self.X[0])

    @property
    def summary(self) -> str:
        """The size of the data, and what is not as usual: the activation, the loss, what networks
        have beside neurons."""
        loss = self.loss
        parts = [
            *([] if self.activation == RELU else [str(self.activation)]),
            *([] if loss.name == SQUARED.name else [f"{loss} loss"]),
            *([] if loss.weights is None else ["weights"]),
            *([] if loss.form is None else ["a form"]),
            *(["output bias"] if self.output_bias else []),
            *(["skip connection"] if self.skip else []),
        ]
        return ", ".join([f"n = {self.n}, d = {self.d}", *parts])

    @property
    def stated_width(self) -> int:
        """`width`; raises InputError where the problem states none."""
        if self.width is None:
            raise InputError("width", "the problem does not state one; pass a width")
        return self.width

    @property
    def zero(self) -> Fraction:
        """The loss of zero weights, or a rational just above it."""
        return self.loss.zero(self.y)

    @property
    def squared_length(self) -> Fraction:
        """||y||^2, twice the squared loss of zero weights."""
        return sum((v * v for v in self.y), Fraction())

    def loss_of(self, fit: Sequence[Fraction]) -> Fraction:
        """The loss of a fit (n,), or a rational just above it where it is logistic."""
        return self.loss.value(fit, self.y)

    @property
    def has_free_part(self) -> bool:
        """Whether networks have an output bias or a linear part."""
        return self.output_bias or self.skip

    @property
    def free_columns(self) -> tuple[tuple[Fraction, ...], ...]:
        """What one unit of the output bias, and of each weight of the linear part, adds to the fit:
        (n,) each; none where networks have neither."""
        bias = ((Fraction(1),) * self.n,) * self.output_bias
        return bias + tuple(zip(*self.X, strict=True)) * self.skip

    @property
    def unseen(self) -> tuple[tuple[Fraction | int, ...], ...]:
        """Vectors (n,), to which dual vectors have to be orthogonal: the free columns, and what the
        form of a squared loss does not see."""
        form = self.loss.form
        return self.free_columns if form is None else (*self.free_columns, *form.kernel)

    @property
    def is_plain(self) -> bool:
        """Whether the loss is 1/2 ||f - y||^2 of hidden neurons alone."""
        return self.loss == SQUARED and not self.has_free_part

    def require_plain(self, what: str, *, loss: bool = True) -> None:
        """Raise InputError, with `what` in its text, for networks with an output bias or a linear
        part, and (loss) for other losses and weights."""
        if loss and self.loss != SQUARED:
            more = "" if self.loss.weights is None else ", with weights"
            more += "" if self.loss.form is None else ", with a form"
            raise InputError("loss", f"{what} for the squared loss, not for {self.loss}{more}")
        for name in ("output_bias", "skip"):
            if getattr(self, name):
                raise InputError(name, f"{what} for networks of hidden neurons only")

    def require_decayed(self, what: str) -> None:
        """Raise InputError, with `what` in its text, for hidden biases apart from the ball of W."""
        if self.bias not in (None, "decayed"):
            raise InputError("bias", f"{what} for decayed biases, not for {self.bias} ones yet")

    def integer_form(self) -> tuple[list[list[int]], int, list[int], int]:
        """(X', p, y', q): integer X' = p X and y' = q y, with the least such integers p, q > 0."""
        p = _common_denominator([v for row in self.X for v in row], "X")
        q = _common_denominator(self.y, "y")
        return [[int(v * p) for v in row] for row in self.X], p, [int(v * q) for v in self.y], q

    def with_bias(self, treatment: str = DEFAULT) -> Problem:
        """The same problem with the constant feature 1 appended, so that neurons have biases.

        treatment: of the biases in balls. decayed: as entries of W. adamw: no b_j is larger than
            R_W, as AdamW leaves them. free: they are not decayed. default: as is usual for the
            optimizer, which is adamw for Muon, and decayed for the others.
        """
        if self.bias is not None:
            raise InputError("bias", f"the problem has biases already, {self.bias} ones")
        return replace(self, X=_with_ones(self.X), bias=treatment)

    @classmethod
    def from_floats(
        cls,
        X: Iterable[Iterable[float]],
        y: Iterable[float],
        *,
        floats: Floats = "exact",
        **options: Unpack[ProblemOptions],
    ) -> Problem:
        """A problem from floats X (n, d) and y (n,): lists, arrays of numpy, or tensors of torch.

        floats: which rationals they stand for. `exact`, their binary values; `decimal`, what they
            are printed as, so that 0.1 is 1/10; a number, the nearest rationals with denominators
            of at most that (see `Fraction.limit_denominator`).
        options: those of `Problem`.

        >>> Problem.from_floats([[0.1], [-0.5]], [1.0, 2.5], floats="decimal")
        Problem(X=[['1/10'], ['-1/2']], y=[1, '5/2'])
        """
        meaning = _floats_meaning(floats)
        return cls(X=float_matrix(X, "X", meaning), y=float_vector(y, "y", meaning), **options)

    @classmethod
    def from_dataframe(
        cls,
        frame: Any,
        target: object,
        *,
        floats: Floats | None = None,
        **options: Unpack[ProblemOptions],
    ) -> Problem:
        """A problem from a data frame: one column is y, the others are X, in their order.

        Whole numbers, fractions and decimal texts are exact. Floats are refused unless `floats`
        says which rationals they stand for: see `from_floats`. Of a file with decimals, as most
        are, it is `decimal`.
        Raises InputError for other cells, and for missing ones, by the names of their columns.

        >>> from pandas import DataFrame
        >>> frame = DataFrame({"size": [1, 2], "price": [0.1, 0.4]})
        >>> Problem.from_dataframe(frame, "price", floats="decimal", width=2)
        Problem(X=[[1], [2]], y=['1/10', '2/5'], width=2)
        """
        meaning = None if floats is None else _floats_meaning(floats)
        names = list(frame.columns)
        if target not in names:
            known = ", ".join(map(str, names))
            raise InputError("target", f"{target!r} is not a column; they are {known}")
        twice = sorted({str(name) for name in names if names.count(name) > 1})
        if twice:
            raise InputError("frame", f"has several columns {', '.join(twice)}; give them names")
        columns = {name: _floats(frame[name], f"column {name!r}") for name in names}
        missing = [str(name) for name, cells in columns.items() if any(map(is_missing, cells))]
        if missing:
            raise InputError(
                "frame",
                f"has missing values in {', '.join(missing)}; fill or drop them, as dropna() does",
            )
        exact = {
            name: [_cell(v, f"column {name!r}[{k}]", meaning) for k, v in enumerate(cells)]
            for name, cells in columns.items()
        }
        y = exact.pop(target)
        if not exact:
            raise InputError(
                "frame", "has no column but the target; at least one feature is needed"
            )
        return cls(zip(*exact.values(), strict=True), y, **options)

    def to_json(self) -> dict[str, Any]:
        """{"X", "y"} with rationals as text, and what is not as usual: see `from_json`."""
        rows = self.X if self.bias is None else [row[:-1] for row in self.X]
        assert self.bias is None or self.X[0][-1] == 1  # scaled data are not written
        document: dict[str, Any] = {
            "X": [[format_rational(v) for v in row] for row in rows],
            "y": [format_rational(v) for v in self.y],
        }
        if self.bias is not None:
            document["bias"] = self.bias
        if self.activation != RELU:
            document["activation"] = str(self.activation)
        if self.loss.weights is not None:
            document["weights"] = [format_rational(w) for w in self.loss.weights]
        if self.loss.form is not None:
            rows = self.loss.form.rows
            document["form"] = [[format_rational(v) for v in row] for row in rows]
        if self.loss.name != SQUARED.name:
            document["loss"] = str(self.loss)
        document |= {name: True for name in ("output_bias", "skip") if getattr(self, name)}
        if self.width is not None:
            document["width"] = self.width
        return document

    @classmethod
    def from_json(cls, document: object, name: str = "") -> Problem:
        """The problem that JSON states: X, y, and perhaps width, activation, loss, weights, form,
        bias, output_bias, skip, description. With a bias X is without the constant feature."""
        if not isinstance(document, Mapping):
            raise InputError(name or "problem", 'must be a JSON object {"X": [...], "y": [...]}')
        for key in ("X", "y"):
            if key not in document:
                raise InputError(key, "is missing")
        for key in document:
            if key not in _KEYS:
                raise InputError(str(key), f"is not a known field; known are {', '.join(_KEYS)}")
        width = document.get("width")
        bias = document.get("bias")
        rows = rational_matrix(document["X"], "X")
        return cls(
            X=rows if bias is None else _with_ones(rows),
            y=document["y"],
            width=integer(width, "width") if isinstance(width, str) else width,
            name=name,
            description=str(document.get("description", "")),
            activation=str(document.get("activation", RELU)),
            loss=str(document.get("loss", SQUARED)),
            weights=document.get("weights"),
            form=document.get("form"),
            bias=bias,
            output_bias=document.get("output_bias", False),
            skip=document.get("skip", False),
        )


def read_json(path: str | Path) -> Any:
    """A JSON file of a problem or network; see `read_data` and `parse_json`."""
    return parse_json(read_data(path), str(path))


def read_data(path: str | Path) -> bytes:
    """The content of a file that holds no more than 64 MiB and half a million numbers.

    That takes some 300 MB to work with; whatever is exact is for far smaller data.
    """

    def grown(size: int) -> None:
        if size > _MOST_BYTES:
            raise InputError(str(path), f"has more than {_MOST_BYTES >> 20} MiB; {_FEWER}")

    data = read_bytes(path, grown)
    require_few(sum(map(data.count, (b",", b";", b"\t"))), str(path))
    return data


def require_few(numbers: int, field: str) -> None:
    """Raise InputError for more numbers than are read."""
    if numbers > _MOST_NUMBERS:
        raise InputError(field, f"holds more than {_MOST_NUMBERS:,} numbers; {_FEWER}")


def read_bytes(path: str | Path, grown: Callable[[int], None]) -> bytes:
    """The content of a file; `grown` may raise as it is told how many bytes there are so far."""
    pieces = []
    size = 0
    try:
        with Path(path).open("rb") as file:
            grown(os.fstat(file.fileno()).st_size)  # 0 for pipes
            while piece := file.read(1 << 20):
                size += len(piece)
                grown(size)
                pieces.append(piece)
    except OSError as error:
        raise InputError(str(path), f"cannot be read: {error.strerror}") from None
    return b"".join(pieces)


def parse_json(text: str | bytes, source: str) -> Any:
    """JSON with decimals read as text: 0.1 means 1/10; NaN and Infinity are refused.

    source: names the text in errors.
    """

    def refuse(constant: str) -> None:
        raise InputError(source, f"{constant} is not a finite number")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        document: dict[str, Any] = {}
        for key, value in pairs:
            if key in document:
                raise InputError(source, f"the key {key!r} stands twice in one object")
            document[key] = value
        return document

    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InputError(source, f"cannot be read: {error}") from None
    try:
        return json.loads(text, parse_float=str, parse_constant=refuse, object_pairs_hook=once)
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        raise InputError(source, f"is not JSON: {error}") from None
