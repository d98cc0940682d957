"""Theorems compiled by Coq, where it is there: `make prove` runs this file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from coq_files import AXIOMS, refused_if

from numerics.coq import compiled, coqc
from theory import Ball, Network, Problem, analyse, certify, example
from theory.certificates.checker import CertificateInvalid
from theory.errors import InputError
from theory.formal import theorem, written
from theory.hunt.atlas import entries
from theory.landscape import barrier_between
from theory.landscape.cells import CellComplex
from theory.landscape.classify import Classifier
from theory.landscape.least import least
from theory.landscape.valleys import valleys

pytestmark = pytest.mark.skipif(coqc() is None, reason="coqc is not on the path")

THIRDS = Problem(X=[["2/3", "1/3"], ["1/3", "-1/3"], ["-1/3", "2/3"]], y=["1/3", 0, 0], width=2)

PARALLEL = Problem(
    X=[[0, 0], ["1/2", 1], [1, 2], [-1, -2], [1, 0], [0, -1]], y=["1/3", 1, 2, -1, 0, 1]
)

KINKS = Problem(X=[[1, 0], [0, 1], [1, 1], [2, 0], [0, 2], [0, 0]], y=[1, 1, 1, -1, -1, 0])
"""A network of one zero neuron is on all kinks, and its dual vector gains on three of them."""

DEAD = Network([[0], [0]], [1])

NORMS = ("Muon", "Muon and AdamW")
"""The optimizers whose balls have spectral norms."""


def documents() -> dict[str, Callable[[], dict[str, Any]]]:
    """One of each statement, anywhere and in the ball, labelled and not, with rational data."""
    flagship, ball = example("flagship"), Ball("adamw", 3)

    def between(**options: Any) -> dict[str, Any]:
        ends = (each.representative for each in analyse(flagship).components)
        return certify(barrier_between(flagship, *ends, **options))

    def small(problem: Any, **options: Any) -> dict[str, Any]:
        return certify(least(CellComplex.of(problem, **options)))

    def around(problem: Any, network: Network, within: Ball | None = None) -> dict[str, Any]:
        classifier = Classifier(problem, network.width, within)
        return certify(classifier.polished(classifier.of(network)))

    def tree(problem: Any, **options: Any) -> dict[str, Any]:
        return certify(valleys(problem, 2, **options))

    start = Network([[1, 0], [0, 1]], [1, 1])
    return {
        "components": lambda: certify(analyse(flagship)),
        "components at a level": lambda: certify(analyse(flagship, level="1/2")),
        "components, labelled": lambda: certify(analyse(flagship, labelled=True)),
        "components in the ball": lambda: certify(analyse(flagship, within=Ball("adamw", "12/5"))),
        "components of neurons that add nothing": lambda: certify(
            analyse(example("split-by-adamw-2"), 3)
        ),
        "barrier": between,
        "barrier, labelled": lambda: between(labelled=True),
        "barrier in the ball": lambda: between(within=ball),
        "minimum": lambda: small(flagship, width=1),
        "minimum zero": lambda: small(flagship, width=2),
        "minimum in the ball": lambda: small(flagship, width=2, within=Ball("adamw", 1)),
        "minimum of columns": lambda: small(flagship, width=2, within=Ball("colnorm", 1)),
        "barrier of columns": lambda: between(within=Ball("colnorm", 3)),
        "components of columns": lambda: certify(
            analyse(flagship, labelled=True, within=Ball("colnorm", 2))
        ),
        "minimum, norms added": lambda: small(flagship, width=2, within=Ball("ngd", 1)),
        "barrier, norms added": lambda: between(within=Ball("ngd", 6)),
        "components, norms added": lambda: certify(
            analyse(flagship, labelled=True, within=Ball("ngd", 3))
        ),
        "minimum, Muon": lambda: small(flagship, width=2, within=Ball("muon", 1)),
        "barrier, Muon": lambda: between(within=Ball("muon", 6)),
        "components, Muon": lambda: certify(
            analyse(flagship, labelled=True, within=Ball("muon", 3))
        ),
        "minimum, Muon and AdamW": lambda: small(flagship, width=2, within=Ball("muon-adamw", 1)),
        "barrier, Muon and AdamW": lambda: between(within=Ball("muon-adamw", 4)),
        "components, Muon and AdamW": lambda: certify(
            analyse(flagship, labelled=True, within=Ball("muon-adamw", 2))
        ),
        "rational data": lambda: certify(analyse(THIRDS)),
        "stationary": lambda: around(flagship, start),
        "stationary in the ball": lambda: around(flagship, start, Ball("adamw", "11/5")),
        "stationary in columns": lambda: around(flagship, start, Ball("colnorm", 2)),
        "stationary, norms added": lambda: around(flagship, start, Ball("ngd", 3)),
        "stationary, Muon": lambda: around(flagship, start, Ball("muon", 2)),
        "stationary, Muon and AdamW": lambda: around(flagship, start, Ball("muon-adamw", 2)),
        "stationary at kinks": lambda: around(KINKS, DEAD),
        "stationary at kinks in the ball": lambda: around(KINKS, DEAD, Ball("adamw", 1)),
        "stationary at kinks, Muon": lambda: around(KINKS, DEAD, Ball("muon", 1)),
        "stationary at kinks, Muon and AdamW": lambda: around(KINKS, DEAD, Ball("muon-adamw", 1)),
        "stationary beside a neuron that adds nothing": lambda: around(
            Problem([[1], [-1]], [1, 1]), Network([[1, 1]], [1, 0])
        ),
        "stationary, rational data": lambda: around(THIRDS, start.permuted([1, 0])),
        "valleys": lambda: tree(flagship),
        "valleys, labelled": lambda: tree(flagship, labelled=True),
        "valleys in the ball": lambda: tree(flagship, within=Ball("adamw", "11/5")),
        "valleys in the ball, labelled": lambda: tree(
            flagship, labelled=True, within=Ball("adamw", "11/5")
        ),
        "valleys in columns": lambda: tree(flagship, within=Ball("colnorm", 2)),
        "valleys, norms added": lambda: tree(flagship, within=Ball("ngd", 3)),
        "valleys of parallel rows": lambda: tree(PARALLEL),
        "valleys of parallel rows in the ball": lambda: tree(PARALLEL, within=Ball("adamw", "2/3")),
        "valleys, rational data": lambda: tree(THIRDS),
    }


@pytest.mark.parametrize("name", documents())
def test_coq_accepts_it_with_no_axiom_of_ours(name: str) -> None:
    found = compiled(theorem(documents()[name]()).text)
    assert found.errors == ""
    assert found.accepted
    assert set(found.axioms) <= AXIOMS


def atlas() -> list[tuple[str, str]]:
    """Those of the atlas that have a theorem."""
    return [
        (name, key)
        for name, entry in entries().items()
        for key, document in entry["certificates"].items()
        if document["kind"] in ("components", "minimum")
        and (document["within"] or {}).get("ball", "entrywise") in ("entrywise", "muon")
    ]


@pytest.mark.parametrize(("name", "key"), atlas())
def test_the_atlas_is_proved(name: str, key: str) -> None:
    assert compiled(theorem(entries()[name]["certificates"][key]).text).accepted


@pytest.fixture(scope="module")
def text() -> str:
    """Of the flagship's barrier."""
    return theorem(documents()["barrier"]()).text


