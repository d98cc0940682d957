"""The notebooks run, and print what they are shipped with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
_MOST_BYTES = 150_000


def outputs(notebook: Any) -> list[list[str]]:
    """What each cell printed, or ended with; of pictures only that they are there."""
    return [
        [_text(output) for output in cell.outputs]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def _text(output: Any) -> str:
    if output.output_type == "stream":
        return str(output.text)
    if "image/png" in output.data or "image/svg+xml" in output.data:
        return "a picture"
    return str(output.data["text/plain"])


def test_there_are_notebooks() -> None:
    assert len(NOTEBOOKS) >= 5


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_prints_what_it_is_shipped_with(path: Path, tmp_path: Path) -> None:
    shipped = nbformat.read(path, as_version=4)
    again = nbformat.read(path, as_version=4)
    for cell in again.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    NotebookClient(again, timeout=600, resources={"metadata": {"path": tmp_path}}).execute()
    assert outputs(again) == outputs(shipped)
    assert any(outputs(shipped))
    assert path.stat().st_size < _MOST_BYTES
    assert not list(tmp_path.iterdir())  # nothing is written beside it
