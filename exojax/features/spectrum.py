"""Compute the log power spectrum of a series, which does not depend on the epoch of a transit and the sign of flux."""

from __future__ import annotations

import jax
import jax.numpy as jnp

BINS = 400
"""most frequencies kept, equally spaced up to the Nyquist frequency"""
FLOOR = 1e-3
"""keeps the logarithm finite for a star without a single measurement; white noise has a power of 1"""


def log_power(series: jax.Array) -> jax.Array:
    """Return the log of the power spectrum, averaged in equal bins of frequency.

    Args:
        series: ``(n, c)`` float32 in units of the star's scatter, from :mod:`exojax.features.flux`; 0 where not valid.

    Returns:
        ``(n, bins)`` float32, natural log of ``|FFT|^2 / c``, at most :data:`BINS` columns; the zero frequency is left
        out. White noise of unit scatter gives 0 on average, so that deep eclipses show as power above the noise.
    """
    c = series.shape[1]
    centred = series - series.mean(axis=1, keepdims=True)
    spectrum = jnp.fft.rfft(centred, axis=1)[:, 1:]
    power = (spectrum.real**2 + spectrum.imag**2) / c
    width = max(1, -(-power.shape[1] // BINS))
    bins = power.shape[1] // width
    binned = power[:, : bins * width].reshape(len(power), bins, width).mean(axis=2)
    return jnp.log(binned + FLOOR)
