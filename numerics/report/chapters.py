"""The report of `isthmus verify`: HTML pages that need nothing else, pictures and proofs.

Written into a folder: index.html, gallery.html for theorems of the gallery, and for each claim
CLAIM.png, CLAIM.training.png (those it has) and its certificates CLAIM.NAME.json, which `isthmus
check` verifies.
"""

from __future__ import annotations

import html
import io
import math
import re
import shlex
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from numerics.files import as_json, write_folder
from numerics.formulas import plain, typeset
from numerics.page import (
    FAILED,
    REFUTED,
    UNDECIDED,
    Entry,
    Html,
    badge,
    describe,
    figures,
    folded,
    page,
    table,
    verdict_of,
)
from numerics.pictures.style import panel
from numerics.report.sheets import Picture, Sheet, sheets_of
from numerics.report.theorems import Proved
from numerics.studies.real_data_report import REAL_DATA, real_data_section
from theory.claims import Bounds, Claim, Result
from theory.claims.base import Value, Values, proof
from theory.claims.gallery.base import COUNTEREXAMPLE, TOPICS, Theorem
from theory.claims.training import Trained
from theory.pictures.style import style
from theory.problem import format_rational
from theory.text import show

if TYPE_CHECKING:
    from numerics.training.runs import Runs


_NONE: Mapping[str, Proved] = {}
_WORDS = re.compile(r"[^\w.]+")  # what is between words, in the names of files


@dataclass(frozen=True)
class Chapter:
    """What there is to say of one claim: text and pictures, which go from process to process.

    statement, verdict, quantities (name, predicted, observed), training (rows below TRAINING) and
    coq (lines): for the terminal. topic: of a theorem of the gallery, empty for other claims.
    as_recorded: whether the verdict is the one recorded with the claim. error: how it failed, if it
    did.
    said, found, body: for the page, as HTML: the statement, a line on what is folded below it, and
    that. document: for JSON. files: what lies beside the page, by name.
    """

    id: str
    topic: str
    statement: str
    source: str
    verdict: str
    as_recorded: bool
    error: str
    quantities: Sequence[tuple[str, str, str]]
    training: Sequence[Sequence[str]]
    coq: Sequence[str]
    said: str
    found: str
    body: str
    document: Mapping[str, Any]
    files: Mapping[str, str | bytes]

    @property
    def colour(self) -> str:
        """Of its verdict; a counterexample on record is no green."""
        if not self.as_recorded:
            return "false"
        return "refuted" if self.verdict in (REFUTED, UNDECIDED, COUNTEREXAMPLE) else "holds"

    @property
    def badge(self) -> str:
        """Its verdict, on that colour."""
        return badge(self.verdict, self.colour)


