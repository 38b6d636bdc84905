"""Outliers out of detrended light curves: only those that no transit can be."""

from __future__ import annotations

import numpy as np

CLIP = 4.0


def clip_upward(flux: np.ndarray, weight: np.ndarray, scatter: np.ndarray, *, sigma: float = CLIP) -> np.ndarray:
    """Return weights without the cadences that stand more than ``sigma`` standard deviations above the trend.

    Cosmic rays and flares. Dips stay, however deep and however short: clipping them is how transits get lost.
    Of Gaussian noise 3 in 100,000 cadences go at the default.

    Args:
        flux: ``(n_stars, n_cadences)`` float32, detrended, relative or in the file's units.
        weight: ``(n_stars, n_cadences)`` float32, inverse variance relative to a cadence of weight 1.
        scatter: ``(n_stars,)`` float32, standard deviation of a cadence of weight 1, in units of ``flux``.
        sigma: where to clip; the scatter of a cadence is ``scatter / sqrt(weight)``.

    Returns:
        ``(n_stars, n_cadences)`` float32 weights, 0 where clipped.
    """
    return np.where(flux * np.sqrt(weight) > sigma * scatter[:, None], np.float32(0), weight)