CHANGES: dict[str, tuple[str, str]] = {
    "a higher barrier": (r"ball 32 45 32 45", "ball 33 45 33 45"),
    "a lower barrier": (r"ball 32 45 32 45", "ball 31 45 31 45"),
    "a cell left out": (r"(check_exact .*) C ", r"\1 (with_entries C (tl (entries C))) "),
    "another datum": (r"X : list row := \[\[2;", "X : list row := [[3;"),
    "another label": (r"y : list Z := \[5;", "y : list Z := [4;"),
    "a network of another loss": (r"A : endpoint := \[\(\[\(-2#1\)", "A : endpoint := [([(-1#1)"),
    "labelled neurons": (r"X y 2 2 false ball", "X y 2 2 true ball"),
    "another width": (r"X y 2 2 false ball", "X y 3 2 false ball"),
    "a face without proof": (
        r"(check_exact .*) C ",
        r"\1 (Cert (walls C) (patterns C) (tl (duals C)) (entries C)) ",
    ),
    "a face said to be inside": (
        r"(check_exact .*) C ",
        r"\1 (with_entries C (map (fun e => Entry (states e) (map (fun _ => Inside) (e_flips e)) "
        r"(crossings e)) (entries C))) ",
    ),
    "a path through a wall": (r"\(fst way\)", "(tl (tl (fst way)))"),
}
"""What is changed of the file."""


