"""The page of a study: its numbers and verdicts, with and without the parts that may be missing."""

from __future__ import annotations

import html
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gpt2_second import ENSEMBLES, second
from gpt2_studies import statistic, study
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from numerics.gpt2 import plots, report
from numerics.gpt2.names import Cell
from numerics.gpt2.report import pair_rows, write_study_report
from numerics.page import marked
from theory.claims import CLAIMS
from theory.claims.gpt2_protocol import ProtocolClaim, protocol
from theory.claims.gpt2_second_spectrum import Gpt2SecondSpectrum
from theory.claims.gpt2_study import shipped
from theory.errors import InputError
from theory.pictures.style import COLOURS

PICTURES, ONE_CELL = 9 + 2 + 2 + 5 + 3 + 4, 5 + 2 + 2 + 3 + 1 + 4


def page(document: dict[str, Any], folder: Path) -> str:
    write_study_report(document, folder)
    return (folder / "index.html").read_text(encoding="utf-8")


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages without pictures, which take most of the time."""
    monkeypatch.setattr(report, "figures", lambda pictures, name: "")


@pytest.fixture
def unsaved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are drawn, but not laid out and written, which takes most of the time."""
    monkeypatch.setattr("numerics.page.svg", drawn)


def drawn(make: Callable[[], Figure], salt: str) -> str:
    assert make().axes
    return "<svg></svg>"


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("numerics.page.svg", drawn)
        return page(study(), tmp_path_factory.mktemp("study") / "deep")


@pytest.fixture
def axes() -> Axes:
    return Figure().subplots()


def cross_study(pairs: int) -> dict[str, Any]:
    """One of AdamW to Muon alone."""
    document = study(pairs)
    for part in ("pairs", "cells"):
        document[part] = {
            name: value
            for name, value in document[part].items()
            if name in ("adamw-muon", "adamw-0--muon-0", "adamw-1--muon-1")
        }
    return document


def test_it_needs_nothing_else(tmp_path: Path) -> None:
    """Of one pair: a picture of each kind, as they are written."""
    text = page(cross_study(1), tmp_path)
    for outside in ("http:", "https:", "@import", "<script", "<link", "<img", "<iframe"):
        assert outside not in text
    assert text.count("<svg") == text.count("<figcaption>") == ONE_CELL


def test_notes_and_pages_have_the_numbers_of_the_shipped_study() -> None:
    root = Path(__file__).parents[3]
    note = (root / "proofs_notes" / "gpt2-polychain-beats-linear.md").read_text(encoding="utf-8")
    for row in pair_rows(shipped()):
        assert f"| {' | '.join(row.values())} |".replace("\u00a0", " ") in note
    page = (root / "docs" / "gpt2.md").read_text(encoding="utf-8")
    curves = ("linear, not aligned", "linear", "polychain, not aligned", "polychain")
    for cell, found in shipped()["cells"].items():
        barriers = [found[curve]["barrier"]["in"] for curve in curves]
        spread = [f"{each['mean']:.3f} ± {each['std']:.3f}" for each in barriers]
        assert f"| {plots.named(Cell.read(cell))} | {' | '.join(spread)} |" in page


def test_it_has_the_numbers_of_the_table(text: str) -> None:
    rows = [list(row.values()) for row in pair_rows(study())]
    assert [row[:2] for row in rows] == [
        ["AdamW to AdamW", "2"],
        ["Muon to Muon", "2"],
        ["AdamW to Muon", "2"],
    ]
    for row in rows:
        assert all("±" in cell and cell in text for cell in row[2:])
    barrier = study()["cells"]["muon-muon"]["polychain"]["barrier"]["out"]
    assert rows[1][5] == f"{barrier['mean']:.3f} ±\u00a0{barrier['std']:.3f}"


def test_it_says_what_was_measured(text: str) -> None:
    for said in (
        "isthmus gpt2 table planted",
        "torch 2.9.0",
        "4,463,628",
        "20.6 minutes",
        html.escape('"layers": 2'),
        "random start",
        "No model was outside what is within reach",
    ):
        assert said in text


def test_it_has_all_pictures(text: str) -> None:
    assert text.count("<svg") == text.count("<figcaption>") == PICTURES


def test_claims_hold_and_controls_are_silent(text: str) -> None:
    assert text.count('<span class="holds">holds</span>') == 3 * 3
    assert text.count("No control that was measured explains the picture.") == 3


