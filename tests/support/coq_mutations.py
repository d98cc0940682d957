"""Certificates changed, before two checkers: `isthmus check` and the library of theory/formal.

A change goes into the JSON document, and from there into a file for Coq. Where the writer refuses
it a credulous one writes the file, as what is examined is Coq's checker; and a changed statement is
tried with the certificate of the unchanged one, too. Coq evaluates the checkers of many files in
one run, and proves nothing.

    python tests/support/coq_mutations.py 40 1     # changes of each kind of a certificate, a seed
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, product
from typing import Any, TypeAlias
from unittest.mock import patch

from numerics.coq import compiled
from theory import Ball, Problem, analyse, certify, example
from theory.certificates.checker import CertificateInvalid, check
from theory.connectivity import SolutionSet, connect
from theory.errors import InputError
from theory.formal import barrier, components, written
from theory.formal.cells import Cells
from theory.formal.certificate import Data, Dual, Key, read
from theory.formal.paths import network
from theory.landscape import barrier_between
from theory.landscape.cells import CellComplex
from theory.landscape.least import least
from theory.network import Network

Document: TypeAlias = dict[str, Any]
Where: TypeAlias = tuple[Any, ...]  # keys and indices from the root of a document
Change: TypeAlias = Callable[[Document], object]

BALLS = {
    "anywhere": None,
    "in the ball of AdamW": Ball("adamw", "12/5"),
    "in that of columns": Ball("colnorm", 3),
    "in that of norms added": Ball("ngd", 6),
    "in that of Muon": Ball("muon", 6),
    "in that of Muon and AdamW": Ball("muon-adamw", 4),
}


_NAMES = ("entrywise", "colnorm", "ngd", "muon", "muon-adamw")
"""Of the balls, in certificates."""


def documents() -> dict[str, Document]:
    """Certificates of each kind, anywhere and in each ball, labelled or not."""
    flagship = example("flagship")
    ends = [each.representative for each in analyse(flagship).components]
    wide = Network([[*row, 0] for row in ends[0].W], [*ends[0].a, 0])
    found: dict[str, Any] = {}
    for where, within in BALLS.items():
        for labelled in (False, True):
            name = f"{', labelled' if labelled else ''} {where}"
            found[f"barrier{name}"] = barrier_between(
                flagship, *ends, labelled=labelled, within=within
            )
            found[f"components{name}"] = analyse(flagship, labelled=labelled, within=within)
        found[f"minimum {where}"] = least(CellComplex.of(flagship, width=1, within=within))
        if within:
            found[f"path {where}"] = connect(SolutionSet(flagship, within, Fraction(32, 45)), *ends)
            found[f"path of zero loss {where}"] = connect(
                SolutionSet(flagship, within, Fraction()), wide, wide.permuted([1, 0, 2])
            )
    found["components of neurons that add nothing"] = analyse(example("split-by-adamw-2"), 3)
    found["components, rational data"] = analyse(
        Problem(X=[["2/3", "1/3"], ["1/3", "-1/3"], ["-1/3", "2/3"]], y=["1/3", 0, 0], width=2)
    )
    return {name: _copied(certify(each)) for name, each in found.items()}


def _copied(document: Any) -> Any:
    return json.loads(json.dumps(document))


# Changes at random


def _places(value: Any, at: Where = ()) -> Iterator[tuple[Where, Any]]:
    """All parts of a document but those that say what it is."""
    for key, part in _parts(value):
        if key not in ("format", "version", "kind"):
            yield (*at, key), part
            yield from _places(part, (*at, key))


def _parts(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)


def _put(document: Any, at: Where, value: Any) -> None:
    for key in at[:-1]:
        document = document[key]
    document[at[-1]] = value


def at_random(document: Document, others: Sequence[Document], rng: random.Random) -> str:
    """Change something of a document; what was done. others: to take parts of."""
    field = rng.choice([key for key, _ in _places(document) if len(key) == 1])
    places = dict(_places(document))
    at = rng.choice([where for where in places if where[:1] == field])
    value = places[at]
    if isinstance(value, list) and value and rng.random() < 1 / 2:
        return f"{_named(at)}: {_reordered(value, rng)}"
    parts = (each for of in (document, *others) for each in _places(of))
    alike = [part for where, part in parts if _shape(where) == _shape(at) and part != value]
    if alike and (isinstance(value, dict | list) or rng.random() < 1 / 4):
        _put(document, at, _copied(rng.choice(alike)))
        return f"{_named(at)}: as elsewhere"
    if isinstance(value, dict | list):
        return at_random(document, others, rng)
    if rng.random() < 1 / 4:
        sort = [where for where, part in places.items() if type(part) is type(value)]
        where = rng.choice(sort)
        _put(document, at, places[where])
        _put(document, where, value)
        return f"{_named(at)}: swapped with {_named(where)}"
    new, everywhere = _another(value, rng), rng.random() < 1 / 3
    for where, part in places.items():
        if where == at or (everywhere and part == value and type(part) is type(value)):
            _put(document, where, new)
    return f"{_named(at)}: {value} -> {new}{' everywhere' if everywhere else ''}"


def _reordered(value: list[Any], rng: random.Random) -> str:
    k, other = rng.randrange(len(value)), rng.randrange(len(value))
    what = rng.choice(("dropped", "repeated", "swapped"))
    if what == "dropped":
        del value[k]
    elif what == "repeated":
        value.insert(other, value[k])
    else:
        value[k], value[other] = value[other], value[k]
    return f"{k} {what}"


def _another(value: Any, rng: random.Random) -> Any:
    """Another value of its sort."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + rng.choice((-1, 1))
    if isinstance(value, str) and re.fullmatch("[+-]+", value):
        k = rng.randrange(len(value))
        return f"{value[:k]}{'-' if value[k] == '+' else '+'}{value[k + 1 :]}"
    if isinstance(value, str) and re.fullmatch(r"-?\d+(/\d+)?", value):
        number = Fraction(value)
        near = number * Fraction(rng.choice((999, 1001)), 1000)
        return str(rng.choice((number + 1, number - 1, -number, number / 2, 2 * number, near)))
    return rng.choice(_NAMES) if isinstance(value, str) else value


