"""Photon noise by magnitude, and the variability of single stars and pulsators."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from exojax.simulate import stars
from exojax.simulate.systematics import CADENCE


def test_photon_noise_by_magnitude() -> None:
    noise = stars.photon_noise(np.array([11.0, 14.0, 16.0]))
    np.testing.assert_allclose(noise, [50e-6, 240e-6, 1100e-6], rtol=0.1)
    assert np.all(np.diff(stars.photon_noise(np.linspace(8, 17, 50))) > 0)


def test_dwarfs_are_dwarfs() -> None:
    drawn = stars.draw_stars(np.random.default_rng(1).random((20_000, stars.N_STAR_UNIFORMS)))
    assert 0.6 < np.median(drawn.radius) < 1.1
    assert np.quantile(drawn.radius, 0.99) < 3
    np.testing.assert_allclose(drawn.noise, stars.photon_noise(drawn.magnitude))
    assert np.mean((drawn.rotation_sigma > 3e-5) & (drawn.rotation_sigma < 1e-2)) > 0.95
    u1, u2 = drawn.limb_darkening.T
    # a disc that darkens outwards and stays bright at the limb (Kipping 2013)
    assert np.all((u1 > 0) & (u1 + 2 * u2 > 0) & (u1 + u2 < 1))


def test_a_star_does_not_depend_on_its_neighbours() -> None:
    uniforms = np.random.default_rng(2).random((5, stars.N_STAR_UNIFORMS))
    one, five = stars.draw_stars(uniforms[3:4]), stars.draw_stars(uniforms)
    assert one.density[0] == five.density[3]


def test_variability_has_the_amplitude_and_period_of_its_settings() -> None:
    n, period = 1200, 4.0
    draw = jax.jit(
        jax.vmap(
            lambda key: stars.variability(
                key,
                jnp.float32(period),
                jnp.float32(1e-2),
                jnp.float32(1e-3),
                jnp.float32(0.05),
                n_cadences=n,
                cadence=CADENCE,
            )
        )
    )
    flux = np.asarray(draw(jax.random.split(jax.random.key(0), 64)), np.float64)
    assert flux.shape == (64, n)
    expected = np.sqrt((0.85**2 + 0.5**2) * 1e-2**2 + 1e-3**2)
    assert flux.std() == pytest.approx(expected, rel=0.1)
    power = (np.abs(np.fft.rfft(flux, axis=1)) ** 2).mean(axis=0)
    peak = np.fft.rfftfreq(n, CADENCE)[1 + np.argmax(power[1:])]
    assert 1 / peak == pytest.approx(period, rel=0.15)
    # rotation is smooth: from one cadence to the next only granulation moves
    assert np.diff(flux, axis=1).std() < 2e-3


def test_spline_keeps_constants_and_slopes() -> None:
    ramp = np.asarray(stars._smooth(jnp.arange(10, dtype=jnp.float32)))
    np.testing.assert_allclose(ramp, 1 + np.arange(28) / 4, rtol=1e-6)


@pytest.mark.parametrize("species", [0.1, 0.6, 0.9])
def test_pulsation_period_is_the_strongest_peak(species: float) -> None:
    uniforms = np.random.default_rng(3).random((6, stars.N_PULSATOR_UNIFORMS))
    uniforms[:, 0] = species
    time = np.arange(3000) * CADENCE
    flux, period = stars.pulsation(uniforms, time, CADENCE)
    power = np.abs(np.fft.rfft(flux - flux.mean(axis=1, keepdims=True), axis=1))
    frequency = np.fft.rfftfreq(time.size, CADENCE)
    found = frequency[np.argmax(power, axis=1)]
    close = np.abs(found - 1 / period) < 3 / time[-1]
    assert close.mean() >= 5 / 6
    if species == 0.9:  # RR Lyrae stars are longer faint than bright
        assert np.all(np.median(flux, axis=1) < 0)
        assert np.all(np.ptp(flux, axis=1) > 0.2)


def test_long_exposures_smear_fast_modes() -> None:
    uniforms = np.random.default_rng(4).random((4, stars.N_PULSATOR_UNIFORMS))
    uniforms[:, 0] = 0.1
    fine = np.arange(0, 2, CADENCE / 40)
    sharp, _ = stars.pulsation(uniforms, fine, 0.0)
    exposed, _ = stars.pulsation(uniforms, fine, CADENCE)
    kernel = np.ones(41) / 40
    kernel[[0, -1]] /= 2
    averaged = np.stack([np.convolve(row, kernel, mode="same") for row in sharp])
    np.testing.assert_allclose(exposed[:, 100:-100], averaged[:, 100:-100], atol=2e-3 * np.ptp(sharp))
