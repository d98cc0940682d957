"""How commands speak while they work."""

from __future__ import annotations

import pytest

from numerics.cli import output


def test_work_that_nobody_watches_says_where_it_stands(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After 20 s, and whenever twice the time has passed."""
    now = 0.0
    monkeypatch.setattr("numerics.cli.output.time.monotonic", lambda: now)
    with output.progress() as report:
        for second in range(100):
            now = float(second)
            report("minima computed", 10 * second)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "isthmus: after 21 s: minima computed: 210",
        "isthmus: after 43 s: minima computed: 430",
        "isthmus: after 87 s: minima computed: 870",
    ]