def _shape(at: Where) -> Where:
    """Without indices."""
    return tuple("*" if isinstance(key, int) else key for key in at)


def _named(at: Where) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in at)[1:]


# Changes by hand


def _added(value: str, more: Any) -> str:
    return str(Fraction(value) + more)


def _label(of: Document) -> None:
    of["problem"]["y"][0] = _added(of["problem"]["y"][0], 1)


def _vectors(of: Document) -> list[list[str]]:
    """The dual vectors, of which those in balls of spectral norms have a metric."""
    return [each["nu"] if isinstance(each, dict) else each for each in of.get("duals", ())]


def _metrics(of: Document) -> list[list[list[str]]]:
    return [each["Z"] for each in of["duals"] if isinstance(each, dict)]


def _datum(of: Document) -> None:
    of["problem"]["X"][0][0] = _added(of["problem"]["X"][0][0], 1)


def _zero_row(of: Document) -> None:
    """The same with a datum of which all networks have the right label."""
    of["problem"]["X"].append(["0", "0"])
    of["problem"]["y"].append("0")
    for nu in _vectors(of):
        nu.append("0")
    for state in of.get("states", ()):
        state[1] += "0"


def _unit(of: Document) -> None:
    """Labels and what they are compared with in another unit."""
    for at, value in list(_places(of)):
        if at[-2:-1] in (("y",), ("a",)):
            _put(of, at, str(3 * Fraction(value)))
        height = at[-1] in ("value", "minimum", "level") or at[0] == "barriers"
        if height and isinstance(value, str):
            _put(of, at, str(9 * Fraction(value)))


def _radius(factor: str) -> Change:
    def change(of: Document) -> None:
        if of["within"]:
            of["within"]["rho"] = str(Fraction(of["within"]["rho"]) * Fraction(factor))

    return change