@pytest.mark.parametrize("name", CHANGES)
def test_coq_refuses_what_is_changed(name: str, text: str) -> None:
    assert refused_if(text, *CHANGES[name])


def facts(changed: str) -> str:
    """The end of a lemma about a certificate C of which all facts have another bound, denominator
    and multipliers."""
    fact = f"Fact (f_s f) (f_i f) (f_wall f) {changed}"
    dual = f"Dual (d_nu u) (d_lim u) (d_frame u) (map (map (fun f => {fact})) (d_facts u))"
    return f" (Cert (walls C) (patterns C) (map (fun u => {dual}) (duals C)) (entries C)) = true"


ROUND: dict[str, tuple[str, str | Callable[[re.Match[str]], str]]] = {
    "a larger ball": (r"balls := (\w+) 1 1", r"balls := \g<1> 2 1"),
    "a smaller ball": (r"balls := (\w+) 1 1", r"balls := \g<1> 1 2"),
    "the ball of AdamW": (r"balls := \w+", "balls := Entrywise"),
    "the other round ball": (
        r"balls := (Columns|Frobenius)",
        lambda found: f"balls := {'Columns' if found[1] == 'Frobenius' else 'Frobenius'}",
    ),
    "no ball": (r"balls := \w+ 1 1", "balls := Free"),
    "a higher lower end": (r"ball (\d+)", r"ball 9\g<1>"),
    "a lower upper end": (r"(ball \d+ \d+) (\d+)", r"\g<1> 1"),
    "another radius of the layers": (r"RW \* Ra = 1 / 1", "RW * Ra = 2 / 1"),
    "smaller bounds of neurons": (" C = true", facts("(f_h f / 2) (f_den f) (f_mu f)")),
    "negative bounds of neurons": (" C = true", facts("(- f_h f) (f_den f) (f_mu f)")),
    "other multipliers": (" C = true", facts("(f_h f) (2 * f_den f) (f_mu f)")),
    "bounds of nothing": (" C = true", facts("0 0 (map (fun _ => 0) (f_mu f))")),
}
"""What is changed of the file of a least loss in a round ball."""


def trees(changed: str) -> str:
    """The multipliers U with another term for each neuron, n for the one that it has."""
    return f"(map (fun n => {changed}) (snd U)) = true"


AROUND: dict[str, tuple[str, str]] = {
    "a higher loss": (r"ball 5 2 5 2", "ball 6 2 6 2"),
    "a loss above its own": (r"ball 5 2 5 2", "ball 6 2 5 2"),
    "another network": (r"A : endpoint := \[\(\[\(0#1\)", "A : endpoint := [([(1#1)"),
    "another sign": (r"\(1#1\)\)\]%Q", "(-1#1))]%Q"),
    "any sign": (r"\(1#1\)\)\]%Q", "(0#1))]%Q"),
    "another datum": (r"X : list row := \[\[1;", "X : list row := [[2;"),
    "another width": (r"X y 1 2 ball", "X y 2 2 ball"),
    "a larger ball": (r"Entrywise 1 1", "Entrywise 2 1"),
    "no multipliers": (
        r"\(snd U\) = true",
        trees("(fst n, map (fun _ => Leaf 1 [0; 0; 0; 0; 0; 0]) (snd n))"),
    ),
    "a state left out": (
        r"\(snd U\) = true",
        trees(
            "(fst n, map (fix f t := match t with Split k p _ => Split k (f p) (f p) "
            "| Side k e den mu t => Side k e den mu (f t) | t => t end) (snd n))"
        ),
    ),
    "a side that is not implied": (
        r"\(snd U\) = true",
        trees(
            "(fst n, map (fix f t := match t with Split k p _ => Side k 1 1 (repeat 0 6) (f p) "
            "| Side k e den mu t => Side k e den mu (f t) | t => t end) (snd n))"
        ),
    ),
    "a bound of neurons that is lower": (r"\(snd U\) = true", trees("(fst n - 1, snd n)")),
}
"""What is changed of the file of a local minimum on kinks."""


