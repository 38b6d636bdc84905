"""Coverage of the fold is exovetter's; transits always at gaps are distinguished from transits at a few."""

import numpy as np
import pytest
from sample_curves import CADENCE, T0, again, series

from exojax.vetting.coverage import coverage


@pytest.mark.parametrize(("period", "n"), [(7.3, 3197), (20.0, 1400), (33.0, 900)])
def test_filled_bins_are_those_of_exovetter(period: float, n: int) -> None:
    theirs = pytest.importorskip("exovetter.transit_coverage", reason="exovetter is not installed")
    ours = series(period, n=n, lost=0.4)
    share, _, _ = theirs.calc_coverage(ours.time, period, T0, 24 * ours.duration)
    assert coverage(ours, CADENCE).filled == pytest.approx(share, abs=0.101)


def test_a_transit_half_of_which_is_missing_fails() -> None:
    ours = series(33.0)
    kept = ours.late < 0.02
    cut = again(ours, time=ours.time[kept], flux=ours.flux[kept], error=ours.weight[kept] ** -0.5)
    found = coverage(cut, CADENCE)
    assert found.filled <= 0.6
    assert found.observed < 0.8
    assert found.verdict != "pass"


def test_transits_that_follow_gaps_fail_and_a_random_gap_does_not() -> None:
    ours = series(4.0, lost=0.0)
    since = np.mod(ours.time - T0 - 3.7, 4.0)
    kept = since > 0.3
    cut = again(ours, time=ours.time[kept], flux=ours.flux[kept], error=ours.weight[kept] ** -0.5)
    found = coverage(cut, CADENCE)
    assert found.at_gaps > 0.9
    assert found.chance < 0.2
    assert coverage(ours, CADENCE).at_gaps < 0.2
    assert coverage(ours, CADENCE).verdict == "pass"


def test_no_transit_in_the_data_is_not_known() -> None:
    assert coverage(again(series(), period=float("inf"), t0=3000.0), CADENCE).verdict == "not known"
