"""Compilation of theorems by Coq, where it is there, with the library of `theory.formal`.

The compiled library is kept in the user's cache, by the text of its modules and Coq's version.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from numerics.files import make_folder, write
from theory.errors import InputError
from theory.formal import LIBRARY, MODULES

INSTALL = (
    "coqc is not on the path; install Coq 8.16 or later, as with `apt-get install coq` or "
    "`opam install coq`"
)
_NAME = "Isthmus"


@dataclass(frozen=True)
class Compiled:
    """What Coq says of a file: whether it accepts it, what axioms it rests on, errors, and all that
    it prints."""

    accepted: bool
    axioms: tuple[str, ...]
    errors: str
    printed: str = ""


def coqc() -> str | None:
    """The path of the compiler, if there is one."""
    return shutil.which("coqc")


def compiled(text: str, tell: Callable[[str], None] = lambda _: None) -> Compiled:
    """Compile a file that uses the library. tell: is told before the library is compiled.

    Raises InputError where there is no compiler, or the library does not compile with it.
    """
    library = _library(tell)
    with TemporaryDirectory() as folder:
        write(Path(folder, "Theorem.v"), text)
        run = _run([*_at(library), "Theorem.v"], Path(folder))
    axioms = re.findall(r"^(?!Axioms)([\w.]+)\s*:", run.stdout, re.MULTILINE)
    accepted, errors = run.returncode == 0, run.stderr.strip()
    return Compiled(accepted, tuple(dict.fromkeys(axioms)), errors, run.stdout)


def _library(tell: Callable[[str], None]) -> Path:
    """Where the compiled library is; it is made where it is not there yet."""
    sources = {name: (LIBRARY / f"{name}.v").read_text(encoding="utf-8") for name in MODULES}
    version = _run(["--version"], Path.cwd()).stdout
    digest = sha256("\\0".join([version, *sources.values()]).encode()).hexdigest()[:16]
    folder = _cache() / f"coq-{digest}"
    if folder.is_dir():
        return folder
    tell("compiling the library: once, some 40 seconds")
    make_folder(folder.parent)
    with TemporaryDirectory(dir=folder.parent) as made:  # no part of it is ever there alone
        for name, source in sources.items():
            write(Path(made, f"{name}.v"), source)
            run = _run([*_at(Path(made)), f"{name}.v"], Path(made))
            if run.returncode:
                raise InputError("coqc", f"does not compile {name}.v: {run.stderr.strip()}")
        with suppress(OSError):  # another process was as fast
            Path(made).rename(folder)
        make_folder(Path(made))
    return folder


def _at(library: Path) -> list[str]:
    return ["-noglob", "-Q", str(library), _NAME]


def _run(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    program = coqc()
    if program is None:
        raise InputError("coqc", INSTALL)
    return subprocess.run(
        [program, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "isthmus"