@pytest.fixture(scope="module")
def on_kinks() -> str:
    return theorem(documents()["stationary at kinks in the ball"]()).text


@pytest.mark.parametrize("name", AROUND)
def test_coq_refuses_what_is_changed_around_a_network(name: str, on_kinks: str) -> None:
    assert refused_if(on_kinks, *AROUND[name])


def ways(**changed: str) -> tuple[str, str]:
    """The points W with other stops, bounds, serving or between."""
    parts = (changed.get(name, f"(p_{name} ways)") for name in ("stops", "bounds", "serving"))
    between = changed.get("between", "(p_between ways)")
    return "nets ways", f"nets (Points {' '.join(parts)} {between})"


def stops(changed: str) -> tuple[str, str]:
    """Another stop for each, s for the one that it has."""
    return ways(stops=f"(map (fun s => {changed}) (p_stops ways))")


VALLEYS: dict[str, tuple[str, str]] = {
    "a valley left out": (r"\[N0;N1;N2\]", "[N0;N1]"),
    "a valley too many": (r"\[N0;N1;N2\]", "[N0;N1;N2;N2]"),
    "another network": (r"N1 : endpoint := \[\(\[\(", "N1 : endpoint := [([(1"),
    "no cuts": (r"cuts : list cut := \[.*\]", "cuts : list cut := []"),
    "a higher cut": (r"Cut C_1 \(73#90\)", "Cut C_1 (74#90)"),
    "a cut without cells": (r"Cut C_1 ", "Cut (with_entries C_1 []) "),
    "the same cut for all": ways(between="(map (map (fun _ => O)) (p_between ways))"),
    "a cell without a point": ways(serving="(tl (p_serving ways))"),
    "the same point for all": ways(serving="(map (fun _ => O) (p_serving ways))"),
    "lower points": stops("Stop (s_net s) (s_top s - (1#100)) (s_next s) (s_dual s)"),
    "points that need no bound": stops("Stop (s_net s) (s_top s) (s_next s) None"),
    "points that lead nowhere": stops("Stop (s_net s) (s_top s) None (s_dual s)"),
    "points that lead on to later ones": stops(
        "Stop (s_net s) (s_top s) "
        "(option_map (fun n => (length (p_stops ways), snd n)) (s_next s)) (s_dual s)"
    ),
    "points that lead to another order": stops(
        "Stop (s_net s) (s_top s) (option_map (fun n => (fst n, rev (snd n))) (s_next s)) "
        "(s_dual s)"
    ),
    "points with one neuron twice": stops(
        "Stop (s_net s) (s_top s) (option_map (fun n => (fst n, [O; O])) (s_next s)) (s_dual s)"
    ),
    "bounds of more": ways(
        bounds="(map (fun b => Bound (b_dual b) (b_level b + (1#100))) (p_bounds ways))"
    ),
    "no bounds": ways(bounds="[]"),
    "another width": (r"(check_all_valleys .* y) 2", r"\1 3"),
    "another label": (r"y : list Z := \[5;", "y : list Z := [4;"),
    "another datum": (r"X : list row := \[\[2;", "X : list row := [[3;"),
    "no ball": (r"balls := Entrywise 11 5", "balls := Free"),
    "a larger ball": (r"balls := Entrywise 11 5", "balls := Entrywise 12 5"),
    "a smaller ball": (r"balls := Entrywise 11 5", "balls := Entrywise 2 1"),
}
"""What is changed of the file of the valleys of the flagship in AdamW's ball."""


