"""The record of a study: every run of a part that was ever begun, and how it ended.

One JSON line when a run begins and one when it ends; lines are added and never changed. A run is
"done", "stopped" (by a time budget, Ctrl-C, or with its process) or "failed", with the error.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from numerics.files import append

DONE, STOPPED, FAILED = "done", "stopped", "failed"


@dataclass(frozen=True)
class Runs:
    """The record in a file."""

    path: Path

    def begin(self, part: str, configuration: str) -> str:
        """Record a run that begins now; its id. configuration: the digest of the study's."""
        run = secrets.token_hex(4)
        self._add({"run": run, "part": part, "configuration": configuration, "began": _now()})
        return run

    def end(self, run: str, state: str, results: Mapping[str, Any] | None = None) -> None:
        """Record how a run ended."""
        self._add({"run": run, "state": state, "ended": _now(), **(results or {})})

    def close(self) -> None:
        """Record as stopped what has no end: its process was killed."""
        for run, found in self.read().items():
            if "state" not in found:
                self.end(run, STOPPED)

    def read(self) -> dict[str, dict[str, Any]]:
        """All runs by id, in the order in which they began."""
        found: dict[str, dict[str, Any]] = {}
        if self.path.exists():
            for line in self.path.read_text(encoding="utf-8").splitlines():
                entry = json.loads(line)
                found.setdefault(entry.pop("run"), {}).update(entry)
        return found

    def _add(self, entry: Mapping[str, Any]) -> None:
        append(self.path, json.dumps(entry))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