@pytest.mark.usefixtures("undrawn")
def test_a_claim_that_a_control_explains_is_said_to_be(tmp_path: Path) -> None:
    document = study()
    document["cells"]["muon-muon"]["linear"]["change"] = statistic([0.03, 0.05])
    document["cells"]["adamw-adamw"]["polychain"]["barrier"]["in"] = statistic([0.3, 0.3])
    text = page(document, tmp_path)
    assert text.count('<span class="holds">holds</span>') == 3 * 2
    assert text.count('<span class="false">is false</span>') == 3 * 1
    assert "holds</span>; explained by 1 of its controls</li>" in text
    assert "<strong>Controls that explain the picture as well:</strong>" in text
    assert "<li>the straight line preserves it as well, muon-muon: yes: 0.03, 0.05" in text


@pytest.mark.usefixtures("undrawn")
def test_ensembles_have_their_perplexities(tmp_path: Path) -> None:
    document = study()
    text = page(document, tmp_path)
    assert '<h2 id="ensembles">Ensembles</h2>' in text
    assert f"<td>{np.exp(1.53):.3f} ±\u00a00.000</td>" in text  # AdamW's better end
    assert "three models averaged</th>" in text
    for cell in document["ensembles"].values():
        for averages in cell.values():
            del averages["three models averaged"]
    assert "three models averaged</th>" not in page(document, tmp_path)


@pytest.mark.usefixtures("undrawn")
def test_a_model_outside_its_reach_is_named(tmp_path: Path) -> None:
    document = study()
    document["ends"]["muon-1"]["history"][3]["spectral"]["0.key"] = 50.0
    assert "Outside what is within reach: muon-1." in page(document, tmp_path)


@pytest.mark.usefixtures("unsaved")
def test_what_may_be_missing(tmp_path: Path) -> None:
    document = study(pairs=1)
    for part in ("longer", "sweep", "continued", "ensembles"):
        del document[part]
    for pair in document["pairs"].values():
        pair.pop("plane")
        for kind in ("bezier", "polychain, not aligned", "linear, not aligned"):
            del pair["curves"][kind]
        for curve in pair["curves"].values():
            del curve["spectra"]["singular_values"]
    for cell in document["cells"].values():
        for kind in ("bezier", "polychain, not aligned", "linear, not aligned"):
            del cell[kind]
        for curve in cell.values():
            del curve["middle above ends trained on"]
    assert not any("±" in cell for row in pair_rows(document) for cell in row.values())
    text = page(document, tmp_path)
    assert "One pair each." in text
    assert "Loss planes" not in text
    assert "Ensembles" not in text
    assert "above trained-on ends" not in text
    assert "Bezier" not in text
    assert text.count("<svg") == PICTURES - 8
    assert "not measured" in text


@pytest.mark.usefixtures("undrawn")
def test_a_study_of_one_cell(tmp_path: Path) -> None:
    text = page(cross_study(2), tmp_path)
    assert "It is not known whether it holds: study: lacks adamw-adamw" in text
    assert text.count("failed</span>") == 3 * 2


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be made"):
        write_study_report(study(1), tmp_path / "file")


def test_low_curves_are_readable(axes: Axes) -> None:
    """The picture ends above the aligned line, far below the line without alignment."""
    document = study()
    plots.draw_losses(axes, document, Cell("muon", "muon"), "in")
    curves = document["pairs"]["muon-0--muon-1"]["curves"]
    top = axes.get_ylim()[1]
    assert (
        max(curves["linear"]["loss"]["in"]) < top < max(curves["linear, not aligned"]["loss"]["in"])
    )
    assert "not aligned: to 4.06 ↑" in [text.get_text() for text in axes.texts]


def test_optimizers_keep_their_colours(axes: Axes) -> None:
    plots.draw_median_ranks(axes, study(), [Cell("adamw", "adamw"), Cell("muon", "muon")])
    drawn = {line.get_color() for line in axes.lines}
    assert drawn == {COLOURS[0], COLOURS[1], "black"}


