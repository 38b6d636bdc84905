"""The symmetry of a transit: a sudden drop with a slow recovery comes from the instrument, not from a planet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exojax.vetting.transit_series import TransitSeries
from exojax.vetting.transit_shape import BINS, folded_bins
from exojax.vetting.verdict import Verdict, above

SHIFT = 6
"""largest shift of the middle of the transit that is tried, bins"""
LOPSIDED = (5.7, 25.0)
"""sigma by which both halves differ: from the first inconclusive, from the second it fails"""


@dataclass(frozen=True)
class Asymmetry:
    """The difference between the halves of a folded transit, in standard deviations, and the verdict on it."""

    sigma: float
    verdict: Verdict


def asymmetry(series: TransitSeries) -> Asymmetry:
    """Compare the halves of the fold of four durations, at the shift of its middle where they differ least."""
    if not (np.isfinite(series.depth) and series.white > 0):
        return Asymmetry(float("nan"), "not known")
    sigma = _difference(*folded_bins(series))
    return Asymmetry(sigma, above(sigma, *LOPSIDED))


def _difference(flux: np.ndarray, weight: np.ndarray) -> float:
    """Return by how many sigma the halves of a fold differ, at the shift of the middle where they differ least.

    The sum of squared differences over their variance has as many degrees of freedom as pairs of bins; its excess is
    turned into standard deviations by the cube root (Wilson & Hilferty 1931).
    """
    middle, pair = np.arange(BINS // 2 - SHIFT, BINS // 2 + SHIFT + 1)[:, None], np.arange(BINS // 2 - SHIFT)
    left, right = middle - 1 - pair, middle + pair
    a, b = weight[left], weight[right]
    both = a * b  # 0 where either bin is empty
    n = np.count_nonzero(both, axis=1)
    ivar = np.divide(both, a + b, out=np.zeros_like(both), where=both > 0)
    spread = 2.0 / (9.0 * np.maximum(n, 1))
    chi = ((flux[left] - flux[right]) ** 2 * ivar).sum(axis=1) / np.maximum(n, 1)
    sigma = (np.cbrt(chi) - (1 - spread)) / np.sqrt(spread)
    return float(sigma[n >= 4].min()) if (n >= 4).any() else float("nan")
