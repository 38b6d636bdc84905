"""Epoch, duration and period: found on a fold, timed over the curve, and fitted by least squares."""

import functools
import math
from dataclasses import astuple

import numpy as np
import pytest

from exojax.detection.curve import FlatCurve
from exojax.detection.measure import Ephemeris, FittedTransit, fit_transit, refine
from exojax.detection.period_grid import inner
from exojax.loops import candidate as loops
from exojax.simulate.transits import Orbits, find_events, scaled_axis

CADENCES, CADENCE = 1400, 1 / 48
STARS = 96
SHORTEST, LONGEST = 2.0, 24.0
WIDTHS = np.array((2, 3, 4, 6, 8, 10, 12), np.int64)
CORES = np.array([inner(int(d)) for d in WIDTHS], np.int64)


def injected(snr, seed):
    """Make limb-darkened transits in white noise: flux, weight, and the truth in cadences."""
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
    weight[:, 600:640] = 0
    events = find_events(orbits, np.arange(CADENCES) * CADENCE, CADENCE)
    signal = np.zeros((STARS, CADENCES))
    signal[events.row, events.column] = -events.deficit.astype(np.float64)
    signal *= snr / np.sqrt(np.sum(weight * signal**2, axis=1, keepdims=True))
    flux = (weight * (signal + rng.standard_normal(signal.shape))).astype(np.float32)
    return flux, weight, period / CADENCE, orbits.t0 / CADENCE, orbits.duration / CADENCE


def locate(curve, period):
    t0, duration, snr = loops.locate(curve.centred, curve.weight, curve.total, period, WIDTHS, CORES)
    return Ephemeris(period, t0, duration, snr)


def columns(kind, rows):
    return kind(*np.array([row if isinstance(row, tuple) else astuple(row) for row in rows]).T)


@functools.cache
def followed(snr, seed=0):
    """Follow an injection found on the grid, up to a bin of drift off: truth, located, refined, polished ephemeris."""
    flux, weight, period, t0, duration = injected(snr, seed)
    rng = np.random.default_rng(seed + 1)
    grid = period * (1 + rng.uniform(-0.6, 0.6, STARS) / CADENCES)
    rows = []
    for star in range(STARS):
        curve = FlatCurve.of(flux[star], weight[star])
        found = locate(curve, float(grid[star]))
        better = refine(curve, found, SHORTEST, LONGEST)
        rows.append((found, better, fit_transit(curve, better, SHORTEST, LONGEST)))
    truth = Ephemeris(period, t0, duration, np.full(STARS, float(snr)))
    return truth, *(columns(kind, x) for kind, x in zip((Ephemeris, Ephemeris, FittedTransit), zip(*rows)))


def off(found, truth):
    """Return how many durations the last transit is off, when the first is not."""
    return np.abs(found.period - truth.period) * CADENCES / truth.period / truth.duration


def late(found, truth):
    """Return how late the first epoch is, in durations."""
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
    curves = [FlatCurve.of(*x) for x in zip(flux, weight)]
    found = columns(Ephemeris, [locate(c, float(p)) for c, p in zip(curves, period)])
    # To a cadence, without a bias.
    shift = late(found, truth) * duration
    assert abs(np.median(shift)) < 0.3
    assert np.median(np.abs(shift)) < 0.7
    wrong = period * (1 + 0.8 * duration / CADENCES * np.where(np.arange(STARS) % 2, 1, -1))
    # The epoch is right in the middle of the curve.
    first = t0 - np.rint((CADENCES / 2 - t0) / period) * (wrong - period)
    starts = [Ephemeris(*map(float, x)) for x in zip(wrong, first, duration, truth.snr)]
    better = columns(Ephemeris, [refine(c, s, SHORTEST, LONGEST) for c, s in zip(curves, starts)])
    assert np.median(off(better, truth)) < 0.12
    assert np.median(np.abs(late(better, truth))) < 0.08


@pytest.mark.parametrize("seed", range(12))
def test_the_best_window_of_a_fold_is_that_of_a_float64_brute_force(seed):
    """Epoch, duration and SNR of the template at any period, also across the end of the fold."""
    rng = np.random.default_rng(seed)
    size, period = 900, rng.uniform(30, 200)
    weight = (rng.integers(0, 129, size) / 64).astype(np.float32)
    flux = np.where(weight > 0, rng.standard_normal(size) + 2, 0).astype(np.float32)
    start = rng.uniform(0, period)
    flux -= np.float32(3) * ((np.arange(size) - start) % period < 6) * (weight > 0)
    found = locate(FlatCurve.of(flux, weight), period)
    w, columns_ = weight.astype(float), math.ceil(period)
    centred = w * (flux - np.average(flux, weights=w))
    column = np.minimum((np.arange(size) % period).astype(int), columns_ - 1)
    f, g = (np.bincount(column, x, columns_) for x in (centred, w))
    best = (0.0, 0, 0)
    for duration in WIDTHS.tolist():
        template = np.full(duration, 0.5)
        outside = (duration - inner(duration)) // 2
        template[outside : duration - outside] = 1.0
        window = (np.arange(columns_)[:, None] + np.arange(duration)) % columns_
        s, a1, a2 = f[window] @ template, g[window] @ template, g[window] @ template**2
        snr = np.where(s < 0, -s * np.sqrt(w.sum() / np.maximum(a2 * w.sum() - a1**2, 1)), 0)
        best = max(best, (snr.max(), duration, int(snr.argmax())))
    assert found.snr == pytest.approx(best[0], rel=1e-6)
    assert found.duration == best[1]
    assert found.t0 == best[2] + best[1] / 2


# ---------------------------------------------------------------- least squares


