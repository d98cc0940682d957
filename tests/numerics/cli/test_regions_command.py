"""`isthmus regions`: its JSON contract, tables, files, exit codes, one line for each mistake."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from command import run, run_json

import theory.landscape.cells
import theory.regions
from theory.certificates.checker import check
from theory.loading import example
from theory.network import Network

FLAGSHIP = ("regions", "flagship", "--optimizers", "adamw,muon")
TWO = ("regions", "two-regions", "--optimizers", "adamw, muon")


def middle(bounds: dict[str, str]) -> float:
    """The middle of a narrow interval."""
    lower, upper = Fraction(bounds["lower"]), Fraction(bounds["upper"])
    assert 0 <= upper - lower <= upper / 10**6
    return float(lower + upper) / 2


# JSON


def test_json_of_the_phase_diagram(capsys: pytest.CaptureFixture[str]) -> None:
    document = run_json(capsys, *FLAGSHIP, "--vertices", "5")
    assert (document["width"], document["level"], document["exact"]) == (2, "0", True)
    assert document["optimizers"] == ["adamw", "muon"]
    assert document["least"]["adamw"] == {"lower": "2", "upper": "2"}
    assert middle(document["least"]["muon"]) == pytest.approx(3.0594117)
    frontier = document["frontier"]
    radii = [Fraction(vertex["rho"]) for vertex in frontier]
    assert len(radii) == 5
    assert radii == sorted(radii)
    assert radii[0] == 2
    needed = [middle(vertex) for vertex in frontier]
    assert needed == sorted(needed, reverse=True)
    assert needed[0] == pytest.approx(6.3423292)
    assert needed[-1] == pytest.approx(3.0594117, rel=1e-5)
    assert document["command"][:3] == ["isthmus", "regions", "flagship"]


def test_the_grid_has_all_phases_and_agrees_with_the_frontier(
    capsys: pytest.CaptureFixture[str],
) -> None:
    document = run_json(capsys, *TWO, "--vertices", "3")
    vertices = {vertex["rho"]: vertex for vertex in document["frontier"]}
    seen = set()
    columns = set()
    for point in document["grid"]:
        first, second = map(Fraction, point["rho"])
        assert ("adamw" in point["empty"]) == (first < Fraction(1, 2))
        assert ("muon" in point["empty"]) == (second < 2**0.5)
        seen.add((point["phase"], *point["empty"]))
        columns.add(point["rho"][0])
        if point["rho"][0] in vertices and point["phase"] != "empty":
            upper = Fraction(vertices[point["rho"][0]]["upper"])
            assert point["phase"] == ("overlap" if second >= upper else "disjoint")
    assert seen == {
        ("overlap",),
        ("disjoint",),
        ("empty", "adamw"),
        ("empty", "muon"),
        ("empty", "adamw", "muon"),
    }
    assert set(vertices) < columns


@pytest.mark.parametrize(
    ("second", "phase", "empty"),
    [("17/10", "overlap", []), ("1.5", "disjoint", []), ("7/5", "empty", ["muon"])],
)
def test_json_at_radii(
    capsys: pytest.CaptureFixture[str], second: str, phase: str, empty: list[str]
) -> None:
    document = run_json(capsys, *TWO, "--at", f"3/5,{second}")
    assert (document["phase"], document["empty"]) == (phase, empty)
    assert document["rho"] == ["3/5", str(Fraction(second))]
    assert document["joint"] == {"lower": "5/3", "upper": "5/3"}
    assert document["least"]["adamw"] == {"lower": "1/2", "upper": "1/2"}
    assert document["reached"] == {
        "adamw": [0],
        "muon": [] if empty else [0],
        "both": [0] if phase == "overlap" else [],
    }
    for key in ("witness", "neurons"):
        assert (document[key] is not None) == (phase == "overlap")
    assert "grid" not in document


def test_the_witness_is_in_both_balls(capsys: pytest.CaptureFixture[str]) -> None:
    document = run_json(capsys, *TWO, "--at", "3/5,1.7")
    network = Network.from_json(document["witness"])
    assert network.width == 2
    assert network.loss(example("two-regions")) == 0
    weights = [v for row in network.W for v in row]
    slack = 1 + Fraction(1, 2**60)  # of the square roots
    assert max(v * v for v in (*weights, *network.a)) <= Fraction(3, 5) * slack
    assert sum(v * v for v in network.a) <= Fraction(17, 10) * slack
    for sign, alpha, u in document["neurons"]:
        assert sign in (1, -1)
        for v in map(Fraction, u):  # u^2 <= rho alpha, exactly
            assert v * v <= Fraction(3, 5) * Fraction(alpha) <= Fraction(9, 25)


def test_weight_decays_in_place_of_radii(capsys: pytest.CaptureFixture[str]) -> None:
    document = run_json(capsys, *FLAGSHIP, "--weight-decay", "1/2,0.5")
    assert document["rho"] == ["4", "4"]
    assert document["phase"] == "overlap"
    assert document["reached"] == {"adamw": [0, 1], "muon": [1], "both": [1]}


def test_every_large_width(capsys: pytest.CaptureFixture[str]) -> None:
    """There adamw reaches everything, and only muon's radius counts."""
    document = run_json(capsys, *FLAGSHIP, "--width", "large", "--at", "1,4")
    assert (document["width"], document["exact"]) == ("large", False)
    assert (document["phase"], document["reached"]) == ("overlap", None)
    network = Network.from_json(document["witness"])
    assert network.width == document["enough"]
    assert network.loss(example("flagship")) == 0
    assert document["least"]["adamw"] == {"lower": "0", "upper": "0"}
    document = run_json(capsys, *FLAGSHIP, "--width", "large")
    assert {point["phase"] for point in document["grid"]} == {"overlap", "empty"}