def chapter(
    result: Result[Any, Any],
    folder: Path,
    start: float,
    theorems: Mapping[str, Proved] = _NONE,
    *,
    again: Sequence[str] = (),
) -> Chapter:
    """The chapter of a claim. folder: where the report will be. start: by `time.perf_counter`.
    theorems: of Coq, by the names of certificates. again: the command that gives it again, by
    default that of a claim by its name."""
    claim, values = result.claim, result.prediction.values
    observed, evidence = result.observation.values, result.observation.evidence
    quantities = [
        (name, _described(values, name), _described(observed, name))
        for name in {**values, **observed}
    ]
    measured = result.observation.measured
    quantities += [(name, "nothing", describe(value)) for name, value in measured.items()]
    trained: Trained[Runs] = evidence if isinstance(evidence, Trained) else Trained({})
    runs = trained.runs.values()
    training = [training_row(each) for each in runs] if trained.landing else []
    files: dict[str, str | bytes] = {}
    paths: dict[str, str] = {}
    certificates = {**result.prediction.certificates, **result.observation.certificates}
    for name, certificate in certificates.items():
        file = f"{claim.id}.{_WORDS.sub('-', name.replace(',', ''))}.json"
        files[file], paths[name] = as_json(certificate), str(folder / file)
    sheets = sheets_of(result)
    for sheet in sheets:
        png = _png(sheet.pictures[: sheet.most], columns=sheet.columns)
        files[f"{claim.id}{sheet.suffix}.png"] = png
    verdict = verdict_of(result.holds, claim.recorded)
    if isinstance(claim, Theorem):
        verdict = claim.judge(values, observed)
        if not result.holds:
            verdict += f", recorded as {claim.on_record}"
    links = _Links(claim.id, paths, _proofs_of(result, paths))
    found = [
        f"{what}: {count}"
        for count, what in (
            (len(quantities), "quantities"),
            (sum(len(sheet.pictures) for sheet in sheets), "pictures"),
            (len(paths), "proofs"),
        )
        if count
    ]
    document = {
        "id": claim.id,
        "holds": result.holds,
        "recorded": claim.recorded,
        "verdict": verdict,
        "predicted": _plain(values),
        "observed": _plain(observed),
        "measured": _plain(measured),
        "certificate": paths,
        "coq": {
            name: {
                "proved": None if each.axioms is None else True,
                "statement": each.statement,
                "axioms": each.axioms and list(each.axioms),
            }
            for name, each in theorems.items()
        },
        "training": [each.to_json() for each in runs],
        "seconds": round(perf_counter() - start, 1),
    }
    return Chapter(
        id=claim.id,
        topic=_topic(claim),
        statement=plain(claim.statement),
        source=claim.source,
        verdict=verdict,
        as_recorded=result.holds is claim.recorded,
        error="",
        quantities=quantities,
        training=training,
        coq=[f"{each.statement}: {_said(each)}" for each in theorems.values()],
        said=typeset(claim.statement),
        found="; ".join(found),
        body=_body(
            result,
            sheets,
            quantities,
            training,
            links,
            theorems,
            shlex.join(again or ["isthmus", "verify", claim.id]),
        ),
        document=document,
        files=files,
    )


def failure(claim: Claim, error: str, seconds: float) -> Chapter:
    """The chapter of a claim that raised an error."""
    return _without_verdict(claim, FAILED, error, seconds)


def undecided(claim: Claim, why: str, seconds: float) -> Chapter:
    """The chapter of a claim whose measurement is not complete, as its record says."""
    return _without_verdict(claim, UNDECIDED, why, seconds)


def _without_verdict(claim: Claim, verdict: str, why: str, seconds: float) -> Chapter:
    as_recorded = verdict == UNDECIDED
    return Chapter(
        id=claim.id,
        topic=_topic(claim),
        statement=plain(claim.statement),
        source=claim.source,
        verdict=verdict,
        as_recorded=as_recorded,
        error=why,
        quantities=(),
        training=(),
        coq=(),
        said=typeset(claim.statement),
        found="no verdict",
        body=f"{_conditions(claim)}\n<p>It is not known whether it holds: "
        f"<code>{html.escape(why)}</code></p>",
        document={
            "id": claim.id,
            "holds": None if as_recorded else False,
            "recorded": claim.recorded,
            "verdict": verdict,
            "error": why,
            "predicted": {},
            "observed": {},
            "measured": {},
            "certificate": {},
            "coq": {},
            "training": [],
            "seconds": round(seconds, 1),
        },
        files={},
    )


def write_report(
    chapters: Sequence[Chapter],
    folder: Path,
    record: Mapping[str, Any],
    *,
    quick: bool = False,
    unfinished: Sequence[str] = (),
) -> None:
    """Write the page and what lies beside it, in place of an earlier report.

    record: what `numerics.files.provenance` says, for the foot of the page. unfinished: the ids of
    the claims that were not reached.
    """
    files = {name: content for each in chapters for name, content in each.files.items()}
    files["index.html"] = _page(chapters, record, quick, unfinished)
    if theorems := [each for each in chapters if each.topic]:
        files["gallery.html"] = _gallery(theorems, record, quick)
    write_folder(folder, files, command="verify")


