"""The checker counts its steps before it takes them: hostile certificates of every kind."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from documents import BARRIER, COMPONENTS, network

from theory.certificates import algebra, balls, checker, cones, covering, landscape, losses, work
from theory.certificates.checker import check, check_file
from theory.errors import BudgetError, InputError
from theory.problem import Problem

ROOT = Path(__file__).parents[3]
HEAD = {"format": "isthmus-certificate", "version": 1}

# Valid ones, of one neuron on y = (2, 1) at x = (1, -1), whose least loss is 1/2.
PROBLEM = {"X": [["1"], ["-1"]], "y": ["2", "1"]}
BALL = {"ball": "ngd", "rho": "2"}
NEURON = ["+", "1", ["2"]]
VALID: dict[str, dict[str, Any]] = {
    "components": COMPONENTS,
    "barrier": BARRIER,
    "minimum": {
        **HEAD,
        "kind": "minimum",
        "problem": PROBLEM,
        "width": 1,
        "within": None,
        "duals": [["2", "1"], ["0", "1"], ["2", "0"]][1:],
        "value": "1/2",
        "network": network("2"),
    },
    "optimum": {
        **HEAD,
        "kind": "optimum",
        "problem": PROBLEM,
        "width": 1,
        "within": BALL,
        "patterns": None,
        "value": ["0", "1/2"],
        "network": network("2"),
        "dual": {"nu": ["2", "1"], "mu": []},
    },
    "path": {
        **HEAD,
        "kind": "path",
        "problem": PROBLEM,
        "width": 1,
        "within": BALL,
        "level": "5/2",
        "networks": [network("2"), network("0", "0")],
        "start": [NEURON],
        "steps": [[[0, "+", "1", ["0"]]], [[0, "+", "0", ["0"]]]],
    },
    "regions": {
        **HEAD,
        "kind": "regions",
        "problem": PROBLEM,
        "width": 1,
        "level": "1/2",
        "balls": ["ngd"],
        "duals": [],
        "points": [{"rho": ["2"], "neurons": [["+", "2", ["2"]]]}],
    },
}


def steps(document: dict[str, Any]) -> int:
    """What its check takes."""
    with work.limited(10**12) as done:
        checker._check(document, None)
    return done.spent


@pytest.mark.parametrize("kind", VALID)
def test_the_limit_is_on_the_steps_taken(kind: str) -> None:
    needed = steps(VALID[kind])
    assert check(VALID[kind], max_steps=10 * needed).kind == kind
    with pytest.raises(BudgetError, match="steps of the check, up to ") as caught:
        check(VALID[kind], max_steps=needed - 1)
    assert caught.value.needed > caught.value.limit == needed - 1
    assert caught.value.option == "max_steps"


# Data that the certificate may name as its own.


def many_rows(k: int) -> dict[str, Any]:
    """2 k rows in the plane, on k + 1 lines."""
    rows = [[1, 2]] * k + [[i, i * i + 1] for i in range(k)]
    return {"X": [[str(v) for v in row] for row in rows], "y": ["1"] * (2 * k)}


def long_numbers(rows: int, digits: int) -> dict[str, Any]:
    """Different denominators of so many digits, whose common one is as long as all of them."""
    inverses = iter(range(10 ** (digits - 1) + 1, 10**digits, 2))
    X = [[f"1/{next(inverses)}", f"1/{next(inverses)}"] for _ in range(rows)]
    return {"X": X, "y": [f"1/{next(inverses)}" for _ in range(rows)]}


def identity(d: int) -> dict[str, Any]:
    return {"X": [[str(int(i == k)) for k in range(d)] for i in range(d)], "y": ["1"] * d}


def hostile(kind: str, problem: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A certificate with other data, which its checker has to work on first."""
    document = {**copy.deepcopy(VALID[kind]), "problem": problem, **changes}
    zero = {"W": [["0"]] * len(problem["X"][0]), "a": ["0"]}
    if kind == "minimum":
        document |= {"network": zero, "duals": []}
    if kind == "optimum":  # of a dual all patterns are needed
        dual = {"nu": ["1"] * len(problem["X"]), "mu": []}
        document |= {"network": zero, "dual": dual, "value": ["0", "1000000"]}
    if kind == "regions":  # nothing is attained: all states are needed
        document["points"] = [{"rho": ["1"], "duals": []}]
    if kind == "path":
        blank = ["+", "0", ["0"] * len(problem["X"][0])]
        document |= {"networks": [zero] * 2, "start": [blank], "steps": [[[0, *blank]]] * 20}
    return document


