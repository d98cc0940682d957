"""The project's exceptions. Each message names the argument, what it was, and what to do."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection

WITHIN_REACH = 10**10
"""Of whatever is counted: no machine gets through more, so no message advises a larger limit."""

_LONGEST = 30  # digits of a count that is written out
_FEW = 12  # names that an error may list beside the one that was meant


def nearest(name: str, known: Collection[str]) -> str:
    """The question whether one of the known names was meant; empty where none is near."""
    near = difflib.get_close_matches(name.lower(), known, n=1)
    return f"did you mean {near[0]}?" if near else ""


def unknown(name: str, known: Collection[str]) -> str:
    """What an error says of a name that is none of the known ones: these, and the nearest."""
    meant = nearest(name, known)
    if meant and len(known) > _FEW:
        return f"{name!r} is not known; {meant}"
    return f"{name!r} is not one of {', '.join(known)}{meant and '; '}{meant}"


class InputError(ValueError):
    """The problem, a file or an option is wrong; `field` names the part at fault."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self._message = message

    def __reduce__(self) -> tuple[type[InputError], tuple[str, str]]:
        # It has to come back from other processes as it is.
        return type(self), (self.field, self._message)


class BudgetError(RuntimeError):
    """The computation would need more than its budget; raised before it starts.

    `needed` is the count it would need, or at least (`count` in words), `limit` the budget,
    `option` the argument that raises it, empty if there is none. instead: what else would help.
    """

    def __init__(self, what: str, needed: int, limit: int, option: str, instead: str = "") -> None:
        short = needed < 10**_LONGEST
        self.count = f"{needed:,}" if short else f"10^{int(math.log10(needed))}"
        self.what = what
        self.needed = needed
        self.limit = limit
        self.option = option
        self.instead = instead
        super().__init__(f"{self.excess}; {self.remedy(f'raise it with {option}=')}")

    @property
    def excess(self) -> str:
        """What is needed, and what the limit is."""
        return f"{self.what}: {self.count} needed, the limit is {self.limit:,}"

    def remedy(self, allow: str) -> str:
        """How to go on; `allow` is how one writes a limit, without the number."""
        if not self.option:
            return self.instead
        if self.needed <= WITHIN_REACH:
            return f"{allow}{self.needed}"
        return f"that is out of reach{self.instead and ': '}{self.instead}"

    def __reduce__(self) -> tuple[type[BudgetError], tuple[str, int, int, str, str]]:
        # It has to come back from other processes as it is.
        return type(self), (self.what, self.needed, self.limit, self.option, self.instead)


class Interrupted(RuntimeError):
    """A progress callback asked to stop; `known` says in words what is proved so far."""

    def __init__(self, known: str = "") -> None:
        super().__init__(f"interrupted{'; ' if known else ''}{known}")
        self.known = known


class Undecided(RuntimeError):
    """What is certified does not answer the question: bounds too far apart, or no exact dual."""


class SolverFailure(RuntimeError):
    """No solver found a solution; `statuses` says of each how it ended."""

    def __init__(self, statuses: list[str]) -> None:
        super().__init__(
            f"no convex solver succeeded ({'; '.join(statuses)}): numbers of X and y may differ by "
            "too many orders of magnitude; rescale the columns of X, or y"
        )
        self.statuses = statuses


class WorkerDied(RuntimeError):
    """A process that worked for this one was killed, or ended itself."""

    def __init__(self) -> None:
        super().__init__("a process died, perhaps for want of memory: fewer jobs need less")
