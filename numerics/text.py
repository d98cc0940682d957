"""Exact numbers for people."""

from __future__ import annotations

from fractions import Fraction

from theory.problem import format_rational

# Longer fractions are shown as decimals; certificates and JSON always have the fraction.
_LONGEST = 24

# Relative; the ends of wider intervals are both shown.
_NARROW = Fraction(1, 10**6)


def show(value: Fraction | None) -> str:
    """A rational as a fraction while that is short, else as a decimal; ? where it is not known."""
    if value is None:
        return "?"
    exact = format_rational(value)
    return exact if len(exact) <= _LONGEST else f"≈ {float(value):.6g}"


def show_interval(lower: Fraction, upper: Fraction) -> str:
    """A value that is proved to be in [lower, upper], and may be known exactly."""
    if lower == upper:
        return show(upper)
    if upper - lower <= _NARROW * upper:
        return f"≈ {float(upper):.6g}"
    return f"{float(lower):.4g} to {float(upper):.4g}"
