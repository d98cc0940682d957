"""A conjecture: how to tell that one instance refutes it, and how to prove that.

One's own is a Python file with a function `holds(problem)` that is False on a counterexample, or
`refute(problem)` that returns what shows it, or with a `Conjecture`; an example: docs/hunting.md.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from theory.certificates import certify
from theory.errors import BudgetError, InputError, Interrupted, SolverFailure, Undecided
from theory.hunt.instances import Space
from theory.landscape import Analysis, Barrier, analyse
from theory.landscape.least import Least
from theory.own_file import OwnFile, described
from theory.problem import Problem, format_rational

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
    test: of a problem that states its width, the facts that refute the conjecture, a dictionary
        for JSON, where Fractions and numpy's numbers may be; None where it holds. It decides
        exactly, or raises Undecided, BudgetError or SolverFailure. For work on several cores it
        has to be picklable, as are functions of a module and those of a conjecture's file.
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
        """What `test` says, as JSON. Raises Undecided where it comes to no answer, InputError where
        it fails or says something else."""
        try:
            facts = self._called("test", problem)
        except (BudgetError, SolverFailure, Undecided) as error:
            raise Undecided(str(error)) from None
        if facts is None:
            return None
        try:
            return _as_facts(facts)
        except TypeError as error:
            raise InputError(
                self._named,
                f"the test returns {facts!r} on {problem.to_json()}; it must return None where the "
                f"conjecture holds, else a dictionary for JSON: {error}",
            ) from None

    def proofs(self, problem: Problem, facts: Facts) -> dict[str, Document]:
        """What `prove` says. Raises InputError where it fails or says something else."""
        documents = self._called("prove", problem, facts)
        if isinstance(documents, dict) and all(isinstance(d, dict) for d in documents.values()):
            return documents
        raise InputError(self._named, f"prove returns {documents!r}; it must return certificates")

    def picture(self, problem: Problem, facts: Facts) -> Analysis:
        """What `landscape` says. Raises InputError where it fails or says something else."""
        drawn = self._called("landscape", problem, facts)
        if isinstance(drawn, Analysis):
            return drawn
        raise InputError(self._named, f"landscape returns {drawn!r}; it must return an Analysis")

    @property
    def _named(self) -> str:
        """For errors: the file where there is one."""
        return str(self.test.file.path) if isinstance(self.test, _Stated) else self.name

    def _called(self, name: str, problem: Problem, *more: Facts) -> Any:
        """What somebody else's function returns; what it raises is an InputError, unless it means
        that nothing was decided."""
        try:
            return getattr(self, name)(problem, *more)
        except (BudgetError, Interrupted, SolverFailure, Undecided):
            raise
        except (Exception, SystemExit) as error:
            raise InputError(
                self._named, f"the {name} fails on {problem.to_json()}: {described(error)}"
            ) from error


def _as_facts(value: Any) -> dict[str, Any]:
    """Facts as JSON. Raises TypeError where they are none."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{type(value).__name__} is no dictionary")
    return {_as_name(name): _as_json(each) for name, each in value.items()}


def _as_name(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"the name {value!r} is no text")
    return value


def _as_json(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, Fraction):
        return format_rational(value)
    if isinstance(value, Mapping):
        return _as_facts(value)
    if isinstance(value, list | tuple):
        return [*map(_as_json, value)]
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"{value!r} is none of a number, a text, a list and a dictionary")


def from_file(path: Path) -> Conjecture:
    """The conjecture that a Python file states.

    One of three: a function `holds(problem)` that returns True or False; the proof of a
    counterexample is then its landscape, modulo permutation. A function `refute(problem)` that
    returns None where the conjecture holds, else what `theory.certify` makes a proof of. A
    `Conjecture`.
    With a function, its docstring is the statement, and the names SPACE (a `Space`) and PLANTED say
    where to look. Raises InputError for any other file, and for one that fails.
    """
    file = OwnFile.read(path)
    return replace(
        _stated(file),
        test=_Stated(file, "test"),
        prove=_Stated(file, "prove"),
        landscape=_Stated(file, "landscape"),
    )


@dataclass(frozen=True)
class _Stated:
    """A function of a file's conjecture; another process takes it from the file."""

    file: OwnFile
    name: str

    def __call__(self, *arguments: Any) -> Any:
        return getattr(_stated(self.file), self.name)(*arguments)


@cache
def _stated(file: OwnFile) -> Conjecture:
    path, names = file.path, vars(file.module())
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
    if callable(names.get("holds")):
        return stated
    return replace(
        stated,
        test=partial(_refuted, function),
        prove=partial(_refutation_proof, function),
        landscape=partial(_refutation_landscape, function),
    )


def _not_held(holds: Callable[[Problem], object], problem: Problem) -> Facts | None:
    said = holds(problem)
    if not isinstance(said, bool | np.bool_):
        raise TypeError(
            f"holds returns {said!r}; it must return True where the conjecture holds, else False"
        )
    return None if said else {"holds": False}


def _refuted(refute: Callable[[Problem], Any], problem: Problem) -> Facts | None:
    found = refute(problem)
    if found is None:
        return None
    if not isinstance(found, _provable()):
        raise TypeError(
            f"refute returns {found!r}; it must return None where the conjecture holds, else what "
            f"theory.certify takes: {', '.join(kind.__name__ for kind in _provable())}"
        )
    return (
        {"components": len(found.components)} if isinstance(found, Analysis) else {"holds": False}
    )


@cache
def _provable() -> tuple[type, ...]:
    """What `certify` takes."""
    from theory.connectivity import SolutionPath
    from theory.programs import Optimum
    from theory.regions import Frontier, Meeting

    return (Analysis, Barrier, Least, Optimum, SolutionPath, Frontier, Meeting)


def _refutation_proof(
    refute: Callable[[Problem], Any], problem: Problem, facts: Facts
) -> dict[str, Document]:
    return {"refutation": certify(refute(problem))}


def _refutation_landscape(
    refute: Callable[[Problem], Any], problem: Problem, facts: Facts
) -> Analysis:
    found = refute(problem)
    return found if isinstance(found, Analysis) else landscape(problem, facts)
