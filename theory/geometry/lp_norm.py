"""Along the last axis of an array: l_p norms, aligned vectors, projections."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from theory.errors import InputError
from theory.types import Array

if TYPE_CHECKING:
    from jaxtyping import Float


not_finite_is_no_error = np.errstate(invalid="ignore", over="ignore")


@not_finite_is_no_error
def lp_norm(x: Float[Array, "*batch k"], p: float) -> Float[Array, "*batch"]:
    """(sum |x_i|^p)^(1/p), for p < 1 too."""
    size = np.abs(x)
    if math.isinf(p):
        largest: Array = size.max(axis=-1)
        return largest
    top = scale(size)
    norm: Array = top[..., 0] * ((size / top) ** p).sum(axis=-1) ** (1 / p)
    return norm


@not_finite_is_no_error
def aligned(g: Float[Array, "*batch k"], p: float) -> Float[Array, "*batch k"]:
    """An x with <g, x> = ||g||_* and ||x||_p = 1; 0 where g is 0."""
    sign: Array = np.sign(g)
    if math.isinf(p):
        return sign
    if p == 1:
        first = np.argmax(np.abs(g), axis=-1, keepdims=True)
        return np.where(np.arange(g.shape[-1]) == first, sign, 0.0)
    size = np.abs(g) / scale(g)
    dual = conjugate(p)
    length = (size**dual).sum(axis=-1, keepdims=True) ** (1 / p)
    return sign * quotient(size ** (dual - 1), length)


def project_lp(x: Float[Array, "*batch k"], p: float, radius: float) -> Float[Array, "*layer"]:
    """The nearest point of {||x||_p <= radius}, for p in {1, 2, inf}."""
    if math.isinf(p):
        return np.clip(x, -radius, radius)
    if p == 2:
        shrunk: Array = x * (radius / np.maximum(lp_norm(x, 2), radius))[..., None]
        return shrunk
    if p == 1:
        return _project_l1(x, radius)
    raise InputError("norm", f"no closed-form projection for the exponent {p}; 1, 2 and inf have")


def _project_l1(x: Float[Array, "*batch k"], radius: float) -> Float[Array, "*batch k"]:
    """Soft thresholding, at the threshold that sorting finds (Held, Wolfe, Crowder 1974)."""
    size = np.abs(x)
    descending = -np.sort(-size, axis=-1)
    thresholds = (descending.cumsum(axis=-1) - radius) / np.arange(1, x.shape[-1] + 1)
    last = np.maximum((descending > thresholds).sum(axis=-1, keepdims=True) - 1, 0)
    threshold = np.maximum(np.take_along_axis(thresholds, last, axis=-1), 0.0)
    soft: Array = np.sign(x) * np.maximum(size - threshold, 0.0)
    return soft


def conjugate(p: float) -> float:
    """The exponent of the dual norm, 1/p + 1/p' = 1."""
    if p == 1:
        return math.inf
    return 1.0 if math.isinf(p) else p / (p - 1)


def columns(x: Float[Array, "*batch d m"]) -> Float[Array, "*batch m d"]:
    """The columns along the last axis."""
    return np.swapaxes(x, -1, -2)


def scale(x: Float[Array, "*batch k"]) -> Float[Array, "*batch 1"]:
    """The largest |x_i|, to divide by without overflow; 1 where it is 0."""
    largest = np.abs(x).max(axis=-1, keepdims=True)
    return np.where(largest == 0, 1.0, largest)


@not_finite_is_no_error
def quotient(x: Float[Array, "*layer"], y: Float[Array, "*layer"]) -> Float[Array, "*layer"]:
    """x / y, and 0 where y is 0."""
    quotient: Array = np.where(y == 0, 0.0, x / np.where(y == 0, 1.0, y))
    return quotient


def positive(value: float | Fraction, name: str) -> float:
    """The value as a float; raises InputError unless it is positive and finite."""
    if not (value > 0 and math.isfinite(value)):
        raise InputError(name, f"is {value}, but must be positive and finite")
    return float(value)
