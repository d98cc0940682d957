"""`isthmus verify`: predict, observe and compare each claim, and draw it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from numerics.cli import options
from numerics.cli.output import EXIT_DONE, EXIT_FALSE, console, emit, progress
from theory.problem import format_rational

if TYPE_CHECKING:
    from numerics.runs import Runs
    from theory.claims import Result
    from theory.claims.base import Value, Values


def verify(
    context: typer.Context,
    claims: Annotated[
        list[str] | None, typer.Argument(metavar="[CLAIM]...", help="Which; all by default.")
    ] = None,
    report: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the page, pictures and proofs.")
    ] = Path("report"),
    json: options.Json = None,
) -> int:
    """Predict each claim from theory, observe it by other means, compare, and write a report."""
    from numerics.files import provenance
    from numerics.report import write_report
    from numerics.runs import Trainer
    from theory.claims import CLAIMS, claim, verify

    chosen = [claim(name) for name in claims or CLAIMS]
    with progress() as tick:
        results = [verify(claim, Trainer(), tick) for claim in chosen]
    record = provenance(context.obj)
    certificates = write_report(results, report, record)
    document = {
        "claims": [
            {
                "id": result.claim.id,
                "holds": result.holds,
                "predicted": _plain(result.prediction.values),
                "observed": _plain(result.observation.values),
                "certificate": certificates[result.claim.id],
                "training": [runs.to_json() for runs in result.observation.runs.values()],
            }
            for result in results
        ]
    }
    emit(document | record, json)
    if json != "-":
        _print(results)
        print(f"report: {report / 'index.html'}")
    return EXIT_DONE if all(result.holds for result in results) else EXIT_FALSE


def _plain(values: Values) -> dict[str, Any]:
    """Exact values as text, others as JSON numbers, lists and text."""
    from theory.claims import Bounds

    def plain(value: Value) -> Any:
        if isinstance(value, tuple):
            return [plain(v) for v in value]
        if isinstance(value, Bounds):
            return {"lower": plain(value.lower), "upper": plain(value.upper)}
        if isinstance(value, float) and not math.isfinite(value):
            return None  # a solver failed; JSON has no NaN
        return value if isinstance(value, int | float | str) else format_rational(value)

    return {name: plain(value) for name, value in values.items()}


def _print(results: list[Result[Runs]]) -> None:
    from rich.table import Table

    from numerics.report import TRAINING, describe, training_row

    out = console()
    for result in results:
        claim, observation = result.claim, result.observation
        out.print(claim.id, style="bold")
        out.print(claim.statement)
        table = Table("quantity", "predicted", "observed")
        for name, value in result.prediction.values.items():
            table.add_row(name, describe(value), describe(observation.values[name]))
        out.print(table)
        if observation.runs and result.prediction.radii:
            trained = Table(*TRAINING)
            for runs in observation.runs.values():
                trained.add_row(*training_row(runs))
            out.print(trained)
        out.print(f"{claim.id} {'holds' if result.holds else 'is FALSE'}", style="bold")
