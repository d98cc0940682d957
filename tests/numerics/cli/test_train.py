"""`isthmus train`: JSON contract, where runs land, and one line for each mistake."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import command
import pytest

import numerics.training.loop
import numerics.training.runs
import theory.landscape
from numerics.cli.options import load_network
from numerics.training.loop import train
from theory.errors import BudgetError
from theory.geometry import names
from theory.landscape import analyse, valleys
from theory.loading import example
from theory.losses import Loss
from theory.problem import Problem
from theory.within import Ball, Penalty

SHORT = ["--seeds", "32", "--steps", "2000"]
FEW = ["--seeds", "4", "--steps", "200"]  # where nothing has to converge


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    return command.run(capsys, "train", *arguments)


def run_json(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> Any:
    done, out, err = run(capsys, *arguments, "--json", "-")
    assert (done, err == "") == (code, code == 0)
    return json.loads(out)


def run_both(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, *arguments: object
) -> tuple[Any, str]:
    """The JSON document and the table of one run."""
    path = tmp_path / "result.json"
    code, out, err = run(capsys, *arguments, "--json", path)
    assert (code, err) == (0, "")
    return json.loads(path.read_text()), out


@pytest.fixture
def problem_file(tmp_path: Path) -> Callable[..., Path]:
    def write(**document: object) -> Path:
        path = tmp_path / "data.json"
        path.write_text(json.dumps(document))
        return path

    return write


@pytest.mark.parametrize(
    ("optimizer", "rho", "preferred", "other", "least"),
    [("lion", "2.2", "0", "1", "2"), ("muon", 3.5, "1", "0", "3.05941")],
)
def test_runs_land_where_the_radii_say(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    optimizer: str,
    rho: object,
    preferred: str,
    other: str,
    least: str,
) -> None:
    """In the document, and in the table."""
    arguments = ["flagship", "--optimizer", optimizer, "--rho", rho, *SHORT]
    document, out = run_both(capsys, tmp_path, *arguments)
    assert document["landed"][preferred] > 0
    assert document["landed"][other] == 0
    assert set(document["landed"]) == {preferred, other}
    assert document["zero_loss"] == sum(document["landed"].values())
    assert document["runs"] == 32
    assert document["zero_loss"] + document["not_converged"] + document["diverged"] == 32
    radii = {k: Fraction(v["upper"]) for k, v in document["radii"].items()}
    assert radii[preferred] <= Fraction(document["rho"]) < radii[other]
    rows = {line.split("│")[1].strip(): line for line in out.splitlines() if "│" in line}
    cells = [cell.strip() for cell in rows[f"in component {preferred}"].split("│")]
    assert cells[2:4] == [str(document["landed"][preferred])] * 2  # all of them proved
    assert least in cells[4]
    assert "│ 0 " in rows[f"in component {other}"]
    assert "(outside the ball)" in rows[f"in component {other}"]
    assert "not at zero loss" in rows


def test_json_contract(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["flagship", "--optimizer", "adamw", "--rho", "11/5", *SHORT, "--seed", "3"]
    document = run_json(capsys, *arguments)
    stated = ("optimizer", "rho", "width", "steps", "seed", "complete", "diverged", "minimum")
    assert [document[key] for key in stated] == ["adamw", "11/5", 2, 2000, 3, True, 0, "0"]
    assert document["radii"]["1"] == {"lower": "12/5", "upper": "12/5"}
    assert 0 <= document["max_violation"] < 0.1
    assert document["median_fw_gap"] > 0
    assert 0 < document["least_loss"] <= document["tolerance"] * 37  # ||y||^2
    assert 0 < document["largest_distance"] < 0.1
    (*proved,) = document["proved"]["0"]
    assert len(proved) == document["landed"]["0"] > 0
    assert document["proved"]["1"] == []
    for each in proved:
        assert 0 < Fraction(each["loss"]) < Fraction(document["tolerance"]) * 37
        assert each["excess"] == "0"
    assert document["command"] == ["isthmus", "train", *arguments, "--json", "-"]
    assert {"torch", "numpy", "cvxpy"} <= document["versions"].keys()
    assert run_json(capsys, *arguments) == document


def test_seeds_matter(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["flagship", "--optimizer", "lion", "--rho", "11/5", *FEW]
    one, other = (run_json(capsys, *arguments, "--seed", seed) for seed in (0, 1))
    assert one["median_fw_gap"] != other["median_fw_gap"]


def test_a_penalty_has_no_radii(capsys: pytest.CaptureFixture[str]) -> None:
    document = run_json(capsys, "flagship", "--optimizer", "sgd", "--rho", "10000", *FEW)
    assert "radii" not in document
    assert document["proved"] is None
    assert document["max_violation"] is document["median_fw_gap"] is None
    code, out, _ = run(capsys, "flagship", "--optimizer", "sgd", "--rho", "10000", *FEW)
    assert code == 0
    assert "Frank-Wolfe" not in out


def test_no_exact_fit(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """In a ball that does not reach the global minimum runs are compared with the least in it."""
    arguments = ["flagship", "--width", "1", "--optimizer", "lion", "--rho", "3/2", *SHORT]
    arguments += ["--tolerance", "0.01"]
    ball = analyse(example("flagship"), 1, within=Ball("lion", Fraction(3, 2))).minimum
    assert ball == Fraction(22, 5)
    document, out = run_both(capsys, tmp_path, *arguments)
    assert document["minimum"] == "122/45"
    assert document["landed"] == {}
    assert document["zero_loss"] == 0
    assert 0 < document["at_minimum"] == 32 - document["not_converged"] < 32
    assert document["minimum_in_ball"] == str(ball)
    assert document["least_loss"] >= float(ball) * 0.999  # runs end a little outside the ball
    assert "no network of this width has loss 0: the global minimum is 122/45" in out
    assert "the global minimum in the ball of lion is 22/5\n" in out


def test_runs_at_a_positive_least_loss(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ["flagship", "--width", "1", "--optimizer", "lion", "--rho", "4", *SHORT]
    document, out = run_both(capsys, tmp_path, *arguments)
    assert document["minimum"] == document["minimum_in_ball"] == "122/45"
    assert document["zero_loss"] == 0
    assert 0 < document["landed"]["0"] == document["at_minimum"] < 32
    above = document["above_minimum"]
    assert document["least_loss"] == pytest.approx(above["best"] + 122 / 45)
    assert document["median_loss"] == pytest.approx(above["median"] + 122 / 45)
    assert above["best"] <= document["tolerance"] * 37  # ||y||^2
    others = document["other_losses"]
    assert sum(each["runs"] for each in others) == document["not_converged"]
    assert all(each["loss"] > 122 / 45 + document["tolerance"] * 37 for each in others)
    assert f"│ in component 0       │ {document['at_minimum']} " in out
    assert f"│ above the least loss │ {document['not_converged']} " in out
    assert f"best {above['best']:.3g}, median {above['median']:.3g}; up to 1e-05 times twice" in out
    assert "│ in valley 1" in out.split("runs rest")[1]


def test_the_learning_rate(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["flagship", "--optimizer", "lion", "--rho", "4", *FEW]
    default, given = (
        run_json(capsys, *arguments, *more) for more in ((), ("--learning-rate", 0.01))
    )
    assert (default["learning_rate"], given["learning_rate"]) == (0.08, 0.01)
    assert default["median_fw_gap"] != given["median_fw_gap"]
    same = run_json(capsys, *arguments, "--learning-rate", 0.08)
    assert same["median_fw_gap"] == default["median_fw_gap"]


def test_names_in_any_case(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--rho", "4", "--seeds", "2", "--steps", "20"]
    document = run_json(capsys, "flagship", "--optimizer", "Muon-AdamW", *options)
    assert document["optimizer"] == "muon-adamw"


def test_diverged_runs_leave_the_others_alone(
    capsys: pytest.CaptureFixture[str], problem_file: Callable[..., Path]
) -> None:
    path = problem_file(X=[[14], [-14]], y=[14, -14], width=1)  # too steep for some starts
    document = run_json(capsys, path, "--optimizer", "sgd", "--rho", "100", *SHORT)
    assert 0 < document["diverged"] < 32
    assert document["at_minimum"] + document["not_converged"] == 32 - document["diverged"]
    assert document["minimum"] == "98"
    assert document["least_loss"] == pytest.approx(98, rel=1e-5)  # one neuron fits one point
    assert run(capsys, path, "--optimizer", "sgd", "--rho", "100", *SHORT)[0] == 0


def test_a_low_barrier_lowers_the_tolerance(
    capsys: pytest.CaptureFixture[str], problem_file: Callable[..., Path]
) -> None:
    flagship = example("flagship")
    # Data point 0 counts so little that the barrier is below 1e-5 ||y||^2.
    small = [[v / 1000 for v in flagship.X[0]], *flagship.X[1:]]
    path = problem_file(
        X=[list(map(str, row)) for row in small],
        y=list(map(str, [flagship.y[0] / 1000, *flagship.y[1:]])),
        width=2,
    )
    arguments = [path, "--optimizer", "lion", "--rho", "11/5", "--seeds", "4", "--steps", "100"]
    assert 0 < run_json(capsys, *arguments)["tolerance"] < 1e-5
    code, out, err = run(capsys, *arguments, "--tolerance", "1e-5")
    assert (code, out) == (2, "")
    assert err.startswith("isthmus: tolerance: 1e-05 times twice the loss of zero weights is")


# Interrupts and budgets


@pytest.mark.parametrize("watched", ["analyse", "train"])
def test_control_c_prints_what_is_known(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, watched: str
) -> None:
    module = {"analyse": theory.landscape, "train": numerics.training.loop}[watched]
    function = getattr(module, watched)

    def interrupted(*arguments: Any, progress: Callable[[str, int], None], **options: Any) -> Any:
        def tick(stage: str, count: int) -> None:
            if watched == "analyse" or count == 500:
                os.kill(os.getpid(), signal.SIGINT)
            progress(stage, count)

        return function(*arguments, progress=tick, **options)

    monkeypatch.setattr(module, watched, interrupted)
    arguments = ["flagship", "--optimizer", "lion", "--rho", "11/5", *SHORT]
    document = run_json(capsys, *arguments, code=3)
    assert document["complete"] is False
    assert document["steps"] == (500 if watched == "train" else 0)
    assert (document["optimizer"], document["rho"], document["runs"]) == ("lion", "11/5", 32)
    assert ("radii" in document) is (watched == "train")
    assert document["landed"] == ({"0": 0, "1": 0} if watched == "train" else None)
    code, out, err = run(capsys, *arguments)
    assert code == 3
    assert err.startswith("isthmus: interrupted")
    assert err.count("\n") == 1
    assert ("32 runs of 500 steps" in out) is (watched == "train")


def test_control_c_during_the_radii(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: Any, **options: Any) -> Any:
        analysis = analyse(*arguments, **options)
        os.kill(os.getpid(), signal.SIGINT)
        return analysis

    monkeypatch.setattr(theory.landscape, "analyse", interrupted)
    document = run_json(capsys, "flagship", "--optimizer", "lion", "--rho", "11/5", *SHORT, code=3)
    assert (document["complete"], document["minimum"], document["steps"]) == (False, "0", 0)


def test_training_needs_no_landscape(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What will not be computed is said before the training."""
    said = []

    def watched(*arguments: Any, **options: Any) -> Any:
        said.append(capsys.readouterr().err)
        return train(*arguments, **options)

    monkeypatch.setattr(numerics.training.loop, "train", watched)
    arguments = ["flagship", "--optimizer", "lion", "--rho", "11/5", *FEW]
    code, out, err = run(capsys, *arguments, "--max-cells", 100, "--json", "-")
    assert (code, err) == (0, "")
    assert said[0].startswith("isthmus: the least loss, and where runs land, will not be computed")
    assert said[0].endswith("136 needed, the limit is 100; allow it with --max-cells 136\n")
    assert said[0].count("\n") == 1
    document = json.loads(out)
    assert document["complete"] is True
    assert document["landed"] is document["minimum"] is document["at_minimum"] is None
    known = run_json(capsys, *arguments)
    for key in ("zero_loss", "least_loss", "max_violation", "median_fw_gap", "other_losses"):
        assert document[key] == known[key]
    code, out, err = run(capsys, *arguments, "--width", 40)
    assert code == 0
    assert "that is out of reach: take a smaller width" in said[-1]
    assert "--max-cells" not in said[-1]
    assert "at zero loss" in out
    assert "loss: best " in out


