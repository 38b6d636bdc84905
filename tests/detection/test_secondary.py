"""The deepest other dip of a fold: where it is, how sure, and what the rest of the fold is to it."""

import numpy as np
import pytest

from exojax.detection.measure import MOST_BINS
from exojax.loops import candidate as loops

N, SIZE = 60, 3197


def secondary(flux, weight, period, t0, duration, red=1.0):
    """Return depth, sigma, phase and red noise, ``(n,)`` each, of one star a row."""
    out = np.empty((len(flux), 4))
    given = np.broadcast_arrays(period, t0, duration, red, np.zeros(len(flux)))[:4]
    for row, star in enumerate(np.asarray(flux, np.float32)):
        w = np.broadcast_to(weight, np.shape(flux))[row].astype(np.float32)
        loops.secondary(star, w, *(float(x[row]) for x in given), MOST_BINS, out[row])
    return out.T


def folded(period, t0, phase, duration):
    period, t0, duration = (np.asarray(x, float)[:, None] for x in (period, t0, duration))
    time = np.arange(SIZE) - t0 - phase * period + period / 2
    return np.abs(time % period - period / 2) < duration / 2


def test_by_hand():
    """A period of 80, 8 cadences long, a dip of 3 from phase 0.4 on, which bins of a quarter of a duration hold."""
    time = np.arange(800)
    flux = np.where((time % 80 >= 32) & (time % 80 < 40), -3.0, 0.0)
    depth, sigma, phase, red = secondary(flux[None], np.ones(800), 80.0, 0.0, 8.0)
    assert depth[0] == pytest.approx(3.0)
    assert sigma[0] == pytest.approx(3 * 80**0.5)
    assert phase[0] == pytest.approx(0.45)
    assert red[0] == 1.0


def test_secondary_is_found_where_it_is():
    rng = np.random.default_rng(1)
    period, duration = rng.uniform(60, 900, N), rng.uniform(6, 14, N)
    t0 = rng.uniform(0, 1, N) * period
    flux = rng.normal(size=(N, SIZE)) - 9 * folded(period, t0, 0.0, duration)
    flux -= 4 * folded(period, t0, 0.37, duration)
    depth, sigma, phase, red = secondary(flux, np.ones(SIZE), period, t0, duration)
    # A box in steps of a quarter of a duration lies up to an eighth off.
    assert np.all(np.abs(phase - 0.37) * period < 0.3 * duration + 1)
    assert np.median(depth) == pytest.approx(3.7, abs=0.3)
    measured = np.median(sigma / np.sqrt(SIZE / period * duration))
    assert measured == pytest.approx(3.8, abs=0.5)
    # Neither the transit nor the secondary is noise.
    assert np.median(red) < 1.1


def test_a_deep_secondary_of_a_short_period_is_no_noise():
    rng = np.random.default_rng(4)
    period, duration, t0 = np.full(N, 48.0), np.full(N, 8.0), rng.uniform(0, 48, N)
    flux = rng.normal(size=(N, SIZE)) - 9 * folded(period, t0, 0.5, duration)
    assert np.max(secondary(flux, np.ones(SIZE), period, t0, duration)[3]) < 5


def test_no_secondary_in_a_planet_alone_and_none_next_to_its_transit():
    rng = np.random.default_rng(2)
    period, duration, t0 = np.full(N, 100.0), np.full(N, 8.0), rng.uniform(0, 100, N)
    flux = rng.normal(size=(N, SIZE)) - 20 * folded(period, t0, 0.0, 1.2 * duration)
    _, sigma, phase, _ = secondary(flux, np.ones(SIZE), period, t0, duration)
    assert np.max(sigma) < 5
    assert np.all((phase >= 0.08) & (phase <= 0.92))


def test_secondary_knows_of_red_noise_and_gaps():
    rng = np.random.default_rng(3)
    flux = rng.normal(size=(N, SIZE))
    given = (np.ones(SIZE), 200.0, 50.0, 8.0)
    white, red = secondary(flux, *given), secondary(flux, *given, red=3.0)
    np.testing.assert_allclose(red[1], white[1] * white[3] / 3, rtol=1e-6)
    assert np.all(red[3] == 3)
    # A star that repeats at the period: its fold is noise to its own transit.
    wave = flux + 2 * np.sin(2 * np.pi * np.arange(SIZE) / 200)
    assert np.min(secondary(wave, *given)[3]) > 5
    # Nothing but the transits is measured.
    phase = (np.arange(SIZE) - 50 + 100) % 200 - 100
    bare = secondary(flux, np.abs(phase) < 5, *given[1:])
    assert np.all(np.isnan(bare[:3]))
    assert np.all(bare[3] == 1)


@pytest.mark.parametrize(("period", "duration"), [(16.0, 4.0), (3000.0, 8.0), (60_000.0, 2.0)])
def test_shortest_and_longest_periods(period, duration):
    """Four bins a transit and no more than 4,096 in all; of the shortest period little else than transit is left."""
    rng = np.random.default_rng(6)
    depth, sigma, phase, _ = secondary(rng.normal(size=(3, SIZE)), np.ones(SIZE), period, 7.0, duration)
    known = np.isfinite(sigma)
    assert np.all(np.abs(sigma[known]) < 6)
    assert np.all((phase[known] * period >= duration) & (phase[known] * period <= period - duration))
    assert np.array_equal(np.isfinite(depth), known)
