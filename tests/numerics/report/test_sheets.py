"""Pictures of claims are found by the claim's stem, also those of a file of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from numerics.report import claims as drawn
from numerics.report.claim_files import load_claims
from numerics.report.sheets import Sheet, sheets_of
from numerics.training.runs import Trainer
from theory import claims
from theory.claims import Claim, verify

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


def sheets(claim: Claim) -> list[Sheet]:
    return sheets_of(verify(claim, Trainer()))


def test_those_of_a_file_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "my.claims.py"
    file.write_text(OWN)
    (claim,) = load_claims(file)
    (sheet,) = sheets(claim)
    assert [caption for _, caption in sheet.pictures] == ["A line."]


def test_those_of_a_class_that_a_claim_of_ones_own_derives_from(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from theory.claims import CurvesAboveBarrier\n"
        "class Mine(CurvesAboveBarrier):\n    id = 'mine'\n"
        "mine = Mine(searched=1)\n"
    )
    (claim,) = load_claims(file)
    assert len(sheets(claim)[0].pictures) == 2


def test_a_claim_without_any(tmp_path: Path) -> None:
    file = tmp_path / "plain.py"
    file.write_text(OWN[: OWN.index("def draw")])
    (claim,) = load_claims(file)
    assert sheets(claim) == []


@pytest.mark.parametrize("path", sorted(Path(drawn.__path__[0]).glob("[!_]*.py")))
def test_every_module_of_pictures_belongs_to_a_claim(path: Path) -> None:
    assert (Path(claims.__path__[0]) / path.name).exists()
