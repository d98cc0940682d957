"""`isthmus check`: a proof, verified by a program apart from its producer.

The two share only what reads problems and JSON, `theory.problem`, and the exceptions of
`theory.errors`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from numerics.cli import options
from numerics.cli.output import EXIT_DONE, EXIT_FALSE, EXIT_UNDECIDED, over_budget, say, seen
from numerics.cli.task import Task
from theory.certificates.work import DEFAULT_LIMIT
from theory.errors import BudgetError


def check(
    certificate: Annotated[Path, typer.Argument(metavar="CERTIFICATE", help="A JSON file.")],
    problem: options.Insisted = None,
    max_steps: Annotated[
        int,
        options.count(
            "Refuse what takes more steps (multiplications or so), counted before they are "
            "taken; ten million take about a second and 50 MB at most."
        ),
    ] = DEFAULT_LIMIT,
    reading: options.Reading = options.AS_IT_IS,
    json: options.Json = None,
) -> int:
    """Verify a certificate with integer arithmetic, trusting nothing it could recompute."""
    from theory.certificates.checker import CertificateInvalid, check_file

    task = Task(None, [certificate, problem], json=json)
    expected = None if problem is None else options.load(problem, reading)
    document: dict[str, Any]
    try:
        with seen("checking"):
            verdict = check_file(certificate, expected, max_steps=max_steps)
    except CertificateInvalid as error:
        code, document = EXIT_FALSE, {"valid": False, "reason": str(error)}
        task.lines.append(f"invalid: {error}")
    except BudgetError as error:
        code, document = EXIT_UNDECIDED, {"valid": None, "reason": over_budget(error)}
        say(over_budget(error))
    else:
        code, document = EXIT_DONE, {"valid": True, "statement": verdict.statement}
        task.lines.append(f"valid: {verdict.statement}")
    return task.finish(document, None, code=code)
