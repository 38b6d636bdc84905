"""Red noise: medians, the scatter of boxes, and that injected depths err by what it says."""

import numpy as np
import pytest
from scipy.ndimage import median_filter

from exojax.detection.curve import FlatCurve
from exojax.detection.measure import MOST_BINS
from exojax.detection.red_noise import Noise, red_factor
from exojax.detection.transit_depths import TransitDepths
from exojax.ephemeris import transit_mask
from exojax.loops import candidate as loops


@pytest.mark.parametrize("n", [1, 2, 3, 9, 500])
def test_the_median_is_the_lower_one_of_two_in_the_middle(n):
    for seed in range(20):
        rng = np.random.default_rng([n, seed])
        values = rng.standard_cauchy(600).astype(np.float32)
        if seed % 3 == 0:
            values = np.round(values)
        some = values[:n].copy()
        assert loops._median(values, n) == np.sort(some)[(n - 1) // 2]
        # They are reordered, none is lost.
        np.testing.assert_array_equal(np.sort(values[:n]), np.sort(some))


def test_nothing_measured_is_white():
    curve = FlatCurve.of(np.zeros(100, np.float32), np.zeros(100, np.float32))
    noise = Noise.of(curve, 24.0)
    assert noise.durations.tolist() == [2, 4, 8, 16]
    assert np.all(noise.scatter == 1.0)
    assert red_factor(np.zeros(3), np.ones(3)) == 1.0


def test_scatter_of_boxes_against_numpy():
    rng = np.random.default_rng(0)
    flux = median_filter(rng.normal(size=3000).cumsum(), 9) * 0.3 + rng.normal(size=3000)
    flux = (flux - median_filter(flux, 301)).astype(np.float32)
    weight = (rng.integers(0, 129, 3000) / 64).astype(np.float32)
    for w in (np.ones(3000, np.float32), weight):
        noise = Noise.of(FlatCurve.of(flux, w), 24.0, block=3000)
        assert noise.scatter.shape == (4, 1)
        for duration, got in zip(noise.durations, noise.scatter[:, 0]):
            sums, totals = (
                np.lib.stride_tricks.sliding_window_view(x.astype(float), duration).sum(1)[::2] for x in (w * flux, w)
            )
            seen = totals >= 0.5 * duration
            true = np.median(np.abs(sums[seen]) / np.sqrt(totals[seen])) / 0.6745
            assert got == pytest.approx(true, rel=0.01)
    assert got > 1.05


def test_a_block_s_variance_counts_with_six_boxes_of_the_whole():
    rng = np.random.default_rng(1)
    flux = (rng.normal(size=4000) * np.where(np.arange(4000) // 400 == 3, 4.0, 1.0)).astype(np.float32)
    noise = Noise.of(FlatCurve.of(flux, np.ones(4000, np.float32)), 16.0)
    assert noise.scatter.shape == (4, 10)
    boxes = np.lib.stride_tricks.sliding_window_view(flux.astype(float), 16).sum(1) / 4
    local, whole = (np.median(np.abs(b)) / 0.6745 for b in (boxes[1202:1602:2], boxes[::2]))
    expected = np.sqrt((25 * local**2 + 6 * whole**2) / 31)
    assert noise.scatter[3, 3] == pytest.approx(expected, rel=0.05)
    assert np.all(noise.scatter[3, [0, 1, 5, 9]] < 1.5)


def test_scatter_is_local_and_at_its_duration():
    noise = Noise(np.array([2, 4, 8, 16]), np.array([[1.0, 1, 1], [1, 2, 3], [2, 3, 5], [3, 4, 7]]), 30)
    np.testing.assert_allclose(noise.at(8.0, np.array([5.0, 11.0, 99.0])), [2, 3, 5])
    # In between, in the logarithm of the duration.
    np.testing.assert_allclose(noise.at(8.0 * 2**0.5, np.array([5.0])), [2.5])
    # Out of the tried durations the nearest counts.
    np.testing.assert_allclose(noise.at(40.0, np.array([5.0])), [3])
    np.testing.assert_allclose(noise.at(1.0, np.array([-5.0, 29.0])), [1, 1])
    # Two transits in quiet parts, and a third without weight in a noisy part.
    assert red_factor(np.array([2.0, 2.0, 0.0]), np.array([1.0, 2.0, 9.0])) == pytest.approx(2.5**0.5)


N, SIZE = 250, 3197


def autoregressive(rng, memory, share):
    kick = rng.normal(size=(SIZE + 300, N))
    memory = np.exp(-1 / memory)
    noise = np.zeros_like(kick)
    for i in range(1, len(kick)):
        noise[i] = memory * noise[i - 1] + np.sqrt(1 - memory**2) * kick[i]
    return (1 - share**2) ** 0.5 * rng.normal(size=(N, SIZE)) + share * noise[300:].T


def walk(rng):
    flux = 0.15 * rng.normal(size=(N, SIZE)).cumsum(1) + rng.normal(size=(N, SIZE))
    return flux - median_filter(flux, (1, 97))


def stretches(rng):
    return autoregressive(rng, 6, 0.7) * np.where(np.arange(SIZE) // 533 == 2, 2.5, 1.0)


def sinusoid(rng, period=150.0):
    return 0.7 * np.sin(2 * np.pi * (np.arange(SIZE) / period + rng.uniform(size=(N, 1)))) + rng.normal(size=(N, SIZE))


NOISES = {
    "white": lambda rng: rng.normal(size=(N, SIZE)),
    "short memory": lambda rng: autoregressive(rng, 6, 0.7),
    "long memory": lambda rng: autoregressive(rng, 30, 0.5),
    "detrended walk": walk,
    "noisy stretch": stretches,
    "sinusoid at the period": sinusoid,
}


@pytest.mark.parametrize("name", NOISES)
def test_injected_depths_err_by_the_red_error(name):
    rng = np.random.default_rng(5)
    flux = NOISES[name](rng)
    flux = flux / (1.4826 * np.median(np.abs(flux), axis=1, keepdims=True))
    weight = np.ones(SIZE, np.float32)
    weight[1500:1600] = 0
    period, duration, depth = 150.0, 8.0, 2.0
    deviation, factors = [], []
    for star, t0 in zip(flux, rng.uniform(0, period, N)):
        dips = star - depth * transit_mask(np.arange(SIZE), period, t0, duration)
        curve = FlatCurve.of(dips.astype(np.float32), weight)
        away = np.where(transit_mask(np.arange(SIZE), period, t0, 2 * duration), np.float32(0), weight)
        noise = Noise.of(FlatCurve.of(curve.flux, away), 24.0)
        events = TransitDepths.of(curve, noise, period, t0, duration)
        out = np.empty(4)
        red = red_factor(events.white, events.scatter)
        loops.secondary(curve.flux, weight, period, t0, duration, red, MOST_BINS, out)
        measured = (events.depth * events.white).sum() / events.white.sum()
        deviation.append((measured, events.white.sum() ** 0.5))
        factors.append(out[3])
    measured, ivar = np.array(deviation).T
    # The box is cut through cadences that are in or out of the transit as a whole: mend that loss.
    off, red = (measured - measured.mean()) * ivar, np.array(factors)
    assert 0.85 < np.std(off / red) < 1.15
    if name == "white":
        assert np.median(red) == pytest.approx(1.0, abs=0.06)
    else:
        assert np.std(off) > 1.3
