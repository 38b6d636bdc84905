"""Search a curve with long gaps; compiled by Numba once per machine.

Times are in bins from the first of the curve. Only observed bins are given, so that gaps take no time.
"""

from __future__ import annotations

import math

import numpy as np
from numba import float64, int64, njit

from exojax.loops.options import LOOSE

_DOUBLES, _INTEGERS = float64[::1], int64[::1]
SIGNATURES = {
    "folded_snr": (_INTEGERS, _DOUBLES, _DOUBLES, float64, _DOUBLES, _INTEGERS, _INTEGERS, _DOUBLES),
}


@njit(**LOOSE)
def folded_snr(
    place: np.ndarray,
    centred: np.ndarray,
    weight: np.ndarray,
    total: float,
    periods: np.ndarray,
    durations: np.ndarray,
    cores: np.ndarray,
    out: np.ndarray,
) -> None:
    """Fill the highest SNR over epochs and durations at each period.

    Args:
        place: ``(m,)`` int64, the bins of time that were measured.
        centred, weight: ``(m,)`` float64, sums of weight times flux above its weighted mean, and of weight.
        total: sum of all weights.
        periods: ``(n,)`` float64, bins.
        durations, cores: ``(n_durations,)`` int64, bins, rising; cores at full depth.
        out: ``(n,)`` float64.
    """
    longest, widest = durations[-1], 0.0
    for k in range(periods.shape[0]):
        widest = max(widest, periods[k])
    room = math.ceil(widest) + longest + 2
    flux, mass = np.empty(room), np.empty(room)
    for k in range(periods.shape[0]):
        period = periods[k]
        columns = math.ceil(period)
        flux[:] = 0.0
        mass[:] = 0.0
        inverse = 1.0 / period
        for i in range(place.shape[0]):
            turns = math.floor(place[i] * inverse)
            column = min(max(int(place[i] - turns * period), 0), columns - 1)
            flux[column + 1] += centred[i]
            mass[column + 1] += weight[i]
        for c in range(columns, columns + longest):
            flux[c + 1], mass[c + 1] = flux[c % columns + 1], mass[c % columns + 1]
        for c in range(columns + longest):
            flux[c + 1] += flux[c]
            mass[c + 1] += mass[c]
        best = 0.0
        for d in range(durations.shape[0]):
            duration, core = durations[d], cores[d]
            if duration > columns:
                break
            edge = (duration - core) // 2
            for c in range(columns):
                s = flux[c + duration] - flux[c] + flux[c + edge + core] - flux[c + edge]
                if s < 0:
                    whole, inside = mass[c + duration] - mass[c], mass[c + edge + core] - mass[c + edge]
                    a1, a2 = 0.5 * (whole + inside), 0.25 * whole + 0.75 * inside
                    best = max(best, 0.25 * s * s * total / max(a2 * total - a1 * a1, 1.0))
        out[k] = math.sqrt(best)
