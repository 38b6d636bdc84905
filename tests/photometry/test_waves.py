"""Periodic signals taken off a star: sinusoids, pulsations and spots that come and go, with the transits left in."""

import numpy as np
import pytest

from exojax.light_curves import EvenCurves
from exojax.photometry.detrend import flatten
from exojax.photometry.waves import frequencies, is_active, point_scatter, transit_noise, without_waves

CADENCE, SIZE, NOISE = 29.4244 / 1440, 4000, 2.5e-4
TIME = np.arange(SIZE) * CADENCE
NONE = np.zeros(SIZE, bool)


def even(signal, seed=0, hole=(1500, 1545), scale=1.0):
    weight = np.ones(SIZE, np.float32)
    weight[hole[0] : hole[1]] = 0
    flux = (1 + signal + NOISE * np.random.default_rng(seed).standard_normal(SIZE)) * scale
    flux = np.where(weight > 0, flux, 0).astype(np.float32)[None]
    return EvenCurves(np.zeros(1), flux, weight[None], np.full(1, np.nan, np.float32), CADENCE)


def spots(rotation, amplitude, seed):
    """Make dark spots on a star whose rotation differs with latitude by 3 %, each living some 15 days."""
    rng = np.random.default_rng(seed)
    flux = np.zeros(SIZE)
    for _ in range(24):
        turn = 2 * np.pi * TIME / (rotation * (1 + 0.03 * rng.standard_normal())) + rng.uniform(0, 2 * np.pi)
        age = (TIME - rng.uniform(0, TIME[-1])) / (15 * rng.uniform(0.5, 2))
        flux -= rng.exponential() * np.exp(-0.5 * age**2) * np.maximum(np.cos(turn), 0)
    return 2 * amplitude * (flux - np.median(flux)) / np.ptp(flux)


def dips(period, depth, duration=0.14):
    late = TIME - 1.3 - np.rint((TIME - 1.3) / period) * period
    return -depth * np.clip((duration / 2 - np.abs(late)) / (0.15 * duration), 0, 1), np.abs(late) < 0.6 * duration


@pytest.mark.parametrize(("rotation", "amplitude"), [(0.6, 0.02), (4.9, 0.03), (10.0, 0.03)])
def test_depths_under_a_sinusoid_come_out_right(rotation, amplitude):
    signal, inside = dips(3.61, 3e-3)
    one = even(amplitude * np.sin(2 * np.pi * TIME / rotation) + signal)
    rest = flatten(without_waves(one, frequencies(one), absolute=True, in_transit=inside), 2.0, absolute=True)
    level = dips(3.61, 1.0)[0] < -0.99
    depth = -rest.flux[0][level & (one.weight[0] > 0)].mean()
    assert depth == pytest.approx(3e-3, rel=0.03)
    assert transit_noise(rest, inside) < 1.3 * NOISE / np.sqrt(6)


def test_a_transit_unknown_to_the_fit_keeps_most_of_its_depth():
    signal, _ = dips(4.37, 3e-3)
    one = even(0.02 * np.sin(2 * np.pi * TIME / 0.55) + signal)
    rest = without_waves(one, frequencies(one), absolute=True, in_transit=NONE)
    level = dips(4.37, 1.0)[0] < -0.99
    assert 0.6 * 3e-3 < 1 - rest.flux[0][level & (one.weight[0] > 0)].mean() < 1.05 * 3e-3


@pytest.mark.parametrize(("rotation", "seed"), [(0.8, 1), (2.2, 2), (5.0, 3), (9.0, 4)])
def test_spots_that_evolve_leave_little(rotation, seed):
    one = even(spots(rotation, 0.02, seed))
    before = flatten(one, 2.0, absolute=True)
    after = flatten(without_waves(one, frequencies(one), absolute=True, in_transit=NONE), 2.0, absolute=True)
    assert is_active(before)
    assert transit_noise(after, NONE) < 0.4 * transit_noise(before, NONE)
    assert transit_noise(after, NONE) < 4 * NOISE / np.sqrt(6)


def test_the_frequencies_of_a_pulsator():
    signal = 5e-3 * np.sin(2 * np.pi * TIME / 0.137) + 2e-3 * np.sin(2 * np.pi * TIME / 0.21)
    found = CADENCE / frequencies(even(signal))
    assert np.sort(found) == pytest.approx([0.137, 0.21], rel=1e-3)


def test_quiet_stars_transits_and_slow_changes_are_not_active():
    quiet = [np.zeros(SIZE), dips(3.61, 1e-2)[0], 5e-3 * np.sin(2 * np.pi * TIME / 25)]
    for signal in quiet:
        assert not is_active(flatten(even(signal), 2.0, absolute=True))
    assert len(frequencies(even(np.zeros(SIZE)))) == 0


def test_flux_without_a_scale_is_subtracted_not_divided():
    one = even(0.02 * np.sin(2 * np.pi * TIME / 0.6) - 1, scale=400.0)
    rest = without_waves(one, frequencies(one), absolute=False, in_transit=NONE)
    seen = one.weight[0] > 0
    assert rest.flux[0][seen].std() == pytest.approx(400 * NOISE, rel=0.1)
    assert (rest.flux[0][~seen] == 0).all()


def test_the_point_scatter_is_that_of_the_noise():
    one = even(0.03 * np.sin(2 * np.pi * TIME / 6))
    assert point_scatter(one.flux[0], one.weight[0]) == pytest.approx(NOISE, rel=0.1)
    assert np.isnan(point_scatter(one.flux[0], np.zeros(SIZE)))


def test_curves_too_short_or_empty():
    """A curve shorter than a rotation, of few cadences, or of none, comes back without a wave and finite."""
    for stop in (0, 1, 3, 30, 100):
        one = even(0.02 * np.sin(2 * np.pi * TIME / 5.0))
        weight = np.where(np.arange(SIZE) < stop, one.weight, 0)
        cut = EvenCurves(one.start, np.where(weight > 0, one.flux, 0), weight, one.scatter, CADENCE)
        found = frequencies(cut)
        assert len(found) == 0
        if stop:
            rest = without_waves(cut, found, absolute=True, in_transit=NONE)
            assert np.isfinite(rest.flux).all()
        assert not is_active(flatten(cut, 2.0, absolute=True))
