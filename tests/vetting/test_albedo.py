"""The albedo of a secondary is LEO-Vetter's; none is given where the secondary or the star is not known."""

import math
import warnings

import pytest

from exojax.vetting.albedo import albedo_test

NAN = float("nan")


def test_albedo_is_that_of_leo_vetter() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parameters = pytest.importorskip("leo_vetter.parameters", reason="leo-vetter is not installed")
    period, mass, radius, depth, second = 2.2, 1.3, 1.6, 6e-3, 7e-5
    axis, _ = parameters.semi_major_axis(period, mass, 0.0, 0.0)
    size, _ = parameters.planet_radius(depth**0.5, radius, 0.0, 0.0)
    theirs, _ = parameters.albedo_from_sec(second, axis, size, 1e-5, 0.0, 0.0)
    assert albedo_test(second, 1e-5, depth, period, radius, mass).albedo == pytest.approx(theirs, rel=3e-3)


def test_a_hot_jupiter_can_reflect_its_secondary_and_a_wide_planet_cannot() -> None:
    assert albedo_test(3e-5, 5e-6, 1e-2, 1.2, 1.2, 1.1).verdict == "pass"
    assert albedo_test(1e-3, 5e-6, 1e-2, 12.0, 1.0, 1.0).verdict == "fail"


@pytest.mark.parametrize(
    ("second", "error", "depth", "period", "radius", "mass"),
    [
        (1e-5, 5e-6, 1e-2, 3.0, 1.0, 1.0),
        (1e-3, 1e-5, 1e-2, 3.0, NAN, 1.0),
        (1e-3, 1e-5, 1e-2, 3.0, 1.0, NAN),
        (1e-3, 1e-5, NAN, 3.0, 1.0, 1.0),
        (1e-3, 1e-5, 1e-2, NAN, 1.0, 1.0),
        (NAN, 1e-5, 1e-2, 3.0, 1.0, 1.0),
    ],
)
def test_what_is_missing_makes_it_not_known(
    second: float, error: float, depth: float, period: float, radius: float, mass: float
) -> None:
    found = albedo_test(second, error, depth, period, radius, mass)
    assert found.verdict == "not known"
    assert math.isnan(found.albedo)
