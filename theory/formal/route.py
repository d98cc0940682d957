"""A path inside a ball, of networks of many neurons, as a theorem of Coq."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import isqrt, lcm
from typing import Any, TypeAlias

from theory.formal.certificate import Data
from theory.formal.paths import network, neurons
from theory.formal.terms import definitions, quotients, real
from theory.formal.terms import network as term
from theory.formal.text import Numbers, many, signed, sparse, text
from theory.problem import rational

IMPORTS = ("Vec", "Net", "Check", "Path", "Rational", "Layers", "Route", "Text")

Point: TypeAlias = Sequence[tuple[bool, Sequence[Fraction]]]
"""Of each neuron whether a > 0, and |a| w."""

_FINER = (0, 128, 512, 2048)  # bits by which a denominator may grow so that rounded norms add up


def route(data: Data, certificate: Mapping[str, Any]) -> tuple[str, str]:
    """The file, without its head, and its theorem in words: a path joins the two networks."""
    ends = [network(each) for each in certificate["networks"]]
    level = rational(certificate["level"], "level")
    points = list(_points(certificate))
    units = [denominator(data, each) for each in (points[0], points[-1])]
    inner = [_numbers(data, each) for each in points[1:-1]]
    b = level * data.scale**2
    sizes = f"{data.width} {data.problem.d}"
    arguments = f"X y {sizes} ball {quotients([b])} A (point_of {units[0]} A) between B"
    about = f"A B {real(b, data.scale)}"
    inside = "".join(f"{data.inside_layers(end)} ->\n  " for end in "AB")
    body = f"""{
        definitions(
            *(
                (name, "endpoint", f"{term(neurons(end))}%Q")
                for name, end in zip("AB", ends, strict=True)
            ),
            (
                "between",
                "list point",
                f"read (points {sizes}) {text(many(inner))} ++ [point_of {units[1]} B]",
            ),
        )
    }
Lemma accepted : scaled {data.scale} XQ yQ X y && check_route {arguments} = true.
Proof. vm_cast_no_check (eq_refl true). Qed.
Theorem path : is_joined XQ yQ {sizes} ball {about}.
Proof. exact (route_exact _ _ _ _ _ _ _ _ _ _ _ _ _ _ accepted). Qed.
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


def _neuron(of: Sequence[Any]) -> tuple[bool, Sequence[Fraction]]:
    sign, _, u = of
    return sign == "+", tuple(rational(v, "u") for v in u)


def denominator(data: Data, point: Point) -> int:
    """A denominator D of the point. Where norms add up the library rounds those of D u up: D is
    then so large that they stay below the radius, if there is one."""
    unit = lcm(*(v.denominator for _, u in point for v in u))
    if not data.shared or data.rho is None:
        return unit
    squares = [sum(int(v * unit) ** 2 for v in u) for _, u in point]
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
        for j, (s, u) in enumerate(point)
        if any(u)
    )
    return [signed(unit), *sparse(terms)]
