"""Tides and day sides are measured where they were put."""

import math

import numpy as np
import pytest
from sample_curves import again, series

from exojax.vetting.orbital_light import orbital_light


def test_tides_are_measured_and_give_the_mass_ratio() -> None:
    # 1.2 q (R*/a)^3 with (a/R*)^3 = 74.53 P^2 (1 + q) for q = 0.5 and P = 0.8 d.
    tides = 1.2 * 0.5 / (74.53 * 0.8**2 * 1.5)
    found = orbital_light(series(0.8, 0.08, depth=5e-3, tides=tides), 1.0)
    assert found.ellipsoidal == pytest.approx(tides, rel=0.05)
    assert found.mass_ratio == pytest.approx(0.5, rel=0.1)
    assert found.verdict == "fail"
    assert abs(found.reflected_sigma) < 5


def test_a_day_side_is_measured_and_is_bright_only_against_the_transit() -> None:
    flat = series(1.3, 0.08, depth=5e-3)
    lit = again(flat, flux=flat.flux - 1e-3 * np.cos(2 * np.pi * flat.late / 1.3))
    assert orbital_light(lit, 1.0).reflected == pytest.approx(1e-3, rel=0.05)
    assert orbital_light(lit, 1.0).verdict == "fail"
    faint = again(flat, flux=flat.flux - 1e-4 * np.cos(2 * np.pi * flat.late / 1.3))
    assert orbital_light(faint, 1.0).reflected_sigma > 5
    assert orbital_light(faint, 1.0).verdict == "pass"


def test_slow_orbits_and_singles_are_not_known_and_no_density_gives_no_mass() -> None:
    assert orbital_light(series(7.3), 1.0).verdict == "not known"
    assert orbital_light(again(series(), period=float("inf")), 1.0).verdict == "not known"
    assert math.isnan(orbital_light(series(0.8, 0.08, tides=6e-3), float("nan")).mass_ratio)