def test_random_directions_are_drawn_where_they_were_measured(axes: Axes) -> None:
    """The mean over the pairs of a cell of the median over matrices, beside the curves."""
    document, cell = study(), Cell("muon", "muon")

    def drawn() -> list[Any]:
        axes.clear()
        plots.draw_median_ranks(axes, document, [cell])
        legend = axes.get_legend()
        assert legend is not None
        return [text.get_text() for text in legend.get_texts()]

    assert "random directions" not in drawn()
    lines = len(axes.lines)
    for k, pair in enumerate(plots.pairs(document, cell).values()):
        ranks = {"0.key": [8.0, 6.0 + k, 9.0], "0.query": [9.0, 7.0 + k, 9.0], "1.key": [0, 0, 0]}
        pair["shuffled"] = {"t": [0, 0.5, 1], "stable_rank": ranks}
    assert "random directions" in drawn()
    assert len(axes.lines) == lines + 1
    (found,) = [line for line in axes.lines if np.size(line.get_xdata()) == 3]
    assert np.array(found.get_ydata()).tolist() == [8.0, 6.5, 9.0]


def test_singular_values_half_way_between_random_directions_are_drawn_where_there(
    axes: Axes,
) -> None:
    document, cell = study(), Cell("muon", "muon")
    plots.draw_singular_values(axes, document, cell)
    lines = len(axes.lines)
    pair = next(iter(plots.pairs(document, cell).values()))
    pair["half_way_shuffled"] = {plots.shown_matrix(document, cell): [1.0, 4.0, 2.0]}
    axes.clear()
    plots.draw_singular_values(axes, document, cell)
    assert len(axes.lines) == lines + 1
    assert [1.0, 0.5, 0.25] in [np.array(line.get_ydata()).tolist() for line in axes.lines]


def marks(axes: Axes) -> dict[str, list[list[float]]]:
    """What is drawn under each label that has marks."""
    found: dict[str, list[list[float]]] = {}
    for line in axes.lines:
        label = str(line.get_label())
        if line.get_marker() != "None":
            found.setdefault(label, []).append(np.array(line.get_ydata()).tolist())
    return found


def test_ranks_in_each_setting_of_noise_are_those_of_the_claim(axes: Axes) -> None:
    document = second()
    assert plots.has_noise(document)
    plots.draw_noise(axes, document)
    beside = Gpt2SecondSpectrum(document).beside()
    assert {name: tuple(*ranks) for name, ranks in marks(axes).items()} == {
        name: beside[f"r of {name}'s models at that loss"] for name in ("AdamW", "Muon")
    }
    del document["controls"]["muon-0-noise-rate"]
    assert not plots.has_noise(document)


def test_matrices_that_muon_trains_are_told_from_others(axes: Axes) -> None:
    """In the planted study each has the rank of the rule that trained it, 10 or 25."""
    document = second()
    assert plots.has_parts(document)
    plots.draw_parts(axes, document)
    labelled = {name: ranks[0] for name, ranks in marks(axes).items() if name[0] != "_"}
    assert labelled == {
        "AdamW": [10] * 6,
        "Muon": [25] * 6,
        "Muon on Q and K": [25, 25, *[10] * 4],
        "Muon on V, O and MLP": [10, 10, *[25] * 4],
    }
    assert sum(map(len, marks(axes).values())) == 4 * 2  # of two seeds
    assert not plots.has_parts(study())


def test_arrows_lead_from_one_learning_rate_to_the_next_larger(axes: Axes) -> None:
    document = study()
    document["sweep"] = [
        {"optimizer": "muon", "learning_rate": rate, "loss": loss, "stable_rank": rank}
        for rate, loss, rank in ((0.06, 1.3, 8.0), (0.015, 1.5, 9.0), (0.03, 1.4, 7.0))
    ]
    plots.draw_rank_over_loss(axes, document)
    arrows = [arrow for arrow in axes.texts if isinstance(arrow, Annotation)]
    assert [(arrow.xyann, arrow.xy) for arrow in arrows] == [
        ((1.5, 9.0), (1.4, 7.0)),
        ((1.4, 7.0), (1.3, 8.0)),
    ]


def test_what_is_below_the_chord_is_in_the_picture(axes: Axes) -> None:
    document, cell = second(), Cell("adamw", "muon")
    plots.draw_heights(axes, document, [cell], "out")
    drawn = [np.array(line.get_ydata()) for line in axes.lines]
    assert any(np.allclose(heights, [0, 0.02, -0.03, -0.04, 0]) for heights in drawn)
    bottom, top = axes.get_ylim()
    assert bottom < 2 * -0.04  # the straight line's
    assert 0.02 < top


