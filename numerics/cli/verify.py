"""`isthmus verify`: predict, observe and compare each claim, and draw it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from numerics.cli import completion, options
from numerics.cli.output import (
    EXIT_FALSE,
    EXIT_INPUT,
    EXIT_UNDECIDED,
    console,
    progress,
    say,
    seen,
)
from numerics.cli.outputs import Folder
from numerics.cli.task import Task
from theory.errors import InputError, Interrupted

if TYPE_CHECKING:
    from numerics.report.chapters import Chapter
    from numerics.report.claim_files import ClaimFile
    from theory.claims import Claim

_GALLERY = "gallery"


def verify(
    context: typer.Context,
    claims: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CLAIM]...",
            help="Names, Python files with claims, or `gallery`: the theorems of other papers. All "
            "of them by default.",
            autocompletion=completion.claims,
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer instances and less training: under a minute.")
    ] = False,
    time_budget: options.TimeBudget = None,
    jobs: options.Jobs = None,
    backend: options.Backend = "loky",
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder for the page, pictures and proofs; by default report, or report/part for "
            "some claims and quick runs.",
        ),
    ] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="Only say what the claims state, and what is on record.")
    ] = False,
    json: options.Json = None,
) -> int:
    """Predict each claim from theory, observe it by other means, compare, and write a report.

    Exit code 1: a verdict differs from the one recorded with the claim.
    """
    chosen, files = _chosen(claims or [], quick)
    if listed:
        return _list(chosen, Task(None, claims or [], json=json))

    with seen("loading what draws the report"):
        from numerics.files import provenance
        from numerics.report.chapters import write_report
        from numerics.report.verification import verify_claims
        from theory.parallel import Jobs

    if report is None:  # a small run never replaces the report of the whole one
        report = Path("report", "part") if claims or quick else Path("report")
    pages = "index.html", "gallery.html"
    written = Folder(report, (*pages, *(f"{claim.id}.*" for claim in chosen)))
    task = Task(context.obj, claims or [], json=json, report=written)
    many = Jobs(jobs, backend).at_most(len(chosen))
    done: dict[str, Chapter] = {}
    try:
        with progress(
            len(chosen), done=lambda: len(done), at_once=not many.alone, seconds=time_budget
        ) as tick:
            for chapter in verify_claims(
                chosen, report, jobs=many, progress=tick, files=files, quick=quick
            ):
                done[chapter.id] = chapter
    except Interrupted:
        if not done:
            raise
    chapters = [done[claim.id] for claim in chosen if claim.id in done]
    unfinished = [claim.id for claim in chosen if claim.id not in done]
    record = provenance(context.obj)
    with seen("writing the report"):
        write_report(chapters, report, record, quick=quick, unfinished=unfinished)
    document = {
        "claims": [chapter.document for chapter in chapters],
        "quick": quick,
        "unfinished": unfinished,
    }
    task.lines.append(f"report: {report / 'index.html'}")
    code = task.finish(document, lambda: _print(chapters, quick, {*(claims or []), *files}))
    if unfinished:
        say(f"interrupted; not done: {', '.join(unfinished)}")
        return EXIT_UNDECIDED
    wrong = [chapter for chapter in chapters if not chapter.as_recorded]
    own = [chapter for chapter in wrong if chapter.error and chapter.id in files]
    for chapter in own:
        say(f"{files[chapter.id].file.path}: {chapter.id} failed: {chapter.error}")
    if not wrong:
        return code
    return EXIT_INPUT if len(own) == len(wrong) else EXIT_FALSE


def _chosen(names: Sequence[str], quick: bool) -> tuple[list[Claim], dict[str, ClaimFile]]:
    """Claims by name or from files, and the files by claim; all shipped ones where nothing is
    named."""
    from numerics.report.claim_files import ClaimFile
    from theory.claims import CLAIMS, claim
    from theory.claims.gallery import GALLERY
    from theory.own_file import OwnFile

    chosen: list[Claim] = []
    files: dict[str, ClaimFile] = {}
    for name in names or (*CLAIMS, _GALLERY):
        found: Sequence[Claim]
        if name == _GALLERY:
            found = [each.quick() if quick else each for each in GALLERY.values()]
        elif name.endswith(".py"):
            file = ClaimFile(OwnFile.read(Path(name)), quick)
            found = file.claims()
            files |= {each.id: file for each in found}
        else:
            shipped = claim(name)
            found = [shipped.quick() if quick else shipped]
        chosen += found
    ids = [each.id for each in chosen]
    if twice := next((each for each in ids if ids.count(each) > 1), None):
        raise InputError("claim", f"{twice!r} is there twice")
    return chosen, files


def _list(chosen: Sequence[Claim], task: Task) -> int:
    """The claims, none of them verified."""
    from rich.table import Table

    from numerics.formulas import plain

    table = Table("claim", "statement", "source", "on record")
    for each in chosen:
        table.add_row(
            each.id, plain(each.statement), each.source, _on_record(each), end_section=True
        )
    document = [
        {
            "id": each.id,
            "statement": plain(each.statement),
            "hypotheses": list(map(plain, each.hypotheses)),
            "source": each.source,
            "recorded": each.recorded,
            "verdict": _on_record(each),
        }
        for each in chosen
    ]
    return task.finish({"claims": document}, lambda: console().print(table))


def _on_record(claim: Claim) -> str:
    from theory.claims.gallery import Theorem

    if isinstance(claim, Theorem):
        return claim.on_record
    if claim.recorded is None:
        return "not decided"
    return "holds" if claim.recorded else "refuted"


def _print(chapters: Sequence[Chapter], quick: bool, named: Collection[str]) -> None:
    """All of the claims; of theorems that were not asked for by name, and are as recorded, the
    verdict."""
    from rich.table import Table

    from numerics.page import FALSE
    from numerics.report.chapters import QUICK, TRAINING

    out = console()
    if quick:
        out.print(QUICK)
    short = [each for each in chapters if each.topic and each.as_recorded and each.id not in named]
    for chapter in (each for each in chapters if each not in short):
        out.print(chapter.id, style="bold")
        out.print(chapter.statement)
        if chapter.quantities:
            table = Table("quantity", "predicted", "observed")
            for row in chapter.quantities:
                table.add_row(*row)
            out.print(table)
        if chapter.training:
            trained = Table(*TRAINING)
            for cells in chapter.training:
                trained.add_row(*cells)
            out.print(trained)
        for line in chapter.coq:
            out.print(f"Coq, {line}")
        verdict = "is FALSE" if chapter.verdict == FALSE else chapter.verdict
        out.print(f"{chapter.id} {verdict}{chapter.error and ': '}{chapter.error}", style="bold")
    if short:
        theorems = Table("theorem", "source", "verdict")
        for each in short:
            theorems.add_row(each.id, each.source, each.verdict)
        out.print(theorems)
