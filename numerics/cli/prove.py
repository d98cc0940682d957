"""`isthmus prove`: a certificate as a theorem of Coq."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from numerics.cli import options
from numerics.cli.output import EXIT_DONE, EXIT_FALSE, EXIT_UNDECIDED, note, say, seen
from numerics.cli.task import Task


def prove(
    certificate: Annotated[Path, typer.Argument(metavar="CERTIFICATE", help="A JSON file.")],
    problem: options.Insisted = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE.v", help="The Coq file; by default named as the certificate."),
    ] = None,
    compile_: Annotated[
        bool, typer.Option("--check", help="Compile it, with coqc, and say what it rests on.")
    ] = False,
    reading: options.Reading = options.AS_IT_IS,
    json: options.Json = None,
) -> int:
    """Write a certificate as a theorem about real networks and continuous paths, for Coq.

    Certificates of barriers, components, least losses, local minima, valleys and paths, of ReLU and
    the squared loss, anywhere or in a ball of AdamW, Muon, or normalised gradient descent, of all
    weights or by columns. Exit code 1: the certificate proves nothing, or Coq refuses it; 3: no
    coqc.
    """
    from numerics import coq
    from numerics.files import write
    from theory.certificates.checker import CertificateInvalid
    from theory.formal import theorem
    from theory.problem import read_json

    file = out or certificate.with_name(re.sub(r"\W", "_", certificate.stem) + ".v")
    task = Task(None, [certificate, problem], json=json, out=file)
    expected = None if problem is None else options.load(problem, reading)
    try:
        found = theorem(read_json(certificate), expected)
    except CertificateInvalid as error:
        task.lines.append(f"invalid: {error}")
        return task.finish({"proved": False, "reason": str(error)}, None, code=EXIT_FALSE)
    write(file, found.text)
    document: dict[str, Any] = {
        "proved": None,
        "statement": found.statement,
        "file": str(file),
        "bytes": len(found.text),
    }
    task.lines.append(f"{file}: {found.statement}")
    if not compile_:
        return task.finish(document, None, code=EXIT_DONE)
    if coq.coqc() is None:
        say(coq.INSTALL)
        return task.finish(document, None, code=EXIT_UNDECIDED)
    with seen("compiling"):
        result = coq.compiled(found.text, note)
    document |= {"proved": result.accepted, "axioms": list(result.axioms)}
    if not result.accepted:
        task.lines.append(f"Coq refuses it: {result.errors}")
        return task.finish(document | {"reason": result.errors}, None, code=EXIT_FALSE)
    task.lines.append(f"proved by Coq; axioms: {', '.join(result.axioms) or 'none'}")
    return task.finish(document, None, code=EXIT_DONE)
