"""Where networks may be: anywhere (None), in the ball of an optimizer, or under an l2 penalty.

One value says it to every function here.

>>> ball = Ball("Muon", "12/5")
>>> ball
Ball('muon', '12/5')
>>> print(ball)
the muon ball rho = 12/5
>>> Ball("muon", 0)
Traceback (most recent call last):
theory.errors.InputError: rho: 0 must be positive
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import ClassVar, TypeAlias

from theory.errors import InputError
from theory.exact import squared
from theory.gauges import Gauge, gauge_of
from theory.geometry import Apart, Geometry, LionK, MixedNorm, SchattenNorm, geometry
from theory.network import Network
from theory.problem import DEFAULT, Problem, Rational, positive_rational
from theory.text import show


@dataclass(frozen=True, init=False, repr=False)
class Ball:
    """The networks with ||W|| ||a|| <= rho in an optimizer's norms, up to rescaling of neurons.

    With R_W R_a = rho they are those that the weight decay of the optimizer confines networks to.
    optimizer: a name, in any case, or a geometry of one's own. rho: positive and rational, or its
    text.
    Raises InputError for an unknown optimizer, for sgd, and for a radius that is not positive.
    """

    geometry: LionK
    rho: Fraction
    beta: ClassVar[None] = None

    def __init__(self, optimizer: str | Geometry, rho: Rational) -> None:
        object.__setattr__(self, "geometry", geometry(optimizer).ball)
        object.__setattr__(self, "rho", positive_rational(rho, "rho"))

    @property
    def optimizer(self) -> str:
        """The name of its geometry."""
        return self.geometry.name

    @cached_property
    def gauge(self) -> Gauge:
        """The least ||W|| ||a|| of networks; raises InputError for norms that have none here."""
        return gauge_of(self.geometry)

    @property
    def summary(self) -> str:
        """The optimizer with its radius, in short."""
        return f"{self.optimizer}, rho = {show(self.rho)}"

    def __repr__(self) -> str:
        return f"Ball({self.optimizer!r}, '{self.rho}')"

    def __str__(self) -> str:
        hidden = self.geometry.hidden
        biases = ""
        if isinstance(hidden, Apart):
            biases = " (biases free)" if hidden.free else " (biases as adamw's)"
        return f"the {self.optimizer} ball rho = {self.rho}{biases}"


@dataclass(frozen=True, init=False, repr=False)
class Penalty:
    """All networks, with (beta/2) (||W||_F^2 + ||a||^2) added to the loss: SGD with weight decay.

    beta: a positive rational, or its text. Raises InputError if it is not positive.
    """

    beta: Fraction
    optimizer: ClassVar[str] = "sgd"
    rho: ClassVar[None] = None

    def __init__(self, beta: Rational) -> None:
        object.__setattr__(self, "beta", positive_rational(beta, "beta"))

    def of(self, network: Network) -> Fraction:
        """(beta/2) (||W||_F^2 + ||a||^2), of the weights as they stand."""
        return self.beta * squared(v for row in (*network.W, network.a) for v in row) / 2

    @property
    def gauge(self) -> Gauge:
        """sum_j ||u_j||_2, by which the least penalty of networks is beta."""
        return gauge_of(geometry("ngd").ball)

    @property
    def summary(self) -> str:
        """The optimizer with its penalty, in short."""
        return f"{self.optimizer}, beta = {show(self.beta)}"

    def __repr__(self) -> str:
        return f"Penalty('{self.beta}')"

    def __str__(self) -> str:
        return f"the l2 penalty beta = {self.beta}"


Within: TypeAlias = Ball | Penalty


def within_of(
    optimizer: str, *, rho: Rational | None = None, beta: Rational | None = None
) -> Within:
    """The ball of an optimizer, or the penalty of sgd, from what was given for it.

    Raises InputError where what it needs is missing, or more is given.
    """
    name = geometry(optimizer).name
    if name == Penalty.optimizer:
        if beta is None or rho is not None:
            raise InputError("beta", f"is needed, and no rho: {name} has a penalty, no ball")
        return Penalty(beta)
    if rho is None or beta is not None:
        raise InputError("rho", f"is needed, and no beta: {name} has a ball, no penalty")
    return Ball(name, rho)


def require_within(value: object, *kinds: type[Ball] | type[Penalty]) -> None:
    """Raise InputError unless the value is of one of these kinds."""
    if not isinstance(value, kinds):
        example = {Ball: "Ball('muon', '3/2')", Penalty: "Penalty('1/10')"}
        remedy = " or ".join(example[kind] for kind in kinds)
        raise InputError("within", f"is {value!r}, but must be such as {remedy}")


_SHARED = (SchattenNorm(math.inf), SchattenNorm(2), MixedNorm(2, 2))
"""The norms of W that neurons divide among themselves."""


def settled(problem: Problem, within: Within | None) -> tuple[Problem, Within | None]:
    """The problem with the treatment of its hidden biases decided, and the ball that this makes.

    Biases are by default as AdamW's where W has the spectral norm, as Muon leaves them to it, and
    decayed else. As AdamW's they are in {|b_j| <= R_W}: where W has entries of that size anyhow
    they are decayed ones. Where each column of W has a length of its own that of a neuron would be
    the larger of two, of which no maxima over cones are known. Without a ball nothing is to be
    decided.
    Raises InputError where the treatment is not known in such a ball, or with a penalty.
    Source: `bias-balls`, proofs_notes/biases.md.
    """
    bias = problem.bias
    if bias in (None, "decayed") or within is None:
        return problem, within
    if isinstance(within, Penalty):
        if bias != DEFAULT:
            raise InputError("bias", f"is {bias}, but {within.optimizer} decays all; take decayed")
        return replace(problem, bias="decayed"), within
    norm = within.geometry.hidden
    if isinstance(norm, Apart):
        return replace(problem, bias="free" if norm.free else "adamw"), within
    if bias == DEFAULT:
        bias = "adamw" if norm == SchattenNorm(math.inf) else "decayed"
    if bias == "decayed" or (bias == "adamw" and norm == MixedNorm(math.inf, math.inf)):
        return replace(problem, bias="decayed"), within
    if bias == "adamw" and norm not in _SHARED:
        remedy = "no maxima over cones with two bounds at once; take decayed or free"
        raise InputError(
            "bias", f"as adamw's in the ball of {within.optimizer} is not known: {remedy}"
        )
    apart = replace(within.geometry, hidden=Apart(norm, free=bias == "free"))
    return replace(problem, bias=bias), Ball(apart, within.rho)


def gauge_in(problem: Problem, optimizer: str | Geometry) -> Gauge:
    """The least ||W|| ||a|| in the norms of an optimizer, with biases as the problem says."""
    _, ball = settled(problem, Ball(optimizer, 1))
    assert isinstance(ball, Ball)
    return ball.gauge


def are_decayed(problem: Problem, within: Within | None) -> bool:
    """Whether hidden biases, if there are any, are entries of W as all others.

    Without a ball they are weights as all others, whatever the problem says.
    """
    if within is None:
        return True
    decided, _ = settled(problem, within)
    return decided.bias in (None, "decayed")


def require_decayed(problem: Problem, within: Within | None, what: str) -> None:
    """Raise InputError, with `what` in its text, where hidden biases are apart from the ball."""
    if not are_decayed(problem, within):
        settled(problem, within)[0].require_decayed(what)
