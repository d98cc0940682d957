"""Exact values as JSON has them."""

from __future__ import annotations

from fractions import Fraction

from theory.problem import format_rational


def bounds_document(lower: Fraction, upper: Fraction | None) -> str | dict[str, str | None] | None:
    """A value known exactly, or bounds of it; None while it is not known."""
    if upper is None:
        return None
    return format_rational(upper) if lower == upper else interval_document(lower, upper)


def interval_document(lower: Fraction | None, upper: Fraction | None) -> dict[str, str | None]:
    """Both ends, each None where it is not known."""
    return {"lower": exact(lower), "upper": exact(upper)}


def exact(value: Fraction | None) -> str | None:
    """A rational as JSON has it, None where it is not known."""
    return None if value is None else format_rational(value)
