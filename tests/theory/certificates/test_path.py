"""Certificates of paths: valid as produced, refused for the stated reason when changed."""

from __future__ import annotations

import copy
import json
import re
from fractions import Fraction
from typing import Any

import pytest

from theory.certificates import certify
from theory.certificates.checker import CertificateInvalid, check
from theory.connectivity import SolutionPath, SolutionSet, connect
from theory.errors import InputError
from theory.network import Network
from theory.problem import Problem
from theory.within import Ball, Penalty

PROBLEM = Problem(X=[[1, 0], [0, 1]], y=[1, -1])
FIRST = Network(W=[[1, 0, 0], [0, 1, 0]], a=[1, -1, 0])
SECOND = FIRST.permuted([1, 0, 2])
WITHIN: dict[str, Ball | Penalty] = {
    "adamw": Ball("adamw", 1),
    "muon": Ball("muon", 2),
    "muon-adamw": Ball("muon-adamw", 1),
    "ngd": Ball("ngd", 2),
    "colnorm": Ball("colnorm", 1),
    "sgd": Penalty("1/2"),
}


def certified(optimizer: str = "ngd", within: Ball | Penalty | None = None) -> dict[str, Any]:
    level = Fraction(1) if optimizer == "sgd" else Fraction()
    solutions = SolutionSet(PROBLEM, within or WITHIN[optimizer], level)
    path = connect(solutions, FIRST, SECOND, max_cells=1)
    assert isinstance(path, SolutionPath)
    return json.loads(json.dumps(certify(path)))


@pytest.mark.parametrize("optimizer", WITHIN)
def test_every_geometry(optimizer: str) -> None:
    verdict = check(certified(optimizer), PROBLEM)
    assert verdict.kind == "path"
    what = "loss and penalty at most 1" if optimizer == "sgd" else "loss at most 0"
    assert what in verdict.statement


def test_a_path_of_one_point() -> None:
    solutions = SolutionSet(PROBLEM, Ball("ngd", Fraction(2)), Fraction())
    document = certify(connect(solutions, FIRST, FIRST))
    assert document["steps"] == []
    assert "0 segments" in check(document).statement


def changed(document: dict[str, Any], where: Any, value: Any) -> dict[str, Any]:
    document = copy.deepcopy(document)
    *path, last = where
    inner = document
    for key in path:
        inner = inner[key]
    if callable(value):
        value = value(inner[last])
    inner[last] = value
    return document


