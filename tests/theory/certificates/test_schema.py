"""The schema of certificates: what producers write has its shape, and so has, here and in all tests
of this folder, whatever the checker accepts; what is misspelt, left out or no rational has not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from documents import BARRIER, COMPONENTS, REMOVE, tampered
from problems import planted
from schemas import SCHEMA, VALIDATOR, wrong

from theory import example
from theory.certificates import certify, checker
from theory.certificates.balls import BALLS
from theory.certificates.checker import CertificateInvalid, check
from theory.certificates.reading import BIASES
from theory.connectivity import SolutionSet, connect
from theory.errors import BudgetError
from theory.landscape import analyse, barrier_between, valleys
from theory.landscape.cells import CellComplex
from theory.landscape.classify import Classifier
from theory.landscape.least import least
from theory.losses import _KINDS as LOSSES
from theory.margins import MaxMargin
from theory.network import Network
from theory.problem import Problem
from theory.programs import solve
from theory.regions import optimizer_regions
from theory.within import Ball, Penalty, Within

ROOT = Path(__file__).parents[3]
FLAGSHIP = example("flagship")
LINE = Problem([[0], [1], [2]], [1, -1, 2])
TWO = Problem([[1], [-1]], [2, 1])
LABELS = Problem([[5], [6]], [1, -1])
HALF = Fraction(1, 2)

# What producers write.


def barrier(problem: Problem, within: Ball | None = None) -> Any:
    ends = Network([[1], *([[0]] * (problem.d - 1))], [1]), Network([[0]] * problem.d, [0])
    return barrier_between(problem, *ends, within=within)


def stationary(problem: Problem, within: Within | None = None) -> Any:
    network = Network([[1, Fraction(-1, 2)], [Fraction(1, 3), 1]], [Fraction(1, 5), HALF])
    classifier = Classifier(problem, 2, within)
    return classifier.polished(classifier.of(network))


def path(problem: Problem, within: Within) -> Any:
    network = Network([["1/4", "0", "0"]] + [["1/4", "0", "0"]] * (problem.d - 1), [1, 0, 0])
    level = 9 * network.loss(problem)
    return connect(
        SolutionSet(problem, within, level), network, network.permuted([1, 0, 2]), max_cells=1
    )


def optimum(problem: Problem, within: Within, **options: Any) -> Any:
    return solve(problem, within, max_cells=1, **options)


def many(within: Within, *, d: int) -> Any:
    """Of data with more patterns than are listed."""
    return optimum(planted(8, d, 3, 0)[0], within, width=2, max_patterns=4)


def lowest(problem: Problem, **options: Any) -> Any:
    return least(CellComplex.of(problem, width=1, **options))


def phases(first: str, second: str, width: int | None = 2) -> Any:
    return optimizer_regions(example("two-regions"), (first, second), width)


def linear(problem: Problem, loss: str = "squared") -> Problem:
    return Problem(problem.X, problem.y, loss=loss, output_bias=True, skip=True)


MADE: dict[str, Callable[[], Any]] = {
    "components": lambda: analyse(FLAGSHIP, level=HALF),
    "components, labelled": lambda: analyse(TWO, 2, labelled=True),
    "components, Muon": lambda: analyse(FLAGSHIP, within=Ball("muon", 6)),
    "components, free biases": lambda: analyse(LINE.with_bias("free"), 1, within=Ball("ngd", 1)),
    "components, biases as AdamW's": lambda: analyse(
        LINE.with_bias("adamw"), 1, within=Ball("ngd", 1)
    ),
    "components, leaky": lambda: analyse(
        Problem(TWO.X, TWO.y, activation="leaky_relu:-3/4", weights=[1, HALF]), 1
    ),
    "components, logistic": lambda: analyse(
        Problem([[1], [2]], [1, -1], loss="logistic"), 1, level=2
    ),
    "components, a form": lambda: analyse(
        Problem(TWO.X, TWO.y, form=[[1, HALF], [HALF, 1]], skip=False), 1
    ),
    "barrier": lambda: barrier(FLAGSHIP),
    "barrier, linear part": lambda: barrier(linear(FLAGSHIP)),
    "barrier, column norms": lambda: barrier(FLAGSHIP, Ball("colnorm", 3)),
    "minimum": lambda: lowest(FLAGSHIP),
    "minimum, Muon and AdamW": lambda: lowest(FLAGSHIP, within=Ball("muon-adamw", 2)),
    "valleys": lambda: valleys(TWO, 2, labelled=True),
    "all-valleys": lambda: valleys(FLAGSHIP, 2),
    "all-valleys, AdamW": lambda: valleys(FLAGSHIP, 2, within=Ball("adamw", "11/5")),
    "all-valleys, free biases": lambda: valleys(
        Problem([[-1], [1]], [2, 1]).with_bias("free"), 1, within=Ball("adamw", 1)
    ),
    "all-valleys, absolute": lambda: valleys(linear(LINE, "absolute"), 1),
    "all-valleys, linear part": lambda: valleys(linear(LINE), 1),
    "deep-valleys": lambda: valleys(FLAGSHIP, 2, within=Ball("muon", 3)),
    "deep-valleys, penalty": lambda: valleys(FLAGSHIP, 2, within=Penalty(HALF)),
    "stationary": lambda: stationary(FLAGSHIP),
    "stationary, Muon": lambda: stationary(FLAGSHIP, Ball("muon", 3)),
    "stationary, penalty": lambda: stationary(FLAGSHIP, Penalty("1/9")),
    "optimum": lambda: optimum(FLAGSHIP, Ball("adamw", 1), width=2),
    "optimum, Muon": lambda: optimum(FLAGSHIP, Ball("muon", 1)),
    "optimum, penalty": lambda: optimum(FLAGSHIP, Penalty(HALF)),
    "optimum, free biases": lambda: optimum(LINE.with_bias("free"), Ball("ngd", HALF)),
    "optimum, biases as AdamW's": lambda: optimum(
        LINE.with_bias("adamw"), Ball("ngd", HALF), width=1
    ),
    "optimum, a cover": lambda: many(Ball("ngd", "1/8"), d=2),
    "optimum, quadratics": lambda: many(Ball("muon", "1/8"), d=7),
    "path": lambda: path(TWO, Ball("muon", 3)),
    "path, penalty": lambda: path(TWO, Penalty("1/9")),
    "path, linear part": lambda: path(linear(TWO), Ball("ngd", 3)),
    "regions": lambda: phases("adamw", "muon").frontier(vertices=2),
    "regions, disjoint": lambda: phases("adamw", "muon").at(Fraction(3, 5), Fraction(3, 2)),
    "regions, any width": lambda: phases("muon", "ngd", None).at(Fraction(3, 5), Fraction(3, 2)),
    "margin": lambda: MaxMargin(LABELS.with_bias("free"), "adamw", 2).proof(),
    "margin, a label": lambda: MaxMargin(LABELS.with_bias("free"), "muon", 2).proof([5, 1]),
    "margin, biases as AdamW's": lambda: MaxMargin(LABELS.with_bias("adamw"), "ngd", 2).proof(),
}


@cache
def made(name: str) -> str:
    return json.dumps(certify(MADE[name]()))


def shipped() -> dict[str, dict[str, Any]]:
    """Of the atlas."""
    found: dict[str, dict[str, Any]] = {}
    for file in sorted((ROOT / "theory/examples/atlas").glob("*.json")):
        proofs = json.loads(file.read_text(encoding="utf-8"))["certificates"]
        found |= {f"{file.stem}, {name}": proof for name, proof in proofs.items()}
    return found


def test_it_is_a_schema_of_all_kinds() -> None:
    VALIDATOR.check_schema(SCHEMA)
    kinds = set(checker._KINDS)
    assert {name.partition(",")[0] for name in MADE} == kinds
    assert set(SCHEMA["properties"]["kind"]["enum"]) == kinds
    for kind, (fields, _, optional) in checker._KINDS.items():
        definition = SCHEMA["$defs"][kind]
        assert set(definition["required"]) == set(fields)
        assert set(definition["properties"]) == {*fields, *optional}
        assert definition["additionalProperties"] is False
        of_kind = {"required": ["kind"], "properties": {"kind": {"const": kind}}}
        assert {"if": of_kind, "then": {"$ref": f"#/$defs/{kind}"}} in SCHEMA["allOf"]


def test_only_tests_read_it() -> None:
    """So that a check needs no more than the standard library."""
    files = [path for part in ("theory", "numerics") for path in (ROOT / part).rglob("*.py")]
    assert len(files) > 100
    assert not [path for path in files if "jsonschema" in path.read_text(encoding="utf-8")]


def test_names_are_those_of_the_checker() -> None:
    definitions = SCHEMA["$defs"]
    balls = definitions["ball"]["properties"]["ball"]["enum"]
    assert sorted(balls) == sorted(BALLS)
    assert definitions["regions"]["properties"]["balls"]["items"]["enum"] == [*balls, "l2"]
    stated = definitions["problem"]["properties"]
    assert tuple(stated["bias"]["enum"]) == BIASES
    for name in LOSSES:
        found = [bool(re.search(stated["loss"]["pattern"], name + end)) for end in ("", ":1/2")]
        assert sum(found) == 1
    for name in ("relu", "abs", "leaky_relu:-3/4"):
        assert re.search(stated["activation"]["pattern"], name)


@pytest.mark.parametrize("name", MADE)
def test_what_producers_write_has_its_shape(name: str, accepted: list[str]) -> None:
    before = len(accepted)
    document = json.loads(made(name))
    check(document)
    assert accepted[before:] == [document["kind"]] == [name.partition(",")[0]]


def test_each_variant_is_written() -> None:
    """Fields that not all certificates of a kind have."""
    keys = {key for name in MADE for at, _ in places(json.loads(made(name))) for key in at}
    for field in ("bias", "weights", "form", "activation", "loss", "output_bias", "skip"):
        assert field in keys
    assert {"Z", "k", "b", "c", "free", "mu", "cover", "quadratics", "everywhere"} <= keys
    assert {"hidden", "output", "penalty", "label", "frame", "slopes"} <= keys


def test_what_is_shipped_has_its_shape() -> None:
    proofs = shipped()
    assert len(proofs) > 40
    for name, proof in proofs.items():
        assert (name, wrong(proof)) == (name, "")


@pytest.mark.parametrize("document", [BARRIER, COMPONENTS], ids=["barrier", "components"])
def test_what_is_written_by_hand_has_its_shape(document: dict[str, Any]) -> None:
    assert wrong(document) == ""


# Changes. A place is the keys and indices that lead to it.

STRICT = (
    *("components, Muon", "components, biases as AdamW's", "barrier, linear part", "minimum"),
    *("all-valleys, free biases", "deep-valleys, penalty", "stationary, Muon", "path, linear part"),
    *("optimum, free biases", "optimum, quadratics", "regions, disjoint", "margin, a label"),
)
"""Of all kinds, and fields."""

OPTIONAL = {
    *("activation", "loss", "weights", "form", "bias", "output_bias", "skip", "everywhere"),
    *("b", "c"),
    *("hidden", "output"),  # which are needed is a matter of the ball
}


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    yield at, value
    parts: Any = ()
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)
    for key, part in parts:
        yield from places(part, (*at, key))


def some(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Of entries of a list that are of one type the places of the first two only."""
    yield at, value
    parts: Any = ()
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list):
        parts = list(enumerate(value))[: 2 if len(set(map(type, value))) == 1 else None]
    for key, part in parts:
        yield from some(part, (*at, key))