def test_assignments_over_budget_leave_the_runs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*arguments: Any, **options: Any) -> Any:
        raise BudgetError("assignments", 2, 1, "max_assignments")

    monkeypatch.setattr(numerics.training.runs, "landing", refused)
    arguments = ["flagship", "--optimizer", "lion", "--rho", "11/5", *SHORT]
    code, out, err = run(capsys, *arguments, "--json", "-")
    assert code == 3
    assert err.startswith("isthmus: where runs landed is not known: assignments: 2 needed")
    document = json.loads(out)
    assert document["steps"] == 2000
    assert 0 < document["zero_loss"] == 32 - document["not_converged"]


def test_more_runs_than_memory_holds(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["flagship", "--optimizer", "lion", "--rho", "11/5", "--seeds", 10**12]
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (3, "")
    # 672 bytes each: 84 numbers
    assert "bytes of memory for 1,000,000,000,000 runs: 672,000,000,000,000 needed" in err
    most = int(err.split("train at most ")[1].split(" seeds")[0].replace(",", ""))
    assert 10**5 < most < 10**11


# Mistakes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"--rho": "0"}, "rho: 0 must be positive"),
        ({"--rho": "-1/2"}, "rho: -1/2 must be positive"),
        ({"--rho": "nan"}, "rho: 'nan' is not a finite number"),
        ({"--optimizer": "adam"}, f"optimizer: 'adam' is not one of {', '.join(names())}; did you"),
        ({"--optimizer": "AdamX"}, "did you mean adamw?\n"),
        ({"--learning-rate": "0"}, "learning-rate: 0.0 must be positive and finite"),
        ({"--learning-rate": "inf"}, "learning-rate: inf must be positive and finite"),
        ({"--rho": "199/100"}, "rho: 199/100 is too small: the ball of lion holds no network"),
        ({"--rho": "199/100"}, "the smallest that does has rho = 2\n"),
        ({"--optimizer": "muon", "--rho": "3"}, "the smallest that does has rho = 3.059412\n"),
        ({"--seeds": "0"}, "seeds: 0 must be at least 1"),
        ({"--steps": "0"}, "steps: 0 must be at least 1"),
        ({"--seed": "-1"}, "seed: -1 must not be negative"),
        ({"--tolerance": "nan"}, "tolerance: nan must be a number"),
        ({"--tolerance": "0.1"}, "but the barrier between two components is 32/45"),
        ({"--width": "0"}, "width: 0 must be at least 1"),
        ({"--max-assignments": "0"}, "max-assignments: 0 must be at least 1"),
    ],
)
def test_mistakes_take_one_line(
    capsys: pytest.CaptureFixture[str], arguments: dict[str, str], message: str
) -> None:
    valid = {"--optimizer": "lion", "--rho": "11/5", "--seeds": "2", "--steps": "20"}
    given = [part for option in (valid | arguments).items() for part in option]
    code, out, err = run(capsys, "flagship", *given)
    assert (code, out) == (2, "")
    assert err.startswith("isthmus: ")
    assert err.count("\n") == 1
    assert message in err


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("--rho", "rho: is missing; give it or --weight-decay"),
        ("--optimizer", "Missing option '--optimizer'"),
    ],
)
def test_what_has_to_be_said(capsys: pytest.CaptureFixture[str], missing: str, said: str) -> None:
    given = {"--optimizer": "lion", "--rho": "11/5"}
    del given[missing]
    code, _, err = run(capsys, "flagship", *(part for option in given.items() for part in option))
    assert code == 2
    assert said in err


