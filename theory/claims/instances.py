"""Data sets of claims: shipped ones, each with a ball that splits its exact fits, and others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache

from theory.connectivity import RadiusInterval
from theory.connectivity.estimates import intervals
from theory.loading import example
from theory.problem import Problem
from theory.within import Ball


@dataclass(frozen=True)
class Instance:
    """At the width that the problem states the exact fits in the ball are not connected."""

    problem: Problem
    optimizer: str
    rho: Fraction

    @property
    def name(self) -> str:
        """The problem's."""
        return self.problem.name

    @property
    def width(self) -> int:
        """Number of hidden neurons."""
        assert self.problem.width is not None
        return self.problem.width

    @property
    def data(self) -> Problem:
        """The problem at no width."""
        return replace(self.problem, width=None)

    @property
    def ball(self) -> Ball:
        """Where the instance's networks are."""
        return Ball(self.optimizer, self.rho)

    @property
    def exact(self) -> bool:
        """Whether the ball is a polytope, so that all minima, and radii, are exact."""
        return self.ball.gauge.exact

    def intervals(self, width: int) -> tuple[RadiusInterval, ...]:
        """The radii with the same components each, at a width; estimates in balls not exact."""
        return _intervals(self.problem, self.optimizer, width)

    def interval(self, width: int) -> RadiusInterval:
        """The radii with the same components as the instance's."""
        return next(each for each in self.intervals(width) if self.rho in each)

    @property
    def where(self) -> str:
        """For tables."""
        return f"{self.name} in {self.optimizer}'s ball rho = {self.rho}"

    @property
    def label(self) -> str:
        """For names of files: no slashes."""
        return f"{self.name} {self.optimizer} rho {self.rho.numerator}-{self.rho.denominator}"


def integer_problem(X: Sequence[Sequence[int]], y: Sequence[int]) -> Problem:
    """A problem with integer data."""
    return Problem(X=X, y=y)


@cache
def _intervals(problem: Problem, optimizer: str, width: int) -> tuple[RadiusInterval, ...]:
    return intervals(problem, optimizer, width)


def instance(name: str, optimizer: str, rho: str) -> Instance:
    """A shipped problem with a ball."""
    return Instance(example(name), optimizer, Fraction(rho))


def split_by_the_ball() -> tuple[Instance, ...]:
    """Connected at their widths without the ball, neuron by neuron; not connected in it."""
    return (
        instance("non-monotone", "adamw", "1/2"),
        instance("non-monotone-2", "adamw", "6/5"),
        instance("non-monotone-3", "adamw", "5"),
        instance("split-by-adamw-1", "adamw", "11/20"),
        instance("split-by-adamw-2", "adamw", "13/10"),
        instance("split-by-adamw-3", "adamw", "4/5"),
        instance("split-by-muon-1", "muon", "6/5"),
        instance("split-by-muon-2", "muon", "23/4"),
        instance("split-by-muon-3", "muon", "19/4"),
        instance("split-by-muon-4", "muon", "4/3"),
        instance("non-monotone-muon", "muon", "341/100"),
    )


def profiled() -> dict[Instance, int]:
    """Instances, and the widths up to which components are counted."""
    longer = replace(example("non-monotone"), width=4)
    return {
        instance("non-monotone", "adamw", "1/2"): 5,
        Instance(longer, "adamw", Fraction(4, 11)): 5,
        instance("non-monotone-2", "adamw", "6/5"): 4,
        instance("non-monotone-3", "adamw", "5"): 4,
        instance("split-by-adamw-1", "adamw", "11/20"): 4,
        instance("split-by-adamw-2", "adamw", "13/10"): 4,
        instance("split-by-adamw-3", "adamw", "4/5"): 3,
        instance("split-in-muon", "muon", "3"): 3,
        instance("non-monotone-muon", "muon", "341/100"): 4,
        instance("non-monotone-ngd", "ngd", "31/32"): 3,
        instance("non-monotone-colnorm", "colnorm", "3/5"): 4,
    }