def _ball_named(name: str | None) -> Change:
    def change(of: Document) -> None:
        rho = (of["within"] or {"rho": "3"})["rho"]
        of["within"] = name and {"ball": name, "rho": rho}
        if "duals" in of:
            Z = [["1", "0"], ["0", "1"]]
            spectral = name in ("muon", "muon-adamw")
            of["duals"] = [{"nu": nu, "Z": Z} if spectral else nu for nu in _vectors(of)]

    return change


def _scaled(factor: int) -> Change:
    def change(of: Document) -> None:
        for nu in _vectors(of):
            nu[:] = [str(factor * Fraction(v)) for v in nu]

    return change


def _metric(first: int, other: int) -> Change:
    """A multiple of the first entry of all metrics, and one of the others."""

    def change(of: Document) -> None:
        for Z in _metrics(of):
            Z[:] = [[str(other * Fraction(v)) for v in row] for row in Z]
            Z[0][0] = str(Fraction(Z[0][0]) * first / other)

    return change


def _moved(number: int) -> Change:
    """Each dual vector takes the place of another."""

    def change(of: Document) -> None:
        of["duals"] = of["duals"][number:] + of["duals"][:number]

    return change


def _flipped(of: Document) -> None:
    if "labelled" in of:
        of["labelled"] = not of["labelled"]


def _height(more: str) -> Change:
    """All barriers, or the least loss, and what proves them, higher or lower."""

    def change(of: Document) -> None:
        for at, value in list(_places(of)):
            off = at[0] == "barriers" and len(at) > 2 and at[1] != at[2]
            if (at[-1] == "value" or (at[0], *at[2:-1]) == ("value",) or off) and isinstance(
                value, str
            ):
                _put(of, at, _added(value, Fraction(more)))

    return change


def _wide(of: Document) -> None:
    """An interval where one value is known."""
    if isinstance(of.get("value"), str):
        of["value"] = [of["value"], _added(of["value"], 1)]


def _orders(key: str) -> Change:
    """The neurons of the networks in another order."""

    def change(of: Document) -> None:
        for each in _networks(of, key):
            each["W"] = [row[::-1] for row in each["W"]]
            each["a"].reverse()

    return change


def _networks(of: Document, key: str) -> list[Any]:
    return [
        part for at, part in _places(of) if key in at and isinstance(part, dict) and "W" in part
    ]


def _rescaled(of: Document) -> None:
    """A neuron of one network in another scale."""
    for each in _networks(of, "networks")[:1] + _networks(of, "representative")[:1]:
        for row in each["W"]:
            row[0] = str(2 * Fraction(row[0]))
        each["a"][0] = str(Fraction(each["a"][0]) / 2)


def _larger(of: Document) -> None:
    """Another network, of another loss."""
    for key in ("networks", "representative", "network"):
        for each in _networks(of, key)[:1]:
            each["a"] = [str(2 * Fraction(weight)) for weight in each["a"]]


def _sets(of: Document) -> list[Any]:
    cuts = [of["cut"]] if of.get("cut") else of.get("cuts", [])
    return [*cuts, *of.get("components", [])]


def _fewer(of: Document) -> None:
    """The last cell of the first set that has several, and what is said of it."""
    for each in _sets(of):
        if len(each["cells"]) > 1:
            each["cells"].pop()
            if "links" in each:
                each["links"].pop()
            else:
                each["faces"] = _faces(of, each["cells"], each["faces"])
            return


def _more(of: Document) -> None:
    """A cell that is in none of the sets, in the first."""
    for each in _sets(of)[:1]:
        for cell in product(range(len(of["states"])), repeat=of["width"]):
            if (of["labelled"] or sorted(cell) == list(cell)) and list(cell) not in each["cells"]:
                each["cells"].append(list(cell))
                each["faces"] = _faces(of, each["cells"], each["faces"])
                return


def _unsorted(of: Document) -> None:
    for each in _sets(of):
        each["cells"] = [cell[::-1] for cell in each["cells"]]


def _turned(of: Document) -> None:
    """The way back."""
    of["networks"].reverse()
    of["path"].reverse()


def _other_ends(of: Document) -> None:
    of["networks"].reverse()


def _way(change: Callable[[list[Any]], Any]) -> Change:
    def changed(of: Document) -> None:
        for path in (of.get("path"), *(each["breakpoints"] for each in of.get("paths", ()))):
            if path:
                change(path)

    return changed


