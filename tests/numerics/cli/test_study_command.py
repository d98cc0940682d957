"""`isthmus study`: what it writes, where, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command import run

import theory
from numerics.studies import real_data, separation
from numerics.studies.separation import MEASURED, NAMES
from numerics.training.meetings import TrainedMeeting
from numerics.training.trainer import trainer
from theory.claims import SmallWidthSeparation, verify
from theory.loading import example
from theory.problem import Problem

Capture = pytest.CaptureFixture[str]
EXAMPLES = Path(theory.__file__).parent / "examples"


@pytest.fixture(scope="module")
def verified() -> Any:
    """The claim about one example, after short training."""
    return verify(SmallWidthSeparation(example(NAMES[0]), seeds=16, steps=100), trainer)


@pytest.fixture
def one(monkeypatch: pytest.MonkeyPatch, verified: Any) -> tuple[str, Problem]:
    """One example, measured once."""
    name = NAMES[0]
    problem = example(name)
    monkeypatch.setattr(separation, "NAMES", (name,))
    monkeypatch.setattr(separation, "examples", lambda: {name: problem})
    monkeypatch.setattr(separation, "search", lambda: iter([problem]))
    monkeypatch.setattr(separation, "measure", lambda problem, progress: verified)
    return name, problem


def test_separation_writes_what_is_shipped(
    capsys: Capture, tmp_path: Path, one: tuple[str, Problem]
) -> None:
    name, _ = one
    file = tmp_path / "measured.json"
    arguments = ("study", "separation", "--out", file, "--search", tmp_path)
    code, out, err = run(capsys, *arguments)
    assert (code, err) == (0, "")
    assert name in out
    assert (tmp_path / f"{name}.json").read_text() == (EXAMPLES / f"{name}.json").read_text()
    document = json.loads(file.read_text())
    assert document["command"] == ["isthmus", *map(str, arguments)]
    shipped = json.loads(MEASURED.read_text())["data_sets"][name]
    for key in ("barrier", "radii", "preferred"):
        assert document["data_sets"][name][key] == shipped[key]
    training = document["data_sets"][name]["training"]
    assert training["lion"].keys() == shipped["training"]["lion"].keys()
    assert training["lion"]["runs"] == 16


def test_separation_measures_the_shipped_problems(
    capsys: Capture, tmp_path: Path, one: tuple[str, Problem]
) -> None:
    file = tmp_path / "measured.json"
    assert run(capsys, "study", "separation", "--out", file)[0] == 0
    assert sorted(tmp_path.iterdir()) == [file]


def test_a_folder_that_cannot_be_written_is_refused_before_the_search(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked_for() -> dict[str, Problem]:
        raise AssertionError

    monkeypatch.setattr(separation, "found_again", looked_for)
    (tmp_path / "taken").write_text("")
    arguments = ("--out", tmp_path / "m.json", "--search", tmp_path / "taken")
    code, _, err = run(capsys, "study", "separation", *arguments)
    assert code == 2
    assert "taken" in err
    assert sorted(file.name for file in tmp_path.iterdir()) == ["taken"]


def test_real_data_goes_on_where_it_was(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[tuple[str, str]] = []

    def measured(data: Any, optimizer: str, reference: Any) -> dict[str, Any]:
        done.append((data.name, optimizer))
        return {"network": {"W": [["1"]], "a": ["1"]}}

    monkeypatch.setattr(real_data, "measure", measured)
    file = tmp_path / "real.json"
    arguments = ("study", "real-data", "--out", file, "--dataset", "Diabetes")
    assert run(capsys, *arguments, "--optimizer", "SGD")[0] == 0
    assert done == [("diabetes", "sgd")]
    assert run(capsys, *arguments)[0] == 0
    assert [optimizer for _, optimizer in done[1:]] == ["sgd", *real_data.OPTIMIZERS[1:]]
    assert run(capsys, *arguments)[0] == 0  # everything is there
    assert len(done) == 1 + len(real_data.OPTIMIZERS)
    stored = json.loads(file.read_text())
    assert set(stored["datasets"]["diabetes"]) == {real_data.ALL_ROWS, *real_data.OPTIMIZERS}
    assert stored["command"][:3] == ["isthmus", "study", "real-data"]


@pytest.mark.parametrize("study", ["kinks", "meetings"])
def test_jobs_that_are_wrong(capsys: Capture, study: str) -> None:
    assert run(capsys, "study", study, "--jobs", 0) == (
        2,
        "",
        "isthmus: jobs: 0 must be at least 1\n",
    )
    code, out, err = run(capsys, "study", study, "--backend", "threads")
    assert (code, out) == (2, "")
    assert err == "isthmus: backend: 'threads' is not one of loky, dask, ray\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--dataset", "iris"), "dataset: 'iris' is not one of"),
        (("--optimizer", "adam"), "optimizer: 'adam' is not one of"),
        (
            ("--dataset", "diabetes", "--optimizer", "AdamW"),
            "optimizer: measure sgd on diabetes first: it sets the radius",
        ),
    ],
)
def test_real_data_refuses(
    capsys: Capture, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    code, _, err = run(capsys, "study", "real-data", "--out", tmp_path / "new.json", *arguments)
    assert code == 2
    assert message in err.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_something_else_is_refused(capsys: Capture, tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_text("[1]")
    code, _, err = run(capsys, "study", "real-data", "--out", file)
    assert code == 2
    assert f"{file}: is no study of real data" in err
    assert file.read_text() == "[1]"


def test_meetings_prints_a_line_for_each(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    from numerics.studies import meetings
    from numerics.training.meetings import train_meeting

    key = ("two-regions", ("adamw", "muon"))
    monkeypatch.setattr(meetings, "STUDY", {key: [("3/5", "3/2")]})

    def short(meeting: Any, **_: int) -> TrainedMeeting:
        return train_meeting(meeting, seeds=16, steps=50)

    monkeypatch.setattr(meetings, "train_meeting", short)
    code, out, _ = run(capsys, "study", "meetings", "--jobs", 1)
    assert code == 0
    assert out.startswith("| `two-regions` | adamw, muon | 3/5, 3/2 | disjoint |")
    assert len(out.splitlines()) == 1


@pytest.mark.parametrize("name", ["real-data", "separation", "meetings", "kinks", "smallest"])
def test_help(capsys: Capture, name: str) -> None:
    code, out, _ = run(capsys, "study", name, "--help")
    assert code == 0
    assert f"isthmus study {name}" in out
