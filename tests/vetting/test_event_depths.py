"""The transits one by one: LEO-Vetter's statistics on the same curves, and what chance and glitches do to them."""

import math

import numpy as np
import pytest
from sample_curves import again, leo, quietly, series

from exojax.vetting.event_depths import EventDepths, event_depths
from exojax.vetting.transit_series import TransitSeries
from exojax.vetting.transit_shape import transit_shape


def of(series: TransitSeries) -> EventDepths:
    return event_depths(series, transit_shape(series))


@pytest.mark.parametrize(("period", "depth", "red"), [(7.3, 1e-3, 1e-4), (2.3, 5e-4, 2e-4), (20.0, 3e-3, 0.0)])
def test_statistics_are_those_of_leo_vetter(period: float, depth: float, red: float) -> None:
    ours = series(period, 0.13, depth, red=red)
    theirs = leo(ours)
    from leo_vetter import individual

    quietly(individual.transit_events, theirs)
    found, metrics = of(ours), theirs.metrics
    assert found.consistency == pytest.approx(metrics["CHI"], rel=1e-6)
    assert found.mean_over_median == pytest.approx(metrics["DMM"], rel=1e-6)
    assert found.dominance == pytest.approx(metrics["max_SES"] / metrics["MES"], rel=1e-6)
    assert found.chases == pytest.approx(metrics["mean_chases"], rel=1e-6)
    assert np.allclose(found.depth / found.error, theirs.SES, rtol=1e-6)


def test_one_glitch_dominates_and_its_depth_differs() -> None:
    quiet = series(7.3, depth=2e-4)
    glitch = quiet.inside & (quiet.event == quiet.events[3])
    found = of(again(quiet, flux=quiet.flux - 4e-3 * glitch))
    assert found.verdict_dominance == "fail"
    assert found.verdict_alike == "fail"
    assert found.verdict_mean_median == "fail"
    assert int(found.number[np.argmax(found.depth)]) == quiet.events[3]
    even = of(series(7.3))
    assert (even.verdict_dominance, even.verdict_alike, even.verdict_mean_median) == ("pass", "pass", "pass")


def test_chi_squared_of_equal_depths_is_below_one_and_red_noise_is_in_it() -> None:
    for red in (0.0, 3e-4):
        values = [of(series(2.3, 0.11, red=red, seed=seed)).chi_squared for seed in range(5)]
        assert 0.3 < np.mean(values) < 1.4


def test_one_transit_is_not_known() -> None:
    found = of(again(series(), period=float("inf")))
    assert len(found.depth) == 1
    assert math.isnan(found.chi_squared)
    assert {found.verdict_alike, found.verdict_dominance, found.verdict_mean_median, found.verdict_chases} == {
        "not known"
    }
    assert of(again(series(), period=float("inf"), t0=4000.0)).verdict_alike == "not known"
