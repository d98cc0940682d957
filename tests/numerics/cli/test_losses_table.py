"""What each command makes of each loss: the table of docs/limits.md, entry by entry."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from command import ROOT, run

DATA = {
    "X": [["1", "0"], ["-1", "2"], ["1", "1"], ["2", "1"]],
    "y": ["1", "1", "-1", "1"],
    "width": 1,
}
FORM = [[2, 1, 0, 0], [1, 2, 0, 0], [0, 0, 1, -1], [0, 0, -1, 1]]  # of rank three
ACTIVATIONS = ("relu", "leaky_relu:1/10", "abs")

LOSSES: dict[str, tuple[str, ...]] = {
    "squared": (),
    "weights": ("--weights", "1,2,3,1"),
    "form": (),
    "output bias": ("--output-bias",),
    "skip": ("--skip",),
    "bias as AdamW's": ("--bias", "adamw"),
    "free bias": ("--bias", "free"),
    "absolute": ("--loss", "absolute"),
    "quantile": ("--loss", "quantile:1/4"),
    "epsilon": ("--loss", "epsilon:1/10"),
    "huber": ("--loss", "huber:1/2"),
    "hinge": ("--loss", "hinge"),
    "squared hinge": ("--loss", "squared_hinge"),
    "logistic": ("--loss", "logistic"),
}

COMMANDS: dict[str, str] = {
    "barrier": "barrier {problem}",
    "barrier, ball of AdamW": "barrier {problem} --within adamw --rho 1",
    "barrier, ball of Muon": "barrier {problem} --within muon --rho 1",
    "valleys": "valleys {problem}",
    "valleys, l2 penalty": "valleys {problem} --within sgd --beta 1/4",
    "solve": "solve {problem} --optimizer muon --rho 1",
    "width": "width {problem} --optimizer adamw --rho 1 --max-width 2",
    "radii": "radii {problem} --optimizers adamw",
    "regions": "regions {problem} --optimizers adamw,muon",
    "path": "path {first} {second} --problem {problem} --optimizer muon --rho 2",
    "line": "line {first} {second} --problem {problem} --align all --middle",
    "classify": "classify {first} --problem {problem}",
    "certificates": "barrier {problem} --within ngd --rho 1 --certificate {proof}",
    "train": "train {problem} --optimizer adamw --rho 1 --steps 20 --seeds 2",
}

HEAD = f"| | {' | '.join(LOSSES)} |"


def number(found: object) -> str:
    """Whether a number is exact, or an interval."""
    return "interval" if isinstance(found, dict) and found["lower"] != found["upper"] else "exact"


def verdict(command: str, document: Mapping[str, Any]) -> str:
    """What a command that worked has found."""
    match command.partition(",")[0]:
        case "certificates":
            return "checked"
        case "barrier" | "valleys":
            return number(document["minimum"])
        case "solve":
            return number(document)
        case "width":
            return number(document["widths"][0]["minimum"])
        case "radii":
            return number(document["components"][0]["rho"]["adamw"])
        case "regions":
            return number(document["least"]["muon"])
        case "line":
            return number(document["maximum"])
        case "classify":
            return number(document["cell_minimum"])
        case "path":
            assert all(isinstance(loss, str) for loss in document["losses"])
            return "exact"
    return "measured"


def entry(capsys: pytest.CaptureFixture[str], folder: Path, command: str, loss: str) -> str:
    """The same for all activations, or they are listed."""
    options = LOSSES[loss]
    files = {name: folder / f"{name}.json" for name in ("problem", "first", "second", "proof")}
    files["problem"].write_text(json.dumps(DATA | ({"form": FORM} if loss == "form" else {})))
    further = [["0"]] * (2 if "--bias" in options else 1)
    files["first"].write_text(json.dumps({"W": [["1"], *further], "a": ["1"]}))
    files["second"].write_text(json.dumps({"W": [["1/2"], *further], "a": ["1"]}))
    found = set()
    for activation in ACTIVATIONS:
        files["proof"].unlink(missing_ok=True)
        words = [word.format(**files) for word in COMMANDS[command].split()]
        code, out, err = run(capsys, *words, *options, "--activation", activation, "--json", "-")
        if code == 2:
            assert err.startswith("isthmus: "), err
            assert err.count("\n") == 1, err
            found.add("refused")
            continue
        assert code in (0, 3), err
        found.add(verdict(command, json.loads(out)))
        if command == "certificates":
            same = ("--problem", files["problem"], *options, "--activation", activation)
            code, out, err = run(capsys, "check", files["proof"], *same)
            assert code == 0, out + err
    return " or ".join(sorted(found))


@pytest.mark.parametrize("command", COMMANDS)
def test_the_table_of_the_page(
    command: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    entries = [entry(capsys, tmp_path, command, loss) for loss in LOSSES]
    page = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
    assert HEAD in page
    assert f"| {command} | {' | '.join(entries)} |" in page
