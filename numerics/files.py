"""Result files: written whole or not at all, with a record of how they were made."""

from __future__ import annotations

import contextlib
import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from theory.errors import InputError

_RECORDED = (
    "isthmus",
    "numpy",
    "scipy",
    "python-flint",
    "cvxpy",
    "clarabel",
    "torch",
    "transformers",  # which is optional
)


def write(path: Path, content: str | bytes) -> None:
    """Write a file atomically: a reader sees the old content or the new, never a part."""
    partial = path.parent / f".{path.name}.{os.getpid()}"
    try:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise InputError(str(path), f"cannot be written: {error.strerror}") from None


def make_folder(path: Path) -> None:
    """The folder, if it is not there yet; raises InputError where that cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(str(path), f"cannot be made: {error.strerror}") from None


def as_json(document: dict[str, Any]) -> str:
    """The text of a JSON file."""
    return json.dumps(document, indent=1) + "\n"


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write a JSON document atomically."""
    write(path, as_json(document))


def provenance(command: Sequence[str]) -> dict[str, Any]:
    """What a result records about its making: the command and the versions."""
    from importlib import metadata  # takes as long to load as a proof to check

    versions = {"python": platform.python_version()}
    for name in _RECORDED:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return {"command": ["isthmus", *command], "versions": versions}
