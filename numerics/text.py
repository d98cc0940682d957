"""Exact numbers for people."""

from __future__ import annotations

from fractions import Fraction

from theory.problem import format_rational

# Longer fractions are shown as decimals; certificates and JSON always have the fraction.
_LONGEST = 24


def show(value: Fraction | None) -> str:
    """A rational as a fraction while that is short, else as a decimal; ? where it is not known."""
    if value is None:
        return "?"
    exact = format_rational(value)
    return exact if len(exact) <= _LONGEST else f"≈ {float(value):.6g}"
