"""The gallery: its entries alike, their verdicts, and a wrong constant in each one noticed."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from sys import modules
from typing import Any, ClassVar

import pytest

from theory.claims import CLAIMS, Bounds, Claim
from theory.claims.base import Made, Training, Value, verify
from theory.claims.gallery import GALLERY, TOPICS, Proved, Relation, Theorem
from theory.claims.gallery.template import Template
from theory.errors import InputError
from theory.problem import Problem
from theory.types import Progress

ROOT = Path(__file__).parents[3]
PLACE = "theory/claims/gallery"
MOST_LINES = 120

each = pytest.mark.parametrize("theorem", GALLERY.values(), ids=GALLERY)


def untrained(asked: Training[Made], progress: Progress) -> Made:
    raise AssertionError("theorems train nothing")


@each
def test_entries_are_short_and_in_one_form(theorem: Theorem[Any]) -> None:
    module = modules[type(theorem).__module__]
    assert module.__file__ is not None
    assert len(Path(module.__file__).read_text(encoding="utf-8").splitlines()) <= MOST_LINES
    assert theorem.id == module.__name__.rpartition(".")[2].replace("_", "-")
    assert theorem.id not in CLAIMS
    assert isinstance(theorem, Claim)
    assert theorem.topic in TOPICS
    assert theorem.title
    assert theorem.statement.endswith(".")
    assert len(theorem.hypotheses) == 3
    assert theorem.tight.endswith(".")
    assert pickle.loads(pickle.dumps(theorem)) == theorem


@each
def test_notes_are_there(theorem: Theorem[Any]) -> None:
    note = theorem._parts.get("Note")
    assert note is None or (ROOT / note.rstrip(".")).is_file()


@each
def test_the_verdict_is_the_one_on_record(theorem: Theorem[Any]) -> None:
    assert verify(theorem.quick(), untrained).holds


WRONG: dict[str, Callable[[Any], Any]] = {
    "activation-patterns": lambda said: said - 1,
    "basins-and-local-minima": lambda said: said + 1,
    "binary-labels-width": lambda said: said - 3,
    "connected-levels-and-minima": lambda said: (1, 2),
    "cone-of-labels": lambda said: said / 2,
    "connected-sublevel-sets": lambda said: said - 1,
    "conserved-signs": lambda said: (said[0], said[0]),
    "convex-program-width": lambda said: said - 2,
    "disconnected-minimisers": lambda said: said + 1,
    "dropout-stable-paths": lambda said: (said[0] - Fraction(1, 9), said[1]),
    "data-without-descent": lambda said: said - 1,
    "early-alignment": lambda said: (said[0] * Fraction(99, 100), *said[1:]),
    "four-segments": lambda said: said - 1,
    "hinge-on-separable-data": lambda said: "none",
    "interpolation-by-two-neurons": lambda said: said + 1,
    "kinks-at-data": lambda said: min(said, 1),
    "linear-networks-connected": lambda said: (4, 4),
    "local-optimality-rays": lambda said: ("local minimum", "local minimum"),
    "memorising-network": lambda said: (said[0] - 2, said[1]),
    "linear-critical-values": lambda said: tuple(v + 1 for v in said),
    "margins-that-can-grow": lambda said: (said[0], "optimal beside zero neurons"),
    "minima-with-a-zero-neuron": lambda said: ("yes",) * len(said),
    "minimal-norm-splines": lambda said: 2 * said,
    "muon-on-lipschitz-functions": lambda said: "yes",
    "one-extra-neuron": lambda said: (said[0], said[1] - 1),
    "quadratic-valleys-width": lambda said: said - 1,
    "perturbed-slopes": lambda said: said + 1,
    "region-residual": lambda said: tuple(v / 2 for v in said),
    "segments-between-halves": lambda said: said // 2,
    "sign-descent-equilibria": lambda said: "none",
    "spike-free-data": lambda said: said - Fraction(1, 10**6),
    "spurious-affine-minimum": lambda said: (said[0] * 2, said[1]),
    "spurious-valleys-width": lambda said: (said[0] - 1, said[1]),
    "staircase-width": lambda said: said - 1,
    "star-centres": lambda said: said - 1,
    "two-segments-of-products": lambda said: said + Fraction(1, 60),
    "wide-connected-sublevel-sets": lambda said: said + 1,
    "uniform-margin-weights": lambda said: said * Fraction(11, 12),
}
"""What a theorem would say with a wrong constant in it."""


@each
def test_a_wrong_constant_is_noticed(
    theorem: Theorem[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    right, wrong = type(theorem).theorem, WRONG[theorem.id]
    monkeypatch.setattr(type(theorem), "theorem", lambda self, x: wrong(right(self, x)))
    assert not verify(theorem.quick(), untrained).holds


def table() -> str:
    """Of the page."""
    lines = ["| theorem | says | source | verdict |", "|---|---|---|---|"]
    for topic in TOPICS:
        lines.append(f"| **{topic}** | | | |")
        lines += [
            f"| [{each.id}](../{PLACE}/{each.id.replace('-', '_')}.py) | {each.title} "
            f"| {each.source.rstrip('.')} | {each.on_record} |"
            for each in GALLERY.values()
            if each.topic == topic
        ]
    return "\n".join(lines)


def test_the_table_of_the_page() -> None:
    assert table() in (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")


BETTER: dict[str, Callable[[Any], Any]] = {
    "basins-and-local-minima": lambda problem: problem.n - 1,
    "quadratic-valleys-width": len,
    "wide-connected-sublevel-sets": lambda problem: problem.n,
}
"""The constants that proofs_notes/gallery.md proves in place of loose ones."""


@pytest.mark.parametrize("name", BETTER)
def test_better_constants_hold_and_are_attained(name: str) -> None:
    instances = GALLERY[name].instances()
    found = verify(GALLERY[name], untrained).observation.values
    slack = [BETTER[name](instance) - found[key] for key, instance in instances.items()]
    assert min(slack) == 0


# The verdict


@dataclass(frozen=True)
class Said(Theorem[tuple[Value, Value]]):
    """What is said and found is the instance."""

    pairs: tuple[tuple[Value, Value], ...] = ()
    by: Relation = Relation.AT_MOST
    topic: ClassVar[str] = TOPICS[0]

    @property
    def relation(self) -> Relation:  # type: ignore[override]
        return self.by

    def instances(self) -> dict[str, tuple[Value, Value]]:
        return {str(k): pair for k, pair in enumerate(self.pairs)}

    def theorem(self, instance: tuple[Value, Value]) -> Value:
        return instance[0]

    def computed(self, instance: tuple[Value, Value], progress: Progress) -> Value:
        return instance[1]


HALF = Fraction(1, 2)
MOST, LEAST, EQUAL = Relation.AT_MOST, Relation.AT_LEAST, Relation.EQUAL


@pytest.mark.parametrize(
    ("by", "pairs", "verdict"),
    [
        (MOST, [(3, 3), (4, 2)], "tight"),
        (MOST, [(3, 1), (5, 2)], "loose by 2"),
        (MOST, [(Fraction(3), HALF), (HALF, HALF / 2)], "loose by a factor 2"),
        (MOST, [(HALF, Fraction())], "loose by 1/2"),
        (MOST, [(3, 3), (2, 3)], "counterexample"),
        (LEAST, [(3, 3), (2, 3)], "tight"),
        (LEAST, [(2, 3), (1, 3)], "loose by 1"),
        (LEAST, [(2, 1)], "counterexample"),
        (EQUAL, [(2, 2), ("yes", "yes"), ((1, HALF), (1, HALF))], "holds"),
        (EQUAL, [((1, 2), (1, 3))], "counterexample"),
        (EQUAL, [("yes", "no")], "counterexample"),
        (EQUAL, [(HALF, Bounds(Fraction(), Fraction(1)))], "holds"),
        (EQUAL, [(HALF, Bounds(Fraction(3, 4), Fraction(1)))], "counterexample"),
        (MOST, [(HALF, Bounds(Fraction(), Fraction(1)))], "undecided"),
        (MOST, [(HALF, Bounds(Fraction(), HALF))], "loose by a factor 1"),
        (MOST, [(HALF, Bounds(Fraction(3, 4), Fraction(1)))], "counterexample"),
        (MOST, [], "undecided"),
    ],
)
def test_verdicts(by: Relation, pairs: list[tuple[Value, Value]], verdict: str) -> None:
    theorem = Said(pairs=tuple(pairs), by=by)
    result = verify(theorem, untrained)
    assert theorem.judge(result.prediction.values, result.observation.values) == verdict
    assert result.holds is (verdict == theorem.on_record)


@pytest.mark.parametrize(
    ("found", "error"),
    [(0.5, "0.5 must be exact"), ((HALF, HALF), "exact"), ((1,), "as many")],
)
def test_what_is_computed_is_exact(found: Value, error: str) -> None:
    said: Value = (1, 2) if error == "as many" else HALF
    with pytest.raises(InputError, match=error):
        verify(Said(pairs=((said, found),)), untrained)


def test_a_proof_that_is_not_accepted_leaves_it_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    computed = Template.computed

    def tampered(self: Template, instance: Problem, progress: Progress) -> Proved:
        found = computed(self, instance, progress)
        return Proved(found.value, found.certificate | {"minimum": "1/7"}, instance)

    monkeypatch.setattr(Template, "computed", tampered)
    result = verify(Template(), untrained)
    judged = Template().judge(result.prediction.values, result.observation.values)
    assert (judged, result.holds) == ("undecided", False)


@pytest.mark.parametrize("change", [("Setting: ", "Set: "), ("Tight", "Loose"), ("none; the", "")])
def test_a_docstring_in_another_form_is_refused(
    change: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = modules[Template.__module__]
    assert module.__doc__ is not None
    text = module.__doc__.replace(*change) if change[1] else module.__doc__.partition("Tight")[0]
    monkeypatch.setattr(module, "__doc__", text)
    with pytest.raises(InputError, match="it must have Setting, Statement, Hypotheses, Source"):
        _ = Template().statement
