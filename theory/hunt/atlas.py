"""The atlas: the smallest instances found for each conjecture, shipped with their certificates.

Each file of theory/examples/atlas is what `isthmus hunt ... --json FILE` wrote: the command with
its seed, what was searched, the instance, its facts and its proofs.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from theory.certificates.checker import check
from theory.hunt.conjecture import Facts
from theory.hunt.shipped import named
from theory.problem import Problem


def entries() -> dict[str, dict[str, Any]]:
    """The documents by the names of their files."""
    folder = resources.files("theory") / "examples" / "atlas"
    files = sorted(folder.iterdir(), key=lambda file: file.name)
    return {
        file.name.removesuffix(".json"): json.loads(file.read_text(encoding="utf-8"))
        for file in files
        if file.name.endswith(".json")
    }


def recheck(entry: dict[str, Any]) -> Facts | None:
    """What the conjecture's test says of an instance of the atlas; None where it finds nothing.

    Raises CertificateInvalid where a certificate is not valid for the instance.
    """
    problem = Problem.from_json(entry["problem"])
    for document in entry["certificates"].values():
        check(document, problem)
    return named(entry["conjecture"], entry["options"]).decide(problem)