TAMPERED = {
    "a smaller radius": (("within", "rho"), "199/100", "start: the point lies outside the ball"),
    "a lower level": (("level",), "-1", "start: its loss 0 is above the level -1"),
    "another problem": (("problem", "y", 0), "2", "its loss 1/2 is above the level 0"),
    "another first network": (("networks", 0, "W", 0, 0), "2", "start: its neuron 0 is not that"),
    "another second network": (("networks", 1, "a", 0), "1", "its neuron 0 is not that"),
    "no steps": (("steps",), [], "start: its neuron 0 is not that of networks[1]"),
    "a step left out": (("steps",), lambda steps: steps[1:], "steps[0]"),
    "a neuron twice": (
        ("steps", 0),
        lambda step: [step[0], *step],
        "steps[0][1]: moves neuron",
    ),
    "a neuron that does not exist": (("steps", 0, 0, 0), 3, "there are 3 neurons"),
    "a changed step": (
        ("steps", 0, 0, 3, 0),
        lambda v: str(Fraction(v) + 1),
        "steps[0]",
    ),
    "a negative alpha": (("start", 2, 1), "-1", "start[2][1]: is -1, but a^2 is not negative"),
    "alpha without weights": (("start", 0, 1), "0", "start[0]: has alpha = 0"),
    "a sign": (("start", 0, 0), "-", "start: its neuron 0 is not that of networks[0]"),
    "no sign": (("start", 0, 0), "x", "start[0]: its sign must be '+' or '-'"),
    "a float": (("start", 0, 1), 0.5, "start[0][1]: must be a rational as text"),
    "a width": (("width",), 2, "start: has 3 neurons, but must have 2"),
    "no width": (("width",), 0, "width: is 0, but must be at least 1"),
    "an unknown ball": (("within", "ball"), "l3", "within.ball: must be one of"),
    "no ball": (("within",), None, "within: must be a JSON object"),
    "one network": (("networks",), lambda nets: nets[:1], "networks: has 1 entries"),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_what_is_changed_is_refused(name: str) -> None:
    where, value, message = TAMPERED[name]
    with pytest.raises(CertificateInvalid, match=re.escape(message)):
        check(changed(certified(), where, value))


def test_neurons_must_stay_in_their_cones_and_keep_their_signs() -> None:
    one = Problem(X=[[1]], y=[0])
    document = {
        "format": "isthmus-certificate",
        "version": 1,
        "kind": "path",
        "problem": {"X": [["1"]], "y": ["0"]},
        "width": 1,
        "within": {"ball": "entrywise", "rho": "2"},
        "level": "2",
        "networks": [{"W": [["-1"]], "a": ["1"]}, {"W": [["1"]], "a": ["1"]}],
        "start": [["+", "1", ["-1"]]],
        "steps": [[[0, "+", "1", ["1"]]]],
    }
    with pytest.raises(CertificateInvalid, match="neuron 0 crosses the hyperplane of row 0"):
        check(document, one)
    # Through zero it may: two segments, each in one closed cone.
    through = changed(document, ("steps",), [[[0, "+", "1", ["0"]]], [[0, "+", "1", ["1"]]]])
    assert check(through, one).kind == "path"
    flipped = changed(document, ("networks", 1, "a", 0), "-1")
    flipped["networks"][1]["W"][0][0] = "-1"
    flipped["steps"] = [[[0, "-", "1", ["-1"]]]]
    with pytest.raises(CertificateInvalid, match="changes its sign without being zero"):
        check(flipped, one)
    too_high = changed(through, ("steps", 1), [[0, "+", "1", ["2"]]])
    too_high["networks"][1]["W"][0][0] = "2"
    assert check(too_high, one).kind == "path"  # 1/2 2^2 = 2, at the level
    higher = changed(too_high, ("level",), "1")
    with pytest.raises(CertificateInvalid, match=r"steps\[1\]: its loss 2 is above the level 1"):
        check(higher, one)


@pytest.mark.parametrize("optimizer", [name for name in WITHIN if name != "sgd"])
def test_a_ball_is_not_left_in_the_middle(optimizer: str) -> None:
    """Larger output weights at a breakpoint: the loss cannot tell."""
    document = certified(optimizer)
    for entry in document["steps"][0]:
        entry[2] = str(Fraction(entry[2]) * Fraction(51, 50))
    with pytest.raises(CertificateInvalid, match=r"steps\[0\]: the point lies outside the ball"):
        check(document)


def test_penalties_count() -> None:
    document = certified("sgd")
    with pytest.raises(CertificateInvalid, match="above the level 9/10"):
        check(changed(document, ("level",), "9/10"))
    with pytest.raises(CertificateInvalid, match="above the level 1"):
        check(changed(document, ("within", "beta"), "2"))
    # Rescaling the layers changes a penalty, so the ends must be the networks as they are.
    scaled = copy.deepcopy(document)
    net = scaled["networks"][0]
    net["a"] = [str(2 * Fraction(v)) for v in net["a"]]
    net["W"] = [[str(Fraction(v) / 2) for v in row] for row in net["W"]]
    with pytest.raises(
        CertificateInvalid, match=r"start: its neuron 0 is not that of networks\[0\]"
    ):
        check(scaled)
    in_a_ball = certified("ngd")
    in_a_ball["networks"][0] = net
    assert check(in_a_ball).kind == "path"


def test_the_given_problem_decides() -> None:
    with pytest.raises(CertificateInvalid, match="its y differs from that of the given problem"):
        check(certified(), Problem(X=[[1, 0], [0, 1]], y=[1, -2]))


# Neuron 2 is (0, 0) at both ends of these paths; its column of W is what changes.
ROOM = {
    name: Ball(name, 4 * within.rho) if isinstance(within, Ball) else Penalty(4 * within.beta)
    for name, within in WITHIN.items()
}


def with_dead(document: dict[str, Any], k: int, size: int) -> dict[str, Any]:
    """The certificate with w_2 = (size, 0) in one of its networks, where a_2 = 0."""
    return changed(document, ("networks", k, "W", 0, 2), str(size))


@pytest.mark.parametrize("k", [0, 1])
@pytest.mark.parametrize("optimizer", [name for name in WITHIN if name != "sgd"])
def test_norms_of_the_ends_are_those_of_all_their_neurons(optimizer: str, k: int) -> None:
    document = certified(optimizer, ROOM[optimizer])
    assert check(with_dead(document, k, 1)).kind == "path"
    with pytest.raises(
        CertificateInvalid,
        match=rf"^networks\[{k}\]: lies outside the ball: its neuron 2 has a_j = 0, but w_j != 0",
    ):
        check(with_dead(document, k, 1000))


@pytest.mark.parametrize("k", [0, 1])
def test_the_penalty_of_the_ends_is_that_of_all_their_neurons(k: int) -> None:
    document = certified("sgd")  # of objective 1 at both ends, with beta = 1/2
    with pytest.raises(
        CertificateInvalid,
        match=rf"networks\[{k}\]: its loss 5/4 is above the level 1: its neuron 2 has a_j = 0, but",
    ):
        check(with_dead(document, k, 1))
    higher = changed(with_dead(document, k, 1), ("level",), "5/4")
    assert check(higher).kind == "path"


def test_the_neuron_named_is_the_largest() -> None:
    """A certificate as a referee wrote it, of loss with penalty 500001 at its first network."""
    document = {
        "format": "isthmus-certificate",
        "version": 1,
        "kind": "path",
        "problem": {"X": [["1"]], "y": ["1"]},
        "width": 3,
        "within": {"penalty": "l2", "beta": "1"},
        "level": "1",
        "networks": [{"W": [["1", "1", "1000"]], "a": ["1", "0", "0"]}] * 2,
        "start": [["+", "1", ["1"]], ["+", "0", ["0"]], ["-", "0", ["0"]]],
        "steps": [],
    }
    with pytest.raises(CertificateInvalid, match="its loss 1000003/2 is above.* its neuron 2 has"):
        check(document)
    for name in ("entrywise", "muon", "muon-adamw", "ngd", "colnorm", "adamw-ngd", "colnorm-ngd"):
        in_a_ball = document | {"within": {"ball": name, "rho": "1"}, "level": "0"}
        with pytest.raises(CertificateInvalid, match="outside the ball: its neuron 2 has a_j = 0"):
            check(in_a_ball)


def test_a_dead_neuron_has_no_u_and_output_weights_count() -> None:
    document = certified("ngd", ROOM["ngd"])
    with pytest.raises(CertificateInvalid, match=r"start\[2\]: has alpha = 0, so that u must be"):
        check(changed(document, ("start", 2, 2, 0), "1"))
    # w_2 = 0, a_2 = 1: said in the network only, then of the point as well.
    output = changed(document, ("networks", 0, "a", 2), "1")
    with pytest.raises(CertificateInvalid, match="start: its neuron 2 is not that of"):
        check(output)
    with pytest.raises(CertificateInvalid, match="start: the point lies outside the ball"):
        check(changed(output, ("start", 2, 1), "1/2"))
    third = [[s, "1/3", u] for s, _, u in document["start"]]
    assert check(changed(output, ("start",), third)).kind == "path"


@pytest.mark.parametrize("optimizer", WITHIN)
def test_what_connect_finds_for_dead_neurons_is_valid(optimizer: str) -> None:
    """It refuses what the checker refuses."""
    dead = Network(W=[[1, 0, 0], [0, 1, 1]], a=[1, -1, 0])
    penalised = optimizer == "sgd"
    solutions = SolutionSet(PROBLEM, WITHIN[optimizer], Fraction(penalised))
    if not penalised:
        solutions = SolutionSet(PROBLEM, Ball(optimizer, Fraction(3)), Fraction())
    else:
        assert solutions.objective_of(dead) == Fraction(5, 4)
        solutions = solutions.at_level(Fraction(5, 4))
    path = connect(solutions, dead, SECOND, max_cells=1)
    document = certify(path)
    assert document["networks"][0] == dead.to_json()
    assert check(document, PROBLEM).kind == "path"
    huge = Network(W=[[1, 0, 1000], [0, 1, 1]], a=[1, -1, 0])
    reason = "its loss with penalty" if penalised else f"it lies outside the {optimizer} ball"
    with pytest.raises(InputError, match=f"^second network: {reason}.*: neuron 2 has output"):
        connect(solutions, FIRST, huge, max_cells=1)


def test_what_has_no_certificate_is_refused() -> None:
    with pytest.raises(InputError, match="^result: has no certificate: 'Problem' is not one of"):
        certify(Problem(X=[[1]], y=[1]))  # type: ignore[arg-type]
