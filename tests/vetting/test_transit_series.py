"""Depth and noise are LEO-Vetter's on the same curves, and nothing is measured where nothing can be."""

import numpy as np
import pytest
from sample_curves import T0, again, leo, series


@pytest.mark.parametrize(("period", "duration", "red"), [(7.3, 0.17, 1e-4), (0.6, 0.06, 0.0), (20.0, 0.3, 3e-4)])
def test_depth_and_noise_are_those_of_leo_vetter(period: float, duration: float, red: float) -> None:
    ours = series(period, duration, red=red)
    theirs = leo(ours).metrics
    for value, name in ((ours.depth, "dep"), (ours.white, "sig_w"), (ours.red, "sig_r"), (ours.mes, "MES")):
        assert value == pytest.approx(theirs[name], rel=1e-6), name
    assert len(ours.events) == theirs["N_transit"]


def test_single_event_statistic_is_that_of_leo_vetter() -> None:
    ours = series(red=1e-4)
    assert np.allclose(ours.ses, leo(ours).SES_series, rtol=1e-6, atol=1e-8)


def test_events_are_numbered_by_their_orbit_and_late_counts_from_the_nearest() -> None:
    ours = series(7.3)
    assert np.all(np.abs(ours.late) <= 0.5 * 7.3)
    middles = ours.time[ours.inside] - ours.late[ours.inside]
    assert np.allclose((middles - T0) / 7.3, np.round((middles - T0) / 7.3), atol=1e-9)
    assert np.array_equal(np.unique(ours.event[ours.inside]), ours.events)


def test_red_noise_is_nothing_in_white_noise_and_is_found_where_it_is() -> None:
    assert series(red=0.0, seed=3).red < 0.12 * 3e-4
    assert series(red=3e-4, seed=3).red > 2e-4


def test_an_ephemeris_outside_the_data_has_no_depth() -> None:
    nothing = again(series(), period=float("nan"), t0=5000.0)
    assert nothing.single
    assert np.isnan(nothing.depth)
    assert len(nothing.events) == 0
    assert np.isnan(nothing.mes)


def test_a_curve_all_in_transit_has_no_depth() -> None:
    assert np.isnan(again(series(), period=0.3, duration=0.3).depth)