def test_from_which_width_on(capsys: pytest.CaptureFixture[str]) -> None:
    """Disjoint at width 2, where more neurons help; with too small a ball for muon none do."""
    document = run_json(capsys, *TWO, "--at", "3/5,3/2")
    assert document["phase"] == "disjoint"
    assert document["enough"] > 2
    wider = run_json(capsys, *TWO, "--at", "3/5,3/2", "--width", document["enough"])
    assert (wider["phase"], wider["enough"]) == ("overlap", document["enough"])
    assert run_json(capsys, *TWO, "--at", "3/5,7/5")["enough"] is None


def test_several_widths(capsys: pytest.CaptureFixture[str]) -> None:
    document = run_json(capsys, *TWO, "--at", "3/5,3/2", "--width", "2, 3,large")
    assert [each["width"] for each in document["widths"]] == [2, 3, "large"]
    phases = [each["phase"] for each in document["widths"]]
    assert phases == ["disjoint", "overlap", "overlap"]


def test_a_level_and_the_penalty_of_sgd(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("regions", "two-regions", "--optimizers", "sgd,lion", "--vertices", "3")
    exact = run_json(capsys, *arguments)
    above = run_json(capsys, *arguments, "--level", "0.1")
    assert (exact["level"], above["level"]) == ("0", "1/10")
    for name in ("lion", "sgd"):
        assert 0 < middle(above["least"][name]) < middle(exact["least"][name])


@pytest.mark.parametrize("optimizers", ["adamw,muon", "ngd,colnorm"])
def test_at_a_positive_least_loss_as_radii(
    capsys: pytest.CaptureFixture[str], optimizers: str
) -> None:
    """Without a level the question is that of `radii`, and so is the answer."""
    options = ("--optimizers", optimizers, "--width", 1)
    document = run_json(capsys, "regions", "flagship", *options, "--vertices", 3)
    assert document["level"] == "122/45"
    (component,) = run_json(capsys, "radii", "flagship", *options)["components"]
    for name in optimizers.split(","):
        radius, least = component["rho"][name], document["least"][name]
        assert middle(least) == pytest.approx(middle(radius), rel=1e-6)
        assert Fraction(least["lower"]) <= Fraction(radius["upper"])
        assert Fraction(radius["lower"]) <= Fraction(least["upper"])
    assert {point["phase"] for point in document["grid"]} >= {"overlap", "empty"}


# Tables


def test_the_table_says_what_phases_mean(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, *TWO, "--width", "2,large", "--vertices", "3")
    assert (code, err) == (0, "")
    assert "least rho of adamw by itself: 1/2" in out
    assert "some network is in both regions" in out
    assert "the same loss, but no network is" in out
    assert "different losses: adamw reaches" in out
    assert "neither reaches that loss" in out
    assert "every large width" in out


@pytest.mark.parametrize(
    ("radii", "said"),
    [
        ("3/5,17/10", "overlap: some network is in both regions"),
        ("3/5,3/2", "disjoint: the same loss, but no network is in both regions"),
        ("3/5,7/5", "muon empty: different losses: adamw reaches that loss, muon does not"),
        ("1/5,7/5", "adamw and muon empty: neither reaches that loss"),
    ],
)
def test_one_pair_of_radii_in_words(
    capsys: pytest.CaptureFixture[str], radii: str, said: str
) -> None:
    code, out, err = run(capsys, *TWO, "--at", radii)
    assert (code, err) == (0, "")
    assert said in out.splitlines()
    assert ("a network of both regions" in out) == said.startswith("overlap")


# Files


@pytest.mark.parametrize("more", [(), ("--at", "3/5,17/10"), ("--at", "3/5,3/2")], ids=str)
def test_the_certificate_is_valid(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, more: tuple[str, ...]
) -> None:
    file = tmp_path / "proof.json"
    code, out, err = run(capsys, *TWO, "--vertices", "3", *more, "--certificate", file)
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == f"proof: {file}"
    assert check(json.loads(file.read_text()), example("two-regions")).kind == "regions"


@pytest.mark.parametrize("more", [(), ("--at", "3/5,3/2", "--width", "2,large")], ids=str)
def test_the_plot_is_a_picture(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, more: tuple[str, ...]
) -> None:
    file = tmp_path / "phases.png"
    code, _, err = run(capsys, *TWO, "--vertices", "3", *more, "--plot", file)
    assert (code, err) == (0, "")
    assert file.read_bytes().startswith(b"\x89PNG")


# Mistakes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--optimizers adam,muon", "optimizer: 'adam' is not one of adamw, lion"),
        ("--optimizers muon", "optimizers: name two of them, as in adamw,muon, not 1"),
        ("--optimizers adamw,muon,ngd", "optimizers: name two of them, as in adamw,muon, not 3"),
        ("--optimizers muon,muon", "optimizers: muon is named twice"),
        ("", "Missing option '--optimizers'"),
        ("--optimizers adamw,muon --at 0,1", "at: 0 for adamw must be positive"),
        ("--optimizers adamw,muon --at 1,-2", "at: -2 for muon must be positive"),
        ("--optimizers adamw,muon --at 1,x", "at: 'x' is not a finite number"),
        ("--optimizers adamw,muon --at 1", "at: '1' must be two numbers"),
        (
            "--optimizers adamw,muon --at 1,1 --weight-decay 1,1",
            "at: give it or --weight-decay, not both",
        ),
        ("--optimizers adamw,muon --weight-decay 1,0", "weight-decay: 0 for muon must be positive"),
        ("--optimizers sgd,muon --weight-decay 1,1", "weight-decay: sgd has no ball; pass --at"),
        ("--optimizers adamw,muon --width 0", "width: 0 must be at least 1"),
        ("--optimizers adamw,muon --width 2,wide", "width: 'wide' is not a number of neurons or"),
        ("--optimizers adamw,muon --width 1 --level 0", "level: 0 is below the least loss at"),
        ("--optimizers adamw,muon --level -1", "level: -1 is below the least loss at width 2"),
        ("--optimizers adamw,muon --vertices 1", "vertices: 1 must be at least 2"),
        ("--optimizers adamw,muon --max-cells 0", "max-cells: 0 must be at least 1"),
        ("--optimizers adamw,muon --plot a.txt", "a.txt: must end in .svg, .png, .pdf"),
        (
            "--optimizers adamw,muon --width 2,3 --certificate a.json",
            "certificate: is of one width; pass one --width",
        ),
    ],
)
def test_wrong_input(capsys: pytest.CaptureFixture[str], options: str, message: str) -> None:
    code, out, err = run(capsys, "regions", "flagship", *options.split())
    assert (code, out) == (2, "")
    assert err.startswith(f"isthmus: {message}")
    assert err.count("\n") == 1