def is_rational(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"-?\d+(/\d+)?", value) is not None


def refused(document: Any, at: tuple[Any, ...], value: Any) -> None:
    """By the schema, and by the checker."""
    altered = tampered(document, at, value)
    assert not VALIDATOR.is_valid(altered), (at, value)
    with pytest.raises(CertificateInvalid, match=": "):
        check(altered, max_steps=10**7)


@pytest.mark.parametrize("name", STRICT)
def test_fields_left_out_misspelt_or_of_ones_own_are_refused(name: str) -> None:
    document = json.loads(made(name))
    for at, value in some(document):
        if not isinstance(value, dict):
            continue
        refused(document, (*at, "more"), "1")
        for key in value:
            if key not in OPTIONAL or (key == "b" and "t" in value):
                refused(document, (*at, key), REMOVE)
            if not at:
                continue
            rest = {k: v for k, v in value.items() if k != key}
            refused(document, at, {**rest, f"{key}_": value[key]})


BAD: tuple[Any, ...] = (
    "0.5",
    "+1",
    " 1",
    "1/0",
    "1/-2",
    "1e3",
    "",
    "1/2/3",
    "\u0661",
    "1_0",
    True,
    {},
)


@pytest.mark.parametrize("name", STRICT)
def test_floats_and_bad_rationals_are_refused(name: str) -> None:
    document = json.loads(made(name))
    number = 0
    for at, value in some(document):
        if is_rational(value):
            refused(document, at, 0.5)
            number += 1
            refused(document, at, BAD[number % len(BAD)])
        elif type(value) is int:
            refused(document, at, 0.5)
            refused(document, at, str(value))


