"""Single transits: detection, distinction from steps and glitches, and the shortest period."""

import numpy as np
import pytest

from exojax.detection.curve import FlatCurve
from exojax.detection.red_noise import Noise
from exojax.detection.single_transits import COVERED, LIKE, shortest_period, single_event

SIZE = 2000
TIME = np.arange(SIZE)


def curve_of(flux, weight=None):
    weight = np.ones(len(flux)) if weight is None else weight
    return FlatCurve.of(np.asarray(flux, np.float32), np.asarray(weight, np.float32))


def search(flux, weight=None):
    curve = curve_of(flux, weight)
    return single_event(curve, Noise.of(curve, 24.0))


def noise(seed):
    return np.random.default_rng(seed).normal(size=SIZE)


def test_by_hand():
    # A box of 8 cadences, 100 to 107, 5 deep, without noise.
    found = search(-5.0 * ((TIME >= 100) & (TIME <= 107)))
    assert (found.t0, found.duration) == (103.5, 8.0)
    assert found.depth == pytest.approx(5.0, rel=1e-6)
    assert found.snr == pytest.approx(5 * 8**0.5, rel=1e-6)
    assert found.snr_red == found.snr


def test_injected_events_are_found():
    rng = np.random.default_rng(0)
    near, snr, red = [], [], []
    for seed in range(100):
        middle, duration = rng.uniform(100, SIZE - 100), rng.uniform(4, 20)
        found = search(noise(seed) - 12 / np.sqrt(duration) * (np.abs(TIME - middle) < duration / 2))
        near.append(abs(found.t0 - middle) < duration / 2)
        snr.append(found.snr)
        red.append(found.snr_red / found.snr)
    assert np.mean(near) > 0.95
    assert np.median(np.array(snr)[near]) == pytest.approx(12, abs=1)
    # White noise: both SNRs are one.
    assert np.median(red) == pytest.approx(1.0, abs=0.06)


def test_what_is_no_transit():
    """Each is a stronger dip than the true one at 1500, and each fails another test."""
    true = -3.0 * ((TIME >= 1500) & (TIME < 1512))
    cases = {
        "step up": -4.0 * (TIME < 400),
        "step down at the edge": -4.0 * (TIME > SIZE - 30),
        "glitch": -40.0 * (TIME == 700),
        "drop that heals slowly": -15.0 * np.exp(-(TIME - 900) / 100.0) * (TIME >= 900),
        "slow wave": -6.0 * np.exp(-0.5 * ((TIME - 900) / 60.0) ** 2),
    }
    for name, nuisance in cases.items():
        found = search(true + nuisance + noise(1))
        assert abs(found.t0 - 1505.5) <= 2, name
    # The same dip beside a gap, and with one half of it missing.
    for hole in ((1512, 1560), (1460, 1500), (1506, 1514)):
        weight = np.where((hole[0] <= TIME) & (hole[1] > TIME), 0.0, 1.0)
        found = search((true + noise(1)) * weight, weight)
        # A piece of the dip may still look like a short one.
        assert abs(found.t0 - 1505.5) > 2 or found.duration < 6, hole


def test_nothing_there():
    assert search(np.zeros(SIZE)).snr == search(np.zeros(SIZE)).snr_red == 0
    assert search(noise(0) * 0, np.zeros(SIZE)).snr == 0


def test_weights_count():
    """A dip in cadences of four times the weight has twice the SNR of an equal dip."""
    weight = np.where(TIME < 1000, 0.5, 2.0)
    found = search(-3.0 * ((np.abs(TIME - 500.5) < 4) | (np.abs(TIME - 1500.5) < 4)), weight)
    assert found.t0 == 1500.5
    assert found.snr == pytest.approx(3 * 16**0.5, rel=1e-6)


def test_red_noise_ranks():
    """The deeper dip lies in a noisy stretch; the other is the better candidate."""
    flux = noise(3) * np.where((TIME >= 800) & (TIME < 1200), 3.0, 1.0)
    flux -= 6.0 * (np.abs(TIME - 1000) < 4) + 4.5 * (np.abs(TIME - 300) < 4)
    assert abs(search(flux).t0 - 300) <= 1


def limit_of(flux, weight=None):
    found = search(flux, weight)
    return shortest_period(curve_of(flux, weight), found.t0, found.duration, found.depth)


def test_period_limit():
    flux = -6.0 * (np.abs(TIME - 600) <= 5) + noise(4)
    # Everything is watched: the next transit lies beyond the end.
    assert limit_of(flux) == pytest.approx(SIZE - 600, abs=3)
    # The same in a mirror: transits before the event count too.
    assert limit_of(flux[::-1]) == pytest.approx(SIZE - 600, abs=3)
    # A gap 500 to 560 cadences later hides the next transit, but not the one after that.
    weight = np.ones(SIZE)
    weight[1100:1160] = 0
    assert limit_of(flux * weight, weight) == pytest.approx(SIZE - 600, abs=3)
    # From 900 cadences later on the one after that is off the curve: the gap's beginning is the limit.
    weight = np.ones(SIZE)
    weight[1500:1560] = 0
    assert limit_of(flux * weight, weight) == pytest.approx(900 - 1, abs=3)
    # A like dip is no proof against a period, but a shallower one is.
    for depth, expected in ((6.0, 700), (1.5, SIZE - 600)):
        limit = limit_of(flux - depth * (np.abs(TIME - 1300) <= 5) * 0.9)
        assert limit == pytest.approx(expected, abs=9)


def test_shortest_period_against_every_period():
    rng = np.random.default_rng(0)
    tried = set()
    for seed in range(30):
        size, duration = 300, int(rng.integers(2, 9))
        weight = (rng.uniform(size=size) < np.linspace(0.3, 1, 30)[seed]).astype(np.float32)
        flux = np.where(rng.uniform(size=size) < 0.1, -3, rng.normal(size=size) * 0.3).astype(np.float32) * weight
        t0 = float(rng.integers(20, size - 20))
        got = shortest_period(curve_of(flux, weight), t0, float(duration), 2.0)
        edge = np.arange(size) - 0.5

        def excluded(middle, duration=duration, edge=edge, weight=weight, flux=flux):
            share = np.clip(np.minimum(middle + duration / 2, edge + 1) - np.maximum(middle - duration / 2, edge), 0, 1)
            seen = (share * weight).sum()
            return seen >= COVERED * duration and -(share * weight * flux).sum() < LIKE * 2.0 * seen

        wanted = float(size)
        for period in np.arange(8 * duration, 2 * size + 1) / 2:
            # Times are read to a cadence.
            offsets = np.rint(np.arange(1, size) * period)[np.arange(1, size) * period < size - 0.5]
            if not any(excluded(t0 + side * offset) for offset in offsets for side in (1, -1)):
                wanted = period
                break
        assert got == wanted
        tried.add(got)
    assert len(tried) > 10
