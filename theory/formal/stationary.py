"""No lower network in the cells around one as a theorem of Coq."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import ceil, floor, isqrt, lcm
from typing import Any, TypeAlias

from theory.arrangement import arrangement
from theory.exact import dot, squared
from theory.formal.certificate import Data
from theory.formal.farkas import combination
from theory.formal.frame import Frame
from theory.formal.paths import network, neurons
from theory.formal.terms import definitions, in_one, quotients, stated
from theory.formal.text import Numbers, many, multipliers, signed, text
from theory.problem import in_integers, rational

IMPORTS = ("Vec", "Net", "Check", "Path", "Statements", "Layers", "Text", "Stationary")

_BITS = 128  # after the point, to which heights are rounded up; certificates have 60 in all

_Key: TypeAlias = tuple[int, int, str]  # neuron, sign and sigma
_Sides: TypeAlias = tuple[int, ...]


def stationary(data: Data, certificate: Mapping[str, Any]) -> tuple[str, str]:
    """The file, without its head, and its theorem in words."""
    of = network(certificate["network"])
    loss, slack = of.loss(data.problem), rational(certificate["slack"], "slack")
    b, top = (each * data.scale**2 for each in (loss - slack, loss))
    sizes = f"{data.width} {data.problem.d}"
    dual = _Dual(data, certificate).numbers() if b > 0 else []
    statement, reals, both = stated("local_minimum", "lowest_around", (b, top), data.scale)
    kind, reader = "list Z * frame * list (Z * list tree)", f"around_of {data.problem.n} {sizes}"
    of_dual = "(fst (fst U)) (snd (fst U)) (snd U)"
    arguments = f"{data.scale} XQ yQ X y {sizes} ball {quotients((b, top))} A {of_dual}"
    inside = f"{data.inside_layers('A')} ->\n  "
    layers = data.in_layers("lowest", ("stationary", "layers"), inside, f"A {both}")
    body = f"""{
        definitions(
            ("A", "endpoint", f"{in_one(neurons(of))}%Q"),
            ("U", kind, f"read ({reader}) {text(dual)}"),
        )
    }
Lemma accepted : check_lowest {arguments} = true.
Proof. vm_cast_no_check (eq_refl true). Qed.
Theorem stationary : {statement} XQ yQ {sizes} ball A
  {reals}.
