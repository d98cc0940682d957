"""A two-layer network f(x) = sum_j a_j sigma(w_j . x) + b + c . x with exact rational weights.

Convex coordinates: u_j = |a_j| w_j and s_j = sign(a_j), so that f(x) = sum_j s_j sigma(u_j . x) for
neurons alone. The landscape is piecewise convex in u; `Network.from_convex` lifts back with
a_j = s_j. The output bias b and the linear part c are zero but where a problem has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from operator import mul
from typing import TYPE_CHECKING, Any

from theory.errors import InputError
from theory.problem import (
    Problem,
    Rational,
    exact_float,
    float_matrix,
    float_vector,
    format_rational,
    in_integers,
    rational,
    rational_matrix,
    rational_vector,
)
from theory.tables import Table, Tabled, expression

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FEW = 60  # weights that are written out in a line, if they are short


@dataclass(frozen=True, init=False, repr=False)
class Network(Tabled):
    """Weights W (d, m), one column a neuron, and a (m,), as exact rationals; perhaps b, and c (d,).

    W is the transpose of the weight (m, d) of PyTorch's first layer: see `from_torch`.
    """

    W: tuple[tuple[Fraction, ...], ...]  # (d, m)
    a: tuple[Fraction, ...]  # (m,)
    b: Fraction = Fraction()
    c: tuple[Fraction, ...] | None = None  # (d,); None: there is none

    def __init__(
        self,
        W: Iterable[Iterable[Rational]],
        a: Iterable[Rational],
        b: Rational = 0,
        c: Iterable[Rational] | None = None,
    ) -> None:
        rows = rational_matrix(W, "W")
        outputs = rational_vector(a, "a")
        if not rows or not outputs:
            raise InputError("a" if rows else "W", "is empty; at least one neuron is needed")
        if len(rows[0]) != len(outputs):
            raise InputError("a", f"has {len(outputs)} entries, but W has {len(rows[0])} columns")
        object.__setattr__(self, "W", rows)
        linear = None if c is None else rational_vector(c, "c")
        if linear is not None and len(linear) != len(rows):
            raise InputError("c", f"has {len(linear)} entries, but W has {len(rows)} rows")
        object.__setattr__(self, "a", outputs)
        object.__setattr__(self, "b", rational(b, "b"))
        object.__setattr__(self, "c", linear)

    @property
    def summary(self) -> str:
        """Its size."""
        return f"d = {len(self.W)}, width {self.width}"

    def __repr__(self) -> str:
        """A call that makes an equal one, where that is short; else its size."""
        text = None
        if len(self.W) * self.width <= _FEW:
            free = {name: value for name in ("b", "c") if (value := getattr(self, name))}
            text = expression("Network", {"W": self.W, "a": self.a, **free})
        return super().__repr__() if text is None else text

    def _table(self) -> Table:
        """A row for each neuron."""
        names = ("neuron", *(f"w{k + 1}" for k in range(len(self.W))), "a")
        pairs = zip(self.neurons(), self.a, strict=True)
        return Table(names, [(j, *w, a) for j, (w, a) in enumerate(pairs)])

    def plot(self, axes: Axes | None = None) -> Axes:
        """Its neurons u_j = |a_j| w_j.

        Drawn on these axes, or on new ones of pyplot; they are handed back.
        """
        from theory.pictures.data import draw_neurons
        from theory.pictures.style import on

        return on(axes, draw_neurons, self)

    @classmethod
    def zero(cls, d: int, m: int) -> Network:
        """All weights 0."""
        return cls(((Fraction(),) * m,) * d, (Fraction(),) * m)

    @property
    def width(self) -> int:
        """Number of hidden neurons."""
        return len(self.a)

    def neurons(self) -> list[tuple[Fraction, ...]]:
        """The columns w_j of W, each (d,)."""
        return list(zip(*self.W, strict=True))

    def convex_coordinates(self) -> list[tuple[int, tuple[Fraction, ...]]]:
        """(s_j, u_j) for each neuron; s_j = 0 and u_j = 0 where a_j = 0."""
        return [
            ((a > 0) - (a < 0), tuple(abs(a) * v for v in w))
            for w, a in zip(self.neurons(), self.a, strict=True)
        ]

    def unused(self) -> dict[int, tuple[Fraction, ...]]:
        """The w_j != 0 of neurons with a_j = 0, by neuron: they count in norms only."""
        pairs = zip(self.neurons(), self.a, strict=True)
        return {j: w for j, (w, a) in enumerate(pairs) if not a and any(w)}

    @classmethod
    def from_convex(cls, neurons: Sequence[tuple[int, Sequence[Fraction]]]) -> Network:
        """The network with w_j = u_j and a_j = s_j, from (s_j, u_j) with s_j in {-1, 1}."""
        columns = [tuple(u) for _, u in neurons]
        return cls(
            W=tuple(zip(*columns, strict=True)),
            a=tuple(Fraction(s) for s, _ in neurons),
        )

    @classmethod
    def from_floats(
        cls,
        W: Iterable[Iterable[float]],
        a: Iterable[float],
        b: float = 0.0,
        c: Iterable[float] | None = None,
    ) -> Network:
        """The network of float arrays W (d, m), a (m,), b and c (d,), each float being its binary
        value."""
        return cls(
            W=float_matrix(W, "W"),
            a=float_vector(a, "a"),
            b=exact_float(b, "b"),
            c=None if c is None else float_vector(c, "c"),
        )

    @classmethod
    def from_torch(cls, hidden: Any, output: Any, skip: Any = None) -> Network:
        """The network of `torch.nn.Linear`, hidden (m, d), output (1, m) and skip (1, d), exactly.

        The hidden layer's bias, if it has one, becomes the last row of W: the weights of the
        constant feature of `Problem.with_bias`. Raises InputError for more outputs than one, and
        for a skip connection with a bias of its own.
        """
        outputs = output.weight.tolist()
        if len(outputs) != 1:
            raise InputError("output", f"has {len(outputs)} outputs, but must have one")
        if skip is not None and skip.bias is not None and any(skip.bias.tolist()):
            raise InputError("skip", "has a bias; make the layer with bias=False")
        rows = [list(row) for row in zip(*hidden.weight.tolist(), strict=True)]
        if hidden.bias is not None:
            rows.append(hidden.bias.tolist())
        b = 0.0 if output.bias is None else output.bias.tolist()[0]
        c = None if skip is None else skip.weight.tolist()[0]
        if c is not None and hidden.bias is not None:
            c = [*c, 0.0]  # of the constant feature
        return cls.from_floats(rows, outputs[0], b, c)

    def permuted(self, order: Sequence[int]) -> Network:
        """The same function with neuron order[j] in place j."""
        return replace(
            self,
            W=tuple(tuple(row[j] for j in order) for row in self.W),
            a=tuple(self.a[j] for j in order),
        )

    def with_free(self, problem: Problem, coefficients: Sequence[Fraction]) -> Network:
        """The same neurons with these coefficients of the problem's free columns."""
        b = coefficients[0] if problem.output_bias else Fraction()
        c = tuple(coefficients[problem.output_bias :]) if problem.skip else None
        return replace(self, b=b, c=c)

    def require(self, problem: Problem) -> None:
        """Raise InputError for data of another number of features."""
        if len(self.W) != problem.d:
            raise InputError("W", f"has {len(self.W)} rows, but the data have {problem.d} features")
        if self.b and not problem.output_bias:
            raise InputError("b", f"{self.b} must be 0: the problem has no output bias")
        if any(self.c or ()) and not problem.skip:
            raise InputError("c", "must be zero: the problem has no skip connection")

    def fit(self, problem: Problem) -> tuple[Fraction, ...]:
        """f_theta on the data, (n,)."""
        self.require(problem)
        # In integers, as sums of Fractions take ten times as long.
        sigma, steps = problem.activation.whole
        neurons = [in_integers(w) for w in self.neurons()]
        a, scale = in_integers(
            [a / (steps * unit) for a, (_, unit) in zip(self.a, neurons, strict=True)]
        )
        fit = []
        for x, unit in map(in_integers, problem.X):
            images = [sigma.value(sum(map(mul, w, x))) for w, _ in neurons]
            fit.append(Fraction(sum(map(mul, images, a)), unit * scale))
        if self.b or self.c:
            rows = problem.X
            linear = (sum(map(mul, self.c or (), x), self.b) for x in rows)
            fit = [f + v for f, v in zip(fit, linear, strict=True)]
        return tuple(fit)

    def loss(self, problem: Problem) -> Fraction:
        """Of its fit; exactly, but a rational just above it where it is logistic."""
        return problem.loss_of(self.fit(problem))

    def to_json(self) -> dict[str, Any]:
        """{"W", "a"} with rationals as text, and "b", "c" where they are not zero."""
        document: dict[str, Any] = {
            "W": [[format_rational(v) for v in row] for row in self.W],
            "a": [format_rational(v) for v in self.a],
        }
        if self.b:
            document["b"] = format_rational(self.b)
        if any(self.c or ()):
            document["c"] = [format_rational(v) for v in self.c or ()]
        return document

    @classmethod
    def from_json(cls, document: object) -> Network:
        """The network a JSON object {"W", "a"} states, perhaps with "b" and "c"."""
        if not isinstance(document, Mapping):
            raise InputError("network", 'must be a JSON object {"W": [...], "a": [...]}')
        for key in ("W", "a"):
            if key not in document:
                raise InputError(key, "is missing")
        for key in document:
            if key not in ("W", "a", "b", "c"):
                raise InputError(str(key), "is not a field of a network; they are W, a, b and c")
        return cls(document["W"], document["a"], document.get("b", 0), document.get("c"))
