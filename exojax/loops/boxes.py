"""Average a light curve in boxes of one transit duration, in time and in phase; compiled by Numba."""

from __future__ import annotations

import numpy as np
from numba import boolean, float64, int64, njit

from exojax.loops.options import LOOSE

_DOUBLES, _INTEGERS, _FLAGS, _TABLE = float64[::1], int64[::1], boolean[::1], float64[:, ::1]
SIGNATURES = {
    "time_boxes": (_DOUBLES, _DOUBLES, _DOUBLES, _FLAGS, float64, _TABLE),
    "phase_boxes": (_DOUBLES, _INTEGERS, _DOUBLES, _DOUBLES, float64, _TABLE),
}


@njit(**LOOSE)
def time_boxes(
    time: np.ndarray, flux: np.ndarray, weight: np.ndarray, near: np.ndarray, half: float, out: np.ndarray
) -> None:
    """Sum the flux within ``half`` of each cadence in time.

    Args:
        time: ``(n,)`` float64, ascending.
        flux, weight: ``(n,)`` float64.
        near: ``(n,)`` bool, cadences at a transit.
        half: in the unit of ``time``.
        out: ``(n, 5)`` float64: number, weight times flux, weight; the last two again without ``near``.
    """
    n = time.shape[0]
    left = right = 0
    count = 0.0
    value = total = 0.0
    other_value = other = 0.0
    for i in range(n):
        while right < n and time[right] <= time[i] + half:
            count += 1.0
            value += weight[right] * flux[right]
            total += weight[right]
            if not near[right]:
                other_value += weight[right] * flux[right]
                other += weight[right]
            right += 1
        while time[left] < time[i] - half:
            count -= 1.0
            value -= weight[left] * flux[left]
            total -= weight[left]
            if not near[left]:
                other_value -= weight[left] * flux[left]
                other -= weight[left]
            left += 1
        out[i, 0], out[i, 1], out[i, 2] = count, value, total
        out[i, 3], out[i, 4] = other_value, other


@njit(**LOOSE)
def phase_boxes(
    phase: np.ndarray, epoch: np.ndarray, flux: np.ndarray, weight: np.ndarray, half: float, out: np.ndarray
) -> None:
    """Sum the flux within ``half`` of each cadence in phase, and count the orbits that contribute.

    Args:
        phase: ``(n,)`` float64 from 0 to 1, ascending.
        epoch: ``(n,)`` int64, the orbit of each cadence, 1 or more and less than ``n + 1`` different ones.
        flux, weight: ``(n,)`` float64.
        half: of the phase, below 0.25.
        out: ``(n, 4)`` float64: number, weight times flux, weight, orbits.
    """
    n = phase.shape[0]
    most = 0
    for i in range(n):
        most = max(most, epoch[i])
    held = np.zeros(most + 3, np.int64)
    # Places count on through three copies of the fold; a cadence one fold later is of the orbit before.
    left = right = -n
    while left < 0 and phase[left + n] - 1.0 <= phase[0] - half:
        left += 1
    right = left
    count = orbits = 0
    value = total = 0.0
    for i in range(n):
        while right < 2 * n:
            turn = -1 if right < 0 else (1 if right >= n else 0)
            j = right - turn * n
            if phase[j] + turn >= phase[i] + half:
                break
            e = epoch[j] - turn + 1
            if held[e] == 0:
                orbits += 1
            held[e] += 1
            count += 1
            value += weight[j] * flux[j]
            total += weight[j]
            right += 1
        while True:
            turn = -1 if left < 0 else (1 if left >= n else 0)
            j = left - turn * n
            if phase[j] + turn > phase[i] - half:
                break
            e = epoch[j] - turn + 1
            held[e] -= 1
            if held[e] == 0:
                orbits -= 1
            count -= 1
            value -= weight[j] * flux[j]
            total -= weight[j]
            left += 1
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = count, value, total, orbits