Proof. exact (lowest_exact _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ accepted). Qed.
{layers}"""
    said = (
        f"the network has loss {loss}, and none{data.where} that is near it or in a cell with it "
    )
    if slack:
        return body, f"{said}has less than {loss - slack}"
    return body, f"{said}has less: it is a local minimum"


class _Dual:
    """The dual vector of a certificate, and for each neuron what it comes to in all of its states:
    a tree that takes them apart, with multipliers for each."""

    def __init__(self, data: Data, certificate: Mapping[str, Any]) -> None:
        self._data = data
        document = certificate["dual"]
        self._frame = Frame.of(document["Z"]) if "Z" in document else None
        self._nu, scale = in_integers([rational(v, "nu") for v in document["nu"]])
        self._mu: dict[_Key, list[Fraction]] = {}
        for j, sign, sigma, pairs in document["mu"]:
            mu = self._mu[j, 1 if sign == "+" else -1, sigma] = [Fraction()] * data.problem.n
            for k, v in pairs:
                mu[k] = scale * rational(v, "mu")
        self._heights: list[Fraction] = []  # of the neurons, or the squares of these
        self._trees: list[list[_Tree]] = []  # of each, by sign
        for j, (w, a) in enumerate(neurons(network(certificate["network"]))):
            values = [dot(row, w) for row in data.problem.X]
            sides = tuple((v > 0) - (v < 0) for v in values)
            signs = [1, -1] if not a else [1] if a > 0 else [-1]
            self._heights.append(Fraction())
            self._trees.append([self._tree(j, sign, sides) for sign in signs])

    def numbers(self) -> Numbers:
        """All of it in integers, as `around_of` reads them."""
        unit = lcm(*(h.denominator for h in self._heights))
        power = 2 if self._data.squared else 1
        numbers = [signed(unit * v) for v in self._nu]
        numbers += [0] if self._frame is None else self._frame.numbers()
        for height, trees in zip(self._heights, self._trees, strict=True):
            whole = int(height * unit**power)
            numbers += [signed(whole), *many([tree.numbers(unit) for tree in trees])]
        return numbers

    def _tree(self, j: int, sign: int, sides: _Sides) -> _Tree:
        """The states of a neuron of one sign: nu gains on some of the rows that it is on."""
        rows = self._data.X
        split = [
            k
            for k, side in enumerate(sides)
            if not side and sign * self._nu[k] > 0 and any(rows[k])
        ]
        if not split:
            return self._leaf(j, sign, sides)
        cones = arrangement([rows[k] for k in split]).signs.tolist()
        return self._apart(j, sign, sides, split, [tuple(cone) for cone in cones])

    def _apart(
        self, j: int, sign: int, sides: _Sides, split: Sequence[int], cones: Sequence[_Sides]
    ) -> _Tree:
        """cones: the sides of the rows `split` in each cone that is left."""
        if not split:
            return self._leaf(j, sign, sides)
        k, *rest = split
        below = {}
        for side in (1, -1):
            left = [cone[1:] for cone in cones if cone[0] == side]
            if left:
                there = (*sides[:k], side, *sides[k + 1 :])
                below[side] = self._apart(j, sign, there, rest, left)
        if len(below) == 2:
            return _Split(k, below[1], below[-1])
        [(side, tree)] = below.items()
        return _Side(k, side, self._implied(k, side, sides), tree)

    def _implied(self, k: int, side: int, sides: _Sides) -> list[Fraction]:
        """How the sides of other rows add up to that of row k."""
        rows = self._data.X
        signed = {i: [s * v for v in rows[i]] for i, s in enumerate(sides) if s}
        found = combination([side * v for v in rows[k]], list(signed.values()))
        mu = [Fraction()] * len(rows)
        for i, v in zip(signed, found, strict=True):
            mu[i] = v
        return mu

    def _leaf(self, j: int, sign: int, sides: _Sides) -> _Tree:
        data = self._data
        sigma = "".join("0+-"[side] for side in sides)
        mu = self._mu.get((j, sign, sigma), [Fraction()] * data.problem.n)
        column = [Fraction()] * data.problem.d
        for row, v, m, side in zip(data.X, self._nu, mu, sides, strict=True):
            factor = (sign * v if side > 0 else 0) + (m if side > 0 else -m)
            if factor:
                column = [c + factor * x for c, x in zip(column, row, strict=True)]
        if data.rho is not None:
            self._heights[j] = max(self._heights[j], self._height(column))
        return _Leaf(mu)

    def _height(self, column: Sequence[Fraction]) -> Fraction:
        """What `short` of the library asks for it in the ball."""
        if self._data.polyhedral:
            return sum(map(abs, column), Fraction())
        square = squared(column)
        if self._frame is not None:
            whole, den = in_integers(column)
            seen = squared(map(Fraction, self._frame.seen(whole)))
            square = seen * (self._frame.stretch / den) ** 2
        return _rounded(square) if self._data.squared else _root(square)


class _Tree:
    """What takes the states of a neuron apart."""

    def numbers(self, unit: int) -> Numbers:
        """As `tree_of` reads them; unit: what nu is taken times."""
        raise NotImplementedError


class _Leaf(_Tree):
    def __init__(self, mu: Sequence[Fraction]) -> None:
        self._mu = mu

    def numbers(self, unit: int) -> Numbers:
        return [0, *_over([unit * v for v in self._mu])]


class _Split(_Tree):
    def __init__(self, k: int, above: _Tree, below: _Tree) -> None:
        self._k, self._above, self._below = k, above, below

    def numbers(self, unit: int) -> Numbers:
        return [signed(self._k + 1), *self._above.numbers(unit), *self._below.numbers(unit)]


class _Side(_Tree):
    def __init__(self, k: int, side: int, mu: Sequence[Fraction], tree: _Tree) -> None:
        self._k, self._side, self._mu, self._tree = k, side, mu, tree

    def numbers(self, unit: int) -> Numbers:
        return [
            signed(-self._k - 1),
            signed(self._side),
            *_over(self._mu),
            *self._tree.numbers(unit),
        ]


def _over(mu: Sequence[Fraction]) -> Numbers:
    """Over a common denominator."""
    whole, den = in_integers(mu)
    return [signed(den), *multipliers(whole)]


def _root(square: Fraction) -> Fraction:
    """At least the square root, exact where that is an integer."""
    root = isqrt(int(square)) if square.denominator == 1 else 0
    if root**2 == square:
        return Fraction(root)
    return Fraction(isqrt(floor(square * 4**_BITS)) + 1, 2**_BITS)


def _rounded(value: Fraction) -> Fraction:
    return Fraction(ceil(value * 2**_BITS), 2**_BITS)