@pytest.fixture(scope="module")
def all_valleys() -> str:
    """Without the ways out, of which the file would be refused as well."""
    text = theorem(documents()["valleys in the ball"]()).text
    ways = re.compile(r"(Lemma|Theorem) \w+_\d\b.*?Qed\.\n", re.DOTALL)
    return re.sub(r"proved := .*", "proved := valleys.", ways.sub("", text))


def test_the_file_of_valleys_alone_is_accepted(all_valleys: str) -> None:
    assert compiled(all_valleys).accepted


@pytest.mark.parametrize("name", VALLEYS)
def test_coq_refuses_what_is_changed_of_valleys(name: str, all_valleys: str) -> None:
    assert refused_if(all_valleys, *VALLEYS[name])


@pytest.fixture(scope="module")
def least_losses() -> dict[str, str]:
    """Files of the least loss, in round balls."""
    names = {"Columns": "minimum of columns", "Frobenius": "minimum, norms added"}
    names |= {norms: f"minimum, {norms}" for norms in NORMS}
    return {ball: theorem(documents()[name]()).text for ball, name in names.items()}


@pytest.mark.parametrize("name", ROUND)
@pytest.mark.parametrize("ball", ["Columns", "Frobenius"])
def test_coq_refuses_what_is_changed_in_round_balls(
    name: str, ball: str, least_losses: dict[str, str]
) -> None:
    assert refused_if(least_losses[ball], *ROUND[name])


def framed(changed: str) -> str:
    """The end of a lemma about a certificate C of which all frames are another."""
    dual = f"Dual (d_nu u) (d_lim u) ({changed}) (d_facts u)"
    return (
        f" (Cert (walls C) (patterns C) (map (fun u => let f := d_frame u in {dual}) (duals C)) "
        "(entries C)) = true"
    )


METRICS = {
    "a smaller trace": "Frame (fr_rows f) (fr_unit f) (fr_size f - 1)",
    "another unit": "Frame (fr_rows f) (2 * fr_unit f) (fr_size f)",
    "a square left out": "Frame (tl (fr_rows f)) (fr_unit f) (fr_size f)",
    "another metric": "Frame (map (fun p => (fst p, fst p)) (fr_rows f)) (fr_unit f) (fr_size f)",
    "no metric": "Frame [] 1 1",
}
"""Frames that are none, of f that is one."""


SPECTRAL: dict[str, tuple[str, str | Callable[[re.Match[str]], str]]] = {
    **{
        name: ROUND[name]
        for name in (
            *("a larger ball", "a smaller ball", "a higher lower end", "a lower upper end"),
            *("another radius of the layers", "smaller bounds of neurons"),
        )
    },
    "the other norm of a": (
        r"balls := (Spectral|Summing)",
        lambda found: f"balls := {'Spectral' if found[1] == 'Summing' else 'Summing'}",
    ),
    **{name: (" C = true", framed(metric)) for name, metric in METRICS.items()},
}
"""What is changed of the file of a least loss in a ball of spectral norms."""


@pytest.mark.parametrize("name", SPECTRAL)
@pytest.mark.parametrize("ball", NORMS)
def test_coq_refuses_what_is_changed_in_balls_of_spectral_norms(
    name: str, ball: str, least_losses: dict[str, str]
) -> None:
    assert refused_if(least_losses[ball], *SPECTRAL[name])


AROUND_SPECTRAL: dict[str, tuple[str, str | Callable[[re.Match[str]], str]]] = {
    "a larger ball": (r"balls := (\w+) 2 1", r"balls := \g<1> 3 1"),
    "a smaller ball": (r"balls := (\w+) 2 1", r"balls := \g<1> 1 1"),
    "the other norm of a": SPECTRAL["the other norm of a"],
    "a higher loss": (r"ball (\d+)", r"ball 9\g<1>"),
    "another radius of the layers": (r"RW \* Ra = 2 / 1", "RW * Ra = 3 / 1"),
    "smaller bounds of neurons": (r"\(snd U\) = true", trees("(fst n / 2, snd n)")),
    "negative bounds of neurons": (r"\(snd U\) = true", trees("(- fst n, snd n)")),
    "no multipliers": (
        r"\(snd U\) = true",
        trees("(0, map (fun _ => Leaf 1 [0; 0; 0; 0]) (snd n))"),
    ),
    **{
        name: (r"\(snd \(fst U\)\)", f"(let f := snd (fst U) in {metric})")
        for name, metric in METRICS.items()
    },
}
"""What is changed of the file of a local minimum in a ball of spectral norms."""


