"""`isthmus check`: a proof, verified by a program apart from its producer.

The two share only what reads problems and JSON, `theory.problem`, and the exceptions of
`theory.errors`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from numerics.cli import options
from numerics.cli.output import EXIT_DONE, EXIT_FALSE, EXIT_UNDECIDED, emit, over_budget, say
from numerics.cli.outputs import check_outputs
from theory.certificates.work import DEFAULT_LIMIT
from theory.errors import BudgetError
from theory.problem import positive_integer


def check(
    certificate: Annotated[Path, typer.Argument(metavar="CERTIFICATE", help="A JSON file.")],
    problem: Annotated[
        str | None,
        typer.Option(
            metavar="PROBLEM",
            help="Insist that the proof is about this problem.",
            callback=options.stdin,
        ),
    ] = None,
    limit: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Refuse what takes more steps (multiplications or so), counted before they are "
            "taken; ten million take about a second and 50 MB at most.",
        ),
    ] = DEFAULT_LIMIT,
    target: options.Target = None,
    drop: options.Drop = None,
    floats: options.Floats = None,
    bias: options.Bias = False,
    json: options.Json = None,
) -> int:
    """Verify a certificate with integer arithmetic, trusting nothing it could recompute."""
    from theory.certificates.checker import CertificateInvalid, check_file

    check_outputs([certificate, problem], json=json)
    expected = None if problem is None else options.load(problem, target, floats, bias, drop)
    document: dict[str, Any]
    try:
        verdict = check_file(certificate, expected, limit=positive_integer(limit, "limit"))
    except CertificateInvalid as error:
        code, document = EXIT_FALSE, {"valid": False, "reason": str(error)}
    except BudgetError as error:
        code, document = EXIT_UNDECIDED, {"valid": None, "reason": over_budget(error)}
        say(over_budget(error))
    else:
        code, document = EXIT_DONE, {"valid": True, "statement": verdict.statement}
    emit(document, json)
    if json != "-" and code == EXIT_DONE:
        print(f"valid: {document['statement']}")
    if json != "-" and code == EXIT_FALSE:
        print(f"invalid: {document['reason']}")
    return code
