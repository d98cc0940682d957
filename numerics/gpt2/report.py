"""The page of a study of GPT-2 models, and its main table, from the study's JSON document alone."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from statistics import fmean, median
from typing import Any, TypeAlias

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from numerics.files import make_folder, write
from numerics.formulas import typeset
from numerics.gpt2 import plots
from numerics.gpt2.names import LINE, NORMS, OPTIMIZERS, POLYCHAIN, RANDOM, TEXTS, Cell, Curve
from numerics.page import FAILED, HOLDS, Entry, badge, describe, figures, page, table, verdict_of
from numerics.pictures.style import panel
from theory.claims import (
    CLAIMS,
    Gpt2CrossTransition,
    Gpt2PolychainBeatsLinear,
    Gpt2SpectrumPreserved,
)
from theory.claims.base import Value, Values
from theory.claims.gpt2_protocol import ProtocolClaim, require_decidable
from theory.claims.gpt2_study import (
    CROSS,
    SAME,
    Study,
    StudyClaim,
    explained,
    is_judged,
    measured,
    median_rank,
    stated,
)
from theory.errors import InputError

Picture: TypeAlias = tuple[Callable[[Axes], None], str]
"""What to draw, and the caption."""

_MISSING = ""
_CLAIMS = (Gpt2PolychainBeatsLinear, Gpt2SpectrumPreserved, Gpt2CrossTransition)
_HYPOTHESES = [type(claim) for claim in CLAIMS.values() if isinstance(claim, ProtocolClaim)]
"""Of studies by the protocol."""
_ABOVE = "middle above ends trained on"
_STEADINESS = {"monotonicity": "monotonicity", "largest_jump": "largest jump"}
_CURVES = {
    LINE._replace(aligned=False): "straight line, not aligned",
    LINE: "straight line",
    POLYCHAIN._replace(aligned=False): "polychain, not aligned",
    POLYCHAIN: "polychain",
    **{POLYCHAIN._replace(by=by): f"polychain, bend by {OPTIMIZERS[by]}" for by in OPTIMIZERS},
    Curve("bezier"): "Bezier curve",
}


def pair_rows(study: Study) -> list[dict[str, str]]:
    """The main table: barriers in nats per token, mean ± standard deviation over pairs."""
    columns = {"line": (LINE, "in"), "polychain": (POLYCHAIN, "in")}
    columns |= {"line, other text": (LINE, "out"), "polychain, other text": (POLYCHAIN, "out")}
    return [
        {
            "models": plots.named(cell),
            "pairs": str(len(plots.pairs(study, cell))),
            **{
                name: _statistic(study, cell, curve, "barrier", text)
                for name, (curve, text) in columns.items()
            },
        }
        for cell in plots.cells(study)
    ]


def write_study_report(study: Study, folder: Path) -> None:
    """Write index.html, which needs nothing else. Raises InputError where that cannot be."""
    make_folder(folder)
    sections = (
        *(_barriers, _claims, _controls, _ensembles),
        *(_models, _spectra, _planes, _balls),
    )
    parts = [part for section in (*sections, _measured) if (part := section(study))]
    contents = {"": [Entry(f"#{part.id}", part.title) for part in parts]}
    judged = [Entry(f"#{each.claim.id}", each.claim.id, each.badge) for each in claims_of(study)]
    if judged:
        contents["Claims"] = judged
    body = _summary(study) + "".join(part.html for part in parts)
    title = f"GPT-2 models connected: study {study['name']}"
    write(folder / "index.html", page(title, body, study, contents))


def _statistic(study: Study, cell: Cell, curve: Curve | str, *names: str) -> str:
    """Mean ± standard deviation over the pairs; without the latter for a single pair."""
    found = measured(study, str(cell), str(curve), *names)
    return _MISSING if found is None else _spread(found)


def _spread(found: Mapping[str, Any]) -> str:
    spread = "" if found["std"] is None else f" ±\u00a0{found['std']:.3f}"
    return f"{found['mean']:.3f}{spread}"


@dataclass(frozen=True)
class _Section:
    """A part of the page; html: what is below its title."""

    title: str
    body: str

    @property
    def id(self) -> str:
        """Its place in the page."""
        return re.sub(r"\W+", "-", self.title.lower())

    @property
    def html(self) -> str:
        """All of it."""
        return (
            f'\n<section>\n<h2 id="{self.id}">{typeset(self.title)}</h2>\n{self.body}\n</section>'
        )


def _section(title: str, *parts: str) -> _Section:
    return _Section(title, "\n".join(part for part in parts if part))


def _paragraph(text: str) -> str:
    return f"<p>{typeset(text)}</p>"


def _table(rows: Sequence[Mapping[str, str]]) -> str:
    """A table of rows that name their columns."""
    return table(list(rows[0]), [list(row.values()) for row in rows])


def _panels(pictures: Iterable[Picture]) -> list[tuple[Callable[[], Figure], str]]:
    """Pictures as figures of one panel each."""
    return [(partial(panel, draw), caption) for draw, caption in pictures]


# Pictures of the page and of the claims' chapters


def claim_pictures(claim: StudyClaim) -> list[Picture]:
    """What the page of `isthmus verify` shows of a claim about a study."""
    study, same = claim.document, [Cell.read(name) for name in SAME]
    if isinstance(claim, ProtocolClaim):
        return _second_pictures(claim.id, study, same)
    if isinstance(claim, Gpt2PolychainBeatsLinear):
        return [*_losses(study, same), _alignment(study)]
    if isinstance(claim, Gpt2SpectrumPreserved):
        return [_median_ranks(study, same), _rank_over_loss(study)]
    return [_median_ranks(study, [_CROSS]), *_losses(study, [_CROSS])]


_CROSS = Cell.read(CROSS)


def _second_pictures(name: str, study: Study, same: Sequence[Cell]) -> list[Picture]:
    match name.rpartition("-")[2]:
        case "barriers":
            return [*_losses(study, same), _alignment(study)]
        case "spectrum":
            return [_rank_over_loss(study), _noise(study)]
        case "polar":
            cells = [Cell(each, each) for each in ("muon", "kaon")]
            return [_median_ranks(study, cells), *_losses(study, cells[1:])]
        case "ensembles":
            return _ensemble_pictures(study, [*same, _CROSS])
        case "paths":
            return [_median_ranks(study, same)]
        case "cross":
            return [_median_ranks(study, [_CROSS]), *_losses(study, [_CROSS])]
        case "beyond":
            return _heights(study, [*same, _CROSS])
    return [_parts(study), _rank_over_loss(study)]


def _losses(study: Study, cells: Iterable[Cell]) -> list[Picture]:
    return [
        (
            partial(plots.draw_losses, study=study, cell=cell, text=text),
            f"{plots.named(cell)}, {words}: the loss between the models of each pair (thin) and "
            "the mean of the pairs (bold). Solid: the polychain with one learned bend; dashed: "
            "the straight line between aligned models; grey dots: without alignment, which may "
            "leave the picture. The vertical axis does not begin at zero.",
        )
        for text, words in TEXTS.items()
        for cell in cells
    ]


def _alignment(study: Study) -> Picture:
    return (
        partial(plots.draw_alignment, study=study),
        "The barrier of the straight line after each stage of the alignment, in distribution: as "
        "trained, with normalisations folded into the weights, permuted, rotated, and with a "
        "learned rotation. Dots are pairs.",
    )


def _median_ranks(study: Study, cells: Sequence[Cell]) -> Picture:
    return (
        partial(plots.draw_median_ranks, study=study, shown=cells),
        "The median stable rank of the hidden matrices along polychains (solid) and along aligned "
        "straight lines (dashed), whose loss is high: where both agree, the spectrum is no "
        "evidence of low loss. Dash-dotted, if there: with a bend by the other optimizer. Thin: "
        "pairs; bold: their mean. Dotted: random matrices as at the start of training. Dashes and "
        "dots, if there: lines between matrices with the models' singular values and random "
        "directions, the mean over pairs.",
    )


def _rank_over_loss(study: Study) -> Picture:
    return (
        partial(plots.draw_rank_over_loss, study=study),
        "The median stable rank over the hidden matrices against the loss: filled, the models of "
        "the study; large open marks, AdamW trained for longer; small open marks, other settings. "
        "Arrows lead from one learning rate that was swept to the next larger one. "
        "Dotted: the random start. An optimizer has a spectrum of its own only if the marks of one "
        "do not reach the other's at an equal loss.",
    )


def _noise(study: Study) -> Picture:
    return (
        partial(plots.draw_noise, study=study),
        "The median stable rank where training first reached the largest of these models' last "
        "losses. Learning rate, weight decay and 1 / batch are high or low, so that each two are "
        "balanced; at the right models of the standard rates, between. Dotted: the random start.",
    )


def _parts(study: Study) -> Picture:
    return (
        partial(plots.draw_parts, study=study),
        "Stable ranks by kind of matrix, medians over layers, a mark for each of two seeds. "
        "Filled: models of one rule; open: Muon on some kinds of matrices and AdamW on the others. "
        "Dotted: the random start.",
    )


def _heights(study: Study, cells: Sequence[Cell]) -> list[Picture]:
    return [
        (
            partial(plots.draw_heights, study=study, shown=cells, text=text),
            f"The loss above the chord between the ends, {TEXTS[text]}: along polychains (solid) "
            "and aligned straight lines (dashed, they may leave the picture). Thin: pairs; bold: "
            "their mean.",
        )
        for text in ("out", "in")
    ]


def _ensemble_pictures(study: Study, cells: Sequence[Cell]) -> list[Picture]:
    return [
        (
            partial(plots.draw_ensembles, study=study, shown=cells, text=text),
            f"Losses {words}, less that of the better of two models: of the best point of the "
            "polychain between them, and of averages of what models predict. Thin: pairs; bold: "
            "their mean. Below zero is better than both models.",
        )
        for text, words in TEXTS.items()
    ]


# Sections


def _barriers(study: Study) -> _Section:
    cells = plots.cells(study)
    several = any(len(plots.pairs(study, cell)) > 1 for cell in cells)
    spread = " Mean ± standard deviation over pairs (n - 1)." if several else " One pair each."
    pictures = [*_losses(study, cells), _alignment(study)]
    return _section(
        "Barriers",
        _paragraph(
            "The barrier is the most by which the loss on the way exceeds the chord between the "
            "losses of the two models, in nats per token. Line: straight, between aligned models; "
            f"polychain: with one learned bend. Other text: not of the training corpus.{spread}"
        ),
        _table(pair_rows(study)),
        _paragraph(
            "In the paper (6 layers, 256 wide) lines of two AdamW models have 0.26 to 0.45 and "
            "polychains 0.04 to 0.06, those of two Muon models 0.18 to 0.43 and 0.01 to 0.06. "
            "Models, text and alignment differ, so the sizes cannot be compared, only the order."
        ),
        figures(_panels([*pictures, *_heights(study, cells)]), "barriers"),
    )


@dataclass(frozen=True)
class Judged:
    """What the study says of a claim; observed: None where it lacks something, as error says."""

    claim: StudyClaim
    observed: Values | None
    error: str = ""

    @property
    def verdict(self) -> str:
        if self.observed is None:
            return FAILED
        return verdict_of(self.claim.compare(self.claim.predicted(), self.observed))

    @property
    def holds(self) -> bool:
        return self.verdict == HOLDS

    @property
    def badge(self) -> str:
        """The verdict, on its colour."""
        return badge(self.verdict)

    @property
    def controls(self) -> list[str]:
        """Those that explain the picture as well."""
        return [] if self.observed is None else explained(self.observed)


def claims_of(study: Study) -> list[Judged]:
    """The claims about a study: its hypotheses, if it is by a protocol; none of one that is too
    small to tell."""
    judged = []
    by_protocol = bool(study["config"].get("protocol"))
    makers: Sequence[Callable[[Study], StudyClaim]] = _HYPOTHESES if by_protocol else _CLAIMS
    for make in makers if is_judged(study) else ():
        claim = make(study)
        try:
            if by_protocol:
                require_decidable(study)
            judged.append(Judged(claim, claim.observed()))
        except InputError as error:
            judged.append(Judged(claim, None, str(error)))
    return judged


TOO_SMALL = "This study tests the machinery. It is too small to tell, so no claim is judged."


def _summary(study: Study) -> str:
    """The verdicts, and whether controls explain them."""
    if not is_judged(study):
        return _paragraph(TOO_SMALL)
    lines = []
    for judged in claims_of(study):
        name, count = html.escape(judged.claim.id), len(judged.controls)
        remark = f"; explained by {count} of its controls" if count else ""
        lines.append(f'<li><a href="#{name}">{name}</a> {judged.badge}{remark}</li>')
    return f"<ul class=contents>{''.join(lines)}</ul>"


def _claims(study: Study) -> _Section | None:
    if not is_judged(study):
        return None
    return _section(
        "Claims",
        _paragraph(
            "Predictions are bounds around numbers of the paper, fixed before any study was made; "
            "how long the default study trains its bends was changed after its first run, and the "
            "second study has a protocol that was committed before it. A claim "
            "holds if what it states is so. Controls ask whether something else explains the same "
            "picture; they do not decide whether the claim holds, but what it means."
        ),
        *map(_claim, claims_of(study)),
    )


def _claim(judged: Judged) -> str:
    claim, observed = judged.claim, judged.observed
    name = html.escape(claim.id)
    head = (
        f'<h3 id="{name}">{name} {judged.badge}</h3>\n'
        f"<p class=statement>{typeset(claim.statement)}</p>"
    )
    if observed is None:
        return f"{head}\n{_paragraph(f'It is not known whether it holds: {judged.error}.')}"
    predicted = claim.predicted()
    remarks = "".join(f"<li>{html.escape(text)}</li>" for text in judged.controls)
    remark = ""
    if remarks:
        remark = (
            "<p><strong>Controls that explain the picture as well:</strong></p>\n"
            f"<ul>{remarks}</ul>\n"
        )
    elif len(stated(predicted)) < len(predicted):
        remark = _paragraph("No control that was measured explains the picture.") + "\n"
    rows = [
        (quantity, describe(value), _shown(observed[quantity]))
        for quantity, value in predicted.items()
    ]
    if isinstance(claim, ProtocolClaim):
        rows += [(quantity, "", _shown(value)) for quantity, value in claim.beside().items()]
    return f"{head}\n{remark}{table(('quantity', 'predicted', 'observed'), rows)}"


def _shown(value: Value) -> str:
    """A measured value, to the digits that mean something."""
    if isinstance(value, tuple):
        return ", ".join(map(_shown, value))
    return f"{value:.4g}" if isinstance(value, float) else describe(value)


def _controls(study: Study) -> _Section:
    cells = plots.cells(study)
    curves: dict[Any, str] = {**_CURVES, RANDOM: RANDOM}

    def rows(curves: Mapping[Any, str], *names: str) -> list[Sequence[str]]:
        return [
            [words, *(_statistic(study, cell, curve, *names) for cell in cells)]
            for curve, words in curves.items()
        ]

    above = {curve: f"{_CURVES[curve]}, above trained-on ends" for curve in (LINE, POLYCHAIN)}
    barriers = [*rows(_CURVES, "barrier", "in"), *rows(above, _ABOVE, "in")]
    steadiness = [
        [words, *(_statistic(study, _CROSS, curve, name) for name in _STEADINESS)]
        for curve, words in curves.items()
    ]
    head = ["", *map(plots.named, cells)]
    return _section(
        "Controls",
        _paragraph(
            "Barriers in distribution, nats per token. Above trained-on ends: the loss at t = 1/2 "
            "over the mean loss of both models after as many steps more as the bend had, so that "
            "a bend gets no credit for more training; it can be negative."
        ),
        table(head, _measured_rows(barriers)),
        _paragraph(
            "The median over hidden matrices of the stable rank along the curves, r(t). Change: "
            "max r / min r - 1. Random directions: of the line between matrices with the models' "
            "singular values and random singular vectors."
        ),
        table(head, _measured_rows(rows(curves, "change"))),
        _paragraph(
            "From AdamW to Muon. Monotonicity: (r(1) - r(0)) / total variation, 1 where r only "
            "rises. Largest jump: the largest step between neighbouring points over |r(1) - r(0)|."
        ),
        table(["", *_STEADINESS.values()], _measured_rows(steadiness)),
        _continued(study),
    )


def _measured_rows(rows: Iterable[Sequence[str]]) -> list[Sequence[str]]:
    """Rows of which something was measured."""
    return [row for row in rows if set(row[1:]) != {_MISSING}]


def _continued(study: Study) -> str:
    found = study.get("continued")
    if not found:
        return ""
    rows = [
        {
            "model": name,
            "loss": f"{study['ends'][name]['loss']['in']:.3f}",
            "other text": f"{study['ends'][name]['loss']['out']:.3f}",
            "trained on": f"{losses['in']:.3f}",
            "trained on, other text": f"{losses['out']:.3f}",
        }
        for name, losses in found.items()
    ]
    return _paragraph("Models trained on for as many steps as a bend:") + "\n" + _table(rows)


def _ensembles(study: Study) -> _Section | None:
    rows = [
        {
            "models": plots.named(Cell.read(cell)),
            "text": TEXTS[text],
            **{name: _spread(found) for name, found in averages.items()},
        }
        for cell, texts in study.get("ensembles", {}).items()
        for text, averages in texts.items()
    ]
    if not rows:
        return None
    columns = dict.fromkeys(name for row in rows for name in row)
    pictures = _ensemble_pictures(study, plots.cells(study))
    return _section(
        "Ensembles",
        _paragraph(
            "Perplexity of a token: of the better end, of the best point between, of the average "
            "of what both ends predict, of that of both and the point, and, for comparison, of "
            "both and a third model. Which end and which point are best was chosen on windows in "
            "distribution that are not among those measured here."
        ),
        _table([{name: row.get(name, _MISSING) for name in columns} for row in rows]),
        figures(_panels(pictures), "ensembles"),
    )


def _models(study: Study) -> _Section:
    # Among the controls are those that were trained longer; the first study has these alone.
    others = [("controls", "")] if study.get("controls") else [("longer", ", longer")]
    rows = [
        model_row(f"{name}{more}", end)
        for kind, more in (("ends", ""), *others)
        for name, end in study.get(kind, {}).items()
    ]
    start = {"model": "random start", **_ranks(study["start"])}
    rows.append({column: start.get(column, _MISSING) for column in rows[0]})
    caption = "The loss on held-out text of every model."
    pictures: list[Picture] = [(partial(plots.draw_learning, study=study), caption)]
    pictures.append(_rank_over_loss(study))
    if plots.has_noise(study):
        pictures.append(_noise(study))
    if plots.has_parts(study):
        pictures.append(_parts(study))
    return _section(
        "Models",
        _paragraph("Ranks are medians over the hidden matrices; losses are in nats per token."),
        _table(rows),
        _sweep(study),
        figures(_panels(pictures), "models"),
    )


def model_row(name: str, end: Mapping[str, Any]) -> dict[str, str]:
    """What is said of a trained model; end: what was recorded of it."""
    return {
        "model": name,
        "learning rate": f"{end['learning_rate']:.3g}",
        "steps": f"{end['steps']:,}",
        "loss": f"{end['loss']['in']:.4f}",
        "other text": f"{end['loss']['out']:.4f}",
        **_ranks(end),
        "seconds": f"{end['seconds']:.0f}",
    }


def _ranks(end: Mapping[str, Any]) -> dict[str, str]:
    effective = median(end["effective_rank"].values())
    return {"stable rank": f"{median_rank(end):.2f}", "effective rank": f"{effective:.2f}"}


def _sweep(study: Study) -> str:
    runs = sorted(study.get("sweep", ()), key=_run)
    if not runs:
        return ""
    rows = []
    for (optimizer, rate), group in groupby(runs, key=_run):
        alike = list(group)
        rows.append(
            {
                "optimizer": OPTIMIZERS[optimizer],
                "learning rate": f"{rate:.3g}",
                "models": str(len(alike)),
                "loss": f"{fmean(run['loss'] for run in alike):.3f}",
                "stable rank": f"{fmean(run['stable_rank'] for run in alike):.2f}",
            }
        )
    return _paragraph("Learning rates that were swept, the mean over models:") + _table(rows)


def _run(run: Mapping[str, Any]) -> tuple[str, float]:
    return run["optimizer"], run["learning_rate"]


def _spectra(study: Study) -> _Section:
    multiples = (
        partial(plots.draw_small_multiples, study),
        "The stable rank along the way by kind of matrix, the median over layers; a row shares its "
        "vertical axis. Lines as in the picture before.",
    )
    values: list[Picture] = [
        (
            partial(plots.draw_singular_values, study=study, cell=cell),
            f"{plots.named(cell)}: all singular values of the matrix {matrix} over the largest, in "
            "order, at points of the first pair's polychain. A curve that falls at once is a "
            "matrix of low stable rank. Dashes and dots, if there: half way between matrices "
            "with the singular values of both ends and random directions. Dotted: the random "
            "start.",
        )
        for cell in plots.cells(study)
        for matrix in [plots.shown_matrix(study, cell)]
        if matrix is not None
    ]
    first, *rest = _panels([_median_ranks(study, plots.cells(study)), *values])
    return _section(
        "Spectra",
        _paragraph(
            "The stable rank of a matrix is its squared Frobenius norm over its squared spectral "
            "norm. It is that of the folded models, which alignment by rotations does not change."
        ),
        figures([first, multiples, *rest], "spectra"),
    )


def _planes(study: Study) -> _Section | None:
    pictures: list[Picture] = [
        (
            partial(plots.draw_plane, pair=pair),
            "The loss in distribution in the plane through two aligned models and the bend of "
            "their polychain, to scale; the distance of the models is 1. Dashed: the straight "
            "line; solid: the polychain. Losses above the last level share its colour.",
        )
        for pair in study["pairs"].values()
        if "plane" in pair
    ]
    return _section("Loss planes", figures(_panels(pictures), "planes")) if pictures else None


def _balls(study: Study) -> _Section:
    watched = plots.watched(study)
    trained = {end["optimizer"] for end in watched.values()}
    optimizers = [name for name in OPTIMIZERS if name in trained]
    pictures: list[Picture] = [
        (
            partial(plots.draw_ball, study=study, optimizer=name),
            f"The {NORMS[name]} norms of hidden matrices of models by "
            f"{OPTIMIZERS[name]} over the radius of its ball, while they are trained: bold "
            "the median matrix, dash-dotted the largest, the band all. Black: the ball. Dotted: "
            "within reach, the most that weight decay and the longest steps allow after so many "
            "steps from that start.",
        )
        for name in optimizers
    ]
    pictures += [
        (
            partial(plots.draw_norms_along, study=study, optimizer=name),
            f"The largest {NORMS[name]} norm of a hidden matrix along the curves over the "
            f"radius of {OPTIMIZERS[name]}'s ball: it is convex, so no straight piece leaves "
            "it that ends inside. Along curves the models are folded and rotated, which changes "
            "entrywise norms.",
        )
        for name in optimizers
    ]
    rows = [
        {
            "model": name,
            "norm": NORMS[end["optimizer"]],
            "largest at the end / radius": f"{plots.over_radius(end):.3f}",
            "largest on the way / within reach": f"{plots.over_reach(end):.3f}",
            "what remains of the start": f"{end['history'][-1]['remainder']:.3f}",
        }
        for name, end in watched.items()
    ]
    said = "No model was outside what is within reach at any step that was recorded."
    if outside := [name for name, end in watched.items() if plots.over_reach(end) > 1]:
        said = f"Outside what is within reach: {', '.join(outside)}."
    return _section(
        "Optimizers' balls",
        _paragraph(
            "Decoupled weight decay lambda confines a matrix in the long run to the ball of radius "
            "1 / lambda in the optimizer's norm, entrywise for AdamW and spectral for Muon and "
            "Kaon. Short training does not get there: what remains of the start is the product of "
            "1 - eta lambda over the steps. Within reach is the bound that holds at every step, "
            "for directions as long as an optimizer's can be: 1.17 for AdamW, 1.21 for Muon, 1.75 "
            "for Kaon. "
            f"{said}"
        ),
        _table(rows),
        figures(_panels(pictures), "balls"),
    )


def _measured(study: Study) -> _Section:
    corpus = [
        {
            "text": TEXTS[text],
            "sources": ", ".join(part["sources"]),
            "for training": f"{part['training']:,}",
            "held out": f"{part['held_out']:,}",
        }
        for text, part in study["corpus"].items()
    ]
    return _section(
        "What was measured",
        _paragraph(
            f"Study {study['name']}, {study['seconds'] / 60:.1f} minutes of computing. Text, in "
            "tokens:"
        ),
        _table(corpus),
        _paragraph("Configuration:"),
        f"<pre>{html.escape(json.dumps(study['config'], indent=1))}</pre>",
    )