def _nowhere(of: Document) -> None:
    """From a network to itself: the barrier is its loss."""
    of["path"][:] = of["networks"][:1]
    of["networks"][1] = of["networks"][0]
    of["value"], of["cut"] = "0", None


def _steps(change: Callable[[list[Any]], Any]) -> Change:
    return lambda of: change(of["steps"])


def _sizes(of: Document) -> None:
    """Another a_j^2 of the first neuron, all the way."""
    moved = [each for step in of["steps"] for each in step if each[0] == 0]
    for neuron in (of["start"][0], *moved):
        neuron[-2] = str(Fraction(neuron[-2]) / 2)


def _level(more: str) -> Change:
    def change(of: Document) -> None:
        of["level"] = _added(of["level"], Fraction(more))

    return change


def _component_less(of: Document) -> None:
    """Without the last component, and what is said of it."""
    last = len(of["components"]) - 1
    of["components"].pop()
    of["barriers"] = [row[:-1] for row in of["barriers"][:-1]]
    of["walls"] = [wall for wall in of["walls"] if wall[0] != last]
    of["paths"] = [each for each in of["paths"] if last not in (each["from"], each["to"])]


def _component_more(of: Document) -> None:
    """The first component for the second time."""
    of["components"].append(of["components"][0])
    of["barriers"] = [[*row, row[0]] for row in [*of["barriers"], of["barriers"][0]]]


def _united(of: Document) -> None:
    """The first two components are said to be one."""
    first, second = of["components"][0], of["components"][1]
    shared = [len(first["cells"]), 0, second["representative"]]
    more = [[i + shared[0], j + shared[0], each] for i, j, each in second["links"]]
    first["cells"] += second["cells"]
    first["links"] += [shared, *more]
    del of["components"][1]
    of["barriers"] = [row[:1] + row[2:] for row in of["barriers"][:1] + of["barriers"][2:]]
    of["walls"], of["paths"] = (
        [],
        [each for each in of["paths"] if 1 not in (each["from"], each["to"])],
    )


def _unfloored(of: Document) -> None:
    """The least loss of the whole and of components is said to be another."""
    of["minimum"] = _added(of["minimum"], -1)


def _without(key: str) -> Change:
    def change(of: Document) -> None:
        of[key] = of[key] and []

    return change


REFUSED, ACCEPTED, ALIKE = "refused by both", "accepted by both", "alike"