@pytest.mark.parametrize("name", MADE)
def test_rationals_may_be_written_otherwise(name: str) -> None:
    """Not in lowest terms, zeros before them, zero with a sign."""

    def rewritten(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: rewritten(part) for key, part in value.items()}
        if isinstance(value, list):
            return [rewritten(part) for part in value]
        if not is_rational(value) or set(value) == {"0"}:  # which may be signs of zero rows
            return value
        exact = Fraction(value)
        minus = "-" if exact < 0 else ""
        return f"{minus}0{2 * abs(exact.numerator)}/00{2 * exact.denominator}"

    document = rewritten(json.loads(made(name)))
    assert wrong(document) == ""
    check(document)


JUNK: tuple[Any, ...] = (
    *(None, False, 0, 1, -1, 10**30, 0.5, "1", "-0", "007/2", "1/0", "", "relu", "sign", "+-"),
    *([], {}, [[]], ["1"], {"b": "1"}, {"penalty": "l2", "beta": "1"}),
)


def test_what_the_checker_accepts_of_changed_ones_has_its_shape(accepted: list[str]) -> None:
    """`accepted` asserts it; half of what is put in is from elsewhere in the document."""
    before, tried = len(accepted), 0
    for name in STRICT:
        document = json.loads(made(name))
        there = list(some(document))
        for at, _ in there[1:]:
            for value in (JUNK[tried % len(JUNK)], there[7 * tried % len(there)][1]):
                tried += 1
                try:
                    check(tampered(document, at, value), max_steps=10**6)
                except (CertificateInvalid, BudgetError):
                    continue
    assert len(accepted) - before > 50


