"""The atlas: the smallest instances found for each conjecture, shipped with their certificates.

Each file of theory/examples/atlas is what `isthmus hunt ... --json FILE` wrote: the command with
its seed, what was searched, the instance, its facts and its proofs.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any


def entries() -> dict[str, dict[str, Any]]:
    """The documents by the names of their files."""
    folder = resources.files("theory") / "examples" / "atlas"
    files = sorted(folder.iterdir(), key=lambda file: file.name)
    return {
        file.name.removesuffix(".json"): json.loads(file.read_text(encoding="utf-8"))
        for file in files
        if file.name.endswith(".json")
    }
