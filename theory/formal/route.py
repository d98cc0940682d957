"""A path inside a ball, of networks of many neurons, as a theorem of Coq."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import floor, isqrt, lcm
from typing import Any, TypeAlias

from theory.formal.certificate import Data
from theory.formal.paths import network, neurons
from theory.formal.terms import definitions, quotients, real
from theory.formal.terms import network as term
from theory.formal.text import Numbers, many, multipliers, signed, sparse, text
from theory.problem import rational

IMPORTS = ("Vec", "Net", "Check", "Path", "Rational", "Layers", "Inside", "Route", "Text")

Point: TypeAlias = Sequence[tuple[bool, Fraction, Sequence[Fraction]]]
"""Of each neuron whether a > 0, a^2 and |a| w."""

_FINER = (0, 128, 512, 2048)  # bits by which a denominator may grow so that rounded norms add up
_BITS = 64  # of shares that are rounded


def route(data: Data, certificate: Mapping[str, Any]) -> tuple[str, str]:
    """The file, without its head, and its theorem in words: a path joins the two networks."""
    ends = [network(each) for each in certificate["networks"]]
    level = rational(certificate["level"], "level")
    start, *between = _points(certificate)
    end = between.pop() if between else start
    units = [denominator(data, each) for each in (start, end)]
    inner = [_numbers(data, each) for each in between]
    shares = [_shares(each) for each in (start, *between, end)] if data.within == "muon" else []
    b = level * data.scale**2
    sizes = f"{data.width} {data.problem.d}"
    arguments = f"X y {sizes} ball {quotients([b])} A (point_of {units[0]} A) between shares B"
    about = f"A B {real(b, data.scale)}"
    inside = "".join(f"{data.inside_layers(name)} ->\n  " for name in "AB")
    body = f"""{
        definitions(
            *(
                (name, "endpoint", f"{term(neurons(each))}%Q")
                for name, each in zip("AB", ends, strict=True)
            ),
            (
                "between",
                "list point",
                f"read (points {sizes}) {text(many(inner))} ++ [point_of {units[1]} B]",
            ),
            ("shares", "list sharing", f"read (all_shares {data.width}) {text(many(shares))}"),
        )
    }
Lemma accepted : scaled {data.scale} XQ yQ X y && check_route {arguments} = true.
Proof. vm_cast_no_check (eq_refl true). Qed.
Theorem path : is_joined XQ yQ {sizes} ball {about}.
Proof. exact (route_exact _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ accepted). Qed.
{data.in_layers("joined", ("path", "layers"), inside, about)}"""
    said = (
        f"a continuous path of networks of {data.width} neurons{data.where} joins the two "
        f"networks, their neurons in order, and has loss at most {level} everywhere"
    )
    return body, said


def _points(certificate: Mapping[str, Any]) -> Iterator[Point]:
    """The points between which the path is straight."""
    here = [_neuron(each) for each in certificate["start"]]
    yield tuple(here)
    for step in certificate["steps"]:
        for j, *neuron in step:
            here[j] = _neuron(neuron)
        yield tuple(here)


def _neuron(of: Sequence[Any]) -> tuple[bool, Fraction, Sequence[Fraction]]:
    sign, alpha, u = of
    return sign == "+", rational(alpha, "alpha"), tuple(rational(v, "u") for v in u)


def denominator(data: Data, point: Point) -> int:
    """A denominator D of the point. Where norms add up the library rounds those of D u up: D is
    then so large that they stay below the radius, if there is one."""
    unit = lcm(*(v.denominator for _, _, u in point for v in u))
    if data.within != "ngd" or data.rho is None:
        return unit
    squares = [sum(int(v * unit) ** 2 for v in u) for _, _, u in point]
    for finer in _FINER:
        # Above the root, if it is no integer.
        roots = sum(isqrt(4**finer * v - 1) + 1 for v in squares if v)
        if roots <= data.rho * (unit << finer):
            break
    return unit << finer


def _numbers(data: Data, point: Point) -> Numbers:
    """Its denominator, and the neurons that are not zero."""
    unit = denominator(data, point)
    terms = (
        (j, [int(s), *(signed(int(v * unit)) for v in u)])
        for j, (s, _, u) in enumerate(point)
        if any(u)
    )
    return [signed(unit), *sparse(terms)]


def _shares(point: Point) -> Numbers:
    """What each a^2 is of all, a little less where these are no short rationals, with the unit of
    what is rounded."""
    sizes = [alpha if any(u) else Fraction() for _, alpha, u in point]
    unit = lcm(*(v.denominator for v in sizes))
    inverse = lcm(*(int(v * unit) for v in sizes if v))
    if max(unit, inverse) >> _BITS:
        unit = inverse = 1 << _BITS
    return [signed(unit), signed(inverse), *multipliers([floor(v * unit) for v in sizes])]
