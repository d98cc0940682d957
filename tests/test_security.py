"""SECURITY.md: what runs code does so in the places that are named, and files that are data never
do."""

from __future__ import annotations

import ast
import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from numerics.gpt2.model import Shape, build, load, save
from theory.errors import InputError
from theory.loading import load_problem

ROOT = Path(__file__).parents[1]
PICKLES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "runpy", "code"}
PROGRAMS = {"subprocess", "pty", "socket", "urllib.request", "http", "requests", "ftplib"}
NAMED = {
    ("numerics/coq.py", "subprocess"),
    ("theory/landscape/machine_code.py", "exec"),
    ("theory/own_file.py", "exec"),
}
"""Where something else than the source runs, and what runs it."""


class Trap:
    """Its pickle makes a folder as it is read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


def dangers(source: str) -> Iterator[str]:
    """What in a module may run what it reads, starts a program or reaches the network."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{name}" for name in names]
            yield from {
                module
                for module in PICKLES | PROGRAMS
                if any(f"{name}.".startswith(f"{module}.") for name in names)
            }
        elif isinstance(node, ast.Call):
            called, given = ast.unparse(node.func), {each.arg: each.value for each in node.keywords}
            if called in ("exec", "eval", "__import__", "os.system", "os.popen"):
                yield called
            if called in ("torch.load", "joblib.load", "yaml.load", "pd.read_pickle"):
                yield called
            safe = given.get("allow_pickle")
            if safe is not None and ast.unparse(safe) != "False":
                yield "allow_pickle"
            if "trust_remote_code" in given:
                yield "trust_remote_code"
            if called.endswith("from_pretrained") and "use_safetensors" not in given:
                yield called


def test_what_runs_code_is_named() -> None:
    files = [path for part in ("theory", "numerics") for path in (ROOT / part).rglob("*.py")]
    found = {
        (path.relative_to(ROOT).as_posix(), danger)
        for path in files
        for danger in dangers(path.read_text(encoding="utf-8"))
    }
    assert found == NAMED
    page = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert all(Path(file).name in page for file, _ in NAMED)


@pytest.mark.parametrize(
    ("source", "danger"),
    [
        ("import pickle", "pickle"),
        ("from cloudpickle import loads", "cloudpickle"),
        ("np.load(file, allow_pickle=True)", "allow_pickle"),
        ("eval(text)", "eval"),
        ("torch.load(file)", "torch.load"),
        ("AutoModel.from_pretrained(x)", "AutoModel.from_pretrained"),
        ("import urllib.request", "urllib.request"),
        ("from urllib import request", "urllib.request"),
    ],
)
def test_what_would_run_code_is_noticed(source: str, danger: str) -> None:
    assert list(dangers(source)) == [danger]


def npy(array: Any) -> bytes:
    content = io.BytesIO()
    np.save(content, array, allow_pickle=True)
    return content.getvalue()


def trapped(ran: Path) -> Any:
    """An array that is stored as a pickle."""
    array = np.empty(1, dtype=object)
    array[0] = Trap(ran)
    return array


def test_the_trap_works(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    np.load(io.BytesIO(npy(trapped(ran))), allow_pickle=True)
    assert ran.exists()


@pytest.mark.parametrize("name", ["data.npz", "data.npy", "data"])
def test_pickles_in_arrays_are_refused_unread(name: str, tmp_path: Path) -> None:
    ran, file = tmp_path / "ran", tmp_path / name
    if name == "data.npz":
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("X.npy", npy(np.array([[1]])))
            archive.writestr("y.npy", npy(trapped(ran)))
    else:
        file.write_bytes(npy(trapped(ran)))
    with pytest.raises(InputError, match="Object arrays"):
        load_problem(file)
    assert not ran.exists()


def test_pickled_checkpoints_are_refused_unread(tmp_path: Path) -> None:
    save(build(Shape(1, 4, 1, 8, 16), seed=0), tmp_path)
    load(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    ran = tmp_path / "ran"
    torch.save({"weights": Trap(ran)}, tmp_path / "pytorch_model.bin")
    with pytest.raises(InputError, match="is no GPT-2 checkpoint"):
        load(tmp_path)
    assert not ran.exists()