def test_the_width_has_to_come_from_somewhere(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "data.json"
    file.write_text('{"X": [[1, 1], [1, 0]], "y": [2, 1]}')
    arguments = ("regions", file, "--optimizers", "adamw,muon", "--at", "3/5,1.7")
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err == "isthmus: width: the problem does not state one; pass --width\n"
    assert run_json(capsys, *arguments, "--width", "2")["phase"] == "overlap"


@pytest.mark.parametrize(
    ("option", "name"),
    [("--certificate", "proof.json"), ("--plot", "phases.svg"), ("--json", "found.json")],
)
def test_a_file_that_cannot_be_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, option: str, name: str
) -> None:
    file = tmp_path / "missing" / name
    code, out, err = run(capsys, *TWO, "--vertices", "2", option, file)
    assert (code, out) == (2, "")
    assert err.startswith(f"isthmus: {file}: cannot be written")
    assert err.count("\n") == 1


# Not decided


def test_radii_between_the_bounds_are_open(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    joint = run_json(capsys, *FLAGSHIP, "--at", "2.2,4")["joint"]
    between = (Fraction(joint["lower"]) + Fraction(joint["upper"])) / 2
    code, out, err = run(capsys, *FLAGSHIP, "--at", f"2.2,{between}", "--json", "-")
    assert code == 3
    assert err.startswith("isthmus: width 2: whether the regions of adamw and muon reach")
    assert err.count("\n") == 1
    document = json.loads(out)
    assert (document["phase"], document["complete"]) == (None, False)
    assert document["joint"] == joint
    file = tmp_path / "phases.svg"
    code, out, _ = run(capsys, *FLAGSHIP, "--at", f"2.2,{between}", "--plot", file)
    assert code == 3
    assert file.exists()  # of the frontier, which is known
    assert "least rho of muon where adamw has 11/5" in out


def test_too_many_cells_leave_what_holds_at_large_width(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A width too small for the adamw ball, and a ball of muon that is too small for any width."""
    arguments = (*FLAGSHIP, "--width", "5", "--max-cells", "100")
    code, out, err = run(capsys, *arguments, "--at", "1/10,4", "--json", "-")
    assert code == 3
    assert "open at width 5" in err
    document = json.loads(out)
    assert (document["phase"], document["exact"]) == (None, False)
    document = run_json(capsys, *arguments, "--at", "3,2")
    assert (document["phase"], document["empty"]) == ("empty", ["muon"])
    code, out, _ = run(capsys, *arguments, "--at", "3,2")
    assert "every large width (width 5 has too many cells), loss <= 0" in out
    code, out, err = run(capsys, *arguments, "--json", "-")
    assert code == 3
    assert "points of the grid are open" in err
    assert {None, "empty"} <= {point["phase"] for point in json.loads(out)["grid"]}


@pytest.mark.parametrize(
    ("rows", "d", "said"),
    [
        # 2 n lines in the plane: 4 n states.
        (100, 2, "(400 states of a neuron): 240,000 needed, the limit is 100,000; "
         "allow it with --max-coefficients 240000\n"),
        (150, 4, "that is out of reach: take fewer rows or columns of the data\n"),
    ],
)  # fmt: skip
def test_too_large_for_every_width_is_refused_at_once(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    rows: int,
    d: int,
    said: str,
) -> None:
    def listed(*args: Any, **options: Any) -> None:
        raise AssertionError("the cones were listed")

    monkeypatch.setattr(theory.landscape.cells, "arrangement", listed)
    file = tmp_path / "data.json"
    X = [[k**i for i in range(d)] for k in range(rows)]
    file.write_text(json.dumps({"X": X, "y": list(range(rows)), "width": 8}))
    command = ("regions", file, "--optimizers", "adamw,muon", "--json", "-")
    code, out, err = run(capsys, *command)
    assert code == 3
    assert err.startswith("isthmus: width 8: cells (")
    assert " (max-cells); coefficients of the program of every large width (" in err
    assert err.endswith(said)
    document = json.loads(out)
    assert (document["complete"], document["level"]) == (False, None)


def interrupt(monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    """Ctrl-C at the first call of `progress` whose stage has these words."""
    function = theory.regions.optimizer_regions
    sent = False

    def interrupted(
        *args: Any, progress: Callable[[str, int], None], **options: Any
    ) -> theory.regions.Regions:
        def tick(at: str, number: int) -> None:
            nonlocal sent
            if stage in at and not sent:
                sent = True
                os.kill(os.getpid(), signal.SIGINT)
            progress(at, number)

        return function(*args, progress=tick, **options)

    monkeypatch.setattr(theory.regions, "optimizer_regions", interrupted)


def test_control_c_leaves_what_is_known(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(monkeypatch, "least radius of muon in adamw")
    code, out, err = run(capsys, *TWO, "--width", "2,3", "--json", "-")
    assert (code, err) == (3, "isthmus: width 2: interrupted\n")
    (document,) = json.loads(out)["widths"]  # the next width is not begun
    assert document["complete"] is False
    assert set(document["least"]) == {"adamw", "muon"}
    assert document["frontier"] == document["grid"] == []


def test_control_c_before_anything_is_known(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(monkeypatch, "lowest cells")
    code, out, err = run(capsys, *TWO, "--json", "-")
    assert code == 3
    assert err.startswith("isthmus: width 2: interrupted")
    document = json.loads(out)
    assert (document["level"], document["least"]) == (None, {})
    assert run(capsys, *TWO)[0] == 0  # the interrupt comes once
