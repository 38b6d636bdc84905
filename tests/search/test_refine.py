import functools

import jax.numpy as jnp
import numpy as np
import pytest

from exojax.search.grid import inner
from exojax.search.polish import polish
from exojax.search.refine import Ephemeris, _power, locate, refine
from exojax.simulate.transits import Orbits, find_events, scaled_axis

CADENCES, CADENCE = 1400, 1 / 48
STARS = 96
LIMITS = (np.full(STARS, 2, np.float32), np.full(STARS, 24, np.float32))
WIDTHS = (2, 3, 4, 6, 8, 10, 12)


def injected(snr, seed, gaps=True):
    """Limb-darkened transits in white noise: flux, weight, and the truth in cadences."""
    rng = np.random.default_rng(seed)
    period = np.exp(rng.uniform(np.log(1.0), np.log(7.0), STARS))
    orbits = Orbits(
        period=period,
        t0=rng.uniform(0, 1, STARS) * period,
        scaled_axis=scaled_axis(period, np.exp(rng.uniform(np.log(0.2), np.log(2), STARS))),
        impact=rng.uniform(0, 0.7, STARS),
        radius_ratio=rng.uniform(0.02, 0.12, STARS),
        limb_darkening=np.tile([0.4, 0.25], (STARS, 1)),
    )
    weight = (rng.random((STARS, CADENCES)) > 0.03).astype(np.float32)
    if gaps:
        weight[:, 600:640] = 0
    events = find_events(orbits, np.arange(CADENCES) * CADENCE, CADENCE)
    signal = np.zeros((STARS, CADENCES))
    signal[events.row, events.column] = -events.deficit.astype(np.float64)
    signal *= snr / np.sqrt(np.sum(weight * signal**2, axis=1, keepdims=True))
    flux = (weight * (signal + rng.standard_normal(signal.shape))).astype(np.float32)
    return flux, weight, period / CADENCE, orbits.t0 / CADENCE, orbits.duration / CADENCE


@functools.cache
def followed(snr, seed=0):
    """An injection found on the grid, up to one bin of drift off: truth, located, refined and polished ephemerides."""
    flux, weight, period, t0, duration = injected(snr, seed)
    rng = np.random.default_rng(seed + 1)
    grid = (period * (1 + rng.uniform(-0.6, 0.6, STARS) / CADENCES)).astype(np.float32)
    found = locate(flux, weight, grid, columns=int(7 / CADENCE) + 2, durations=WIDTHS)
    better = refine(flux, weight, found, *LIMITS)
    best = polish(flux, weight, better, *LIMITS)
    truth = Ephemeris(period, t0, duration, np.full(STARS, float(snr)))
    return truth, *(type(x)(*map(np.asarray, x)) for x in (found, better, best))


def off(found, truth):
    """By how many durations the last transit is off, when the first is not."""
    return np.abs(found.period - truth.period) * CADENCES / truth.period / truth.duration


def late(found, truth):
    """By how much the first epoch is late, durations."""
    phase = (found.t0 - truth.t0) / truth.period
    return (phase - np.rint(phase)) * truth.period / truth.duration


@pytest.mark.parametrize(
    ("snr", "least", "median"), [(8, 0.75, 0.15), (12, 0.82, 0.1), (20, 0.85, 0.06), (50, 0.99, 0.025)]
)
def test_period_is_as_good_as_least_squares_allow(snr, least, median):
    parts = [followed(snr, seed) for seed in (0, 10, 20)]
    wrong = np.concatenate([off(best, truth) for truth, _, _, best in parts])
    # The last transit's place, in durations. At SNR 8 to 20 the tolerance is two of least squares' own sigmas.
    assert np.mean(wrong <= max(0.1, 2 / snr)) >= least
    assert np.median(wrong) <= median
    late_by = np.concatenate([late(best, truth) for truth, _, _, best in parts])
    assert np.median(np.abs(late_by)) <= 1.2 * median
    # No bias: an epoch off by half a cadence would show.
    assert abs(np.median(late_by)) < 0.25 * median + 0.002


def test_errors_are_calibrated():
    for snr in (8, 12, 20, 50):
        parts = [followed(snr, seed) for seed in (0, 10, 20)]
        period = np.concatenate([(best.period - truth.period) / best.period_error for truth, _, _, best in parts])
        epoch = np.concatenate([late(best, truth) * truth.duration / best.t0_error for truth, _, _, best in parts])
        for pull in (period, epoch):
            assert 0.77 < 1.4826 * np.median(np.abs(pull)) < 1.3, snr
            assert np.mean(np.abs(pull) > 3) < (0.05 if snr == 8 else 0.03), snr


def test_duration_and_depth_are_those_of_the_transit():
    truth, _, _, best = followed(50)
    ratio = best.duration / truth.duration
    assert abs(np.median(ratio) - 1) < 0.12
    assert np.mean(np.abs(ratio - 1) < 0.3) > 0.85


def test_each_stage_finds_more():
    truth, found, better, best = followed(20)
    assert np.all(np.abs(late(found, truth)) < 1)
    assert np.median(found.snr) > 0.9 * 20
    assert np.median(better.snr) >= np.median(found.snr)
    assert np.median(off(best, truth)) < np.median(off(better, truth))
    assert np.median(np.abs(late(best, truth))) < np.median(np.abs(late(found, truth)))


def test_refinement_alone_mends_a_period_that_is_a_duration_off():
    flux, weight, period, t0, duration = injected(50, 3)
    truth = Ephemeris(period, t0, duration, np.full(STARS, 50.0))
    found = locate(flux, weight, period.astype(np.float32), columns=int(7 / CADENCE) + 2, durations=WIDTHS)
    # To a cadence, without a bias.
    shift = late(Ephemeris(*map(np.asarray, found)), truth) * duration
    assert abs(np.median(shift)) < 0.3
    assert np.median(np.abs(shift)) < 0.7
    wrong = period * (1 + 0.8 * duration / CADENCES * np.where(np.arange(STARS) % 2, 1, -1))
    # The epoch is right in the middle of the curve.
    first = t0 - np.rint((CADENCES / 2 - t0) / period) * (wrong - period)
    start = Ephemeris(*(np.asarray(x, np.float32) for x in (wrong, first, duration, truth.snr)))
    better = Ephemeris(*map(np.asarray, refine(flux, weight, start, *LIMITS)))
    assert np.median(off(better, truth)) < 0.12
    assert np.median(np.abs(late(better, truth))) < 0.08


@pytest.mark.parametrize("duration", [2, 3, 4, 6, 8, 10, 12, 16])
def test_the_template_is_the_periodogram_s(duration):
    """A lone window's SNR, by hand with the share of `grid.inner` at full depth."""
    flux = np.random.default_rng(duration).normal(size=40)
    flux -= flux.mean()
    sums = np.pad(np.cumsum(np.stack([flux, np.ones(40)], axis=1), axis=0), ((1, 0), (0, 0)))
    core = inner(duration)
    template = np.full(duration, 0.5)
    template[(duration - core) // 2 : (duration + core) // 2] = 1.0
    columns = 40 - duration
    found = _power(jnp.asarray(sums, jnp.float32), jnp.float32(40), duration, columns)
    for start in range(columns):
        s = min(template @ flux[start : start + duration], 0.0)
        wanted = s**2 * 40 / ((template**2).sum() * 40 - template.sum() ** 2)
        assert float(found[start]) == pytest.approx(wanted, rel=1e-4, abs=1e-4)
