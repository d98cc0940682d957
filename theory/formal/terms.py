"""Python values as terms of Coq."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import lcm
from typing import TypeAlias

Neurons: TypeAlias = Sequence[tuple[Sequence[Fraction], Fraction]]
"""A network: for each neuron w (d,) and a."""


def integer(value: int) -> str:
    """An integer, in brackets where it has a sign."""
    return str(value) if value >= 0 else f"({value})"


def rational(value: Fraction) -> str:
    """A rational."""
    return f"({value.numerator}#{value.denominator})"


def listed(items: Iterable[str], *, lines: bool = False) -> str:
    """A list, on one line or on several."""
    return f"[{(';' + chr(10) + '  ' if lines else ';').join(items)}]"


def integers(values: Iterable[int]) -> str:
    """A list of integers."""
    return listed(map(integer, values))


def network(neurons: Neurons) -> str:
    """A network, in the scope of rationals."""
    return listed(f"({listed(map(rational, w))},{rational(a)})" for w, a in neurons)


def in_one(neurons: Neurons) -> str:
    """A network with W over one denominator, so that Coq need not seek it for each sum."""
    unit = lcm(*(v.denominator for w, _ in neurons for v in w))
    weights = (listed(f"({int(v * unit)}#{unit})" for v in w) for w, _ in neurons)
    return listed(f"({w},{rational(a)})" for w, (_, a) in zip(weights, neurons, strict=True))


def real(value: Fraction, scale: int) -> str:
    """A real number, of a value in the units of data times the scale."""
    return f"({integer(value.numerator)} / ({value.denominator} * {scale} * {scale}))%R"


def stated(
    exact: str, between: str, values: tuple[Fraction, Fraction], scale: int
) -> tuple[str, str, str]:
    """The name of a statement and its real numbers: one value, or where the lower and the upper one
    differ both; and both. Values are in the units of data times the scale."""
    lower, upper = (real(value, scale) for value in values)
    both = f"{lower} {upper}"
    return (exact, lower, both) if lower == upper else (between, both, both)


def quotients(values: Iterable[Fraction]) -> str:
    """Numerators and denominators, as arguments."""
    return " ".join(f"{integer(value.numerator)} {value.denominator}" for value in values)


def in_words(lower: Fraction, upper: Fraction) -> str:
    """A value, or the two that it is between."""
    return str(lower) if lower == upper else f"between {lower} and {upper}"


def truth(value: bool) -> str:
    """A boolean."""
    return "true" if value else "false"


def definitions(*named: tuple[str, str, str]) -> str:
    """Definitions: name, type and term of each."""
    return "\n".join(f"Definition {name} : {kind} := {term}." for name, kind, term in named)
