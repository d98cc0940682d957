"""What shells complete: all names there are, and without loading what computes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command import ROOT, run

from numerics.cli import COMMANDS, completion, main

HEAVY = ("numpy", "scipy", "flint", "sympy", "torch", "cvxpy", "matplotlib", "transformers")

LINES = {
    "isthmus va": ["valleys"],
    "isthmus valleys flagship --max-": ["--max-cells"],
    "isthmus barrier staircase-w": ["staircase-wedge"],
    "isthmus path a.json b.json --problem flag": ["flagship"],
    "isthmus solve flagship --optimizer muon": ["muon", "muon-adamw"],
    "isthmus radii flagship --optimizers adamw,ngd": ["adamw,ngd", "adamw,ngd-adamw"],
    "isthmus verify where-": ["where-training-ends"],
    "isthmus verify gal": ["gallery"],
    "isthmus verify margin spike": ["spike-free-data"],
    "isthmus hunt sharp-c": ["sharp-connected-width"],
    "isthmus gpt2 t": ["train", "table", "texts"],
    "isthmus gpt2 table paper-e": ["paper-enwik8"],
    "isthmus gpt2 train --text au": ["austen"],
    "isthmus line a b --problem flagship --align ": ["all"],
    "isthmus train flagship --loss hu": ["huber:1/2"],
    "isthmus study real-data --dataset d": ["diabetes", "digits"],
    "isthmus barrier nosuch": [],
}


def environment(line: str) -> dict[str, str]:
    """What bash says of a line that ends where a completion is asked for."""
    place = str(line.count(" "))
    return {"_ISTHMUS_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": place}


def completed(capsys: pytest.CaptureFixture[str], line: str) -> list[str]:
    """What bash is told."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(line).items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit, match="^0$"):
            main([])
    out, err = capsys.readouterr()
    assert err == ""
    return out.split()


@pytest.mark.parametrize("line", LINES)
def test_what_is_completed(capsys: pytest.CaptureFixture[str], line: str) -> None:
    assert completed(capsys, line) == LINES[line]


def test_nothing_that_computes_is_loaded() -> None:
    code = f"""
import os, sys
from numerics.cli import main
for line in {[environment(line) for line in LINES]}:
    os.environ |= line
    try:
        main([])
    except SystemExit:
        pass
print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "muon-adamw" in done.stdout.split()
    assert done.stderr == "[]\n"


def test_files_are_completed_beside_names(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a name fits; else the shell looks itself, in folders too."""
    monkeypatch.chdir(tmp_path)
    for name in ("flags.csv", "data.csv"):
        (tmp_path / name).write_text("")
    assert completed(capsys, "isthmus barrier flag") == ["flagship", "flags.csv"]
    assert completed(capsys, "isthmus barrier data") == []


def test_all_names_are_known() -> None:
    from numerics.gpt2.config import SHIPPED
    from theory.claims import CLAIMS
    from theory.claims.gallery import GALLERY
    from theory.geometry import names
    from theory.hunt import CONJECTURES

    assert completion.OPTIMIZERS == names()
    assert sorted(completion.claim_names()) == sorted(CLAIMS)
    assert sorted(completion.theorem_names()) == sorted(GALLERY)
    assert completion.conjecture_names() == list(CONJECTURES)
    assert sorted(completion.study_names()) == sorted(SHIPPED)


def test_every_command_is_completed(capsys: pytest.CaptureFixture[str]) -> None:
    assert sorted(completed(capsys, "isthmus ")) == sorted(COMMANDS)


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_it_is_installed(tmp_path: Path) -> None:
    """In a home of its own; bash then completes a line with what the script says."""
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "isthmus"
    main = "from numerics.cli import main; raise SystemExit(main())"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{main}" "$@"\n')
    command.chmod(0o755)
    env = {
        **os.environ,
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}",
    }
    script = """
isthmus --install-completion > /dev/null || exit 1
. ~/.bashrc
COMP_WORDS=(isthmus barrier flag) COMP_CWORD=2
_isthmus_completion isthmus
echo "${COMPREPLY[@]}"
"""
    done = subprocess.run(
        ["bash", "--norc", "-c", script], env=env, capture_output=True, text=True, cwd=tmp_path
    )
    assert (done.returncode, done.stdout) == (0, "flagship\n"), done.stderr


def test_a_shell_that_is_not_known_is_wrong_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("typer._completion_shared._get_shell_name", lambda: "sh")
    assert run(capsys, "--install-completion")[0] == 2
