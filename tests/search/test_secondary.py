"""Odd and even, the rest of the fold, expected durations and harmonics."""

import jax.numpy as jnp
import numpy as np
import pytest

from exojax.search.vet import harmonics, odd_even_sigma, secondary


def array(*values):
    return jnp.asarray(values, jnp.float32)


def test_odd_even_by_hand():
    # Means 4 and 2 with ivar 8 each; the transits of each parity agree, so their error stands.
    assert odd_even_sigma(array([4, 2, 4, 2]), array([4, 4, 4, 4]))[0] == pytest.approx(2 / (1 / 8 + 1 / 8) ** 0.5)
    # Those that scatter by four times their error on two degrees of freedom: chi^2 = 4 * 4 * 4 over 2 = 32.
    wild = odd_even_sigma(array([6, 4, 2, 0]), array([4, 4, 4, 4]))[0]
    assert wild == pytest.approx(2 / (0.25 * 32) ** 0.5)
    # What was not seen has no say, and one parity alone cannot be told.
    assert odd_even_sigma(array([4, 2, 0]), array([4, 4, 0]))[0] == pytest.approx(2 / 0.5**0.5)
    assert np.isnan(odd_even_sigma(array([4, 0, 4]), array([4, 0, 4]))[0])


def test_odd_even_of_one_planet_is_half_a_normal():
    rng = np.random.default_rng(0)
    ivar = rng.uniform(1, 9, (4000, 20)).astype(np.float32)
    depth = (5 + rng.normal(size=ivar.shape) / np.sqrt(ivar)).astype(np.float32)
    sigma = np.asarray(odd_even_sigma(jnp.asarray(depth), jnp.asarray(ivar)))
    assert np.sqrt(np.mean(sigma**2)) == pytest.approx(0.95, abs=0.07)


N, SIZE = 60, 3197


def folded(rng, period, t0, phase, duration):
    time = np.arange(SIZE) - t0[:, None] - phase * period[:, None] + period[:, None] / 2
    return np.abs(time % period[:, None] - period[:, None] / 2) < duration[:, None] / 2


def test_secondary_is_found_where_it_is():
    rng = np.random.default_rng(1)
    period, duration = rng.uniform(60, 900, N), rng.uniform(6, 14, N)
    t0 = rng.uniform(0, 1, N) * period
    flux = rng.normal(size=(N, SIZE)) - 9 * folded(rng, period, t0, 0.0, duration)
    flux -= 4 * folded(rng, period, t0, 0.37, duration)
    weight = np.ones((N, SIZE))
    arguments = (jnp.asarray(x, jnp.float32) for x in (flux, weight, period, t0, duration, np.ones(N)))
    depth, sigma, phase, red = secondary(*arguments)
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
    flux = rng.normal(size=(N, SIZE)) - 9 * folded(rng, period, t0, 0.5, duration)
    arguments = (jnp.asarray(x, jnp.float32) for x in (flux, np.ones((N, SIZE)), period, t0, duration, np.ones(N)))
    assert np.max(secondary(*arguments)[3]) < 5


def test_no_secondary_in_a_planet_alone_and_none_next_to_its_transit():
    rng = np.random.default_rng(2)
    period, duration = np.full(N, 100.0), np.full(N, 8.0)
    t0 = rng.uniform(0, 100, N)
    flux = rng.normal(size=(N, SIZE)) - 20 * folded(rng, period, t0, 0.0, 1.2 * duration)
    arguments = (jnp.asarray(x, jnp.float32) for x in (flux, np.ones((N, SIZE)), period, t0, duration, np.full(N, 1.0)))
    _, sigma, phase, _ = secondary(*arguments)
    assert np.max(sigma) < 5
    assert np.all((phase >= 0.08) & (phase <= 0.92))


def test_secondary_knows_of_red_noise_and_gaps():
    rng = np.random.default_rng(3)
    flux = rng.normal(size=(N, SIZE))
    period, t0, duration = np.full(N, 200.0), np.full(N, 50.0), np.full(N, 8.0)
    given = [jnp.asarray(x, jnp.float32) for x in (flux, np.ones((N, SIZE)), period, t0, duration, np.full(N, 1.0))]
    white = secondary(*given)
    red = secondary(*given[:5], jnp.full(N, 3.0))
    np.testing.assert_allclose(red[1], white[1] * white[3] / 3, rtol=1e-4)
    assert np.all(red[3] == 3)
    # A star that repeats at the period: its fold is noise to its own transit.
    wave = given[0] + 2 * np.sin(2 * np.pi * np.arange(SIZE, dtype=np.float32) / 200)[None]
    assert np.min(secondary(wave, *given[1:])[3]) > 5
    # Nothing but the transits is measured.
    phase = (np.arange(SIZE) - 50 + 100) % 200 - 100
    weight = np.broadcast_to(np.abs(phase) < 5, (N, SIZE))
    bare = secondary(given[0], jnp.asarray(weight, jnp.float32), *given[2:])
    assert np.all(np.isnan(np.stack(bare[:3])))
    assert np.all(bare[3] == 1)


def test_harmonics():
    periods = np.geomspace(0.5, 30, 5000)
    snr = 4 + np.random.default_rng(0).uniform(0, 0.1, 5000)
    for period, height in ((10.0, 20.0), (5.0, 12.0), (20.02, 15.0), (6.0, 30.0)):
        snr[np.argmin(np.abs(periods - period))] = height
    power = jnp.asarray(np.tile(snr[:, None], 4), jnp.float32)
    found, height = map(np.asarray, harmonics(periods, power, array(10.0, 100.0, 40.0, np.nan)))
    # 1/3, 1/2, 2/3, 3/2, 2, 3: 30 is on the edge of the grid, 6 is no harmonic, and 10 is the candidate itself.
    assert found[0] == pytest.approx([10 / 3, 5, 20 / 3, 15, 20, 30], rel=0.01)
    assert found[0, [1, 4]] == pytest.approx([5.0, 20.02], rel=1e-3)
    assert np.round(height[0]).tolist() == [4, 12, 4, 4, 15, 4]
    assert np.isnan(found[1]).all()
    assert np.isfinite(found[2]).tolist() == [True, True, True, False, False, False]
    assert np.isnan(found[3]).all()
    assert (height[1] == 0).all()
