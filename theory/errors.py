"""The project's exceptions. Each message names the argument, what it was, and what to do."""

from __future__ import annotations


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

    `needed` is the count it would need (`count` in words), `limit` the budget, `option` the
    argument that raises it.
    """

    def __init__(self, what: str, needed: int, limit: int, option: str) -> None:
        self.count = f"{needed:,}" if needed < 10**30 else f"10^{needed.bit_length() * 3 // 10}"
        super().__init__(
            f"{what}: {self.count} needed, the limit is {limit:,}; "
            f"raise it with {option}={self.count.replace(',', '')}"
        )
        self.what = what
        self.needed = needed
        self.limit = limit
        self.option = option


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
