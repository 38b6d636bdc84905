"""Simulate flares: their rate, their strength and their shape."""

from __future__ import annotations

import numpy as np

from exojax.light_curves import nominal_cadence

# Rise and decay in widths at half maximum: Davenport et al. (2014), equations 1 and 4.
_RISE = (1.0, 1.941, -0.175, -2.246, -1.125)
_DECAY = ((0.6890, -1.600), (0.3030, -0.2783))


def flare_shape(since: np.ndarray) -> np.ndarray:
    """Return the relative brightness ``since`` the peak in widths at half maximum, any shape: 1 at the peak, 0 before
    -1.
    """
    rise = np.polynomial.polynomial.polyval(np.clip(since, -1, 0), _RISE)
    late = np.maximum(since, 0)
    decay = sum(size * np.exp(rate * late) for size, rate in _DECAY)
    return np.where(since < -1, 0.0, np.where(since < 0, np.maximum(rise, 0.0), decay))


def flares(rng: np.random.Generator, time: np.ndarray, noise: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """Draw ``(n, n_cadences)`` float32 relative flux to add: ``time`` ``(n_cadences,)`` days, ``noise`` ``(n,)`` a
    cadence.

    ``rate`` ``(n,)`` flares a day. Amplitudes follow a power law from 3 noises on (a cumulative slope of -0.9),
    widths of 5 to 60 minutes grow with them.
    """
    cadence = nominal_cadence(time)
    flux = np.zeros((noise.size, time.size), np.float32)
    for row, number in enumerate(rng.poisson(rate * (time[-1] - time[0]))):
        peaks = rng.uniform(time[0], time[-1], number)
        strength = np.minimum(3.0 * rng.random(number) ** (-1 / 0.9), 300.0)
        width = np.minimum(0.004 * strength**0.4 * np.exp(0.4 * rng.standard_normal(number)), 0.06)
        for peak, size, days in zip(peaks, strength, width):
            first = np.searchsorted(time, peak - days - cadence)
            last = np.searchsorted(time, peak + 15 * days + cadence)
            # Averaged over the exposure: the peak is shorter than a cadence.
            moments = time[first:last, None] + cadence * (np.arange(9) - 4) / 9
            flux[row, first:last] += noise[row] * size * flare_shape((moments - peak) / days).mean(axis=1)
    return flux
