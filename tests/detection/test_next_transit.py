"""The date of the next transit, as the search gives it: in the curve's clock, and as good as it says."""

from dataclasses import replace

import numpy as np
import pytest

from exojax.config import SearchConfig
from exojax.detection.search_star import measure_star, search_star
from exojax.light_curves import LightCurves

START, DAYS, SIZE = 2130.7, 1 / 48, 2000
PERIOD, T0, DURATION, NOISE = 3.217, START + 1.3, 0.14, 3e-4
CONFIG = SearchConfig(period_min=1.5, period_max=12.0, duration_max=0.3)


def star(seed, start=START, depth=1.5e-3, period=PERIOD):
    time = start + np.arange(SIZE) * DAYS
    late = time - (start + 1.3)
    late -= np.rint(late / period) * period if np.isfinite(period) else 0.0
    flux = 1 - depth * np.clip((DURATION / 2 - np.abs(late)) / (0.1 * DURATION), 0, 1)
    flux += NOISE * np.random.default_rng(seed).standard_normal(SIZE)
    return LightCurves(
        id=np.array(["a"]),
        time=time[None],
        flux=flux[None].astype(np.float32),
        valid=np.ones((1, SIZE), bool),
        label=None,
        kind=None,
        catalogued=False,
        absolute=True,
        cadence=DAYS,
        time_system="BTJD",
        source="a test",
        sha256="",
    )


@pytest.mark.parametrize("start", [START, 2459130.7])
def test_it_is_the_first_after_the_last_measurement_in_the_curve_s_clock(start):
    curves = star(0, start)
    # The instrument stopped ten days before the end: the next transit follows the data, not the array.
    valid = curves.valid & (curves.time < start + 31.0)
    for given in (curves, replace(curves, valid=valid)):
        found, _ = search_star(given, CONFIG)
        last = given.time[given.valid].max()
        assert last < found.next_transit[0] <= last + PERIOD + DAYS
        turns = (found.next_transit[0] - (start + 1.3)) / PERIOD
        assert abs(turns - np.rint(turns)) * PERIOD < 0.02
        assert 0 < found.next_transit_error[0] < 0.02


def test_the_error_holds():
    """Dates of many stars are off by as many errors as stated; a wrong covariance makes it half or twice as many."""
    pulls = []
    for seed in range(60):
        found, _ = search_star(star(seed), CONFIG)
        late = (found.next_transit[0] - T0) / PERIOD
        pulls.append((late - np.rint(late)) * PERIOD / found.next_transit_error[0])
    assert 0.7 < np.std(pulls) < 1.35
    assert abs(np.mean(pulls)) < 0.5


def test_a_single_transit_has_none():
    found, _ = search_star(star(1, depth=8e-3, period=np.inf), CONFIG)
    assert found.single[0]
    assert np.isnan([found.next_transit[0], found.next_transit_error[0]]).all()


def test_a_given_ephemeris_has_one_too():
    given = (np.array([PERIOD, np.nan]), np.array([T0 + 7 * PERIOD, T0]), np.array([DURATION, DURATION]))
    found, _ = measure_star(star(2), CONFIG, *given)
    assert found.next_transit[0] == pytest.approx(T0 + 13 * PERIOD, abs=1e-6)
    assert np.isnan(found.next_transit[1])