def _topic(claim: Claim) -> str:
    return claim.topic if isinstance(claim, Theorem) else ""


def _plain(values: Values) -> dict[str, Any]:
    """Exact values as text, others as JSON numbers, lists and text."""

    def plain(value: Value) -> Any:
        if isinstance(value, tuple):
            return [plain(v) for v in value]
        if isinstance(value, Bounds):
            return {"lower": plain(value.lower), "upper": plain(value.upper)}
        if isinstance(value, float) and not math.isfinite(value):
            return None  # a solver failed; JSON has no NaN
        return value if isinstance(value, int | float | str) else format_rational(value)

    return {name: plain(value) for name, value in values.items()}


def _described(values: Values, name: str) -> str:
    return describe(values[name]) if name in values else "missing"


TRAINING = (
    "optimizer",
    "rho",
    "runs",
    "landed in component",
    "not at zero loss",
    "diverged",
    "largest distance",
    "median gap",
)
"""The columns of the table of trained runs."""


def training_row(runs: Runs) -> list[str]:
    """One row of that table; the gap is that of Frank and Wolfe."""
    config, figures = runs.result.config, runs.to_json()
    return [
        config.optimizer.name,
        show(config.rho),
        str(runs.count),
        ", ".join(f"{component}: {count}" for component, count in runs.landed.items()),
        str(runs.not_converged),
        str(runs.diverged),
        *(
            "none" if figures[key] is None else f"{figures[key]:.2g}"
            for key in ("largest_distance", "median_fw_gap")
        ),
    ]


# Pictures

_DPI = 90  # of the PNGs


