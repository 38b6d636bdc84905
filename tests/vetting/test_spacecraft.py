"""The spacecraft's periods fail, and so do transits that come with interruptions of the data."""

import numpy as np
import pytest
from sample_curves import CADENCE, T0, again, series

from exojax.vetting.spacecraft import nearest_rhythm, spacecraft_test
from exojax.vetting.transit_series import TransitSeries


@pytest.mark.parametrize(
    ("period", "t0", "system", "name"),
    [
        (0.24520, 2000.0, "BKJD", "thrusters"),
        (0.24520, 1000.0, "BKJD", ""),
        (3.126, 1400.0, "BTJD", "dumped"),
        (3.126, 2400.0, "BTJD", ""),
        (13.6, 2400.0, "BTJD", "TESS's orbit"),
        (6.87, 2400.0, "BTJD", "half"),
        (5.3, 1400.0, "BTJD", ""),
        (float("nan"), 1400.0, "BTJD", ""),
    ],
)
def test_the_spacecrafts_periods_are_named(period: float, t0: float, system: str, name: str) -> None:
    rhythm, found = nearest_rhythm(period, t0, system)
    assert name in found
    assert bool(found) == bool(name)
    assert np.isnan(rhythm) == (not name)


def cut(of: TransitSeries, kept: np.ndarray) -> TransitSeries:
    return again(of, time=of.time[kept], flux=of.flux[kept], error=of.weight[kept] ** -0.5)


def test_transits_at_interruptions_fail_and_random_losses_do_not() -> None:
    whole = series(3.0, 0.1, lost=0.0)
    dumped = cut(whole, np.abs(whole.late + 0.05) > 0.6 * CADENCE)
    found = spacecraft_test(dumped, CADENCE, "own clock")
    assert found.at_dumps > 0.9
    assert found.verdict_dumps == "fail"
    kept = np.random.default_rng(0).random(len(whole.time)) > 0.03
    lossy = spacecraft_test(cut(whole, kept), CADENCE, "own clock")
    assert lossy.verdict_dumps == "pass"


def test_unknown_clocks_and_few_transits_are_not_known() -> None:
    found = spacecraft_test(again(series(), period=40.0, t0=T0), CADENCE, "own clock")
    assert (found.verdict_period, found.verdict_dumps) == ("not known", "not known")
    assert spacecraft_test(series(7.3), CADENCE, "BKJD").verdict_period == "pass"
