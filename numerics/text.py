"""Exact numbers and data for people."""

from __future__ import annotations

from decimal import MAX_EMAX, MIN_EMIN, Decimal, localcontext
from fractions import Fraction
from typing import TYPE_CHECKING

from theory.activation import RELU
from theory.losses import SQUARED
from theory.problem import Problem, format_rational

if TYPE_CHECKING:
    from theory.within import Within

# Longer fractions are shown as decimals; certificates and JSON always have the fraction.
_LONGEST = 24

# Relative; the ends of wider intervals are both shown.
_NARROW = Fraction(1, 10**6)


def show(value: Fraction | None) -> str:
    """A rational as a fraction while that is short, else as a decimal; ? where it is not known."""
    if value is None:
        return "?"
    short = max(value.numerator.bit_length(), value.denominator.bit_length()) < 4 * _LONGEST
    exact = format_rational(value) if short else ""
    return exact if exact and len(exact) <= _LONGEST else f"≈ {decimal(value, 6)}"


def show_data(problem: Problem) -> str:
    """The size of the data, and what is not as usual: the activation, the loss, what networks have
    beside neurons."""
    loss = problem.loss
    parts = [
        *([] if problem.activation == RELU else [str(problem.activation)]),
        *([] if loss.name == SQUARED.name else [f"{loss} loss"]),
        *([] if loss.weights is None else ["weights"]),
        *([] if loss.form is None else ["a form"]),
        *(["output bias"] if problem.output_bias else []),
        *(["skip connection"] if problem.skip else []),
    ]
    return ", ".join([f"n = {problem.n}, d = {problem.d}", *parts])


def show_within(within: Within) -> str:
    """An optimizer with the radius of its ball, or its penalty."""
    if within.rho is None:
        return f"{within.optimizer}, beta = {show(within.beta)}"
    return f"{within.optimizer}, rho = {show(within.rho)}"


def decimal(value: Fraction, digits: int) -> str:
    """A decimal of any size."""
    try:
        return f"{float(value):.{digits}g}"
    except OverflowError:  # floats end at 1e308
        with localcontext(prec=digits, Emax=MAX_EMAX, Emin=MIN_EMIN):
            return str(Decimal(value.numerator) / Decimal(value.denominator))


def show_interval(lower: Fraction, upper: Fraction) -> str:
    """A value that is proved to be in [lower, upper], and may be known exactly."""
    if lower == upper:
        return show(upper)
    if upper - lower <= _NARROW * upper:
        return f"≈ {decimal(upper, 6)}"
    return f"{decimal(lower, 4)} to {decimal(upper, 4)}"