ARRANGED = ["components", "barrier", "minimum", "optimum", "regions"]


@pytest.mark.parametrize("kind", ARRANGED)
def test_many_rows(kind: str) -> None:
    """One minute, and 1.6 GB, before they were counted."""
    with pytest.raises(BudgetError, match="steps of the check, up to columns of generators: "):
        check(hostile(kind, many_rows(3000)))


def test_many_rows_on_a_path() -> None:
    document = hostile("path", many_rows(100), level="100")
    with pytest.raises(BudgetError, match="up to (sums|outputs|losses|numbers)"):
        check(document, max_steps=10**5)
    assert check(document).kind == "path"


@pytest.mark.parametrize("kind", ARRANGED)
def test_long_numbers(kind: str) -> None:
    """30 KB of text, and a common denominator of 60,000 digits for each number."""
    with pytest.raises(BudgetError, match="over a common denominator: "):
        check(hostile(kind, long_numbers(10, 1000)), max_steps=10**6)


def test_long_numbers_on_a_path() -> None:
    with pytest.raises(BudgetError, match="common denominator: "):
        check(hostile("path", long_numbers(10, 1000)), max_steps=10**6)


@pytest.mark.parametrize("ball", ["entrywise", "muon", "muon-adamw", "ngd", "colnorm", "adamw-ngd"])
def test_long_numbers_of_a_network(ball: str) -> None:
    """Weights whose common denominator is long."""
    numbers = long_numbers(20, 500)
    W = [[row[k] for row in numbers["X"]] for k in range(2)]
    document = {
        **VALID["minimum"],
        "problem": {"X": [["1", "2"]], "y": ["1"]},
        "width": 20,
        "duals": [],
        "within": {"ball": ball, "rho": "1"},
        "network": {"W": W, "a": numbers["y"]},
    }
    with pytest.raises(BudgetError, match="common denominator|norms of networks"):
        check(document, max_steps=10**6)


@pytest.mark.parametrize("within", [{"ball": "ngd", "rho": "1"}, {"penalty": "l2", "beta": "1"}])
def test_long_numbers_of_dead_neurons(within: dict[str, str]) -> None:
    """W may be anything where a_j = 0, so that no neuron of the path is long."""
    W = [[row[k] for row in long_numbers(20, 500)["X"]] for k in range(2)]
    blank = ["+", "0", ["0", "0"]]
    document = {
        **VALID["path"],
        "problem": {"X": [["1", "2"]], "y": ["1"]},
        "width": 20,
        "within": within,
        "networks": [{"W": W, "a": ["0"] * 20}] * 2,
        "start": [blank] * 20,
        "steps": [],
    }
    with pytest.raises(BudgetError, match="common denominator"):
        check(document, max_steps=10**6)


@pytest.mark.parametrize(
    ("ball", "what"),
    [
        (None, "cones of the arrangement"),
        ("entrywise", "vertices in the ball"),
        ("colnorm", "cones of the arrangement"),
    ],
)
def test_high_dimensions(ball: str | None, what: str) -> None:
    """2^30 cones, 3^30 vertices."""
    within = ball and {"ball": ball, "rho": "1"}
    document = hostile("minimum", identity(30), within=within, value="15")
    document["duals"] = [["1"] * 30]
    with pytest.raises(BudgetError, match=what):
        check(document)


