"""Machine code is kept: made once, and loaded without the compiler."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import llvmlite.binding as llvm
import pytest

from theory.landscape import machine_code
from theory.landscape.kernel import Parts


def test_loading_takes_no_compiler() -> None:
    Parts([[0], [1]], 2)  # makes it, if this is the first use
    code = (
        "import sys, numpy; from theory.landscape.kernel import Parts; "
        "found = Parts([[0], [1, 2]], 3).having(numpy.array([0, 0, 1], bool)); "
        "print(found, 'numba' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "[0 1] False\n"


def test_it_is_made_again_for_other_sources_and_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lies beside the sources, else in the user's cache, else nowhere."""
    sources, cache = tmp_path / "sources", tmp_path / "cache"
    monkeypatch.setattr(machine_code, "_FOLDER", sources)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    sources.mkdir()
    for name in (*machine_code._MODULES, "machine_code"):
        (sources / f"{name}.py").write_text("one")

    def made() -> int:
        """How often two uses make it."""
        with patch.object(machine_code, "_compile", return_value=b"code") as compiling:
            assert machine_code._object(None) == machine_code._object(None) == b"code"
        return compiling.call_count

    assert (made(), made()) == (1, 0)
    (sources / "kernel.py").write_text("two")
    assert (made(), made()) == (1, 0)
    with patch.object(llvm, "get_host_cpu_name", return_value="another"):
        assert (made(), made()) == (1, 0)
    kept = sources / "__pycache__"
    assert len(list(kept.glob("*.o"))) == len(list(kept.iterdir())) == 3
    kept.rename(tmp_path / "moved")
    kept.write_text("no folder")
    assert (made(), made()) == (1, 0)
    assert len(list(cache.glob("isthmus/*.o"))) == 1
    monkeypatch.setenv("XDG_CACHE_HOME", str(kept))
    assert (made(), made()) == (2, 2)
