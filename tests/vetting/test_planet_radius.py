"""The radius is LEO-Vetter's; a star's fails, and without a star's radius it is not known."""

import math
import warnings

import pytest

from exojax.vetting.planet_radius import radius_test

NAN = float("nan")


def test_radius_is_that_of_leo_vetter() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parameters = pytest.importorskip("leo_vetter.parameters", reason="leo-vetter is not installed")
    theirs, _ = parameters.planet_radius(0.1, 0.8, 0.0, 0.0)
    assert radius_test(0.01, 0.8).radius == pytest.approx(theirs, rel=2e-3)


def test_jupiter_passes_and_a_star_fails() -> None:
    assert radius_test(0.0105, 1.0).radius == pytest.approx(11.2, abs=0.1)
    assert [radius_test(depth, 1.0).verdict for depth in (0.0105, 0.025, 0.06)] == ["pass", "inconclusive", "fail"]


@pytest.mark.parametrize(("depth", "radius"), [(NAN, 1.0), (-1e-3, 1.0), (1e-3, NAN), (1e-3, 0.0)])
def test_without_depth_or_star_it_is_not_known(depth: float, radius: float) -> None:
    assert radius_test(depth, radius).verdict == "not known"
    assert math.isnan(radius_test(depth, radius).radius)
