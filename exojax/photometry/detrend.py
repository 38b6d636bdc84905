"""Remove a star's own variability with a running biweight.

The trend is computed at nodes a twelfth of the window apart, and interpolated between them with Bessel's formula to
second differences. Between two nodes the window gains and loses only a few samples, and the trend changes by less than
a fiftieth of their scatter.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from exojax.light_curves import EvenCurves
from exojax.loops import compiled
from exojax.photometry.resample import BREAK
from exojax.robust import scatter

WINDOW_DURATIONS = 4


def window_for(duration_max: float) -> float:
    """Return four times ``duration_max``, days: the shortest window for a search of transits of that duration.

    The trend follows a transit that is too shallow for the biweight to cut out. In a quiet star, a transit of 3 sigma
    per cadence keeps 58 % of its depth in a window of 2 durations, 76 % in 3, 86 % in 4, 92 % in 6 and 96 % in 8. A
    transit of 100 sigma per cadence keeps all of its depth in a quiet star, and 95 % in a window of 4 durations in a
    star that varies by 1 % with a rotation period of 10 days. With ``in_transit``, ``flatten`` keeps the whole depth.
    """
    return WINDOW_DURATIONS * duration_max


def flatten(
    even: EvenCurves,
    window: float,
    *,
    absolute: bool,
    in_transit: np.ndarray | None = None,
    gap: float = BREAK,
) -> EvenCurves:
    """Divide the flux by its running biweight, or subtract it.

    The biweight is Tukey's, cut at 5 median absolute deviations from the location, as in Hippke et al. (2019, AJ 158,
    143). The window is shorter at the ends of a segment, and a segment ends at a gap of more than ``gap`` days. The
    weight becomes 0 in cadences whose window holds fewer than three samples, and in stars without scatter.

    Args:
        even: curves that have not been detrended.
        window: full width, days; see ``window_for``.
        absolute: divide by the trend and subtract 1; otherwise subtract the trend.
        in_transit: ``(n_stars, n_cadences)`` bool; these cadences are left out of the trend, and stay in the flux.
        gap: longest gap within a segment, days.

    Returns:
        Curves with detrended ``flux``, and ``scatter``: 1.4826 times the median absolute deviation from the trend, of
        the flux scaled to weight 1, in-transit cadences left out; 1 for stars without weight.

    Raises:
        ValueError: the window holds fewer than three cadences.
    """
    half, longest = int(window / 2 / even.cadence + 1e-6), round(gap / even.cadence)
    if half < 1:
        raise ValueError(f"a window of {window} days on cadences of {even.cadence} days")
    compiled.ready()
    flux, weight = np.zeros_like(even.flux), np.zeros_like(even.weight)
    spread = np.ones(len(even.flux), np.float32)
    for star in range(len(even.flux)):
        kept = even.weight[star]
        if in_transit is not None:
            kept = np.where(in_transit[star], np.float32(0), kept)
        flat, known, found = _flatten(even.flux[star], even.weight[star], kept, half, longest, absolute)
        if found > 0 and known.any():
            flux[star], spread[star] = np.where(known, flat, 0), found
            weight[star] = np.where(known, even.weight[star], 0)
    return replace(even, flux=flux, weight=weight, scatter=spread)


def _flatten(
    flux: np.ndarray, weight: np.ndarray, kept: np.ndarray, half: int, gap: int, absolute: bool
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the flat flux, where it is known (both ``(n_cadences,)``), and the scatter.

    ``kept`` is the weight in the trend.
    """
    from exojax.loops import trend as loops

    filled = weight > 0
    mean = np.float32(flux[filled].mean(dtype=np.float64)) if filled.any() else np.float32(0)
    above = np.where(filled, flux - mean, np.float32(0))
    trend = np.empty_like(above)
    loops.trend(above, filled, np.ascontiguousarray(kept), half, gap, trend)
    known = np.isfinite(trend) & filled
    flat = above - trend
    if absolute:
        level = trend + mean
        with np.errstate(invalid="ignore"):
            # A trend that is nowhere positive cannot be a brightness.
            known &= level > 0
        flat = np.divide(flat, level, out=np.zeros_like(flat), where=known)
    counted = np.flatnonzero(known & (kept > 0))
    if not len(counted):
        return flat, known, 0.0
    return flat, known, scatter(flat[counted] * np.sqrt(weight[counted]), 0.0)
