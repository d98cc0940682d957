"""Real data as exact rationals, and the tables of what was measured on them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from numerics.studies import real_data
from numerics.studies.datasets import DATASETS, dataset
from numerics.studies.real_data_report import real_data_section
from theory.errors import InputError
from theory.geometry import geometry
from theory.problem import Problem
from theory.programs import solve
from theory.within import Penalty

SHAPES = {"diabetes": (442, 10), "breast-cancer": (569, 30), "digits": (360, 64)}


@pytest.mark.parametrize("name", list(DATASETS))
def test_all_rows_standardised_and_rational(name: str) -> None:
    data = dataset(name, held_out=False)
    assert (data.train.n, data.train.d) == SHAPES[name]
    X = np.array([[float(v) for v in row] for row in data.train.X])
    assert abs(X.mean(axis=0)).max() < 1e-3
    deviation = X.std(axis=0)
    assert ((abs(deviation - 1) < 1e-2) | (deviation == 0)).all()
    assert (deviation == 0).any() == (name == "digits")  # corners of the images are always empty
    assert all(1000 % v.denominator == 0 for row in data.train.X for v in row)
    if data.classes:
        assert set(data.train.y) == {-1, 1}


@pytest.mark.parametrize("name", list(DATASETS))
def test_a_fifth_is_held_out_and_nothing_is_in_both(name: str) -> None:
    data, whole = dataset(name), dataset(name, held_out=False)
    assert data.train.n + len(data.y_test) == whole.train.n
    assert len(data.y_test) == -(-whole.train.n // 5)
    rows = sorted([*data.train.y, *(Fraction(v).limit_denominator(1000) for v in data.y_test)])
    assert rows == sorted(whole.train.y)
    other = dataset(name, seed=1)
    assert other.train.X != data.train.X


def test_errors_of_predictions() -> None:
    labels = dataset("digits")
    assert labels.test_error(labels.y_test) == 0
    assert labels.test_error(-labels.y_test) == 1
    numbers = dataset("diabetes")
    assert numbers.test_error(numbers.y_test) == 0
    assert numbers.test_error(np.full_like(numbers.y_test, numbers.y_test.mean())) == pytest.approx(
        1
    )


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(InputError, match="dataset: 'iris' is not one of diabetes"):
        dataset("iris")


@pytest.mark.parametrize("name", ["adamw", "muon", "ngd", "colnorm"])
def test_the_radius_is_the_least_that_holds_a_network(name: str) -> None:
    data = dataset("diabetes")
    small = Problem(X=[row[:3] for row in data.train.X[:30]], y=data.train.y[:30])
    found = solve(small, Penalty(Fraction(2)))
    radius = float(real_data.radius(found.network, name))
    u = np.array([[float(v) for v in uj] for _, uj in found.network.convex_coordinates()]).T
    gauge = geometry(name).gauge(u)
    assert gauge.lower <= radius * (1 + 1e-9)
    assert radius <= gauge.upper * 1.02


def test_a_row_of_the_tables_on_a_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    data = dataset("diabetes")
    small = Problem(X=[row[:3] for row in data.train.X[:30]], y=data.train.y[:30])
    monkeypatch.setattr(real_data, "_STEPS", 500)
    monkeypatch.setattr(real_data, "_say", lambda stage, count: None)
    sliced = type(data)("slice", small, data.X_test[:, :3], data.y_test, classes=False)
    row = real_data.measure(sliced, "sgd", None)
    assert row["relative_gap"] <= 1e-6
    assert row["lower"] <= row["upper"] <= row["trained"]["objective"]
    assert not row["trained"]["below_lower"]


def test_tables_of_what_was_measured() -> None:
    text = real_data_section()
    for name, rows in real_data.load().items():
        assert f"<summary>{name}" in text
        for row in rows.values():
            assert f"{row['relaxation']['upper']:.5g}" in text or row["relaxation"]["upper"] < 1e-9
            assert row["lower"] <= row["upper"]


def test_nothing_measured_makes_no_section(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(real_data, "MEASURED", tmp_path / "none.json")
    assert real_data_section() == ""
