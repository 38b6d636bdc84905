"""The loop that adds the events of a period whose transits are not on time, compiled by Numba once for a machine."""

from __future__ import annotations

import math

import numpy as np
from numba import float64, int64, njit

from exojax.loops.options import LOOSE

_DOUBLES, _INTEGERS = float64[::1], int64[::1]
SIGNATURES = {"summed_events": (_DOUBLES, _DOUBLES, _DOUBLES, int64, _DOUBLES, _INTEGERS)}


@njit(**LOOSE)
def summed_events(
    excess: np.ndarray, seen: np.ndarray, periods: np.ndarray, least: int, power: np.ndarray, epoch: np.ndarray
) -> None:
    """Fill the highest sum of events over epochs at each period, the strongest event left out.

    The sum is over the root of the number of events in it, so that it is in standard deviations of chance.

    Args:
        excess: ``(n,)`` float64, strength of the best event near each block of time, above chance and over its standard
            deviation; 0 where ``seen`` is.
        seen: ``(n,)`` float64, 1 where there are data, 0 elsewhere.
        periods: ``(m,)`` float64, blocks.
        least: events that a period needs.
        power: ``(m,)`` float64, the sum; 0 where no epoch has enough events.
        epoch: ``(m,)`` int64, blocks.
    """
    widest = 0.0
    for k in range(periods.shape[0]):
        widest = max(widest, periods[k])
    room = math.ceil(widest) + 1
    total, count, top = np.empty(room), np.empty(room), np.empty(room)
    size = excess.shape[0]
    # Rows of a fold that lie in a gap are left out.
    filled = np.zeros(size + 1)
    for i in range(size):
        filled[i + 1] = filled[i] + seen[i]
    for k in range(periods.shape[0]):
        period = periods[k]
        columns = math.ceil(period)
        total[:columns] = 0.0
        count[:columns] = 0.0
        top[:columns] = 0.0
        turn = 0
        first = 0
        while first < size:
            stop = min(first + columns, size)
            if filled[stop] > filled[first]:
                some, there = excess[first:stop], seen[first:stop]
                for c in range(some.shape[0]):
                    total[c] += some[c]
                    count[c] += there[c]
                    top[c] = max(top[c], some[c])
            turn += 1
            first = int(turn * period)
        power[k] = 0.0
        epoch[k] = 0
        for c in range(columns):
            if count[c] >= least:
                value = (total[c] - top[c]) / math.sqrt(count[c] - 1.0)
                if value > power[k]:
                    power[k] = value
                    epoch[k] = c