def test_ensembles_are_drawn_below_the_better_end(axes: Axes) -> None:
    """The planted gains; a third model only where a pair has one."""
    document = second()
    for name, pair in document["pairs"].items():
        if "muon-" not in name or "adamw-" not in name:
            for losses in pair["ensembles"]["loss"].values():
                del losses["three models averaged"]
    plots.draw_ensembles(axes, document, [Cell("adamw", "adamw"), Cell("adamw", "muon")], "in")
    drawn = {name: losses[0] for name, losses in marks(axes).items()}
    gains = [-gain for gain in ENSEMBLES.values()]
    assert drawn["AdamW to AdamW"] == pytest.approx(gains[:-1])
    assert drawn["AdamW to Muon"] == pytest.approx(gains)


@pytest.mark.parametrize("name", protocol()["hypotheses"])
def test_each_hypothesis_has_pictures(name: str) -> None:
    """Of the shipped study; all are drawn."""
    claim = CLAIMS[name]
    assert isinstance(claim, ProtocolClaim)
    for draw, caption in report.claim_pictures(claim):
        axes = Figure().subplots()
        draw(axes)
        assert axes.get_title()
        assert caption.endswith(".")


@pytest.mark.usefixtures("undrawn")
def test_models_without_all_of_their_history_are_in_no_ball(tmp_path: Path) -> None:
    document = study()
    for record in document["ends"]["muon-1"]["history"]:
        del record["spectral"], record["entrywise"], record["reach"]
    assert "muon-1" not in plots.watched(document)
    balls = page(document, tmp_path).split("balls</h2>")[-1].split("<section>")[0]
    assert "muon-0" in balls
    assert "muon-1" not in balls


def test_a_study_by_the_protocol_is_judged_by_its_hypotheses() -> None:
    document = second()
    judged = report.claims_of(document)
    assert {each.claim.id for each in judged} == set(protocol()["hypotheses"])
    assert all(each.holds for each in judged)
    document["configuration"] = "another"
    for each in report.claims_of(document):
        assert not each.holds
        assert "from it nothing is concluded" in each.error


@pytest.mark.usefixtures("undrawn")
def test_a_hypothesis_is_shown_with_what_stands_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no controls that could explain it: they are hypotheses of their own."""
    document = second()
    for record in document["controls"]["adamw-0-noise-rate"]["history"]:
        record["median_rank"] = 31 / 3
    judged = report.claims_of(document)
    monkeypatch.setattr(report, "claims_of", lambda _: judged)
    text = page(study(), tmp_path)
    assert "No control that was measured" not in text
    claims = [each.claim for each in judged if isinstance(each.claim, ProtocolClaim)]
    beside = [name for claim in claims for name in claim.beside()]
    assert len(beside) > 8
    for name in beside:
        assert f"<th scope=row>{marked(name)}</th>" in text
    ranks = Gpt2SecondSpectrum(document).at_one_loss()["adamw"]
    shown = ", ".join(f"{rank:.4g}" for rank in ranks)
    assert "10.33" in shown
    assert f">{shown}</td>" in text


def test_the_models_stand_in_the_plane(axes: Axes) -> None:
    pair = study()["pairs"]["adamw-0--muon-0"]
    plots.draw_plane(axes, pair)
    marks = {line.get_marker(): line for line in axes.lines if line.get_marker() != "None"}
    assert {name: np.array(mark.get_xydata()).tolist() for name, mark in marks.items()} == {
        "o": [[0, 0]],
        "s": [[1, 0]],
        "D": [[0.47, 0.42]],
    }
    assert to_rgba(marks["s"].get_color()) == to_rgba(COLOURS[1])
    assert [text.get_text() for text in axes.texts] == ["adamw-0", "muon-0", "bend"]


def test_norms_over_radius_and_reach() -> None:
    document = study()
    end = document["ends"]["adamw-0"]
    largest = max(end["history"][-1]["entrywise"].values())
    assert plots.over_radius(end) == pytest.approx(largest / 10)
    assert 0 < plots.over_reach(end) < 1
    curve = document["pairs"]["adamw-0--muon-0"]["curves"]["polychain"]
    norms = plots.largest_on_path(document, curve, "muon")
    spectral = curve["spectra"]["spectral_norm"]["0.key"]
    assert norms.tolist() == pytest.approx([value / 10 for value in spectral])


def test_neither_torch_nor_transformers_is_needed() -> None:
    loaded = "{'torch', 'transformers'} & {*sys.modules}"
    command = f"import sys, numerics.gpt2.report; sys.exit(bool({loaded}))"
    assert subprocess.run([sys.executable, "-c", command], check=False).returncode == 0