def test_the_suggested_rho_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    _, _, err = run(capsys, "flagship", "--optimizer", "muon", "--rho", "3", *SHORT)
    suggested = err.rsplit(" ", 1)[1].strip()
    arguments = ["flagship", "--optimizer", "muon", "--rho", suggested, "--steps", "10"]
    assert run(capsys, *arguments)[0] == 0


def test_networks_are_written_exactly_and_beyond_the_landscape(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    options = ("--optimizer", "lion", "--rho", "3", "--seeds", "2", "--steps", "60")
    for width, known in ((2, True), (40, False)):
        folder = tmp_path / str(width)
        arguments = ("flagship", "--width", width, *options, "--networks", folder)
        code, out, err = run(capsys, *arguments)
        assert code == 0
        assert f"networks: {folder}" in out
        assert ("where runs land, will not be computed" in err) != known
        networks = [load_network(folder / f"{k}.json") for k in range(2)]
        again = train(example("flagship"), width, Ball("lion", "3"), seeds=2, steps=60)
        for k, network in enumerate(networks):
            assert [list(map(float, row)) for row in network.W] == again.W[k].tolist()
            assert list(map(float, network.a)) == again.a[k].tolist()


def test_every_run_of_the_flagship_has_a_name(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """And of those in valleys it is a theorem, by exact arithmetic on their floats."""
    arguments = ("flagship", "--optimizer", "adamw", "--rho", "11/5", "--seeds", "50")
    document, out = run_both(capsys, tmp_path, *arguments)
    found = document["ends"]
    assert set(found["global"]) == {"0"}
    assert set(found["valleys"]) == {"1", "2"}
    assert set(found["plateaus"]) == {"2", "29/2"}
    assert (found["kinks"], found["moving"], found["diverged"]) == (0, 0, 0)
    assert found["proved"] == found["global"] | found["valleys"]
    counts = [found[kind].values() for kind in ("global", "valleys", "plateaus")]
    assert sum(map(sum, counts)) == 50
    assert "in the global valley 0" in out
    assert "on a plateau" in out


def test_runs_have_names_where_the_landscape_is_too_large(
    capsys: pytest.CaptureFixture[str], problem_file: Callable[..., Path]
) -> None:
    """Each row is there twice, with targets 2 apart: no network is below 6 / 2, at the means."""
    rows = [[2, 1, 0], [1, 3, 0], [1, 1, 2]]
    file = problem_file(X=[*rows, *rows], y=[5, 4, 8, 3, 2, 6])
    arguments = (file, "--optimizer", "ngd", "--rho", 30, "--width", 2, "--max-cells", 1)
    code, out, _ = run(capsys, *arguments, "--seeds", 8, "--steps", 20_000, "--json", "-")
    found = json.loads(out)["ends"]
    assert code == 0
    assert found["valleys"] == {}
    named = {**found["minima"], **found["plateaus"]}
    counts = [*named.values(), *found["global"].values()]
    others = ("kinks", "moving", "undecided", "diverged")
    assert sum(counts) + sum(found[kind] for kind in others) == 8
    assert found["global"].get("unknown", 0) + named.get("3", 0) > 0
    assert found["slack"] >= 0
    code, out, _ = run(capsys, *arguments, "--seeds", 8, "--steps", 20_000)
    assert code == 0
    assert "at a global minimum" in out or "at a local minimum, valley unknown" in out


def test_many_runs_of_few_steps_are_not_named(
    capsys: pytest.CaptureFixture[str], problem_file: Callable[..., Path]
) -> None:
    """That would take longer than their training."""
    file = problem_file(X=[[k, k * k % 7, 1] for k in range(1, 60)], y=[1] * 59)
    arguments = (file, "--optimizer", "adamw", "--rho", 2, "--width", 30, "--seeds", 200)
    code, out, err = run(capsys, *arguments, "--steps", 1, "--json", "-")
    assert code == 0
    assert "where runs end is not named: programs of their cells have 1,062,000 entries" in err
    assert json.loads(out)["ends"] is None


def test_runs_without_a_ball_have_names_in_the_tree_with_the_penalty(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """beta = 1; the losses of places are with the penalty, and nothing is said to be proved."""
    arguments = ("flagship", "--optimizer", "sgd", "--rho", "1", "--seeds", "8")
    found = run_json(capsys, *arguments)["ends"]
    assert found["moving"] == found["kinks"] == found["undecided"] == 0
    assert found["proved"] == {}
    tree = valleys(example("flagship"), 2, within=Penalty(1))
    assert set(found["valleys"]) < {str(valley.id) for valley in tree.valleys}
    counts = [found[kind].values() for kind in ("global", "valleys", "plateaus")]
    assert sum(map(sum, counts)) == 8


# Other losses


LABELS = {"X": [[1, 2], [2, -1], [-1, 1], [-1, -2], [2, 2]], "y": [1, -1, 1, -1, -1], "width": 2}


@pytest.mark.parametrize(
    "loss",
    [
        *("absolute", "quantile:1/4", "epsilon:1/10", "huber:1/2"),
        *("hinge", "squared_hinge", "logistic"),
    ],
)
def test_every_loss_is_trained(
    capsys: pytest.CaptureFixture[str], problem_file: Callable[..., Path], tmp_path: Path, loss: str
) -> None:
    """With weights, output biases and linear parts; networks are written with b and c, and have the
    losses that are told. What is not known is said."""
    more = ["--loss", loss, "--weights", "1,2,1,1/2,1", "--output-bias", "--skip"]
    folder, file = tmp_path / "networks", problem_file(**LABELS)
    sizes = ["--rho", 5, "--width", 1, *FEW]
    arguments = [file, "--optimizer", "muon", *sizes, *more, "--networks", folder]
    code, out, err = run(capsys, *arguments, "--json", "-")
    assert code == 0
    assert all(line.startswith("isthmus: ") for line in err.splitlines())
    document = json.loads(out)
    assert document["complete"]
    problem = Problem.from_json(
        LABELS | {"loss": loss, "weights": [1, 2, 1, "1/2", 1], "output_bias": True, "skip": True}
    )
    networks = [load_network(folder / f"{run}.json") for run in range(4)]
    assert all(network.b and any(network.c or ()) for network in networks)
    losses = [float(network.loss(problem)) for network in networks]
    assert document["least_loss"] == pytest.approx(min(losses), abs=1e-12)
    code, out, _ = run(capsys, *arguments[:-2])
    assert code == 0
    assert f"n = 5, d = 2, {loss} loss, weights, output bias, skip connection, width 1" in out
    smooth = Loss.named(loss).smooth
    assert ("gap (zero at KKT points)" in out, "gap, of one subgradient" in out) == (
        smooth,
        not smooth,
    )


def test_runs_with_the_absolute_loss_land(capsys: pytest.CaptureFixture[str]) -> None:
    """In the components of the exact landscape with that loss, in an entrywise ball."""
    arguments = ["flagship", "--optimizer", "lion", "--rho", "4", "--loss", "absolute", *SHORT]
    code, out, _ = run(capsys, *arguments, "--tolerance", "1e-3", "--json", "-")
    assert code == 0
    document = json.loads(out)
    assert document["minimum"] == document["minimum_in_ball"] == "0"
    assert set(document["landed"]) == {"0", "1"}
    assert 0 < sum(document["landed"].values()) == document["at_minimum"] < 32
    assert sum(document["ends"]["global"].values()) > 0


def test_what_is_not_known_of_another_loss_is_said(
    capsys: pytest.CaptureFixture[str], problem_file: Callable[..., Path]
) -> None:
    """Each in one line, before or after the training that goes on."""
    arguments = [problem_file(**LABELS), "--optimizer", "lion", "--rho", 30, *FEW]
    code, out, err = run(capsys, *arguments, "--loss", "logistic", "--width", 1)
    assert code == 0
    assert err.startswith("isthmus: the radii of components will not be computed: loss: ")
    assert err.count("\n") == 1
    assert "at the least loss in the ball" in out
    code, out, err = run(capsys, *arguments, "--loss", "hinge", "--max-cells", 1)
    assert code == 0
    assert "isthmus: runs will be named without the merge tree: " in err
    assert "not at zero loss" in out


@pytest.mark.parametrize(
    ("rho", "where"), [(1, "at the least loss in the ball"), (2, "in component 0")]
)
def test_hinges_are_trained_where_a_ball_has_no_fits_too(
    capsys: pytest.CaptureFixture[str], problem_file: Callable[..., Path], rho: int, where: str
) -> None:
    """The least radius of a network without hinge loss is 2."""
    arguments = [problem_file(**LABELS), "--optimizer", "lion", "--rho", rho, "--loss", "hinge"]
    code, out, err = run(capsys, *arguments, *FEW)
    assert (code, err) == (0, "")
    assert where in out


def test_labels_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["flagship", "--optimizer", "lion", "--rho", "2", "--loss", "hinge", *FEW]
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err == "isthmus: y[0]: 5 is no label; the hinge loss needs 1 and -1\n"
