"""One run of a command: what it writes, how far it came, and its exit code.

A command reads its options, computes while it is `Task.working`, and returns what `Task.finish`
does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numerics.cli.output import (
    EXIT_DONE,
    EXIT_UNDECIDED,
    Report,
    emit,
    over_budget,
    progress,
    say,
    seen,
)
from numerics.cli.outputs import Folder, check_outputs
from theory.errors import BudgetError, Interrupted, SolverFailure, Undecided, WorkerDied

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Task:
    """Outputs that were found good, and what is known of the work.

    command: recorded with the JSON result. reads: files, or names of examples. json, certificate,
    plot, time_budget (for all of the work, in seconds): the options of these names. folders: by the
    option. Raises InputError for outputs that cannot be written, and those that overwrite what is
    read or each other.
    """

    def __init__(
        self,
        command: Sequence[str] | None,
        reads: Iterable[str | Path | None],
        *,
        json: str | None,
        certificate: Path | None = None,
        plot: Path | None = None,
        time_budget: float | None = None,
        **folders: Path | Folder | None,
    ) -> None:
        check_outputs(reads, json=json, certificate=certificate, plot=plot, **folders)
        self._command, self._json, self._certificate = command, json, certificate
        self._plot, self._seconds, self._since = plot, time_budget, time.monotonic()
        self.lines: list[str] = []  # that `finish` prints last
        self.stop: BudgetError | Interrupted | SolverFailure | Undecided | WorkerDied | None = None

    @property
    def reason(self) -> str:
        """Why the last work stopped short; empty where it did not."""
        if isinstance(self.stop, BudgetError):
            return over_budget(self.stop)
        return "" if self.stop is None else str(self.stop)

    @property
    def known(self) -> dict[str, str]:
        """What an interrupt left as proved, for the JSON result."""
        known = self.stop.known if isinstance(self.stop, Interrupted) else ""
        return {"known": known} if known else {}

    @contextmanager
    def working(self, total: float | None = None, *, what: str = "") -> Iterator[Report]:
        """The callback of `progress`; what stops the work ends the block, and is said.

        what: named before the reason.
        """
        self.stop = None
        try:
            with progress(total, seconds=self._seconds, since=self._since) as report:
                yield report
        except (BudgetError, Interrupted, SolverFailure, Undecided, WorkerDied) as stop:
            self.stop = stop
            what = what or ("not decided" if isinstance(stop, Undecided) else "")
            say(f"{what}{what and ': '}{self.reason}")

    def draw(self, draw: Callable[[], Figure]) -> None:
        """Write the picture, where one was asked for; `finish` says so."""
        if self._plot is None:
            return
        with seen("drawing"):
            from numerics.pictures.style import save_figure

            save_figure(self._plot, draw)
        self.lines.append(f"picture: {self._plot}")

    def plot(self, plot: Callable[[Axes], object]) -> None:
        """The same with a picture of one panel: `plot` of an object."""

        def figure() -> Figure:
            from numerics.pictures.style import panel

            return panel(plot)

        self.draw(figure)

    def finish(
        self,
        document: dict[str, Any],
        show: Callable[[], None] | None,
        *,
        proved: Any = None,
        code: int | None = None,
    ) -> int:
        """Emit the result, with its proof where one was asked for; the exit code.

        show: prints it, where stdout is not for JSON. proved: what the certificate is of. code: by
        default whether the work was done.
        """
        emit(document, self._json, self._command)
        tell = self._json != "-"
        if tell and show is not None:
            show()
        if proved is not None and self._certificate is not None:
            from numerics.files import write_json
            from theory.certificates import certify

            with seen("writing the proof"):
                write_json(self._certificate, certify(proved))
            self.lines.append(f"proof: {self._certificate}")
        for line in self.lines if tell else ():
            print(line)
        if code is not None:
            return code
        return EXIT_DONE if self.stop is None else EXIT_UNDECIDED
