"""Paths of a certificate as moves of one layer at a time, which the library follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import permutations
from typing import Any, TypeAlias

from theory.errors import InputError
from theory.exact import dot
from theory.formal.certificate import Cell, Data, State
from theory.formal.terms import Neurons
from theory.network import Network

Path: TypeAlias = list[Neurons]


def network(document: Mapping[str, Any]) -> Network:
    """A network of a certificate."""
    return Network(document["W"], document["a"])


def neurons(of: Network) -> Neurons:
    """Its neurons (w, a)."""
    return list(zip(of.neurons(), of.a, strict=True))


def moves(data: Data, first: Network, breakpoints: Sequence[Network], last: Network) -> Path:
    """From one network to another along a path, whose ends are they up to rescaling of neurons.

    A neuron that changes its sign is in the kernel of X before or after it, and zero between.
    """
    path: Path = []
    for there in map(neurons, (first, *breakpoints, last)):
        if path:
            turned = [
                j for j, (p, q) in enumerate(zip(path[-1], there, strict=True)) if p[1] * q[1] < 0
            ]
            path.append(_without(path[-1], [j for j in turned if not _seen(data, path[-1][j])]))
            path.append(_without(there, [j for j in turned if not _seen(data, there[j])]))
        path.append(there)
    return [step for k, step in enumerate(path) if not k or step != path[k - 1]]


def aligning(first: Network, second: Network) -> Sequence[int]:
    """The order in which the neurons of the first are those of the second, up to rescaling.

    Raises InputError where there is none.
    """
    wanted = _essential(_unit(second))
    for order in permutations(range(first.width)):
        if _essential(_unit(first.permuted(order))) == wanted:
            return order
    raise InputError("certificate", "has a path that ends elsewhere in the kernel of X")


def places(data: Data, cell: Cell, of: Network, *, labelled: bool = False) -> list[int] | None:
    """For each neuron the place of its state in the cell; None where the network is not in it."""
    states = [
        (sign, [sum(v * t for v, t in zip(row, u, strict=True)) for row in data.X])
        for sign, u in of.convex_coordinates()
    ]

    def fits(j: int, state: State) -> bool:
        sign, values = states[j]
        signs = data.cones.signs[state[1]]
        return not any(values) or (
            sign == state[0] and all(int(s) * v >= 0 for s, v in zip(signs, values, strict=True))
        )

    def assigned(j: int, taken: list[int]) -> list[int] | None:
        if j == len(states):
            return taken
        for place in (j,) if labelled else range(len(cell)):
            if place not in taken and fits(j, cell[place]):
                found = assigned(j + 1, [*taken, place])
                if found is not None:
                    return found
        return None

    return assigned(0, [])


def _unit(of: Network) -> Neurons:
    """With a_j = +-1: convex coordinates; + where a neuron is zero."""
    return [(u, Fraction(s or 1)) for s, u in of.convex_coordinates()]


def _essential(of: Neurons) -> list[tuple[Sequence[Fraction], Fraction] | None]:
    """None for a zero neuron, whose sign says nothing."""
    return [(tuple(u), a) if any(u) else None for u, a in of]


def _without(of: Neurons, some: Sequence[int]) -> Neurons:
    """With zero for some neurons."""
    zero = (Fraction(),) * len(of[0][0]), Fraction()
    return [zero if j in some else each for j, each in enumerate(of)]


def _seen(data: Data, neuron: tuple[Sequence[Fraction], Fraction]) -> bool:
    """Whether it adds anything at some datum."""
    return any(dot(row, neuron[0]) for row in data.problem.X)
