"""Fold a candidate into the bins of its views; compiled by Numba once per machine."""

from __future__ import annotations

import math

import numpy as np
from numba import float32, float64, int64, njit

from exojax.loops.options import LOOSE

_REALS, _TABLE = float32[::1], float64[:, ::1]
SIGNATURES = {"fold_moments": (_REALS, _REALS, int64, int64, *(float64,) * 4, *(_TABLE,) * 5)}


@njit(**LOOSE)
def _bin(into: np.ndarray, place: int, weight: float, flux: float) -> None:
    if 0 <= place < into.shape[0]:
        into[place, 3] += 1.0
        if weight > 0:
            into[place, 0] += weight
            into[place, 1] += weight * flux
            into[place, 2] += weight * flux * flux


@njit(**LOOSE)
def fold_moments(
    flux: np.ndarray,
    weight: np.ndarray,
    first: int,
    last: int,
    period: float,
    t0: float,
    window: float,
    phase: float,
    fine: np.ndarray,
    odd_side: np.ndarray,
    even_side: np.ndarray,
    second: np.ndarray,
    half: np.ndarray,
) -> None:
    """Add weight, weight times flux, weight times squared flux, and 1 to the bins of a candidate's views.

    Args:
        flux, weight: ``(n_cadences,)`` float32.
        first, last: the first and the last cadence that was measured.
        period, t0, window: cadences; ``window`` on either side of an event.
        phase: of the secondary from the transit; NaN leaves ``second`` empty.
        fine: ``(4 * global_bins, 4)`` float64, from one period before an even transit to one after it.
        odd_side, even_side, second, half: ``(local_bins, 4)`` float64.
    """
    bins, cells = odd_side.shape[0], fine.shape[0]
    narrow = min(window, 0.25 * period)
    for i in range(first, last + 1):
        w, y, late = float(weight[i]), float(flux[i]), i - t0
        number = math.floor(late / period + 0.5)
        tau = late - number * period
        odd = number - 2 * math.floor(0.5 * number) > 0.5
        cycle = tau
        if odd:
            cycle += period if tau < 0 else -period
        _bin(fine, math.floor((cycle + period) / period * (cells // 2)), w, y)
        _bin(odd_side if odd else even_side, math.floor((tau + window) / (2 * window) * bins), w, y)
        if not math.isnan(phase):
            other = tau - phase * period
            other -= math.floor(other / period + 0.5) * period
            _bin(second, math.floor((other + window) / (2 * window) * bins), w, y)
        beside = late - math.floor(late / (0.5 * period) + 0.5) * 0.5 * period
        _bin(half, math.floor((beside + narrow) / (2 * narrow) * bins), w, y)
