"""Transits that are not on time, against the times that were put in."""

import numpy as np
import pytest

from exojax.config import SearchConfig
from exojax.detection.curve import FlatCurve
from exojax.detection.red_noise import Noise
from exojax.detection.search_star import search_star
from exojax.detection.timing import aligned, time_transits
from exojax.light_curves import LightCurves
from exojax.vetting.flags import local_views, resolved, shape_of

SIZE, PERIOD, T0, DURATION = 4400, 301.7, 77.3, 7.0
CADENCE_DAYS = 29.4244 / 1440
HOUR = 1 / (24 * CADENCE_DAYS)


def middles(amplitude, turn=2400.0):
    at = T0 + PERIOD * np.arange(int((SIZE - T0) / PERIOD) + 1)
    return at + amplitude * np.sin(2 * np.pi * at / turn)


def dips(at, depth, seed=0, duration=DURATION):
    """Make flux in units of its scatter: trapezoids at given cadences, exposures of one."""
    flux = np.random.default_rng(seed).standard_normal(SIZE)
    place = np.arange(SIZE)
    for middle in at:
        for shift in (np.arange(11) + 0.5) / 11 - 0.5:
            flux -= depth / 11 * np.clip((duration / 2 - np.abs(place + shift - middle)) / (0.15 * duration), 0, 1)
    return flux.astype(np.float32)


def timing(flux, duration=DURATION, weight=None):
    curve = FlatCurve.of(flux, np.ones(SIZE, np.float32) if weight is None else weight)
    return time_transits(curve, Noise.of(curve, 24.0), PERIOD, T0, duration)


def test_transits_on_time_are_on_time():
    """Over many stars the significance is seldom above 3; it is rather too low, as errors have a floor."""
    found = [timing(dips(middles(0.0), 5.0, seed)) for seed in range(60)]
    sigma = np.array([one.sigma for one in found])
    assert -2 < np.median(sigma) < 0.8
    assert np.mean(sigma > 3) <= 0.05
    assert not any(one.late for one in found)


def test_each_time_and_its_error():
    at = middles(2.0)
    pulls = []
    for seed in range(20):
        one = timing(dips(at, 5.0, seed))
        assert one.late
        pulls.append((one.middle - at[one.number]) / one.error)
        assert one.amplitude == pytest.approx(2.0, rel=0.25)
    assert 0.6 < np.std(np.concatenate(pulls)) < 1.4
    assert abs(np.mean(np.concatenate(pulls))) < 0.3


def test_a_wrong_period_is_a_line_and_no_timing_variation():
    at = T0 + (PERIOD + 0.15) * np.arange(14)
    one = timing(dips(at, 8.0))
    assert not one.late
    assert one.period == pytest.approx(PERIOD + 0.15, abs=0.03)


def test_the_duration_of_single_events_not_of_their_smeared_fold():
    one = timing(dips(middles(4.0), 6.0), duration=2.2 * DURATION)
    assert one.duration == pytest.approx(DURATION, rel=0.3)
    moved = aligned(dips(middles(4.0), 6.0), one, 2 * one.duration)
    expected = one.t0 + one.period * np.arange(14)
    inside = np.abs(np.arange(SIZE)[:, None] - expected).min(axis=1) < 0.3 * DURATION
    assert moved[inside].mean() == pytest.approx(-6.0, abs=0.7)


def test_too_few_or_too_faint_events_are_not_timed():
    assert timing(dips(middles(0.0), 0.5)) is None
    assert timing(dips(middles(0.0)[:3], 8.0)) is None
    weight = np.zeros(SIZE, np.float32)
    assert timing(dips(middles(0.0), 8.0), weight=weight) is None


def test_a_planet_an_hour_off_is_found_timed_and_not_called_v_shaped():
    flux = dips(middles(HOUR), 6.0, duration=7.0)
    curves = LightCurves(
        id=np.array(["late"]),
        time=(400 + np.arange(SIZE) * CADENCE_DAYS)[None],
        flux=(1 + 2.5e-4 * flux)[None].astype(np.float32),
        valid=np.ones((1, SIZE), bool),
        label=None,
        kind=None,
        catalogued=False,
        absolute=True,
        cadence=CADENCE_DAYS,
        time_system="BKJD",
        source="a test",
        sha256="",
    )
    found, trace = search_star(curves, SearchConfig())
    assert found.period[0] == pytest.approx(PERIOD * CADENCE_DAYS, rel=1e-3)
    assert found.ttv_sigma[0] > 5
    assert found.ttv_amplitude[0] * 24 == pytest.approx(1.0, abs=0.25)
    assert found.depth[0] == pytest.approx(1.5e-3, rel=0.1)
    assert found.duration[0] == pytest.approx(7.0 * CADENCE_DAYS, rel=0.15)
    shape = shape_of(*local_views(found, trace.flat, durations=3.0), 3.0)
    assert resolved(shape, found.duration, trace.flat.cadence)[0] > 0.7


@pytest.mark.parametrize("cut", [-5, -2, 0, 2, 5])
def test_a_deep_transit_beside_a_gap_is_not_timed(cut):
    """A hot Jupiter's transit that a gap cuts into has its best shift where the gap lets it be."""
    at = middles(0.0)
    weight = np.ones(SIZE, np.float32)
    weight[int(at[6] + cut) : int(at[6]) + 60] = 0
    found = timing(dips(at, 40.0), weight=weight)
    assert not found.late
    assert np.abs(found.deviation).max() < 1.0
