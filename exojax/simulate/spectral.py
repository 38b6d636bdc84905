"""Simulate the variability of stars as stationary noise from a power spectrum, for many stars without compiling."""

from __future__ import annotations

import numpy as np

from exojax.simulate.stars import SimulatedStars

# Cycles a day where red noise falls below white, for 300 ppm a cadence, and the scatter of its logarithm.
RED_KNEE, RED_SPREAD = 0.4, 1.0


def oscillator(frequency: np.ndarray, centre: np.ndarray, quality: float) -> np.ndarray:
    """Return the shape of the power of a damped oscillator driven by white noise (Anderson et al. 1990): broadcast of
    both.

    Frequencies in cycles a day; the scale is arbitrary.
    """
    x = (frequency / centre) ** 2
    return 1.0 / ((x - 1.0) ** 2 + x / quality**2)


def spectral_variability(
    rng: np.random.Generator, stars: SimulatedStars, n_cadences: int, cadence: float
) -> np.ndarray:
    """Draw rotation, granulation and red noise, ``(n, n_cadences)`` float32 about 0.

    Rotation and granulation are the processes of ``stars.variability``. Red noise, whatever its cause, has a power that
    falls as f^-2 and equals the white noise's near 0.4 cycles a day for a typical star, as Kepler's does.

    They are made by the inverse transform of a random spectrum twice as long as the light curve, so that its end
    does not join its beginning. Where ``stars.variability`` samples a Gaussian process exactly, this one has no power
    beyond the Nyquist frequency, and the same variance.
    """
    n, length = len(stars.noise), 1 << int(2 * n_cadences - 1).bit_length()
    frequency = np.fft.rfftfreq(length, cadence)[1:].astype(np.float32)
    turn = (1.0 / stars.rotation_period)[:, None].astype(np.float32)
    power = np.zeros((n, frequency.size), np.float32)
    for centre, quality, sigma in (
        (turn, 8.0, 0.85 * stars.rotation_sigma),
        (2 * turn, 4.0, 0.5 * stars.rotation_sigma),
        ((1 / stars.granulation_time)[:, None].astype(np.float32), 2**-0.5, stars.granulation_sigma),
    ):
        part = oscillator(frequency, centre, quality)
        power += part * (sigma**2 / part.sum(axis=1, dtype=np.float64))[:, None].astype(np.float32)
    knee = RED_KNEE * np.exp(RED_SPREAD * rng.standard_normal(n)) * (stars.noise / 3e-4) ** -0.4
    # White noise of variance s^2 has s^2 / n_bins in each bin of a one-sided spectrum.
    level = stars.noise**2 / frequency.size * knee**2
    power += level[:, None].astype(np.float32) / np.maximum(frequency, 0.02) ** 2
    spectrum = np.zeros((n, frequency.size + 1), np.complex64)
    spectrum.real[:, 1:] = rng.standard_normal(power.shape, np.float32)
    spectrum.imag[:, 1:] = rng.standard_normal(power.shape, np.float32)
    spectrum[:, 1:] *= np.sqrt(power) * (0.5 * length)
    return np.fft.irfft(spectrum, length, axis=1)[:, :n_cadences].astype(np.float32)