@pytest.fixture(scope="module")
def local_minima() -> dict[str, str]:
    """Files of local minima in balls of spectral norms."""
    return {norms: theorem(documents()[f"stationary, {norms}"]()).text for norms in NORMS}


@pytest.mark.parametrize("name", AROUND_SPECTRAL)
@pytest.mark.parametrize("ball", NORMS)
def test_coq_refuses_what_is_changed_around_a_network_in_balls_of_spectral_norms(
    name: str, ball: str, local_minima: dict[str, str]
) -> None:
    assert refused_if(local_minima[ball], *AROUND_SPECTRAL[name])


SIZES = """
Require Import Isthmus.Vec Isthmus.Net Isthmus.Check Isthmus.Path QArith List ZArith.
Import ListNotations.
Open Scope Q_scope.
Definition inside ball A := goodQ [] [] 2 2 ball 0 A.
Definition turned : endpoint := [([3#5; 4#5], 1); ([-4#5; 3#5], 1)].
Example turns : inside (Spectral 1 1) turned = true. reflexivity. Qed.
Example larger : inside (Spectral 999 1000) turned = false. reflexivity. Qed.
Example shared : inside (Summing 1415 1000) turned = true. reflexivity. Qed.
Example too_large : inside (Summing 1414 1000) turned = false. reflexivity. Qed.
Definition parallel : endpoint := [([3; 4], 1); ([3; 4], 1)].
Example one : inside (Summing 10 1) parallel = true. reflexivity. Qed.
Example less : inside (Summing 9 1) parallel = false. reflexivity. Qed.
Example shared_out : inside (Summing 5 1) [([3; 4], 1); ([0; 0], 0)] = true. reflexivity. Qed.
Example turned_sign : inside (Summing 10 1) [([3; 4], -1); ([3; 4], 1)] = true. reflexivity. Qed.
"""


def test_networks_whose_norms_are_known_are_in_the_balls_they_are_in() -> None:
    assert compiled(SIZES).errors == ""


INSIDE = """
Require Import Lra Lia Isthmus.Net Isthmus.Ball Qreals.
Ltac inside := split; intros [|[|j]] H; try lia;
  try (apply norm_least; [lra|unfold W_of, qW, A, B; cbn; unfold Q2R; cbn; lra]);
  unfold a_of, qa, A, B, Q2R; cbn; apply Rabs_le; lra.
Theorem training : barrier_layers XQ yQ 2 2 ball RW 1 false A B (32 / 45)%R (32 / 45)%R.
Proof.
  replace (32 / 45)%R with (32 / (45 * 1 * 1))%R by lra.
  apply (layers RW 1); [lra|lra|lra|inside|inside].
Qed.
"""


@pytest.mark.parametrize(("radius", "holds"), [("3", True), ("2", False), ("4", False)])
def test_the_conditions_of_the_layers_can_be_met(radius: str, holds: bool) -> None:
    text = theorem(documents()["barrier of columns"]()).text
    assert compiled(text + INSIDE.replace("RW", radius)).accepted == holds


