"""What is installed, tried from an empty folder: by the Python of its environment, with -I.

It needs no torch: training and GPT-2 are what it leaves out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
from importlib import metadata, resources
from pathlib import Path

SHIPPED = (
    *("theory/py.typed", "numerics/py.typed", "theory/certificates/schema.json"),
    *("theory/formal/library/Net.v", "theory/examples/flagship.json"),
    *("theory/examples/atlas/separation.json", "theory/examples/measured/separation.json"),
    "numerics/gpt2/studies/default.toml",
)


def isthmus(*arguments: str) -> str:
    """What the command prints; raises CalledProcessError where it fails."""
    command = Path(sysconfig.get_path("scripts"), "isthmus")
    run = subprocess.run([command, *arguments], check=True, capture_output=True, text=True)
    return run.stdout


def main() -> None:
    """Raises where anything is not as it should be."""
    import theory
    from theory.certificates.checker import check_file

    installed = Path(sysconfig.get_path("purelib"))
    assert Path(theory.__file__).is_relative_to(installed), theory.__file__
    version = metadata.version("isthmus")
    assert isthmus("--version") == f"isthmus {version}\n"
    for name in SHIPPED:
        package, *rest = name.split("/")
        assert resources.files(package).joinpath(*rest).is_file(), name
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        assert "flagship" in isthmus("problems")
        said = isthmus("barrier", "flagship", "--certificate", "barrier.json")
        assert "32/45" in said
        assert isthmus("check", "barrier.json", "--problem", "flagship").startswith("valid: ")
        assert "32/45" in check_file("barrier.json").statement
        solve = ("solve", "flagship", "--optimizer", "adamw", "--rho", "3/2", "--json", "s.json")
        assert "13/20" in isthmus(*solve)
        assert json.loads(Path("s.json").read_text(encoding="utf-8"))
        assert "12/5" in isthmus("radii", "flagship")
        assert "valleys" in isthmus("valleys", "flagship", "--certificate", "valleys.json")
        assert "exactly 2 valleys" in check_file("valleys.json").statement
        isthmus("prove", "barrier.json")
        assert "Theorem" in Path("barrier.v").read_text(encoding="utf-8")
    print(f"isthmus {version}, Python {sys.version.split()[0]}: as it should be")


if __name__ == "__main__":
    main()
