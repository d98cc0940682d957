"""What certificates say of networks with a_j = 0, w_j = 0 or X w_j = 0 is true of them as given."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations_with_replacement
from typing import Any, NamedTuple

import exact_norms
import pytest
from exact_norms import BALLS
from hypothesis import given
from hypothesis import strategies as st
from profiles import part

from theory.certificates.checker import CertificateInvalid, check

Vector = tuple[Fraction, ...]
Document = dict[str, Any]

# f = (c, c), of least loss 1 at c = 1; the second feature is seen by norms only.
X = (("1", "0"), ("1", "0"))
Y = ("2", "0")
NU = ["1", "-1"]  # proves 1, as it is orthogonal to every fit
RHO = Fraction(3)
LEVEL = Fraction(2)  # the loss of f = 0
BETA, HIGH = Fraction(1), Fraction(4)


class Net(NamedTuple):
    """Two neurons, of which the second adds nothing to the fit."""

    first: Vector
    second: Vector
    a: Vector

    @property
    def W(self) -> tuple[Vector, ...]:
        return tuple(zip(self.first, self.second, strict=True))

    @property
    def json(self) -> Document:
        return {"W": [list(map(str, row)) for row in self.W], "a": list(map(str, self.a))}

    def point(self, unit: Fraction) -> list[list[Any]]:
        """Neurons [s, alpha, u] with alpha = a^2 / unit."""
        return [
            ["-" if a < 0 else "+", str(a * a / unit), [str(abs(a) * v) for v in w]]
            for w, a in zip((self.first, self.second), self.a, strict=True)
        ]


small = st.fractions(-1, 1, max_denominator=3)
sizes = st.one_of(small, st.fractions(-6, 6, max_denominator=2), st.sampled_from([-1000, 1000]))


@st.composite
def nets(draw: st.DrawFn, fit: int) -> Net:
    """A network of fit (fit, fit), after a common rescaling of its layers."""
    side, seen, unseen, output = (draw(s) for s in (small, sizes, sizes, sizes))
    w, a = draw(
        st.sampled_from(
            [((seen, unseen), 0), ((0, 0), output), ((0, unseen), output), ((0, unseen / 50), 1)]
        )
    )
    c = draw(st.sampled_from([Fraction(1), Fraction(1, 3), Fraction(5)]))
    first, second = ((c * Fraction(v) for v in column) for column in ((fit, side), w))
    return Net(tuple(first), tuple(second), (1 / c, Fraction(a) / c))


def head(kind: str, **fields: Any) -> Document:
    problem = {"X": list(map(list, X)), "y": list(Y)}
    return {"format": "isthmus-certificate", "version": 1, "kind": kind, "problem": problem} | (
        {"width": 2} | fields
    )


def ball_or_penalty(within: str) -> Document:
    if within == "l2":
        return {"penalty": "l2", "beta": str(BETA)}
    return {"ball": within, "rho": str(RHO)}


def duals(within: str) -> list[Any]:
    return [{"nu": NU, "Z": [["1", "0"], ["0", "1"]]} if "muon" in within else NU]


def minimum(within: str, draw: Any) -> Document:
    network = draw(nets(1)).json
    where = ball_or_penalty(within)
    return head("minimum", within=where, duals=duals(within), value="1", network=network)


def optimum(within: str, draw: Any) -> Document:
    (dual,) = duals(within)
    dual = {**(dual if isinstance(dual, dict) else {"nu": dual}), "mu": []}
    fields = {"patterns": None, "value": ["1", str(HIGH)], "dual": dual}
    return head("optimum", within=ball_or_penalty(within), network=draw(nets(1)).json, **fields)


STATES = [[s, sigma] for s in "+-" for sigma in ("++", "--")]


def barrier(within: str, draw: Any) -> Document:
    ends = [draw(nets(1)).json, draw(nets(2)).json]
    path = [ends[0], draw(nets(1)).json, ends[1]]
    # A neuron of X w_j = 0 may have either sign.
    fields = {"labelled": True, "states": [], "duals": [], "value": str(LEVEL), "cut": None}
    return head("barrier", within=ball_or_penalty(within), networks=ends, path=path, **fields)


def components(within: str, draw: Any) -> Document:
    """All cells in one component, through f = 0, of which all cells have a network."""
    best, zero = draw(nets(1)).json, draw(nets(0)).json
    cells = [list(cell) for cell in combinations_with_replacement(range(4), 2)]
    part = {
        "minimum": "1",
        "representative": best,
        "cells": cells,
        "links": [[k, 0, zero] for k in range(1, len(cells))],
        "floor": [],
    }
    return head(
        "components",
        **{"within": ball_or_penalty(within), "labelled": False, "level": str(LEVEL)},
        **{"states": STATES, "duals": duals(within)},
        **{"minimum": "1", "minimum_network": best, "minimum_cover": [0]},
        **{"components": [part], "walls": [], "cover": [], "barriers": [["1"]]},
        **{"cuts": [], "paths": []},
    )


def path(within: str, draw: Any) -> Document:
    """From a network to one that differs from it where a_j = 0."""
    net = draw(nets(1))
    other = net if net.a[1] else net._replace(second=draw(nets(1)).first)
    unit = Fraction(1) if within == "l2" else exact_norms.output_squared(within, net.a)
    level = HIGH if within == "l2" else LEVEL
    fields = {"networks": [net.json, other.json], "start": net.point(unit), "steps": []}
    return head("path", within=ball_or_penalty(within), level=str(level), **fields)


def regions(within: str, draw: Any) -> Document:
    points = [{"rho": [str(RHO)], "neurons": draw(nets(1)).point(Fraction(1))}]
    return head("regions", level=str(LEVEL), balls=[within], duals=[], points=points)


def networks(document: Any) -> list[Document]:
    """All in it."""
    if isinstance(document, list):
        return [found for entry in document for found in networks(entry)]
    if not isinstance(document, dict):
        return []
    return [document] if set(document) == {"W", "a"} else networks(list(document.values()))


def is_true(document: Document, within: str) -> bool:
    """What it says of each of its networks: in the ball, and no objective above what is stated."""
    data = [tuple(map(Fraction, row)) for row in X], tuple(map(Fraction, Y))
    if document["kind"] == "regions":
        return in_regions(document["points"][0]["neurons"], within)
    for network in networks(document):
        W = [tuple(map(Fraction, row)) for row in network["W"]]
        a = tuple(map(Fraction, network["a"]))
        objective = exact_norms.loss(*data, W, a)
        if within == "l2":
            if objective + BETA * exact_norms.squares(W, a) / 2 > HIGH:
                return False
        elif objective > LEVEL or not exact_norms.inside(within, W, a, RHO):
            return False
    return True


def in_regions(neurons: list[Any], within: str) -> bool:
    """Whether w = u / sqrt(alpha), a = sqrt(alpha) are in the ball of R_W = R_a = sqrt(rho)."""
    alphas = [Fraction(alpha) for _, alpha, _ in neurons]
    columns = [tuple(map(Fraction, u)) for _, _, u in neurons]
    live = [(alpha, u) for alpha, u in zip(alphas, columns, strict=True) if alpha]
    W2 = list(zip(*[[v * v / alpha for v in u] for alpha, u in live], strict=True))
    size = sum(alphas) if within in ("muon", "ngd", "l2") else max(alphas)
    if within == "l2":
        return size + sum(v for row in W2 for v in row) <= 2 * RHO
    gram = [
        [sum((u[i] * u[k] / alpha for alpha, u in live), Fraction()) for i in range(2)]
        for k in range(2)
    ]
    return size <= RHO and exact_norms.hidden_within(within, gram, W2, RHO)


KINDS = {
    "minimum": (minimum, BALLS),
    "barrier": (barrier, BALLS),
    "components": (components, BALLS),
    "optimum": (optimum, (*BALLS, "l2")),
    "path": (path, (*BALLS, "l2")),
    "regions": (regions, (*BALLS, "l2")),
}


def refusal(document: Document) -> str:
    """Why the checker refuses it; empty where it does not."""
    try:
        check(document)
    except CertificateInvalid as error:
        return error.reason
    return ""


@pytest.mark.parametrize(
    ("kind", "within"), [(kind, name) for kind, (_, names) in KINDS.items() for name in names]
)
def test_accepted_exactly_where_it_is_true_of_the_networks_as_given(kind: str, within: str) -> None:
    build, _ = KINDS[kind]
    outcomes = set()

    @part(2)
    @given(st.data())
    def both(data: st.DataObject) -> None:
        document = build(within, data.draw)
        reason = refusal(document)
        assert not reason or "outside the" in reason or "above" in reason
        assert (not reason) == is_true(document, within)
        outcomes.add(not reason)

    both()
    assert outcomes == {True, False}


ONE, NONE = (Fraction(1), Fraction()), (Fraction(), Fraction())
HIDDEN = Net(ONE, (Fraction(1000), Fraction()), ONE)  # w_1 = (1000, 0), a_1 = 0
OUTPUT = Net(ONE, NONE, (Fraction(1), Fraction(1000)))  # w_1 = 0, a_1 = 1000
UNSEEN = Net(ONE, (Fraction(), Fraction(1000)), (Fraction(1), Fraction(1)))  # X w_1 = 0

NETWORK = {
    "minimum": "network: the network lies outside the ball",
    "barrier": r"networks\[0\]: the network lies outside the ball",
    "components": "minimum_network: the network lies outside the ball",
    "optimum": "network: lies outside the ball",
}


@pytest.mark.parametrize("within", BALLS)
@pytest.mark.parametrize("kind", NETWORK)
@pytest.mark.parametrize("net", [HIDDEN, OUTPUT, UNSEEN], ids=["hidden", "output", "unseen"])
def test_no_layer_may_be_too_large_where_neurons_are_dead(kind: str, within: str, net: Net) -> None:
    build, _ = KINDS[kind]
    with pytest.raises(CertificateInvalid, match=f"^{NETWORK[kind]}$"):
        check(build(within, lambda _: net))


@pytest.mark.parametrize(
    ("net", "objective", "where", "blame"),
    [
        (HIDDEN, "500002", r"networks\[0\]", ": its neuron 1 has a_j = 0, but w_j != 0"),
        (OUTPUT, "500002", "start", ""),
        (UNSEEN, "1000005/2", "start", ""),
    ],
)
def test_the_penalty_counts_dead_neurons(net: Net, objective: str, where: str, blame: str) -> None:
    with pytest.raises(CertificateInvalid, match=f"^network: its objective {objective} is above 4"):
        check(optimum("l2", lambda _: net))
    reason = f"^{where}: its loss {objective} is above the level 4{blame}"
    with pytest.raises(CertificateInvalid, match=reason):
        check(path("l2", lambda _: net))


@pytest.mark.parametrize("within", [*BALLS, "l2"])
def test_neurons_of_regions_count_where_they_are_dead(within: str) -> None:
    outside = rf"^points\[0\]: the network lies outside the {within} ball rho = 3$"
    for net in (OUTPUT, UNSEEN):
        with pytest.raises(CertificateInvalid, match=outside):
            check(regions(within, lambda _, net=net: net))
    # w_j has no place there where a_j = 0: it is zero.
    document = regions(within, lambda _: HIDDEN)
    assert check(document).kind == "regions"
    document["points"][0]["neurons"][1][2] = ["1000", "0"]
    with pytest.raises(CertificateInvalid, match=r"neurons\[1\]: has alpha = 0, so that u must be"):
        check(document)