INSIDE_SPECTRAL = """
Require Import Lra Lia Isthmus.Net Isthmus.Ball Isthmus.Definite Qreals.
Lemma norm_of u : boundedQ 2 2 false RW 1 (fun _ => 1%Q) u = true ->
  spectral 2 2 (fun j i => Q2R (u j i)) RW.
Proof.
  intros H. apply spectral_bounded.
  pose proof (boundedQ_R 2 2 false RW 1 _ _ H ltac:(lra) ltac:(lra) R1_neq_R0) as N.
  replace RW%R with (IZR RW / IZR 1)%R by lra.
  apply (bounded_scale 2 2 _ _ _ _ (fun _ => 1%R) _ N); [lra|].
  intros j _. rewrite Rmult_1_r. split; [|intros; ring].
  apply Req_le. f_equal. unfold Q2R. simpl. field.
Qed.
Ltac inside := split; [apply norm_of; vm_compute; reflexivity|
  apply norm_least; [lra|unfold a_of, qa, A, B; cbn; unfold Q2R; cbn; lra]].
Theorem training : barrier_layers XQ yQ 2 2 ball RW (3 / 2) false A B (32 / 45)%R (32 / 45)%R.
Proof.
  replace (32 / 45)%R with (32 / (45 * 1 * 1))%R by lra.
  apply (layers RW (3 / 2)); [lra|lra|lra|inside|inside].
Qed.
"""


@pytest.mark.parametrize(("radius", "holds"), [("4", True), ("3", False), ("5", False)])
def test_the_conditions_of_layers_with_a_spectral_norm_can_be_met(radius: str, holds: bool) -> None:
    text = theorem(documents()["barrier, Muon"]()).text
    assert compiled(text + INSIDE_SPECTRAL.replace("RW", radius)).accepted == holds


def mutations() -> dict[str, tuple[str, Callable[[dict[str, Any]], Any]]]:
    """Which certificate is changed, and how."""

    def drop(document: dict[str, Any]) -> None:
        document["components"].pop()
        document["barriers"] = [["0"]]
        document["cuts"], document["paths"] = [], []

    identity = [["1", "0"], ["0", "1"]]
    parts, kinks, tree = "components", "stationary at kinks in the ball", "valleys in the ball"
    muon, mixed = "stationary, Muon", "stationary, Muon and AdamW"
    return {
        "a component": (parts, drop),
        "the level": (parts, lambda document: document.update(level="3/4")),
        "the ball": (
            parts,
            lambda document: document.update(within={"ball": "entrywise", "rho": "1"}),
        ),
        "the data": (parts, lambda document: document["problem"]["y"].__setitem__(0, "4")),
        "a cell": (parts, lambda document: document["components"][0]["cells"].pop()),
        "a network beside": (
            kinks,
            lambda document: document["network"]["W"].__setitem__(0, ["1/2"]),
        ),
        "a dual vector": (kinks, lambda document: document["dual"]["nu"].__setitem__(0, "2")),
        "multipliers": (kinks, lambda document: document["dual"].update(mu=[])),
        "a metric": (muon, lambda document: document["dual"].update(Z=identity)),
        "a metric of the other norm": (mixed, lambda document: document["dual"].update(Z=identity)),
        "multipliers with a metric": (mixed, lambda document: document["dual"].update(mu=[])),
        "a slack": (mixed, lambda document: document.update(slack="0")),
        "a valley": (tree, lambda document: document["valleys"].pop()),
        "a death": (tree, lambda document: document["valleys"][1].update(death="1")),
        "a cell of a cut": (tree, lambda document: document["valleys"][1]["cut"]["cells"].pop()),
        "a point": (tree, lambda document: document["points"].pop()),
        "the way of a point": (tree, lambda document: document["points"][0].__setitem__(1, 5)),
        "a column": (tree, lambda document: document["columns"][0].__setitem__(0, "1/7")),
    }


@pytest.mark.parametrize("name", mutations())
def test_what_the_checker_refuses_coq_refuses_too(name: str) -> None:
    which, change = mutations()[name]
    document = json.loads(json.dumps(documents()[which]()))
    change(document)
    with pytest.raises(CertificateInvalid, match=": "):
        theorem(document)
    try:
        text = written(document).text
    except (InputError, KeyError, IndexError):
        return  # not even a file
    assert not compiled(text).accepted


def test_the_library_is_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    compiled("Theorem t : True. Proof. exact I. Qed.", told.append)
    assert told == []  # by an earlier test
    found = compiled("Theorem t : False. Proof. exact I. Qed.")
    assert not found.accepted
    assert found.axioms == ()
