"""The log power spectrum of a series: blind to when a transit happens, and to the sign of the flux."""

from __future__ import annotations

import jax
import jax.numpy as jnp

BINS = 400
"""frequencies kept, equally spaced up to the Nyquist frequency"""


def log_power(series: jax.Array) -> jax.Array:
    """Log of the power spectrum, averaged in equal bins of frequency, relative to the star's mean power.

    Args:
        series: ``(n, c)`` float32 from :mod:`exojax.features.flux`; 0 where not valid.

    Returns:
        ``(n, BINS)`` float32, natural log; the zero frequency is left out. Fewer columns for c < 2 BINS.
    """
    centred = series - series.mean(axis=1, keepdims=True)
    spectrum = jnp.fft.rfft(centred, axis=1)[:, 1:]
    power = spectrum.real**2 + spectrum.imag**2
    width = max(1, power.shape[1] // BINS)
    bins = power.shape[1] // width
    binned = power[:, : bins * width].reshape(len(power), bins, width).mean(axis=2)
    mean = binned.mean(axis=1, keepdims=True)
    return jnp.log(binned / jnp.where(mean > 0, mean, 1.0) + 1e-6)
