"""The symmetry of a transit: a sudden drop with a slow recovery is an instrument's, not a planet's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exojax.vetting.transit_series import TransitSeries
from exojax.vetting.transit_shape import BINS, folded_bins
from exojax.vetting.verdict import Verdict, above

SHIFT = 6
"""bins by which the middle of the transit may be off"""
LOPSIDED = (5.7, 25.0)
"""sigma by which both halves differ: from the first inconclusive, from the second it fails"""


@dataclass(frozen=True)
class Asymmetry:
    """By how many sigma both halves of a folded transit differ, and whether a planet's do."""

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
    least = np.inf
    for middle in range(BINS // 2 - SHIFT, BINS // 2 + SHIFT + 1):
        reach = min(middle, BINS - middle, BINS // 2 - SHIFT)
        left, right = flux[middle - reach : middle][::-1], flux[middle : middle + reach]
        a, b = weight[middle - reach : middle][::-1], weight[middle : middle + reach]
        both = (a > 0) & (b > 0)
        n = int(np.count_nonzero(both))
        if n < 4:
            continue
        chi = float(((left - right)[both] ** 2 / (1 / a[both] + 1 / b[both])).sum()) / n
        spread = 2.0 / (9.0 * n)
        least = min(least, (chi ** (1 / 3) - (1 - spread)) / np.sqrt(spread))
    return float(least) if np.isfinite(least) else float("nan")