def test_many_generators_in_a_cone() -> None:
    """Their independent subsets are counted before one is looked at."""
    points: list[tuple[int, ...]] = [(k, k * k, 1) for k in range(200)]
    generators = cones.Points(points, [(0, 0, 1)], [(0, 0, 1)], algebra.Sigma(1, 0, 1))
    ball = balls.Ball("colnorm", Fraction(1))
    proof = losses.Loss(Problem([[1]], [1])).proof([Fraction(1)], "duals[0]")
    dual = landscape.ConicDual(proof, None, 1, ball, generators, 1)
    with work.limited(10**6), pytest.raises(BudgetError, match="independent generators: "):
        dual.bound([(1, generators.all)])


def test_a_search_without_end() -> None:
    """Each dual covers nearly nothing, so that there are 10^9 multisets to look at."""
    weights = [[1 + (state + dual) % 3 for state in range(40)] for dual in range(30)]
    with work.limited(10**6), pytest.raises(BudgetError, match="cells that no dual covers"):
        list(covering.escaping(40, weights, [11] * 30, 12))


def test_a_large_metric() -> None:
    Z = [[str(10 if i == k else 1) for k in range(60)] for i in range(60)]
    X = [[str((i * k) % 7) for k in range(60)] for i in range(3)]
    document = {
        **VALID["optimum"],
        "problem": {"X": X, "y": ["1"] * 3},
        "within": {"ball": "muon", "rho": "1"},
        "patterns": ["0++"],
        "value": ["0", "3/2"],
        "network": {"W": [["0"]] * 60, "a": ["0"]},
        "dual": {"nu": ["1"] * 3, "mu": [], "Z": Z},
    }
    with pytest.raises(BudgetError, match="the inverse of Z"):
        check(document)


def test_growing_entries() -> None:
    """Elimination multiplies the lengths of numbers."""
    rows = [[Fraction(1, 10**200 + i * k + i + k) for k in range(12)] for i in range(12)]
    for i in range(12):
        rows[i][i] += 1
    with work.limited(10**6), pytest.raises(BudgetError, match="whether a matrix is positive"):
        algebra.is_positive(rows, definite=True)


@pytest.mark.parametrize("kind", ["minimum", "components", "path", "optimum"])
def test_a_width_of_a_billion_costs_nothing(kind: str) -> None:
    document = {**VALID[kind], "width": 10**9}
    if kind == "optimum":
        assert check(document, max_steps=10**5).kind == kind
    else:
        with pytest.raises(checker.CertificateInvalid, match="must have 1000000000"):
            check(document, max_steps=10**5)


def test_its_text_counts(tmp_path: Path) -> None:
    file = tmp_path / "lists.json"
    file.write_text(f'{{"format": [{"[], " * 100_000}[]]}}')
    with pytest.raises(BudgetError, match="the certificate's text: [0-9,]+ needed") as caught:
        check_file(file, max_steps=10**6)
    assert caught.value.needed > 16 * 100_000
    with pytest.raises(BudgetError, match="the certificate's text: 400,016 needed"):
        check_file(file, max_steps=1000)
    file.write_text("[" * 100_000 + "]" * 100_000)
    with pytest.raises(InputError, match="is not JSON: maximum recursion depth"):
        check_file(file)


def test_keys_that_stand_twice_are_found_at_once(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    keys = ", ".join(f'"{k}": 1' for k in range(100_000))
    file.write_text(f'{{{keys}, "99999": 2}}')
    with pytest.raises(InputError, match="the key '99999' stands twice"):
        check_file(file)


def test_memory(tmp_path: Path) -> None:
    """Within 500 MB of address space each is refused by its count, not for want of memory."""
    files = []
    for kind in ARRANGED:
        files.append(tmp_path / f"{kind}.json")
        files[-1].write_text(json.dumps(hostile(kind, many_rows(7500))))
    files.append(tmp_path / "text.json")
    files[-1].write_text(f"[{'0,' * 10_000_000}0]")
    code = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (500_000_000, 500_000_000))
from theory.certificates.checker import check_file
from theory.errors import BudgetError
for file in sys.argv[1:]:
    try:
        check_file(file)
    except BudgetError as error:
        print(error.needed > error.limit)
"""
    run = [sys.executable, "-c", code, *map(str, files)]
    done = subprocess.run(run, capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split() == ["True"] * len(files)
