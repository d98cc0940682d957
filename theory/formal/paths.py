"""Paths of a certificate as moves of one layer at a time, which the library follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import permutations
from typing import Any, TypeAlias

from theory.errors import InputError
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


def moves(first: Network, breakpoints: Sequence[Network], last: Network) -> Path:
    """From one network to another along a path, whose ends are they up to rescaling of neurons: the
    ends first and last, and between two either W or a moves, or neurons are rescaled."""
    path = [neurons(first), _without_dead(first), _unit(breakpoints[0])]
    for target in map(_unit, breakpoints[1:]):
        here = path[-1]
        # The sign of a neuron changes where it is zero, which is before or after its weights move.
        path.append(
            [(w, b if not any(w) else a) for (w, a), (_, b) in zip(here, target, strict=True)]
        )
        path.append([(w, a) for (w, _), (_, a) in zip(target, path[-1], strict=True)])
        path.append(target)
    path += [_without_dead(last), neurons(last)]
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


def _without_dead(of: Network) -> Neurons:
    """With w_j = 0 where a_j = 0."""
    return [((Fraction(),) * len(w) if not a else w, a) for w, a in neurons(of)]
