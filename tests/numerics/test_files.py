"""Files that are written: whole, where they stand, and nothing of anyone else's."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import numerics
from numerics.files import MANIFEST, append, require_folder, require_writable, write, write_folder
from theory.errors import InputError

OPENED = re.compile(
    r"\.write_(text|bytes)\(|np\.save|save_file\(|save_pretrained\(|json\.dump\(|open\([^)]*\"[wax]b?\""
)
EMPTY = hashlib.sha256(b"").hexdigest()


def test_the_one_function_writes_everything() -> None:
    """All that stands in files.py holds for every command."""
    folder = Path(numerics.__file__).parent
    writers = [p.name for p in folder.rglob("*.py") if OPENED.search(p.read_text("utf-8"))]
    assert writers == ["files.py"]


def test_a_file_is_replaced_and_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o640)
    held = path.open()
    write(path, "new")
    assert (path.read_text(), held.read()) == ("new", "old")  # a reader sees one or the other
    held.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["file"]


def test_a_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    write(tmp_path / "ours", b"")
    (tmp_path / "usual").write_bytes(b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_and_its_target_is_written(tmp_path: Path, there: bool) -> None:
    other = tmp_path / "other"
    other.mkdir()
    if there:
        (other / "target").write_text("old")
    (tmp_path / "link").symlink_to("again")
    (tmp_path / "again").symlink_to(other / "target")
    write(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "again").is_symlink()
    assert (other / "target").read_text() == "new"
    assert os.listdir(other) == ["target"]


def test_a_pipe_is_written_into(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # a writer need not wait for it
    require_writable(pipe)
    write(pipe, "text")
    assert os.read(reader, 10) == b"text"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes device nodes")
def test_a_device_stays_a_device(tmp_path: Path) -> None:
    node = tmp_path / "null.svg"
    os.mknod(node, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    with contextlib.suppress(InputError):  # where devices of one's own do not work
        write(node, "text")
    assert stat.S_ISCHR(node.stat().st_mode)


def test_nothing_is_left_of_a_write_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "file"
    path.write_text("old")
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(InputError, match="file: cannot be written: No space left on device"):
        write(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_protected_file_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Although a folder that can be written allows it."""
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o444)
    monkeypatch.setattr(os, "access", lambda file, mode: False)  # root may do anything
    for refuse in (require_writable, lambda file: write(file, "new")):
        with pytest.raises(InputError, match="file: cannot be written: Permission denied"):
            refuse(path)
    assert path.read_text() == "old"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no/file", "cannot be written: there is no folder .*no$"),
        (".", "is a folder; name a file"),
        ("file/below", "cannot be written: Not a directory"),
        ("n" * 300, "cannot be written: File name too long"),
        ("circle", "cannot be written: Too many levels of symbolic links"),
        ("/proc/isthmus", "cannot be written: No such file or directory"),  # for root too
    ],
)
def test_what_cannot_be_written_is_known_before(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "circle").symlink_to("circle")
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(InputError, match=reason):
        require_writable(tmp_path / name)
    with pytest.raises(InputError, match="cannot be written"):
        write(tmp_path / name, "")
    assert sorted(os.listdir(tmp_path)) == before


def test_lines_are_added_and_none_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "log"
    lines = [f"{k} {'x' * 200}" for k in range(200)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(partial(append, file), lines))
    assert sorted(file.read_text().splitlines()) == sorted(lines)
    with pytest.raises(InputError, match="cannot be written: Is a directory"):
        append(tmp_path, "line")


@pytest.mark.parametrize("name", ["file", "file/below", "/proc/isthmus/deep"])
def test_folders_that_cannot_be(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written into"):
        require_folder(tmp_path / name)
    require_folder(tmp_path / "new" / "deep")
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("redirection", ["| cat", "> out && cat out", ">> out && cat out"])
def test_stdout_as_a_file(tmp_path: Path, redirection: str) -> None:
    """In order with what is printed, and not replaced where it is redirected."""
    code = (
        "from pathlib import Path; from numerics.files import write; print('one'); "
        "write(Path('/dev/stdout'), 'two\\n'); print('three')"
    )
    shown = subprocess.run(
        f'"{sys.executable}" -c "{code}" {redirection}',
        shell=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(numerics.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == "one\ntwo\nthree\n"


# Folders


names = st.sampled_from(["0.json", "1.json", "2.json", "index.html"])
contents = st.dictionaries(names, st.sampled_from(["a", "b"]))


@given(own=contents, runs=st.lists(contents, min_size=1, max_size=3))
def test_a_run_replaces_what_the_last_one_wrote(
    tmp_path_factory: pytest.TempPathFactory, own: dict[str, str], runs: list[dict[str, str]]
) -> None:
    """And nothing else: files that it never wrote stay."""
    folder = tmp_path_factory.mktemp("run")
    for name, text in own.items():
        (folder / name).write_text(text)
    for run in runs:
        write_folder(folder, run, command="train")
    overwritten = {name for run in runs for name in run}
    kept = {name: text for name, text in own.items() if name not in overwritten}
    there = {path.name: path.read_text() for path in folder.iterdir() if path.name != MANIFEST}
    assert there == kept | runs[-1]


def test_what_was_changed_since_and_other_commands_stay(tmp_path: Path) -> None:
    write_folder(tmp_path, {"a": "1", "b": "2", "c": "3"}, command="train")
    write_folder(tmp_path, {"page": "4"}, command="verify")
    (tmp_path / "a").write_text("mine now")
    write_folder(tmp_path, {"c": "5"}, command="train")
    there = {path.name: path.read_text() for path in tmp_path.iterdir() if path.name != MANIFEST}
    assert there == {"a": "mine now", "c": "5", "page": "4"}


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"train": 5}', f'{{"train": {{"../victim": "{EMPTY}", "": "0"}}}}', "\udcff"],
)
def test_a_manifest_is_not_trusted(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (tmp_path / "victim").write_text("")
    (folder / MANIFEST).write_bytes(text.encode(errors="surrogateescape"))
    write_folder(folder, {"a": "1"}, command="train")
    assert (tmp_path / "victim").exists()
    assert (folder / "a").read_text() == "1"
    assert list(json.loads((folder / MANIFEST).read_text())["train"]) == ["a"]
