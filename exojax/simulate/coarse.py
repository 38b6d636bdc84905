"""Flatten Kepler light curves, average them in bins of 0.05 days and thin them to a length, as some archives do."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from math import comb

import numpy as np

# What the real set's power spectrum shows: frequencies below 0.22 cycles a day are gone.
WINDOW, STRIDE, ITERATIONS, CLIP, BREAK = 251, 4, 3, 3.0, 5
BIN, POINTS = 0.05, 1500


def flatten_quadratic(flux: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Return the flux over the quadratic that fits the 251 cadences around best: ``(n, n_cadences)`` both, median about
    1.

    This is a Savitzky-Golay filter (1964), cut at gaps of more than 5 cadences that all stars share, its last full
    window holding up to the ends of a segment; points more than 3 standard deviations off leave the fit, twice. It
    follows what is slower than some four days, shallow transits in part, and overshoots beside deep eclipses. A segment
    shorter than the window is divided by its median.
    """
    shared = np.flatnonzero(valid.any(axis=0))
    cuts = np.flatnonzero(np.diff(shared) > BREAK)
    firsts, lasts = shared[np.concatenate([[0], cuts + 1])], shared[np.concatenate([cuts, [shared.size - 1]])]
    trend = np.ones(flux.shape)
    fitted = valid.copy()
    for _ in range(ITERATIONS):
        for first, last in zip(firsts, lasts):
            inside = slice(first, last + 1)
            if last - first + 1 < WINDOW:
                trend[:, inside] = _median(flux[:, inside], valid[:, inside])[:, None]
                continue
            trend[:, inside] = _quadratic(flux[:, inside], fitted[:, inside])
        residual = np.where(fitted, flux - trend, 0.0)
        count = np.maximum(fitted.sum(axis=1, keepdims=True), 1)
        spread = np.sqrt((residual**2).sum(axis=1, keepdims=True) / count)
        # A curve without noise leaves nothing but rounding, which is no outlier.
        fitted &= np.abs(flux - trend) < CLIP * spread + 1e-9
    return flux / np.where(trend > 0.05, trend, 1.0)


def _median(flux: np.ndarray, valid: np.ndarray) -> np.ndarray:
    middle = np.ones(len(flux))
    for row, (values, known) in enumerate(zip(flux, valid)):
        if known.any():
            middle[row] = np.median(values[known])
    return middle


def _quadratic(flux: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Fit one segment's trend, ``(n, m)``: weighted least squares of a quadratic in the window whose middle is nearest,
    middles ``STRIDE`` cadences apart. Windows with hardly any measurement have a trend of 1.
    """
    half, m = WINDOW // 2, flux.shape[1]
    # Moments about the segment's middle in half windows, then moved to each window's own.
    place = (np.arange(m) - 0.5 * (m - 1)) / half
    middles = np.arange(half, m - half, STRIDE)
    own = -place[middles]
    y = np.where(weight, flux - 1.0, 0.0)

    def sums(values: np.ndarray, order: int) -> list[np.ndarray]:
        moments: list[np.ndarray] = []
        for k in range(order + 1):
            total = np.cumsum(values * place**k, axis=1)
            moments.append(total[:, middles + half] - total[:, middles - half] + (values * place**k)[:, middles - half])
        return [_sum(comb(k, j) * own ** (k - j) * moments[j] for j in range(k + 1)) for k in range(order + 1)]

    s, d = sums(weight.astype(np.float64), 4), sums(y, 2)
    # Cramer's rule for the symmetric system.
    m00, m01, m02 = s[2] * s[4] - s[3] ** 2, s[2] * s[3] - s[1] * s[4], s[1] * s[3] - s[2] ** 2
    m11, m12, m22 = s[0] * s[4] - s[2] ** 2, s[1] * s[2] - s[0] * s[3], s[0] * s[2] - s[1] ** 2
    determinant = s[0] * m00 + s[1] * m01 + s[2] * m02
    solvable = (s[0] > 0.1 * WINDOW) & (determinant > 1e-3)
    determinant = np.where(solvable, determinant, np.inf)
    nearest = np.clip(np.rint((np.arange(m) - half) / STRIDE).astype(np.int64), 0, middles.size - 1)
    at = (np.arange(m) - middles[nearest]) / half
    terms = (
        (m00 * d[0] + m01 * d[1] + m02 * d[2]) / determinant,
        (m01 * d[0] + m11 * d[1] + m12 * d[2]) / determinant,
        (m02 * d[0] + m12 * d[1] + m22 * d[2]) / determinant,
    )
    return 1.0 + _sum(term[:, nearest] * at**k for k, term in enumerate(terms))


def _sum(terms: Iterable[np.ndarray]) -> np.ndarray:
    return reduce(np.add, terms)


def thin(flux: np.ndarray, valid: np.ndarray, cadence: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Average bins of 0.05 days, at most 1,500 of the bins that hold anything: ``(n, n_cadences)`` float, bool.

    Returns:
        time: ``(n, 1500)`` float64 days from the first cadence, bins' middles; NaN where a row is padded.
        flux: ``(n, 1500)`` float32; 0 where not valid.
        valid: ``(n, 1500)`` bool. Where more bins hold something, they are thinned evenly: steps of one bin
            and of two alternate.
    """
    n = len(flux)
    cell = np.floor((np.arange(flux.shape[1]) + 0.5) * cadence / BIN).astype(np.int64)
    edges = np.searchsorted(cell, np.arange(cell[-1] + 2))
    count, total = (
        np.diff(np.concatenate([np.zeros((n, 1)), np.cumsum(values, axis=1)], axis=1)[:, edges], axis=1)
        for values in (valid.astype(np.float64), np.where(valid, flux - 1.0, 0.0))
    )
    time = np.full((n, POINTS), np.nan)
    out = np.zeros((n, POINTS), np.float32)
    for row in range(n):
        filled = np.flatnonzero(count[row] > 0)
        if filled.size > POINTS:
            filled = filled[np.linspace(0, filled.size - 1, POINTS).astype(np.int64)]
        time[row, : filled.size] = (filled + 0.5) * BIN
        out[row, : filled.size] = 1.0 + total[row, filled] / count[row, filled]
    return time, out, np.isfinite(time)
