"""The wheel and the source distribution, each installed into an empty environment of each Python
that is on the path, and tried there.

    python tests/support/distributions.py dist python3.11 python3.12 python3.13

Everything that the distribution depends on is installed but torch, which may be gigabytes: what is
tried needs none. Training and GPT-2 are for `make test`, of one Python at a time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
WITHOUT = "torch"


def dependencies() -> list[str]:
    """Of the distribution, without torch."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found: list[str] = project["dependencies"]
    return [each for each in found if not each.startswith(WITHOUT)]


def tried(python: str, files: list[Path]) -> None:
    """Install each file, and try it; raises CalledProcessError where that fails."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    with tempfile.TemporaryDirectory() as folder:

        def run(*command: str | Path) -> None:
            subprocess.run(command, cwd=folder, env=environment, check=True)

        run(python, "-m", "venv", "empty")
        own = Path(folder, "empty", "bin", "python")
        pip = (own, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        run(*pip, "-c", ROOT / "constraints.txt", *dependencies())
        for file in files:
            run(*pip, "--no-deps", "--force-reinstall", file)
            print(f"{file.name}: ", end="", flush=True)
            run(own, "-I", ROOT / "tests/support/tried.py")


def main(folder: str, *pythons: str) -> int:
    """0 where all that was tried is well; 1 where there was no Python to try it with."""
    files = sorted(path.resolve() for path in Path(folder).iterdir())
    assert [path.suffix for path in files] == [".whl", ".gz"], files
    there = {name: found for name in pythons if (found := shutil.which(name))}
    for name in pythons:
        if name not in there:
            print(f"{name}: not on the path, not tried")
    for python in there.values():
        tried(python, files)
    return 0 if there else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
