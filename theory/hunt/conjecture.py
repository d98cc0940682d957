"""A conjecture: how to tell that one instance refutes it, and how to prove that.

One's own is a Python file with a function `holds(problem)` that is False on a counterexample, or
`refute(problem)` that returns what shows it, or with a `Conjecture`; the README has an example.
"""

from __future__ import annotations

import inspect
import runpy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from theory.certificates import certify
from theory.errors import BudgetError, InputError, SolverFailure, Undecided
from theory.hunt.instances import Space
from theory.landscape import Analysis, analyse
from theory.problem import Problem

Facts: TypeAlias = Mapping[str, Any]
"""Exact values that a find states, as JSON; rationals as text."""
Document: TypeAlias = dict[str, Any]

_SPACE = Space(n=(1, 4), d=(1, 2), width=(1, 3), entries=2)


def landscape(problem: Problem, facts: Facts) -> Analysis:
    """The landscape at the width of the problem, without a ball."""
    assert problem.width is not None
    return analyse(problem, problem.width)


def landscape_proof(problem: Problem, facts: Facts) -> dict[str, Document]:
    """The landscape at the width of the problem: components, barriers, networks of each."""
    return {"landscape": certify(landscape(problem, facts))}


@dataclass(frozen=True)
class Conjecture:
    """A statement about problems; a hunt looks for an instance that refutes it.

    Where the statement says that something exists, what is found is an example.

    status: what is known. source: where it comes from.
    test: of a problem that states its width, the facts that refute the conjecture; None where it
        holds. It decides exactly, or raises Undecided, BudgetError or SolverFailure. For work on
        several cores it has to be picklable, as are functions of a module.
    prove: of a problem and such facts, the certificates, by name.
    landscape: of a problem and such facts, what to draw; by default the landscape of its width.
    space: what to look through. planted: see `Drawn`. batch: instances at a time.
    """

    name: str
    statement: str
    test: Callable[[Problem], Facts | None]
    prove: Callable[[Problem, Facts], dict[str, Document]] = landscape_proof
    landscape: Callable[[Problem, Facts], Analysis] = landscape
    status: str = ""
    source: str = ""
    space: Space = _SPACE
    planted: bool = False
    batch: int = 16

    def decide(self, problem: Problem) -> Facts | None:
        """What `test` says. Raises Undecided where it comes to no answer, InputError where it
        fails."""
        try:
            return self.test(problem)
        except (BudgetError, SolverFailure, Undecided) as error:
            raise Undecided(str(error)) from None
        except Exception as error:  # of somebody else's function
            raise InputError(
                self.name,
                f"the test fails on {problem.to_json()}: {type(error).__name__}: {error}",
            ) from error


def from_file(path: Path) -> Conjecture:
    """The conjecture that a Python file states.

    One of three: a function `holds(problem) -> bool`; the proof of a counterexample is then its
    landscape, modulo permutation. A function `refute(problem)` that returns None where the
    conjecture holds, else what `theory.certify` makes a proof of. A `Conjecture`.
    With a function, its docstring is the statement, and the names SPACE (a `Space`) and PLANTED say
    where to look. Raises InputError for any other file, and for one that fails.
    """
    try:
        # Functions of a module that nobody can import are sent to other processes whole.
        names = runpy.run_path(str(path), run_name=path.stem)
    except OSError as error:
        raise InputError(str(path), f"cannot be read: {error.strerror}") from None
    except Exception as error:  # whatever the file does
        raise InputError(str(path), f"fails: {type(error).__name__}: {error}") from None
    own = [value for value in names.values() if isinstance(value, Conjecture)]
    functions = [names[name] for name in ("holds", "refute") if callable(names.get(name))]
    if len(own) + len(functions) != 1:
        raise InputError(
            str(path),
            "must state one function holds(problem) or refute(problem), or one Conjecture; it has "
            f"{len(own) + len(functions)} of these",
        )
    if own:
        return own[0]
    space = names.get("SPACE", _SPACE)
    if not isinstance(space, Space):
        raise InputError(f"{path}: SPACE", f"{space!r} must be a theory.hunt.Space")
    function = functions[0]
    statement = inspect.getdoc(function) or names.get("__doc__") or path.stem
    stated = Conjecture(
        name=path.stem,
        statement=" ".join(str(statement).split()),
        status="stated in a file",
        source=path.name,
        test=partial(_not_held, function),
        space=space,
        planted=bool(names.get("PLANTED", False)),
    )
    if "holds" in names:
        return stated
    return replace(
        stated,
        test=partial(_refuted, function),
        prove=partial(_refutation_proof, function),
        landscape=partial(_refutation_landscape, function),
    )


def _not_held(holds: Callable[[Problem], object], problem: Problem) -> Facts | None:
    return None if holds(problem) else {"holds": False}


def _refuted(refute: Callable[[Problem], Any], problem: Problem) -> Facts | None:
    found = refute(problem)
    if found is None:
        return None
    return (
        {"components": len(found.components)} if isinstance(found, Analysis) else {"holds": False}
    )


def _refutation_proof(
    refute: Callable[[Problem], Any], problem: Problem, facts: Facts
) -> dict[str, Document]:
    return {"refutation": certify(refute(problem))}


def _refutation_landscape(
    refute: Callable[[Problem], Any], problem: Problem, facts: Facts
) -> Analysis:
    found = refute(problem)
    return found if isinstance(found, Analysis) else landscape(problem, facts)
