"""Red noise: medians, the scatter of boxes, and that injected depths err by what it says."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import median_filter

from exojax.search.events import events, middles
from exojax.search.noise import event_scatter, median, median_absolute, pulse_scatter, red_factor
from exojax.search.vet import secondary

DURATIONS = np.array([2, 4, 8, 16, 24], np.float32)


@pytest.mark.parametrize("n_valid", [1, 2, 9, 500])
def test_medians(n_valid):
    rng = np.random.default_rng(n_valid)
    values = rng.standard_cauchy(size=(4, 500)).astype(np.float32)
    valid = np.broadcast_to(np.arange(500) < n_valid, values.shape)
    some = values[:, :n_valid]
    # The lower middle one where their number is even.
    true = np.sort(np.abs(some), axis=1)[:, (n_valid - 1) // 2]
    np.testing.assert_allclose(median_absolute(jnp.asarray(values), jnp.asarray(valid)), true, rtol=2e-3)
    true = np.sort(some, axis=1)[:, (n_valid - 1) // 2]
    off = np.abs(np.asarray(median(jnp.asarray(values), jnp.asarray(valid))) - true)
    assert np.all(off <= 2e-5 * np.ptp(some, axis=1) + 1e-6)


def test_nothing_measured_is_white():
    nothing = jnp.zeros((2, 100))
    assert np.all(median(nothing, nothing > 0.0) == 0.0)
    assert np.all(pulse_scatter(nothing, nothing, jnp.asarray(DURATIONS)) == 1.0)


def test_scatter_of_boxes_against_numpy():
    rng = np.random.default_rng(0)
    flux = median_filter(rng.normal(size=3000).cumsum(), 9) * 0.3 + rng.normal(size=3000)
    flux = (flux - median_filter(flux, 301)).astype(np.float32)
    for number, duration in enumerate(DURATIONS.astype(int)):
        boxes = np.lib.stride_tricks.sliding_window_view(flux.astype(float), duration).sum(1) / np.sqrt(duration)
        true = np.median(np.abs(boxes[::2])) / 0.6745
        assert true > 1.05
        got = pulse_scatter(jnp.asarray(flux[None]), jnp.ones((1, 3000)), jnp.asarray(DURATIONS), block=3000)
        assert got[0, number, 0] == pytest.approx(true, rel=0.01)


def test_scatter_is_local_and_at_its_duration():
    scatter = jnp.asarray([[[1.0, 2.0, 3.0], [3.0, 4.0, 7.0]]])
    got = event_scatter(scatter, jnp.asarray([4.0, 16.0]), jnp.asarray([8.0]), jnp.asarray([[5.0, 11.0, 99.0]]), 30)
    np.testing.assert_allclose(got, [[2.0, 3.0, 5.0]], rtol=1e-5)
    # Out of the tried durations the nearest counts.
    got = event_scatter(scatter, jnp.asarray([4.0, 16.0]), jnp.asarray([40.0]), jnp.asarray([[5.0]]), 30)
    np.testing.assert_allclose(got, [[3.0]])
    # Two transits in quiet parts and one that weighs nothing in a noisy one.
    np.testing.assert_allclose(red_factor(jnp.asarray([[2.0, 2.0, 0.0]]), jnp.asarray([[1.0, 2.0, 9.0]])), [2.5**0.5])


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
    weight = np.ones((N, SIZE), np.float32)
    weight[:, 1500:1600] = 0
    period, duration, depth = 150.0, 8.0, 2.0
    t0 = rng.uniform(0, period, N).astype(np.float32)
    phase = (np.arange(SIZE) - t0[:, None] + period / 2) % period - period / 2
    flux -= depth * (np.abs(phase) < duration / 2)
    flux, weight = jnp.asarray(flux, jnp.float32), jnp.asarray(weight)
    ephemeris = jnp.full(N, period, jnp.float32), jnp.asarray(t0), jnp.full(N, duration, jnp.float32)
    each, ivar = events(flux, weight, *ephemeris, n_events=22)
    away = jnp.where(jnp.asarray(np.abs(phase) < duration), 0.0, weight)
    scatter = pulse_scatter(flux, away, jnp.asarray(DURATIONS))
    red = red_factor(
        ivar, event_scatter(scatter, jnp.asarray(DURATIONS), ephemeris[2], middles(*ephemeris[:2], 22), SIZE)
    )
    red = secondary(flux, weight, *ephemeris, red)[3]
    measured = (each * ivar).sum(1) / ivar.sum(1)
    # The box is cut through cadences that are in or out of the transit as a whole: mend that loss.
    deviation = (measured - depth * measured.mean() / depth) * jnp.sqrt(ivar.sum(1))
    assert 0.85 < np.std(deviation / red) < 1.15
    if name == "white":
        assert np.median(red) == pytest.approx(1.0, abs=0.06)
    else:
        assert np.std(deviation) > 1.3
