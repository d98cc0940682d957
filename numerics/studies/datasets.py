"""Real data sets, as exact rationals: those that scikit-learn ships."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np
from jaxtyping import Float

from theory.errors import InputError, unknown
from theory.problem import Problem
from theory.types import Array

_DECIMALS = 3  # of standardised data; exact certificates are the shorter for it
_TEST = 5  # every fifth row of a shuffled set is for testing


@dataclass(frozen=True)
class Dataset:
    """A training problem and rows held out: X_test (n', d), y_test (n',).

    classes: whether y is a label, -1 or 1; the test error is then a share of wrong signs, else
    the mean squared error in units of the variance of y_test.
    """

    name: str
    train: Problem
    X_test: Float[Array, "n d"]
    y_test: Float[Array, " n"]
    classes: bool

    def test_error(self, outputs: Float[Array, " n"]) -> float:
        """The error of predictions on the rows held out."""
        if self.classes:
            return float(np.mean(np.where(outputs > 0, 1.0, -1.0) != self.y_test))
        return float(np.mean((outputs - self.y_test) ** 2) / np.var(self.y_test))


def dataset(name: str, *, held_out: bool = True, seed: int = 0) -> Dataset:
    """diabetes (n = 442, d = 10), breast-cancer (569, 30) or digits (zeros and ones, 360, 64).

    Columns, and targets that are no labels, are standardised over all rows and rounded to three
    decimals; constant columns become zero. held_out: keep a fifth of the rows, drawn by `seed`, for
    testing; else all rows are for training, and tested on as well.
    """
    if name not in DATASETS:
        raise InputError("dataset", unknown(name, DATASETS))
    X, y, classes = DATASETS[name]()
    X = _standardised(X)
    y = np.asarray(y, dtype=float) if classes else _standardised(y[:, None])[:, 0]
    order = np.random.default_rng(seed).permutation(len(y))
    test = order[::_TEST]
    train = np.setdiff1d(order, test) if held_out else np.sort(order)
    problem = Problem(
        X=tuple(tuple(_rational(v) for v in row) for row in X[train]),
        y=tuple(_rational(v) for v in y[train]),
        name=name,
    )
    rows = test if held_out else train
    return Dataset(name, problem, X[rows], y[rows], classes)


def _standardised(X: Float[Array, "n d"]) -> Float[Array, "n d"]:
    """Columns of mean 0 and standard deviation 1, rounded; constant ones are zero."""
    deviation = X.std(axis=0)
    scaled: Array = (X - X.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    return np.round(scaled, _DECIMALS)


def _rational(value: float) -> Fraction:
    return Fraction(round(value * 10**_DECIMALS), 10**_DECIMALS)


_Loaded: TypeAlias = "tuple[Array, Array, bool]"


def _diabetes() -> _Loaded:
    from sklearn.datasets import load_diabetes

    X, y = load_diabetes(return_X_y=True)
    return X, y, False


def _breast_cancer() -> _Loaded:
    from sklearn.datasets import load_breast_cancer

    X, y = load_breast_cancer(return_X_y=True)
    return X, 2.0 * y - 1, True


def _digits() -> _Loaded:
    """Zeros against ones: 360 images."""
    from sklearn.datasets import load_digits

    X, y = load_digits(n_class=2, return_X_y=True)
    return X, 2.0 * y - 1, True


DATASETS: dict[str, Callable[[], _Loaded]] = {
    "diabetes": _diabetes,
    "breast-cancer": _breast_cancer,
    "digits": _digits,
}
"""The data sets by name."""
