"""The spacecraft's periods fail, and so do transits that come with interruptions of the data."""

import numpy as np
import pytest
from sample_curves import CADENCE, T0, again, series

from exojax.vetting.spacecraft import THRUSTERS, nearest_rhythm, spacecraft_test
from exojax.vetting.transit_series import TransitSeries


@pytest.mark.parametrize(
    ("period", "t0", "system", "words"),
    [
        (THRUSTERS * 1.002, 2000.0, "BKJD", "1 × 0.2452 d"),
        (THRUSTERS * 1.004, 2000.0, "BKJD", ""),
        (6 * THRUSTERS, 2000.0, "BKJD", "6 × 0.2452 d"),
        (7 * THRUSTERS, 2000.0, "BKJD", ""),
        (3 * THRUSTERS, 500.0, "BKJD", ""),  # Kepler had all its wheels
        (3 * THRUSTERS, 2000.0, "assumed", ""),
        (2.5, 1330.0, "BTJD", "momentum every 2.5 d"),
        (2.5, 2330.0, "BTJD", ""),
        (13.8, 2330.0, "BTJD", "TESS's orbit, 13.7 d"),
        (6.9, 1330.0, "BTJD", "half of TESS's orbit, 6.85 d"),
        (27.4, 1330.0, "BTJD", "two of TESS's orbits"),
        (13.7, 1330.0, "BKJD", ""),
        (13.8, 2459330.0, "BJD", "TESS's orbit, 13.7 d"),
        (6 * THRUSTERS, 2456833.0, "BJD", "6 × 0.2452 d"),
        (13.8, 2459330.0, "JD", ""),
        (np.nan, 1330.0, "BTJD", ""),
    ],
)
def test_the_spacecrafts_own_periods(period: float, t0: float, system: str, words: str) -> None:
    rhythm, found = nearest_rhythm(period, t0, system)
    assert (words in found) if words else found == ""
    assert np.isnan(rhythm) == (not words)


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


def test_transits_at_momentum_dumps_fail_where_no_cadence_is_lost() -> None:
    """Quality flags give the times of the dumps; a coarser grid fills the cadence that was lost there."""
    whole = series(3.0, 0.1, lost=0.0)
    first = whole.time[0] - whole.late[0]
    at = first + 3.0 * np.arange(40)
    assert spacecraft_test(whole, CADENCE, "own clock").verdict_dumps == "pass"
    found = spacecraft_test(whole, CADENCE, "own clock", at - 0.04)
    assert found.at_dumps == 1.0
    assert found.chance < 0.1
    assert found.verdict_dumps == "fail"
    # Dumps at other phases, and dumps so frequent that every epoch has one, say nothing.
    for dumps in (at + 1.0, first + 0.05 * np.arange(2400), np.zeros(0)):
        assert spacecraft_test(whole, CADENCE, "own clock", dumps).verdict_dumps == "pass"


def test_unknown_clocks_and_few_transits_are_not_known() -> None:
    found = spacecraft_test(again(series(), period=40.0, t0=T0), CADENCE, "own clock")
    assert (found.verdict_period, found.verdict_dumps) == ("not known", "not known")
    assert spacecraft_test(series(7.3), CADENCE, "BKJD").verdict_period == "pass"
