"""Networks that do nearly as well with half of their neurons are joined by low paths.

Setting: two-layer ReLU networks of width $m$, squared loss, neurons in order. A network is
$eps$-dropout stable if some $m / 2$ of its neurons or fewer, times one factor, have a loss of at
most $eps$ more.

Statement: Two $eps$-dropout stable networks $A$ and $B$ are joined by a path on which the loss is
at most $max(L(A), L(B)) + eps$.

Hypotheses: the loss is convex in the output.

Source: R. Kuditipudi, X. Wang, H. Lee, Y. Zhang, Z. Li, W. Hu, R. Ge and S. Arora, NeurIPS 2019,
arXiv 1906.06247, Theorem 1, for networks of two layers.

Tight: at width 1, where no neuron is left, and at width 2 for the same neurons in the other order.
Where the losses differ $max(L(A'), L(B'))$ is less and enough, $A'$ and $B'$ being what is left
with the best output weights; so are any $k$ neurons of $A$ and $m - k$ of $B$.

Computed: the exact barrier between the networks, with a path and a proof that none is lower; it
stands against the bound with the least $eps$, and the better bound.

Note: proofs_notes/gallery.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from theory.certificates import certify
from theory.claims.gallery.base import TIGHT, TOPICS, Proved, Relation, Theorem
from theory.exact import squared_distance
from theory.landscape import barrier_between
from theory.network import Network
from theory.problem import Problem
from theory.types import Progress

Fit = Sequence[Fraction]


@dataclass(frozen=True)
class Ends:
    """Two networks of one width."""

    problem: Problem
    networks: tuple[Network, Network]


@dataclass(frozen=True)
class DropoutStablePaths(Theorem[Ends]):
    """The paths of Kuditipudi and others."""

    topic = TOPICS[4]
    relation = Relation.AT_MOST
    on_record = TIGHT

    def instances(self) -> Mapping[str, Ends]:
        """Two where the bound is attained, then some with different losses, or neurons to spare."""
        line, square = [[1], [-1]], [[1, 0], [0, 1]]
        plus, minus = Network([[1]], [1]), Network([[-1]], [1])
        pair = Network([[1, 0], [0, 1]], [1, -1])
        four = Network([[2, 1, 0, 0], [0, 0, 1, 2]], ["1/4", "1/2", "-1/4", "-3/8"])
        return {
            "width 1": Ends(Problem(X=line, y=[1, 1]), (plus, minus)),
            "in the other order": Ends(Problem(X=square, y=[1, -1]), (pair, pair.permuted([1, 0]))),
            "different losses": Ends(Problem(X=line, y=[1, 2]), (plus, Network([[-1]], [2]))),
            "neurons to spare": Ends(
                Problem(X=square, y=[1, -1]), (four, four.permuted([3, 2, 1, 0]))
            ),
        }

    def theorem(self, instance: Ends) -> tuple[Fraction, Fraction]:
        """The bound with the least eps, and the one of the note."""
        problem, width = instance.problem, instance.networks[0].width
        losses = [network.loss(problem) for network in instance.networks]
        parts = [_parts(problem, network) for network in instance.networks]
        rescaled = [
            min(squared_distance(problem.y, [_sum(fits, problem.n)]) for k in half for fits in k)
            / 2
            for half in (each[: width // 2 + 1] for each in parts)
        ]
        eps = max(Fraction(), *(left - loss for left, loss in zip(rescaled, losses, strict=True)))
        first, second = (
            [min(squared_distance(problem.y, fits) for fits in k) / 2 for k in each]
            for each in parts
        )
        better = min(map(max, first, reversed(second)))
        return max(losses) + eps, max(*losses, better)

    def computed(self, instance: Ends, progress: Progress) -> Proved:
        """The least largest loss on a path."""
        problem, networks = instance.problem, instance.networks
        found = barrier_between(problem, *networks, labelled=True, progress=progress)
        return Proved((found.value, found.value), certify(found), problem)


def _parts(problem: Problem, network: Network) -> list[list[tuple[Fit, ...]]]:
    """What each k neurons contribute to the fit, for k = 0, 1, ..."""
    neurons = [
        Network([[v] for v in w], [a]).fit(problem)
        for w, a in zip(network.neurons(), network.a, strict=True)
    ]
    return [list(combinations(neurons, k)) for k in range(network.width + 1)]


def _sum(fits: Iterable[Fit], n: int) -> Fit:
    return [sum(v, Fraction()) for v in zip([Fraction()] * n, *fits, strict=True)]
