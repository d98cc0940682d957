"""What a user of the package writes, with every public name: typed strictly, and it runs."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given, settings
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import theory
from numerics import training
from theory import hunt
from theory.strategies import problems

ZERO = Fraction(0)


def data() -> theory.Problem:
    """Problems from everywhere."""
    flagship: theory.Problem = theory.example("flagship")
    names: list[str] = list(theory.example_names())
    assert flagship == theory.load_problem("flagship")
    assert "flagship" in names
    X, y = np.array([[0.1], [-0.5]]), np.array([1.0, 2.5])
    read = theory.Problem.from_floats(X, y, floats="decimal", loss="huber:1", width=2)
    assert read.X[0][0] == Fraction(1, 10)
    assert theory.Problem.from_json(read.to_json()) == read
    frame = read.to_dataframe()
    again = theory.Problem.from_dataframe(frame, "y", loss=theory.Loss.named("huber:1"), width=2)
    assert again == read
    biased: theory.Problem = flagship.with_bias("decayed")
    assert (biased.n, biased.d, flagship.activation) == (4, 3, theory.Activation.named("relu"))
    return flagship


def networks(problem: theory.Problem) -> tuple[theory.Network, theory.Ball]:
    """A network, and where it may be."""
    network = theory.Network(W=[["1/2", 0], [0, 1]], a=[1, -1])
    fit: tuple[Fraction, ...] = network.fit(problem)
    loss: Fraction = network.loss(problem)
    assert loss == problem.loss_of(fit)
    ball, penalty = theory.Ball("adamw", "11/5"), theory.Penalty("1/10")
    assert penalty.of(network) > 0
    assert theory.geometry.geometry("muon").name in theory.geometry.names()
    return network, ball


def landscape(problem: theory.Problem, ball: theory.Ball, axes: Axes) -> theory.Analysis:
    """Components, barriers, valleys, and where training can rest."""
    found: theory.Analysis = theory.analyse(problem, width=2)
    component: theory.Component = found.components[0]
    barrier: Fraction | None = found.barriers[0][1]
    ends = [each.representative for each in found.components]
    between: theory.Barrier = theory.barrier_between(problem, *ends)
    path: theory.MinimaxPath = between.path
    assert barrier == between.value == max(path.losses)
    tree: theory.Valleys = theory.valleys(problem, 2, within=ball)
    valley: theory.Valley = tree.valleys[-1]
    rests: tuple[theory.Limit, ...] = theory.limits(tree)
    assert valley.depth is not None
    assert any(rest.kind == "global" for rest in rests)
    network = component.representative
    classified: theory.Classified = theory.classify(problem, network)
    classifier = theory.Classifier(problem, 2)
    assert classified.verdict == classifier.of(network).verdict == "global minimum"
    for shown in (problem, network, found, component, between, path, tree, valley):
        axes.clear()
        drawn: Axes = shown.plot(axes)
        document: dict[str, Any] = shown.to_json()
        assert drawn is axes
        assert document
    assert len(found.to_dataframe()) == len(found.components)
    return found


def optima(problem: theory.Problem, ball: theory.Ball, axes: Axes) -> None:
    """The convex program."""
    optimum: theory.Optimum = theory.solve(problem, ball, width=2)
    relaxed: theory.Relaxed = theory.relax(problem, ball, width=2)
    lower: Fraction | None = optimum.lower
    assert lower is not None
    assert lower <= optimum.upper
    assert relaxed.lower is None or relaxed.lower <= optimum.upper
    optimum.plot(axes)
    loss: theory.Loss = theory.Custom(build=_quartic)
    assert loss.at(np.array([2.0]), np.array([1.0])) == 1


def _quartic(fit: Any, y: Any) -> Any:
    return ((fit - y) ** 4).sum()


def balls(found: theory.Analysis, axes: Axes) -> None:
    """Radii, margins, regions."""
    radii: theory.Radii = theory.least_radii(found, ["adamw"])
    radius: theory.Radius = radii.components[0]["adamw"]
    preferred: int | None = radii.preferred("adamw")
    assert radius.upper == 2
    assert preferred == 0
    xor = theory.example("xor")
    margins: theory.Margins = theory.max_margins(xor, ["adamw"], 4)
    margin: theory.Margin = margins.largest("adamw")
    largest = theory.MaxMargin(xor, "adamw", 4)
    label: theory.Labelled = largest.label([1, 1])
    assert margin.lower == largest.margin.lower
    assert label.label in (1, -1, None)
    regions: theory.Regions = theory.optimizer_regions(
        theory.example("two-regions"), ("adamw", "muon"), 2
    )
    meeting: theory.Meeting = regions.at(Fraction(3, 5), Fraction(17, 10))
    frontier: theory.Frontier = regions.frontier(2)
    assert meeting.phase == "overlap"
    for shown in (radii, margins, largest, meeting, frontier):
        axes.clear()
        shown.plot(axes)


def paths(problem: theory.Problem, ends: list[theory.Network], axes: Axes) -> None:
    """Paths, widths and lines."""
    wide = [theory.Network([[*row, 0, 0] for row in end.W], [*end.a, 0, 0]) for end in ends]
    solutions = theory.SolutionSet(problem, theory.Ball("adamw", 5), ZERO)
    path: theory.SolutionPath | theory.Barrier = theory.connect(solutions, *wide)
    assert isinstance(path, theory.SolutionPath)
    assert path.max_loss == 0
    projection: theory.Projection = theory.project(solutions, ends[0])
    assert projection.distance == 0
    profile: theory.Profile = theory.width_profile(problem, theory.Ball("adamw", "11/5"), 2)
    bound: int | None = theory.connected_from(problem, profile.within)
    assert bound is None or bound == profile.bound
    assert theory.connectivity.largest_mass(problem, Fraction(5)) > 0
    line: theory.Line = theory.line(problem, *ends)
    alignment: theory.Alignment = theory.align(problem, *ends)
    assert alignment.maximum.upper <= line.maximum.upper
    assert theory.lines.between(ends[0], ends[1], ZERO).W == ends[0].W
    for shown in (path, profile, line, alignment):
        axes.clear()
        shown.plot(axes)


def proofs(found: theory.Analysis) -> None:
    """Certificates, claims and hunts."""
    document: dict[str, Any] = theory.certify(found)
    verdict: theory.Verdict = theory.check(document, found.problem)
    assert verdict.kind == "components"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "proof.json"
        file.write_text("{}")
        try:
            theory.check_file(file)
        except theory.CertificateInvalid as error:
            print(error)
    assert theory.claims.claim("margin").id == "margin"
    space = hunt.Space(n=(3, 3), d=(2, 2), width=(2, 2), entries=1)
    result = theory.hunt.hunt(
        hunt.named("disconnected-at-width"),
        space=space,
        enumerate_all=True,
        jobs=theory.Jobs(1),
    )
    assert {find.problem.n for find in result.finds} == {3}


@settings(database=None, derandomize=True, max_examples=5)
@given(problem=problems())
def zero_fits_as_it_says(problem: theory.Problem) -> None:
    """A property over all problems."""
    zero = theory.Network.zero(problem.d, 1)
    assert zero.loss(problem) == problem.zero
    assert theory.strategies.DEGENERACIES


def errors(problem: theory.Problem) -> None:
    """What can be caught."""
    try:
        theory.analyse(problem, 50)
    except theory.BudgetError as error:
        print(error.needed, error.limit)
    try:
        theory.example("flagshp")
    except theory.InputError as error:
        print(error.field)
    assert all(
        issubclass(each, RuntimeError)
        for each in (
            theory.Interrupted,
            theory.Undecided,
            theory.SolverFailure,
            theory.WorkerDied,
        )
    )


def trained(found: theory.Analysis, ball: theory.Ball, axes: Axes) -> None:
    """Training in torch."""
    runs: training.Runs = training.train_runs(found, ball, seeds=4, steps=200)
    landed: dict[int, int] = runs.landed
    assert sum(landed.values()) <= runs.count
    runs.plot(axes)
    assert len(runs.to_dataframe()) == 4


def main() -> None:
    axes: Axes = Figure().subplots()
    problem = data()
    _, ball = networks(problem)
    found = landscape(problem, ball, axes)
    optima(problem, ball, axes)
    balls(found, axes)
    paths(problem, [each.representative for each in found.components], axes)
    proofs(found)
    zero_fits_as_it_says()
    errors(problem)
    trained(found, ball, axes)


if __name__ == "__main__":
    main()
