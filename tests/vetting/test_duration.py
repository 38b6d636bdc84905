"""The duration of a central transit is LEO-Vetter's, and the Earth's is thirteen hours."""

import math
import warnings

import numpy as np
import pytest

from exojax.vetting.duration import duration_test

NAN = float("nan")


@pytest.mark.parametrize(("period", "density"), [(1.3, 1.0), (9.7, 0.2), (40.0, 5.0)])
def test_expected_duration_is_that_of_leo_vetter(period: float, density: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parameters = pytest.importorskip("leo_vetter.parameters", reason="leo-vetter is not installed")
    # Theirs is that of a body without a size.
    expected = duration_test(0.1, period, NAN, density).expected
    assert expected == pytest.approx(period * parameters.get_q(period, density), rel=2e-3)


def test_the_earth_takes_thirteen_hours() -> None:
    assert 24 * duration_test(0.5, 365.25, 8.4e-5, 1.0).expected == pytest.approx(13.1, abs=0.1)


def test_much_longer_and_much_shorter_fail() -> None:
    expected = duration_test(0.1, 10.0, 1e-4, 1.0).expected
    ratios = (0.1, 0.3, 0.8, 1.5, 3.0)
    verdicts = [duration_test(r * expected, 10.0, 1e-4, 1.0).verdict for r in ratios]
    assert verdicts == ["fail", "inconclusive", "pass", "inconclusive", "fail"]


@pytest.mark.parametrize(
    ("duration", "period", "density"), [(0.1, 3.0, NAN), (0.1, NAN, 1.0), (0.1, np.inf, 1.0), (0.1, 3.0, 0.0)]
)
def test_without_a_period_or_a_density_it_is_not_known(duration: float, period: float, density: float) -> None:
    found = duration_test(duration, period, 1e-3, density)
    assert found.verdict == "not known"
    assert math.isnan(found.ratio)
