"""Pictures of claims are found by the claim's stem, also those of a file of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from numerics.report import claims as drawn
from numerics.report.claim_files import ClaimFile
from numerics.report.sheets import Sheet, sheets_of
from numerics.training.trainer import trainer
from theory import claims
from theory.claims import Claim, Training, verify
from theory.errors import InputError
from theory.own_file import OwnFile

OWN = """
from matplotlib.axes import Axes
from numerics.report.sheets import Sheet
from theory.claims import Claim, Observation, Prediction


class Equal(Claim):
    id = "equal"
    statement = "Equal."
    hypotheses = ()
    source = "here"

    def predict(self, progress):
        return Prediction({"one": 1})

    def observe(self, prediction, train, progress):
        return Observation({"one": 1})


def draw(axes: Axes) -> None:
    axes.plot([0, 1], [0, 1])


def sheets(result):
    return [Sheet("", [(draw, "A line.")], columns=1), Sheet(".none", [], columns=1)]
"""

TRAINED = """
from dataclasses import dataclass

from numerics.report.sheets import Sheet
from numerics.training.trainer import trainer
from theory.claims import Claim, Observation, Prediction, Training


@dataclass(frozen=True)
class TrainNothing(Training[int]):
    seeds: int


@trainer.register
def _(asked: TrainNothing, progress) -> int:
    return asked.seeds


class Counted(Claim):
    id = "counted"
    statement = "As many as asked for."
    hypotheses = ()
    source = "here"

    def predict(self, progress):
        return Prediction({"runs": 3}, evidence={"seeds": 3})

    def observe(self, prediction, train, progress):
        runs = train(TrainNothing(**prediction.evidence), progress)
        return Observation({"runs": runs}, evidence=["run"] * runs)


def sheets(result):
    captions = [*result.prediction.evidence, *result.observation.evidence]
    return [Sheet("", [(lambda axes: None, caption) for caption in captions], columns=1)]
"""


def sheets(claim: Claim) -> list[Sheet]:
    return sheets_of(verify(claim, trainer))


def test_those_of_a_file_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "my.claims.py"
    file.write_text(OWN)
    (claim,) = ClaimFile(OwnFile.read(file)).claims()
    (sheet,) = sheets(claim)
    assert [caption for _, caption in sheet.pictures] == ["A line."]


def test_those_of_a_class_that_a_claim_of_ones_own_derives_from(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from theory.claims import WidthProfile\n"
        "from theory.claims.instances import instance\n"
        "class Mine(WidthProfile):\n    id = 'mine'\n"
        "mine = Mine({instance('non-monotone', 'adamw', '1/2'): 2})\n"
    )
    (claim,) = ClaimFile(OwnFile.read(file)).claims()
    assert len(sheets(claim)[0].pictures) == 1


def test_a_claim_without_any(tmp_path: Path) -> None:
    file = tmp_path / "plain.py"
    file.write_text(OWN[: OWN.index("def draw")])
    (claim,) = ClaimFile(OwnFile.read(file)).claims()
    assert sheets(claim) == []


@pytest.mark.parametrize("path", sorted(Path(drawn.__path__[0]).glob("[!_]*.py")))
def test_every_module_of_pictures_belongs_to_a_claim(path: Path) -> None:
    assert (Path(claims.__path__[0]) / path.name).exists()


def test_a_claim_may_have_evidence_and_training_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "counted.py"
    file.write_text(TRAINED)
    (claim,) = ClaimFile(OwnFile.read(file)).claims()
    assert verify(claim, trainer).holds
    (sheet,) = sheets(claim)
    assert [caption for _, caption in sheet.pictures] == ["seeds", "run", "run", "run"]


def test_training_that_nobody_registered_is_refused() -> None:
    with pytest.raises(InputError, match="^trainer: does not know Training; register"):
        trainer(Training[int](), lambda stage, count: None)