def sloped(x, depth, duration, ingress):
    """Return a trapezoid at ``x`` cadences from mid-transit, averaged over exposures of one cadence."""
    fine = x[:, None] + (np.arange(41) - 20) / 41
    return -depth * np.clip((duration / 2 - np.abs(fine)) / ingress, 0, 1).mean(axis=1)


def test_a_clean_transit_is_fitted_as_it_is():
    size, period, t0, duration = 2000, 93.37, 41.2, 11.0
    x = np.arange(size) - t0
    x -= np.rint(x / period) * period
    flux = sloped(x, 40.0, duration, 1.5).astype(np.float32)
    curve = FlatCurve.of(flux, np.ones(size, np.float32))
    shape = fit_transit(curve, Ephemeris(period + 0.02, t0 + 1.0, 9.0, 300.0), SHORTEST, LONGEST)
    assert shape.period == pytest.approx(period, abs=1e-3)
    assert shape.t0 == pytest.approx(t0, abs=0.02)
    assert shape.duration == pytest.approx(duration, rel=0.05)
    assert shape.depth == pytest.approx(40.0, rel=0.02)


def test_errors_are_the_scatter_of_repeated_draws_of_noise():
    size, period, t0, duration = 2000, 93.37, 41.2, 11.0
    x = np.arange(size) - t0
    x -= np.rint(x / period) * period
    rng = np.random.default_rng(1)
    weight = (rng.random(size) > 0.1).astype(np.float32) * (rng.integers(32, 129, size) / 64).astype(np.float32)
    clean, shapes = sloped(x, 2.0, duration, 1.5), []
    snr = 2.0 * np.sqrt((weight * (np.abs(x) < duration / 2)).sum())
    for _ in range(200):
        noise = rng.standard_normal(size) / np.sqrt(np.where(weight > 0, weight, 1))
        flux = np.where(weight > 0, clean + noise, 0).astype(np.float32)
        shapes.append(fit_transit(FlatCurve.of(flux, weight), Ephemeris(period, t0, duration, snr), SHORTEST, LONGEST))
    shapes = columns(FittedTransit, shapes)
    assert np.std(shapes.period) == pytest.approx(np.median(shapes.period_error), rel=0.2)
    assert np.std(shapes.t0) == pytest.approx(np.median(shapes.t0_error), rel=0.2)
    assert np.mean(shapes.period) == pytest.approx(period, abs=4 * np.std(shapes.period) / 200**0.5)
    assert np.mean(shapes.depth) == pytest.approx(2.0, rel=0.05)
    assert np.mean(shapes.duration) == pytest.approx(duration, rel=0.1)


def limb_darkened(size, t0, duration, ratio=0.1, impact=0.3):
    """Make one transit with batman's quadratic law, flux lost in units of ``ratio^2``."""
    batman = pytest.importorskip("batman", reason="batman is not installed: pip install -e '.[test]'")
    orbit = batman.TransitParams()
    chord = math.sqrt((1 + ratio) ** 2 - impact**2)
    orbit.t0, orbit.per, orbit.rp, orbit.ecc, orbit.w = t0, 50.0 * duration, ratio, 0.0, 90.0
    orbit.a = orbit.per * chord / (math.pi * duration)
    orbit.inc = math.degrees(math.acos(impact / orbit.a))
    orbit.u, orbit.limb_dark = [0.4, 0.25], "quadratic"
    time = np.arange(size, dtype=float)
    return batman.TransitModel(orbit, time, supersample_factor=11, exp_time=1.0).light_curve(orbit) - 1


@pytest.mark.parametrize("duration", [12.0, 30.0])
@pytest.mark.parametrize("shape", ["limb-darkened", "sloped"])
def test_a_single_transit_has_its_depth_where_a_box_is_too_shallow(shape, duration):
    size, t0 = 400, 187.3
    if shape == "sloped":
        flux = sloped(np.arange(size) - t0, 20.0, duration, 0.22 * duration)
        depth = 20.0
    else:
        lost = limb_darkened(size, t0, duration)
        depth = 20.0
        flux = 20 * lost / -lost.min()
    rng = np.random.default_rng(int(duration))
    measured = []
    for _ in range(12):
        noisy = (flux + rng.standard_normal(size)).astype(np.float32)
        curve = FlatCurve.of(noisy, np.ones(size, np.float32))
        start = Ephemeris(np.inf, t0 + 0.8, 1.1 * duration, 20 * duration**0.5)
        found = fit_transit(curve, start, SHORTEST, 2 * duration)
        assert found.period == np.inf
        assert found.period_error == np.inf
        measured.append((found.depth, found.t0, found.duration, found.t0_error))
    found = np.array(measured)
    box = -flux[np.abs(np.arange(size) - t0) < 0.55 * duration].mean()
    assert box < 0.84 * depth
    assert found[:, 0].mean() == pytest.approx(depth, rel=0.05)
    assert found[:, 1].mean() == pytest.approx(t0, abs=0.1)
    assert found[:, 2].mean() == pytest.approx(duration, rel=0.1)
    assert np.std(found[:, 1]) == pytest.approx(np.median(found[:, 3]), rel=0.6)


def test_a_fit_to_nothing_keeps_the_start():
    rng = np.random.default_rng(0)
    flux = rng.standard_normal(600).astype(np.float32) + np.float32(30) * (np.abs(np.arange(600) % 60 - 30) < 3)
    curve = FlatCurve.of(flux, np.ones(600, np.float32))
    shape = fit_transit(curve, Ephemeris(60.0, 30.0, 6.0, 5.0), SHORTEST, LONGEST)
    # It rises there: no transit.
    assert shape.depth < 0
    assert shape.period == pytest.approx(60.0)
    assert shape.duration == 6.0
    assert np.isfinite([shape.t0, shape.period_error, shape.t0_error]).all()
