"""Exact numbers for people."""

from __future__ import annotations

from decimal import MAX_EMAX, MIN_EMIN, Decimal, localcontext
from fractions import Fraction

# Longer fractions are shown as decimals; certificates and JSON always have the fraction.
_LONGEST = 24

# Relative; the ends of wider intervals are both shown.
_NARROW = Fraction(1, 10**6)


def show(value: Fraction | None) -> str:
    """A rational as a fraction while that is short, else as a decimal; ? where it is not known."""
    if value is None:
        return "?"
    short = max(value.numerator.bit_length(), value.denominator.bit_length()) < 4 * _LONGEST
    exact = str(value) if short else ""
    return exact if exact and len(exact) <= _LONGEST else f"≈ {decimal(value, 6)}"


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
