"""Remove upward outliers from detrended light curves; dips stay, because they may be transits."""

from __future__ import annotations

import numpy as np

CLIP = 4.0


def clip_upward(flux: np.ndarray, weight: np.ndarray, scatter: np.ndarray, *, sigma: float = CLIP) -> np.ndarray:
    """Return weights without the cadences that stand more than ``sigma`` standard deviations above the trend.

    Upward outliers are cosmic rays and flares. All dips stay, because clipping them would remove transits. At the
    default ``sigma``, 3 in 100,000 cadences of Gaussian noise are clipped.

    Args:
        flux: ``(n_stars, n_cadences)`` float32, detrended, relative or in the file's units.
        weight: ``(n_stars, n_cadences)`` float32, inverse variance relative to a cadence of weight 1.
        scatter: ``(n_stars,)`` float32, standard deviation of a cadence of weight 1, in units of ``flux``.
        sigma: limit in standard deviations; that of a cadence is ``scatter / sqrt(weight)``.

    Returns:
        ``(n_stars, n_cadences)`` float32 weights, 0 where clipped.
    """
    return np.where(flux * np.sqrt(weight) > sigma * scatter[:, None], np.float32(0), weight)
