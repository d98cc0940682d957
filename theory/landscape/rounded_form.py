"""A form as plain nonnegative least squares in floating point, which guesses supports and values.

Let t be the target, a_i the columns and c_i >= 0 their costs. The dual vector of the least of
1/2 ||sum z_i a_i - t||^2 + c . z over z >= 0 is the projection of t to {lam : lam . a_i <= c_i}.
Such a least distance is least squares with one more row: if (r, s) is what the best coefficients
u >= 0 of the columns (a_i, c_i - a_i . t) leave of (0, -1), then lam = t - r / s, and z = -u / s.
Where nothing costs, the problem is least squares as it stands.

That a sum of coefficients has to be one is a further row, of large weight. Where there are no
squares, the target weighs much more than the costs.

Source: C. L. Lawson and R. J. Hanson, Solving Least Squares Problems (1974), chapter 23;
`forms`, proofs_notes/losses.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from theory.landscape.form import Form
from theory.types import Array

if TYPE_CHECKING:
    from jaxtyping import Float64

_FIRM = 1e3  # how much the sums weigh against the fit; more of it drowns what costs say
_TIMES = 1e5  # how much more the target weighs than costs, where the sum has to be it
_LARGEST = 1e150  # whose square is a float
_NOTHING = 1e-12  # the length of a column that is zero but for rounding


class RoundedForm:
    """Of problems with one form, and so many groups besides its own caps."""

    def __init__(self, form: Form, groups: int = 0) -> None:
        self._linear = form.linear
        self._top = max(map(abs, form.y)) or 1
        self._root, largest = _root(form)
        sizes = [(max(map(abs, extra.column)), extra.cost) for extra in form.extras]
        dearest = max((Fraction(cost, size) for size, cost in sizes), default=Fraction())
        self.scale = self._top * dearest if form.linear else Fraction(self._top**2 * largest)
        """What values are parts of: so large is about the loss of no neuron."""
        self._priced = dearest > 0
        self._unit = dearest if form.linear else self._top * largest  # of costs
        self._firm = 1.0 if form.linear else _FIRM
        y = self._weighted(np.array([[v / self._top for v in form.y]]))[0]
        self._caps = groups + form.caps
        self._goal: Array = np.concatenate([y, np.full(self._caps, self._firm)])
        self._length = float(np.linalg.norm(self._goal)) or 1.0
        self.target = self._goal
        """(r,), what the least distance is of."""
        if self._priced:
            self.target = np.append(np.zeros(len(self._goal)), -1.0)

    def _weighted(self, rows: Array) -> Array:
        return rows if self._root is None else rows @ self._root

    def columns(
        self, columns: Sequence[Sequence[int]], costs: Sequence[int], caps: Sequence[int]
    ) -> Float64[Array, "k r"]:
        """Those of the least distance, of unit length. caps: the sum that each counts to, or less
        than 0. costs, caps: nothing where there are none."""
        # Raw columns make the float solver fail silently; rescaling a ray is free. Dividing
        # integers by integers keeps entries beyond the range of floats usable.
        sizes = [max(map(abs, row)) or self._top for row in columns]
        scaled = [[v / size for v in row] for row, size in zip(columns, sizes, strict=True)]
        n = len(self._goal) - self._caps
        A = np.zeros((len(scaled), len(self._goal)))
        A[:, :n] = self._weighted(np.array(scaled, dtype=float).reshape(-1, n))
        for i, cap in enumerate(caps):
            if cap >= 0:
                A[i, n + cap] = self._firm * _ratio(self._top, sizes[i])
        if self._priced:
            weight = self._length * (_TIMES if self._linear else 1.0)
            last = -(A @ self._goal) / self._length
            for i, cost in enumerate(costs):
                last[i] += _ratio(cost, sizes[i] * self._unit) / weight
            A = np.column_stack([A, last])
        lengths = np.linalg.norm(A, axis=1, keepdims=True)
        unit: Float64[Array, "k r"] = A / np.where(lengths > _NOTHING, lengths, 1.0)
        return unit

    def value(self, rest: Float64[Array, " r"]) -> float:
        """The least loss, divided by `scale`, by what is left of the target."""
        if not self._priced:
            return float(rest @ rest) / 2
        goal = self._goal / self._length
        lam = goal - rest[:-1] / rest[-1]
        gain = float(lam @ goal) * self._length**2
        return gain * _TIMES if self._linear else gain - float(lam @ lam) * self._length**2 / 2


def _ratio(a: int, b: Fraction | int) -> float:
    """a / b, cut off where its square is no float."""
    try:
        return min(float(a / b), _LARGEST)
    except OverflowError:
        return _LARGEST


def _root(form: Form) -> tuple[Float64[Array, "n k"] | None, int]:
    """A root of the weights, or of the matrix, in units of the largest, and this; None: of one."""
    if form.matrix is not None:
        largest = max(map(max, form.matrix)) or 1
        values, vectors = np.linalg.eigh([[v / largest for v in row] for row in form.matrix])
        return vectors * np.sqrt(np.maximum(values, 0.0)), largest
    if form.weights is not None:
        largest = max(form.weights)
        return np.diag(np.sqrt([w / largest for w in form.weights])), largest
    return None, 1
