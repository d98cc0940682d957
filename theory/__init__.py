"""Exact theory of small two-layer ReLU networks: problems, landscapes, certificates.

>>> import theory
>>> landscape = theory.analyse(theory.example("flagship"), width=2)
>>> print(len(landscape.components), landscape.barriers[0][1])
2 32/45

Public names load on first use, so that `import theory` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from theory.certificates import certify
    from theory.certificates.checker import CertificateInvalid, Verdict, check, check_file
    from theory.errors import BudgetError, InputError, Interrupted, Undecided
    from theory.landscape import Analysis, Barrier, MinimaxPath, analyse, barrier_between
    from theory.loading import example, example_names, load_problem
    from theory.network import Network
    from theory.problem import Problem
    from theory.radii import Radii, Radius
    from theory.within import Ball, Penalty

__all__ = [
    "Analysis",
    "Ball",
    "Barrier",
    "BudgetError",
    "CertificateInvalid",
    "InputError",
    "Interrupted",
    "MinimaxPath",
    "Network",
    "Penalty",
    "Problem",
    "Radii",
    "Radius",
    "Undecided",
    "Verdict",
    "analyse",
    "barrier_between",
    "certify",
    "check",
    "check_file",
    "example",
    "example_names",
    "load_problem",
]

# Cheap to load first: a name is looked for in this order.
_HOMES = (
    "theory.errors",
    "theory.problem",
    "theory.loading",
    "theory.network",
    "theory.certificates.checker",
    "theory.within",
    "theory.certificates",
    "theory.landscape",
    "theory.radii",
)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version  # takes as long to load as a proof to check

        return version("isthmus")
    if name in __all__:
        for home in map(import_module, _HOMES):
            if hasattr(home, name):
                return getattr(home, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
