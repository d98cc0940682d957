"""Exact theory of small two-layer ReLU networks: problems, landscapes, certificates.

>>> import theory
>>> landscape = theory.analyse(theory.example("flagship"), width=2)
>>> print(len(landscape.components), landscape.barriers[0][1])
2 32/45

Public is what is named here, and in `__all__` of the modules that are. The rest may change.

Problems and networks::

    Problem            data X, y as exact rationals, and how they are to be fitted
    Network            weights W, a as exact rationals
    Activation         what neurons apply: relu, leaky, abs, or slopes of one's own
    Loss               what the fit costs: squared, absolute, huber, hinge, logistic and more
    Custom             a loss of one's own, for `solve`
    load_problem       the problem in a file, or of the name of a shipped one
    example            a shipped problem by its name
    example_names      the names of all of them

Where networks may be::

    Ball               the ball that an optimizer's weight decay confines networks to
    Penalty            the l2 penalty of sgd with weight decay
    geometry           module: the norms of each optimizer, and everything asked of them

The landscape of one width::

    analyse            the components of a sublevel set, and the barriers between them
    Analysis           what it finds
    Component          one component, with a network of least loss
    barrier_between    the exact minimax barrier between two networks
    Barrier            its height, with a path that attains it
    MinimaxPath        a path of networks whose highest loss is the least possible
    valleys            the merge tree over all levels: where valleys are born, and join deeper ones
    Valleys            what it finds
    Valley             one of them, with its depth
    limits             every loss at which training can rest
    Limit              one of them, and of which kind it is
    classify           what kind of point one network is, at any size
    Classifier         the same for many networks of one problem
    Classified         what it finds

The optimum of training::

    solve              the least loss in a ball or with a penalty, from both sides
    Optimum            what it finds, with a network that attains the upper bound
    relax              the convex program alone
    Relaxed            what it finds

Balls and components::

    least_radii        the least ball of each optimizer that reaches each component
    Radii              what it finds, and which component each optimizer prefers
    Radius             one of them, from both sides, with a witness
    max_margins        the largest margin in each component for each optimizer
    Margins            what it finds
    Margin             one of them, from both sides, with a witness
    MaxMargin          the networks of largest margin, and the labels they give to points
    Labelled           one of these labels
    optimizer_regions  how the regions of two optimizers meet
    Regions            the two regions, to be asked at pairs of radii
    Meeting            how they meet at one pair of radii
    Frontier           the edge of the pairs at which they overlap

Paths and widths::

    SolutionSet        the networks of loss <= level in a ball
    connect            a path inside such a set from one network to another
    SolutionPath       what it finds
    project            a trained network, moved into such a set
    Projection         what it finds
    width_profile      the components at each width
    Profile            what it finds
    connected_from     a width from which on the set is connected, by theorem
    connectivity       module: these, and more about one optimizer's solution set

Straight lines::

    line               the highest loss on the line between two networks, exactly
    Line               what it finds
    align              the order of neurons for which that is least
    Alignment          what it finds
    lines              module: these, and a network between others

Proofs::

    certify            the certificate of what was found, as a document for JSON
    check              whether a certificate is valid, by a program that trusts nothing else here
    check_file         the same for a file
    Verdict            what a valid certificate states
    CertificateInvalid what is raised for others
    claims             module: theorems that `isthmus verify` predicts, observes and compares

Hunts and tests::

    hunt               module: the smallest network that breaks a conjecture
    strategies         module: Hypothesis strategies for data, networks and radii

Work and errors::

    Jobs               how many processes work side by side, and who runs them
    InputError         the problem, a file or an argument is wrong
    BudgetError        what is asked for would take more than its budget
    Interrupted        a progress callback asked to stop
    Undecided          what is certified does not answer the question
    SolverFailure      no convex solver succeeded
    WorkerDied         a process that worked for this one ended

Names load on first use, so that `import theory` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from theory import claims, connectivity, geometry, hunt, lines, strategies
    from theory.activation import Activation
    from theory.certificates import certify
    from theory.certificates.checker import CertificateInvalid, Verdict, check, check_file
    from theory.connectivity import (
        Profile,
        Projection,
        SolutionPath,
        SolutionSet,
        connect,
        connected_from,
        project,
        width_profile,
    )
    from theory.errors import (
        BudgetError,
        InputError,
        Interrupted,
        SolverFailure,
        Undecided,
        WorkerDied,
    )
    from theory.landscape import (
        Analysis,
        Barrier,
        Component,
        Limit,
        MinimaxPath,
        Valley,
        Valleys,
        analyse,
        barrier_between,
        limits,
        valleys,
    )
    from theory.landscape.classify import Classified, Classifier, classify
    from theory.lines import Alignment, Line, align, line
    from theory.loading import example, example_names, load_problem
    from theory.losses import Custom, Loss
    from theory.margins import Labelled, Margin, Margins, MaxMargin, max_margins
    from theory.network import Network
    from theory.parallel import Jobs
    from theory.problem import Problem
    from theory.programs import Optimum, Relaxed, relax, solve
    from theory.radii import Radii, Radius, least_radii
    from theory.regions import Frontier, Meeting, Regions, optimizer_regions
    from theory.within import Ball, Penalty

__all__ = [
    "Activation",
    "Alignment",
    "Analysis",
    "Ball",
    "Barrier",
    "BudgetError",
    "CertificateInvalid",
    "Classified",
    "Classifier",
    "Component",
    "Custom",
    "Frontier",
    "InputError",
    "Interrupted",
    "Jobs",
    "Labelled",
    "Limit",
    "Line",
    "Loss",
    "Margin",
    "Margins",
    "MaxMargin",
    "Meeting",
    "MinimaxPath",
    "Network",
    "Optimum",
    "Penalty",
    "Problem",
    "Profile",
    "Projection",
    "Radii",
    "Radius",
    "Regions",
    "Relaxed",
    "SolutionPath",
    "SolutionSet",
    "SolverFailure",
    "Undecided",
    "Valley",
    "Valleys",
    "Verdict",
    "WorkerDied",
    "align",
    "analyse",
    "barrier_between",
    "certify",
    "check",
    "check_file",
    "claims",
    "classify",
    "connect",
    "connected_from",
    "connectivity",
    "example",
    "example_names",
    "geometry",
    "hunt",
    "least_radii",
    "limits",
    "line",
    "lines",
    "load_problem",
    "max_margins",
    "optimizer_regions",
    "project",
    "relax",
    "solve",
    "strategies",
    "valleys",
    "width_profile",
]

# Where each name is; those that are nowhere here are modules.
_HOMES = {
    "theory.activation": ("Activation",),
    "theory.certificates": ("certify",),
    "theory.certificates.checker": ("CertificateInvalid", "Verdict", "check", "check_file"),
    "theory.connectivity": (
        *("Profile", "Projection", "SolutionPath", "SolutionSet", "connect", "connected_from"),
        *("project", "width_profile"),
    ),
    "theory.errors": (
        *("BudgetError", "InputError", "Interrupted", "SolverFailure", "Undecided", "WorkerDied"),
    ),
    "theory.landscape": (
        *("Analysis", "Barrier", "Component", "Limit", "MinimaxPath", "Valley", "Valleys"),
        *("analyse", "barrier_between", "limits", "valleys"),
    ),
    "theory.landscape.classify": ("Classified", "Classifier", "classify"),
    "theory.lines": ("Alignment", "Line", "align", "line"),
    "theory.loading": ("example", "example_names", "load_problem"),
    "theory.losses": ("Custom", "Loss"),
    "theory.margins": ("Labelled", "Margin", "Margins", "MaxMargin", "max_margins"),
    "theory.network": ("Network",),
    "theory.parallel": ("Jobs",),
    "theory.problem": ("Problem",),
    "theory.programs": ("Optimum", "Relaxed", "relax", "solve"),
    "theory.radii": ("Radii", "Radius", "least_radii"),
    "theory.regions": ("Frontier", "Meeting", "Regions", "optimizer_regions"),
    "theory.within": ("Ball", "Penalty"),
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version  # takes as long to load as a proof to check

        return version("isthmus")
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