def _png(drawings: Sequence[Picture], columns: int) -> bytes:
    """Pictures beside and below each other, as a PNG."""
    tiles = []
    with style({"figure.dpi": _DPI}):
        for draw, _ in drawings:
            canvas = FigureCanvasAgg(panel(draw))
            canvas.draw()  # type: ignore[no-untyped-call]
            pixels = canvas.buffer_rgba()  # type: ignore[no-untyped-call]
            tiles.append(np.asarray(pixels)[..., :3])
    columns = min(columns, len(tiles))
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[k : k + columns]) for k in range(0, len(tiles), columns)]
    # A palette is a third of the size; pictures have few colours beside their shades.
    image = Image.fromarray(np.vstack(rows)).quantize(256, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    image.save(buffer, format="png", optimize=True)
    return buffer.getvalue()


# The page

_ROWS = 10  # of the quantities, from which on the table is folded
_PICTURES = 2  # of a claim that are not folded: one row on a wide screen


@dataclass(frozen=True)
class _Links:
    """Where what is beside the page lies. files: the paths of certificates, by their names; proofs:
    the names of those of each quantity."""

    claim: str
    files: Mapping[str, str]
    proofs: Mapping[str, Sequence[str]]

    @property
    def command(self) -> str:
        """The place of the command that gives all numbers again."""
        return html.escape(f"{self.claim}.again")

    def check(self, name: str) -> str:
        """The place of the command that checks a certificate."""
        return html.escape(f"{self.claim}.check.{list(self.files).index(name)}")

    def file(self, name: str) -> str:
        """The address of a certificate."""
        return html.escape(quote(Path(self.files[name]).name))

    def again(self, quantity: str) -> Html:
        """To the proofs of a quantity, and to the commands that give it again."""
        proofs = "".join(
            f'<a href="{self.file(name)}" title="{html.escape(name)}">certificate</a>,\u00a0'
            f'<a href="#{self.check(name)}">check</a>,\u00a0'
            for name in self.proofs.get(quantity, ())
        )
        return Html(f'{proofs}<a href="#{self.command}">run</a>')


def _proofs_of(result: Result[Any, Any], certificates: Container[str]) -> dict[str, list[str]]:
    """The names of the certificates of each quantity; of one that is named alike, that one."""
    prediction = result.prediction
    return {
        quantity: [
            name
            for name in prediction.proofs.get(quantity, (quantity.removeprefix(proof("")),))
            if name in certificates
        ]
        for quantity in {**prediction.values, **result.observation.values}
    }


def _body(
    result: Result[Any, Any],
    sheets: Sequence[Sheet],
    quantities: Sequence[tuple[str, str, str]],
    trained: Sequence[Sequence[str]],
    links: _Links,
    theorems: Mapping[str, Proved],
    again: str,
) -> str:
    """Conditions, tables, pictures, and how to have the numbers and the proofs again."""
    pictures = [
        (partial(panel, draw), caption)
        for draw, caption in chain(*(sheet.pictures for sheet in sheets))
    ]
    training = ""
    if trained:
        training = (
            f"<h3>Training</h3>\n{table(TRAINING, trained)}\n<p class=small>Distance: of a run at "
            "zero loss to the component it is in, in convex coordinates. Gap: the Frank-Wolfe gap "
            "of all runs, zero where no small step within the ball lowers the loss to first order."
            "</p>"
        )
    problems = {**result.prediction.problems, **result.observation.problems}

    def command(verb: str, name: str, *options: str) -> str:
        at = problems[name].name  # data without one stand in the certificate alone
        given = ["--problem", at] if at else []
        return shlex.join(["isthmus", verb, links.files[name], *given, *options])

    proofs = ""
    if links.files:
        checks = "".join(
            f'<li><a href="{links.file(name)}">{html.escape(name)}</a><br><code '
            f'id="{links.check(name)}">{html.escape(command("check", name))}</code></li>\n'
            for name in links.files
        )
        how = f"{_CHECK}\n<ul>{checks}</ul>"
        proofs = folded(f"{len(links.files)} proofs, and how to check them yourself", how)
    return f"""{_conditions(result.claim)}
<p>All numbers again: <code id="{links.command}">{html.escape(again)}</code></p>
{_quantities(quantities, links.again, unfolded=not result.holds)}
{training}
{figures(pictures, result.claim.id, most=_PICTURES)}
{proofs}
{_coq(theorems, [command("prove", name, "--check") for name in theorems])}"""


def _coq(theorems: Mapping[str, Proved], commands: Sequence[str]) -> str:
    """What Coq says, and how to have it said again."""
    if not theorems:
        return ""
    said = "".join(
        f"<li>{html.escape(name)}: {html.escape(each.statement)}. <b>{html.escape(_said(each))}</b>"
        for name, each in theorems.items()
    )
    return f"<h3>Coq</h3>\n<ul>{said}</ul>\n<pre>{html.escape(chr(10).join(commands))}</pre>"


def _said(theorem: Proved) -> str:
    if theorem.axioms is None:
        return "not checked here: coqc is not on the path"
    return f"proved by Coq, with the axioms {', '.join(theorem.axioms) or 'none'}"


def _quantities(
    rows: Sequence[tuple[str, str, str]], again: Callable[[str], Html], *, unfolded: bool
) -> str:
    """What was predicted and observed; long tables are folded where nothing is wrong."""
    shown = table(
        ("quantity", "predicted", "observed", "again"), [(*row, again(row[0])) for row in rows]
    )
    if len(rows) <= _ROWS:
        return shown
    return folded(f"{len(rows)} quantities, predicted and observed", shown, unfolded=unfolded)


def _conditions(claim: Claim) -> str:
    hypotheses = "".join(f"<li>{typeset(text)}</li>" for text in claim.hypotheses)
    tight = f"<p>Tight: {typeset(claim.tight)}</p>\n" if isinstance(claim, Theorem) else ""
    source = f"<p class=small>Source: {typeset(claim.source)}</p>"
    return f"{tight}<ul class=small>{hypotheses}</ul>\n{source}"


def _sections(chapters: Sequence[Chapter]) -> str:
    """Each claim with its verdict; what was found is unfolded where there is one claim alone, and
    where that is not that it holds."""
    return "".join(
        f"""
<section>
<h2>{html.escape(each.id)} {each.badge}</h2>
<p class=statement>{each.said}</p>
<details class=claim{" open" if len(chapters) == 1 or each.colour != "holds" else ""}>
<summary>Evidence; {each.found}</summary>
<span class=anchor id="{html.escape(each.id)}"></span>
{each.body}
</details>
</section>"""
        for each in chapters
    )


def _page(
    chapters: Sequence[Chapter],
    record: Mapping[str, Any],
    quick: bool,
    unfinished: Sequence[str],
) -> str:
    claims = [each for each in chapters if not each.topic]
    contents = {"Claims": [Entry(f"#{each.id}", each.id, each.badge) for each in claims]}
    more = []
    if theorems := [each for each in chapters if each.topic]:
        wrong = sum(not each.as_recorded for each in theorems)
        said = f"{wrong} not as recorded" if wrong else "as recorded"
        more.append(
            Entry(
                "gallery.html",
                f"The gallery: {len(theorems)} theorems of other papers",
                badge(said, "false" if wrong else "holds"),
            )
        )
    if measured := real_data_section():
        more.append(Entry(f"#{REAL_DATA}", "Real data"))
    notes = f"<p>{QUICK}</p>" if quick else ""
    if unfinished:
        notes += f"<p>Interrupted before these were done: {html.escape(', '.join(unfinished))}.</p>"
    body = f"""<p>Each claim is predicted by exact theory and observed by other means: every cell
and face of the landscape minimised in floating point, the proof read by an independent checker,
networks trained, and for GPT-2 a study read that was measured before.</p>
{notes}
{_sections(claims)}
{measured}"""
    return page("Isthmus: claims verified", body, record, {**contents, "More": more})


def _gallery(theorems: Sequence[Chapter], record: Mapping[str, Any], quick: bool) -> str:
    """The theorems by topic: a table with their verdicts, then each with what was computed."""
    topics = {topic: [each for each in theorems if each.topic == topic] for topic in TOPICS}
    tables = "".join(
        f"<h3>{html.escape(topic)}</h3>\n"
        + table(
            ("theorem", "says", "source", "verdict"),
            [
                (
                    Html(f'<a href="#{html.escape(each.id)}">{html.escape(each.id)}</a>'),
                    Html(each.said),
                    each.source,
                    Html(each.badge),
                )
                for each in chapters
            ],
        )
        for topic, chapters in topics.items()
        if chapters
    )
    body = f"""<p>Published theorems about two-layer networks and paths between them, each computed
exactly on both sides, on instances. <em>tight</em>: a bound that holds and is attained;
<em>holds</em>: an equality, or a yes or no, on each instance; <em>loose by</em>: a bound that no
instance here attains, and by how much at least; <em>counterexample</em>: an instance for which what
is printed is not so, with a proof where there is one to give. Instances prove no theorem.</p>
{f"<p>{QUICK}</p>" if quick else ""}
<p><a href="index.html">The claims of Isthmus</a></p>
{tables}
{_sections(theorems)}"""
    contents = {
        topic: [Entry(f"#{each.id}", each.id, each.badge) for each in chapters]
        for topic, chapters in topics.items()
        if chapters
    }
    return page("Isthmus: the gallery", body, record, contents)


QUICK = "A quick run: fewer instances, fewer networks and less training than in a full one."

_CHECK = """<p>The certificates beside this page hold the data, networks, a cut and a path for
every barrier, and dual vectors that bound the loss from below. The checker uses integer arithmetic
and the standard library alone, and derives again whatever it can:</p>"""