BY_HAND: Mapping[str, tuple[Change, str]] = {
    "another label": (_label, REFUSED),
    "another datum": (_datum, REFUSED),
    "a datum of nothing": (_zero_row, ACCEPTED),
    "another unit of labels": (_unit, ALIKE),
    "a smaller ball": (_radius("1/2"), ALIKE),
    "a larger ball": (_radius("10"), ALIKE),
    "no ball": (_ball_named(None), ALIKE),
    "the ball of AdamW": (_ball_named("entrywise"), ALIKE),
    "the ball of columns": (_ball_named("colnorm"), ALIKE),
    "the ball of norms added": (_ball_named("ngd"), ALIKE),
    "the ball of Muon": (_ball_named("muon"), ALIKE),
    "the ball of Muon and AdamW": (_ball_named("muon-adamw"), ALIKE),
    "longer dual vectors": (_scaled(3), ACCEPTED),
    "no dual vectors": (_scaled(0), ALIKE),
    "dual vectors turned round": (_scaled(-1), ALIKE),
    "dual vectors in other places": (_moved(1), ALIKE),
    "labelled or not": (_flipped, ALIKE),
    "longer metrics": (_metric(3, 3), ACCEPTED),
    "other metrics": (_metric(2, 1), ALIKE),
    "metrics turned round": (_metric(-1, -1), ALIKE),
    "no metrics": (_metric(-1, 1), REFUSED),
    "higher": (_height("1/100"), REFUSED),
    "lower": (_height("-1/100"), REFUSED),
    "an interval": (_wide, ALIKE),
    "networks in another order": (_orders("networks"), ALIKE),
    "representatives in another order": (_orders("representative"), ALIKE),
    "breakpoints in another order": (_orders("path"), ALIKE),
    "a neuron in another scale": (_rescaled, ALIKE),
    "a larger network": (_larger, REFUSED),
    "a cell less": (_fewer, ALIKE),
    "a cell more": (_more, ALIKE),
    "cells not sorted": (_unsorted, ALIKE),
    "a breakpoint less": (_way(lambda path: path.pop(len(path) // 2)), REFUSED),
    "no first breakpoint": (_way(lambda path: path.pop(0)), ALIKE),
    "a breakpoint twice": (_way(lambda path: path.insert(1, path[1])), ACCEPTED),
    "the way back": (_turned, ACCEPTED),
    "the networks swapped": (_other_ends, ALIKE),
    "no way": (_nowhere, ALIKE),
    "a higher level": (_level("1/100"), ALIKE),
    "a level above barriers": (lambda of: of["barriers"] and _level("100")(of), REFUSED),
    "a level below all": (_level("-1"), REFUSED),
    "a step less": (_steps(lambda steps: steps.pop(len(steps) // 2)), ALIKE),
    "a step twice": (_steps(lambda steps: steps.insert(1, steps[0])), ACCEPTED),
    "no last step": (_steps(lambda steps: steps.pop()), REFUSED),
    "no way at all": (_steps(lambda steps: steps.clear()), REFUSED),
    "other sizes": (_sizes, ALIKE),
    "a component less": (_component_less, REFUSED),
    "a component twice": (_component_more, REFUSED),
    "two components in one": (_united, REFUSED),
    "another minimum": (_unfloored, ALIKE),
    "no cuts": (_without("cuts"), ALIKE),
    "no paths": (_without("paths"), ALIKE),
    "no cover": (_without("cover"), ALIKE),
}
"""What is changed, where a certificate has it, and what is to be said of it."""


def by_hand(document: Document) -> Iterator[tuple[str, Document]]:
    for name, (change, _) in BY_HAND.items():
        changed = _copied(document)
        try:
            change(changed)
        except (KeyError, IndexError):  # it has no such part
            continue
        if changed != document:
            yield name, changed


# Files


@contextmanager
def credulous() -> Iterator[None]:
    """What the writer takes for wrong is written all the same, as well as it can be."""
    covers = Dual.covers

    def covering(self: Dual, states: Sequence[Key]) -> bool:
        if not covers(self, states):
            self.used |= set(states)
        return True

    def straight(data: Data, document: Document, i: int, j: int, _: Fraction) -> list[Network]:
        return [network(document["components"][k]["representative"]) for k in (i, j)]

    def narrow(document: Document, i: int, _: int, lower: Fraction) -> Document:
        cells = document["components"][i]["cells"]
        return {"value": str(lower), "cells": cells, "faces": _faces(document, cells, [])}

    def in_order(of: Any, *_: Any) -> list[int]:
        return list(range(of.width))

    with ExitStack() as lifted:
        lifted.enter_context(patch.object(Dual, "covers", covering))
        for owner, name, instead in (
            (Dual, "_multipliers", lambda self, _: [Fraction()] * len(self.nu)),
            (barrier, "aligning", in_order),
            (components, "aligning", in_order),
            (components, "_places", in_order),
            (components, "_path", straight),
            (components, "_cut", narrow),
            (components._Duals, "_first", lambda self, _: self.number(0)),
        ):
            lifted.enter_context(patch.object(owner, name, _else(getattr(owner, name), instead)))
        yield


def _else(function: Callable[..., Any], instead: Callable[..., Any]) -> Callable[..., Any]:
    def tried(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except (AssertionError, InputError, LookupError, StopIteration, ValueError):
            return instead(*arguments)

    return tried


def _filled(document: Document) -> Document:
    """With a dual for each face of each cut."""
    document = _copied(document)
    for cut in (document.get("cut"), *document.get("cuts", ())):
        if cut:
            cut["faces"] = _faces(document, cut["cells"], cut["faces"])
    return document


def _faces(document: Document, cells: Sequence[Any], listed: Sequence[Any]) -> list[Any]:
    """Those that lead out of the cells, each with the dual that it has in a list, or one."""
    data = read(document, Problem.from_json(document["problem"]))
    found = Cells.of(data, document, cells)
    inside = set(map(found.canonical, found.cells))
    duals = {(c, j, move): dual for c, j, move, dual in listed}
    faces = []
    for c, cell in enumerate(found.cells):
        for j, wall, target in found.faces(cell):
            first = found.labelled or cell.index(cell[j]) == j
            if first and found.canonical(target) not in inside:
                move = "sign" if wall is None else data.cones.walls[wall][0]
                faces.append([c, j, move, duals.get((c, j, move), 0)])
    return faces


def file_of(document: Document) -> tuple[str | None, str]:
    """The text, if there is one, and why the writer refuses it, if it does."""
    try:
        return written(document).text, ""
    except Exception as error:  # documents may be wrong in any way
        why = f"{type(error).__name__}: {error}"
    with credulous():
        try:
            return written(_filled(document)).text, why
        except Exception as error:
            return None, f"{type(error).__name__}: {error}"


_BLOCK = re.compile(r"^(?=Definition |Lemma |Theorem |Print )", re.MULTILINE)
_NAME = re.compile(r"\w+ (\w+)")
_DATA = re.compile(r"table|all|parts|hubs|between|shares|(C|way)(_\d+_\d+)?")
"""What a file has of the certificate; the rest is the statement."""


def blocks(text: str) -> dict[str, str]:
    """Definitions, lemmas and theorems by their names."""
    found = {}
    for block in _BLOCK.split(text.partition("Open Scope Z_scope.\n")[2]):
        if name := _NAME.match(block):
            found[name[1]] = block
    return found


def statement(text: str) -> dict[str, str]:
    """What a file says."""
    return {
        name: block.partition("Proof.")[0] if block.startswith("Theorem") else block
        for name, block in blocks(text).items()
        if not _DATA.fullmatch(name) and block.startswith(("Definition", "Theorem"))
    }


def kept(text: str, unchanged: str) -> str:
    """The statement of a file with the certificate of the unchanged one."""
    old = blocks(unchanged)
    for name, block in blocks(text).items():
        if _DATA.fullmatch(name) and name in old:
            text = text.replace(block, old[name])
    return text


_LEMMA = re.compile(r"Lemma accepted\w* :\s*(.*?) = true\.\nProof", re.DOTALL)
_PART = 150  # files at a time


def evaluated(texts: Sequence[str]) -> list[bool]:
    """What the checkers of files say; False where a term is of the wrong type."""
    found: list[bool] = []
    while len(found) < len(texts):
        left = texts[len(found) : len(found) + _PART]
        modules = " ".join(dict.fromkeys(name for text in left for name in _USED.findall(text)))
        bodies = (_evaluating(k, text) for k, text in enumerate(left))
        result = compiled(_HEAD.format(modules) + "".join(bodies))
        said = re.findall(r"= (true|false)\s+: bool", result.printed)
        found += [each == "true" for each in said]
        if not result.accepted:  # Coq stops at the first that is wrong
            if "has type" not in result.errors:
                raise AssertionError(result.errors)
            found.append(False)
    return found


_HEAD = """Require Import Reals List ZArith QArith Bool.
Require {}.
Import ListNotations.
"""


_USED = re.compile(r"Isthmus\.\w+")


def _evaluating(place: int, text: str) -> str:
    """A module of its own in which checkers are evaluated, and nothing proved."""
    named = blocks(text).items()
    given = "".join(
        block for name, block in named if block.startswith("Definition") and name != "proved"
    )
    checks = " && ".join(f"({found})" for found in _LEMMA.findall(text))
    modules = " ".join(_USED.findall(text))  # two of them may have the same name
    return f"""Module M{place}.
Import {modules}.
Open Scope Z_scope.
{given}Eval vm_compute in ({checks}).
End M{place}.
"""


# Both checkers


@dataclass(frozen=True)
class Outcome:
    """certificate, change: what was done. python: why its checker refuses it; writer: why the
    writer does; empty where they do not. said: what Coq states, empty where there is no file.
    accepted: whether Coq accepts a file that says so. changed: whether that is another statement.
    kept: whether only the certificate as it was proves it.
    """

    certificate: str
    change: str
    document: Document
    python: str
    writer: str
    said: Mapping[str, str]
    accepted: bool
    changed: bool
    kept: bool

    @property
    def agreed(self) -> bool:
        """Whether both checkers accept it, or none."""
        return self.accepted == (not self.python)

    @property
    def explained(self) -> str:
        """Why they may differ; empty where that is not known."""
        if self.kept:
            return "the certificate as it was proves that, too"
        table, why = UNSAID, self.writer
        if self.accepted:
            table, why = (STATED if self.changed else UNREAD), self.python
        place = re.sub(r"\[\d+\]", "", why)
        return next((said for start, said in table.items() if re.match(start, place)), "")


STATED = {
    "value: must be one rational": "an interval is said where one value is known",
    "cut.value: is": "the cut is not as high as the value: Coq states what each of them proves",
    r"[\w.]+: the network lies outside the ball|start: (its neuron|the point lies outside)": (
        "the library's ball is of the vectors a_j w_j, ours of the layers as they are"
    ),
    "within: must be a JSON object": "our paths have a ball, those of Coq need none",
    r"duals: must be a list, not \{'Z'": "Coq takes a metric where none is needed",
    r"paths?(\.breakpoints)?: is not": (
        "the way of the file is joined to the networks by steps that Coq checks, too"
    ),
    "steps: has alpha": "what a_j^2 are, and the first point of a path, is nothing to Coq",
}
"""Why Coq may accept another statement than that of the unchanged certificate, which is true, where
Python refuses its certificate: by the start of the reason, without indices."""

UNREAD = {
    r"(minimum|level: is .* below the min|components\.(minimum|floor|representative: its loss))": (
        "least losses of components are no part of the theorem"
    ),
    "barriers": "barriers are read above the diagonal",
    "(walls|cover)": "Coq takes any dual vector of the file for walls and cover",
    r"(start|steps): (its neuron|the point lies outside)": STATED["steps: has alpha"],
    r"cuts?\.faces": "listed otherwise, or the credulous writer guessed the dual vectors",
    r"paths?(\.breakpoints)?: (is not|has no)": STATED[r"paths?(\.breakpoints)?: is not"],
    ".": "of form, or a part that the file does not need",
}
"""Where it proves just what it proved before: what was changed."""

UNSAID = {
    "InputError: certificate: has its barrier at the larger loss": (
        "a barrier at the larger loss of its ends takes no proof, and has no theorem"
    ),
}
"""Why there may be no theorem of what Python accepts, by the start of the writer's reason."""


def outcomes(count: int, seed: int) -> list[Outcome]:
    """Of so many changes by hand and at random of each certificate."""
    rng, given = random.Random(seed), documents()
    changed: list[tuple[str, str, Document]] = []
    for name, document in given.items():
        others = [each for each in given.values() if each["kind"] == document["kind"]]
        hand = list(by_hand(document))
        changed += [(name, *each) for each in rng.sample(hand, min(count, len(hand)))]
        for _ in range(count):
            new = _copied(document)
            what = at_random(new, others, rng)
            if new != document:
                changed.append((name, what, new))
    return examined(given, changed)


def examined(
    given: Mapping[str, Document], changed: Sequence[tuple[str, str, Document]]
) -> list[Outcome]:
    """changed: name of a certificate, what was done to it, and what it is then."""
    unchanged = {name: written(document).text for name, document in given.items()}
    files: list[tuple[str, ...]] = []
    reasons = []
    for name, _, document in changed:
        text, reason = file_of(document)
        reasons.append(reason)
        same = text is None or statement(text) == statement(unchanged[name])
        # With the unchanged certificate an unchanged statement is accepted: that says nothing.
        files.append(
            () if text is None else (text,) if same else (text, kept(text, unchanged[name]))
        )
    distinct = list(dict.fromkeys(text for texts in files for text in texts))
    says = dict(zip(distinct, evaluated(distinct), strict=True))
    return [
        Outcome(
            certificate=name,
            change=what,
            document=document,
            python=verdict(document),
            writer=reason,
            said=statement(texts[0]) if texts else {},
            accepted=any(says[text] for text in texts),
            changed=len(texts) == 2,
            kept=len(texts) == 2 and says[texts[1]] and not says[texts[0]],
        )
        for (name, what, document), reason, texts in zip(changed, reasons, files, strict=True)
    ]


def verdict(document: Document) -> str:
    """Why the checker refuses it; empty where it does not."""
    try:
        check(document)
    except (CertificateInvalid, InputError) as error:
        return str(error)
    return ""


_REAL = re.compile(r"\((\(-\d+\)|\d+) / \((\d+) \* (\d+) \* (\d+)\)\)%R")


def is_true(outcome: Outcome) -> bool:
    """Whether what Coq states is so, by the programs that make certificates."""
    document = outcome.document
    problem = Problem.from_json(document["problem"])
    width, within = document["width"], document["within"]
    name = within["ball"] if within else ""
    ball = within and Ball({"entrywise": "adamw"}.get(name, name), within["rho"])

    def meets(theorem: str, lower: Fraction, upper: Fraction) -> bool:
        least_value, most = _values(outcome.said[theorem])
        return least_value <= upper and lower <= most

    if document["kind"] == "minimum":
        true = least(CellComplex.of(problem, width, within=ball))
        return meets("minimum", true.lower, true.value)
    if document["kind"] == "path":
        first, second = map(network, document["networks"])
        crossing = barrier_between(problem, first, second, labelled=True, within=ball)
        return crossing.proved <= _values(outcome.said["path"])[0]
    labelled = document["labelled"]
    if document["kind"] == "barrier":
        first, second = map(network, document["networks"])
        crossing = barrier_between(problem, first, second, labelled=labelled, within=ball)
        return meets("barrier", crossing.proved, crossing.value)
    level = Fraction(document["level"])
    analysis = analyse(problem, width, level=level, labelled=labelled, within=ball)
    homes = {cell: each.id for each in analysis.components for cell in each.cells}
    complex_ = analysis.complex
    ends = [network(each["representative"]) for each in document["components"]]
    found = [homes[complex_.canonical(complex_.cell_of(each))] for each in ends]
    pairs = combinations(enumerate(found), 2)
    low: Any = analysis.lower_bounds
    high: Any = analysis.barriers  # of a complete analysis none is None
    return (
        all(each.loss(problem) <= level for each in ends)
        and sorted(found) == list(range(len(analysis.components)))
        and all(meets(f"barrier_{i}_{j}", low[a][b], high[a][b]) for (i, a), (j, b) in pairs)
    )


def _values(theorem: str) -> tuple[Fraction, Fraction]:
    """The lower and the upper value that it has."""
    values = [
        Fraction(int(n.strip("()")), int(k) * int(scale) ** 2)
        for n, k, scale, _ in _REAL.findall(theorem)
    ]
    return values[0], values[-1]


def main(count: int, seed: int) -> None:
    """Tables of what both checkers say, and of where they differ."""
    found = outcomes(count, seed)
    agreed = [each for each in found if each.agreed]
    print(f"{len(found)} changes: {sum(each.accepted for each in agreed)} accepted by both,")
    print(f"{sum(not each.accepted and bool(each.said) for each in agreed)} refused by both, and")
    print(f"{sum(not each.said for each in agreed)} refused here of which no file can be written.")
    print("\n| accepted by | statement | why the other refuses | changes |\n|---|---|---|---|")
    apart = [each for each in found if not each.agreed]
    rows = Counter(
        ("Coq" if each.accepted else "Python", "new" if each.changed else "old", each.explained)
        for each in apart
    )
    for row, number in sorted(rows.items()):
        print(f"| {' | '.join(row)} | {number} |")
    for each in apart:
        if not each.explained:
            print(f"NOT EXPLAINED {each.certificate}: {each.change}: {each.python or each.writer}")
    for each in found:
        if each.accepted and each.changed and not is_true(each):
            print(f"FALSE {each.certificate}: {each.change}: {each.said}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