# What the format states of one field by another.


@pytest.mark.parametrize(
    ("name", "at", "value"),
    [
        ("components", ("within",), {"penalty": "l2", "beta": "1"}),
        ("all-valleys", ("within",), {"ball": "ngd", "rho": "1"}),
        ("all-valleys", ("labelled",), True),
        ("components, free biases", ("within",), {"penalty": "l2", "beta": "1"}),
        ("components, biases as AdamW's", ("within", "ball"), "colnorm"),
        ("optimum, biases as AdamW's", ("width",), None),
        ("optimum", ("width",), None),
        ("optimum", ("patterns",), []),
        ("optimum, a cover", ("everywhere",), {"value": "0", "dual": None}),
        ("stationary, Muon", ("problem", "bias"), "free"),
        ("regions", ("problem", "bias"), "free"),
        ("margin", ("problem", "skip"), True),
        ("margin", ("within",), None),
        ("components, a form", ("problem", "loss"), "absolute"),
        ("components, a form", ("problem", "weights"), ["1", "1"]),
        ("components", ("problem", "loss"), "Squared"),
        ("components", ("problem", "activation"), "leaky_relu:0.1"),
        ("components", ("problem", "activation"), " relu"),
        ("components", ("version",), True),
        ("components", ("version",), 2),
        ("components", ("kind",), "component"),
    ],
)
def test_what_does_not_go_together_is_refused(name: str, at: tuple[Any, ...], value: Any) -> None:
    refused(json.loads(made(name)), at, value)


@pytest.mark.parametrize("at", [("dual", "Z"), ("dual", "mu", 0, 2)])
def test_nothing_is_left_unread_where_the_dual_vector_is_zero(at: tuple[Any, ...]) -> None:
    document = json.loads(made("stationary, Muon"))
    zero = ["0"] * len(document["dual"]["nu"])
    document["dual"] = {"nu": zero, "Z": [["1", "0"], ["0", "1"]], "mu": [[0, "+", "++++", []]]}
    document["slack"] = "1000"
    assert check(document)
    refused(document, at, "none")
