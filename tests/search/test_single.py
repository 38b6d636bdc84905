"""Single transits: found, told from steps and glitches, and how short their period may be."""

import jax.numpy as jnp
import numpy as np
import pytest

from exojax.search.noise import pulse_scatter
from exojax.search.single import shortest_period, single_events

SIZE = 2000
DURATIONS = jnp.asarray([3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0])
TIME = np.arange(SIZE)


def search(flux, weight=None):
    flux = jnp.asarray(np.atleast_2d(flux), jnp.float32)
    weight = jnp.ones_like(flux) if weight is None else jnp.asarray(np.atleast_2d(weight), jnp.float32)
    return single_events(flux, weight, DURATIONS, pulse_scatter(flux, weight, DURATIONS))


def noise(seed, n=1):
    return np.random.default_rng(seed).normal(size=(n, SIZE))


def test_by_hand():
    # A box of 8 cadences, 100 to 107, 5 deep, without noise.
    found = search(-5.0 * ((TIME >= 100) & (TIME <= 107)))
    assert (found.t0[0], found.duration[0]) == (103.5, 8.0)
    assert found.depth[0] == pytest.approx(5.0, rel=1e-4)
    assert found.snr[0] == pytest.approx(5 * 8**0.5, rel=1e-4)


def test_injected_events_are_found():
    rng = np.random.default_rng(0)
    flux = noise(0, 100)
    middle, duration = rng.uniform(100, SIZE - 100, 100), rng.uniform(4, 20, 100)
    flux -= 12 / np.sqrt(duration)[:, None] * (np.abs(TIME - middle[:, None]) < duration[:, None] / 2)
    found = search(flux)
    near = np.abs(np.asarray(found.t0) - middle) < duration / 2
    assert near.mean() > 0.95
    assert np.median(np.asarray(found.snr)[near]) == pytest.approx(12, abs=1)
    # White noise: both SNRs are one.
    assert np.median(found.snr_red / found.snr) == pytest.approx(1.0, abs=0.06)


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
        found = search(true + nuisance + noise(1)[0])
        assert abs(found.t0[0] - 1505.5) <= 2, name
    # The same dip beside a gap, and with one half of it missing.
    for hole in ((1512, 1560), (1460, 1500), (1506, 1514)):
        weight = np.where((hole[0] <= TIME) & (hole[1] > TIME), 0.0, 1.0)
        found = search((true + noise(1)[0]) * weight, weight)
        # A piece of the dip may still look like a short one.
        assert abs(found.t0[0] - 1505.5) > 2 or found.duration[0] < 6, hole


def test_nothing_there():
    found = search(np.zeros(SIZE))
    assert found.snr[0] == found.snr_red[0] == 0
    assert np.isnan([found.t0[0], found.duration[0], found.depth[0]]).all()
    found = search(noise(0), np.zeros(SIZE))
    assert found.snr[0] == 0


def test_red_noise_ranks():
    """The deeper dip lies in a noisy stretch; the other is the better candidate."""
    flux = noise(3)[0] * np.where((TIME >= 800) & (TIME < 1200), 3.0, 1.0)
    flux -= 6.0 * (np.abs(TIME - 1000) < 4) + 4.5 * (np.abs(TIME - 300) < 4)
    found = search(flux)
    assert abs(found.t0[0] - 300) <= 1


def test_period_limit():
    flux = -6.0 * (np.abs(TIME - 600) <= 5) + noise(4)[0]
    found = search(flux)
    # Everything is watched: the next transit lies beyond the end.
    limit = shortest_period(np.asarray(found.watched), np.asarray(found.duration))[0]
    assert limit == pytest.approx(SIZE - 600, abs=3)
    # The same in a mirror: transits before the event count too.
    found = search(flux[::-1])
    limit = shortest_period(np.asarray(found.watched), np.asarray(found.duration))[0]
    assert limit == pytest.approx(SIZE - 600, abs=3)
    # A gap 500 to 560 cadences later hides the next transit, but not the one after that.
    weight = np.ones(SIZE)
    weight[1100:1160] = 0
    found = search(flux, weight)
    limit = shortest_period(np.asarray(found.watched), np.asarray(found.duration))[0]
    assert limit == pytest.approx(SIZE - 600, abs=3)
    # From 900 cadences later on the one after that is off the curve: the gap's beginning is the limit.
    weight = np.ones(SIZE)
    weight[1500:1560] = 0
    found = search(flux, weight)
    limit = shortest_period(np.asarray(found.watched), np.asarray(found.duration))[0]
    assert limit == pytest.approx(900 - 1, abs=3)
    # A like dip is no proof against a period, but a shallower one is.
    for depth, expected in ((6.0, 700), (1.5, SIZE - 600)):
        found = search(flux - depth * (np.abs(TIME - 1300) <= 5) * 0.9)
        limit = shortest_period(np.asarray(found.watched), np.asarray(found.duration))[0]
        assert limit == pytest.approx(expected, abs=9)


def test_shortest_period_against_every_period():
    rng = np.random.default_rng(0)
    watched = rng.uniform(size=(30, 300)) < np.linspace(0.3, 0.99, 30)[:, None]
    duration = rng.integers(2, 9, 30)
    got = np.asarray(shortest_period(jnp.asarray(watched), jnp.asarray(duration, jnp.float32)))
    for seen, length, found in zip(watched, duration, got):
        for period in np.arange(8 * length, 700) / 2:
            places = np.rint(np.arange(1, 300) * period).astype(int)
            if not seen[places[places < 300]].any():
                break
        assert found == period
