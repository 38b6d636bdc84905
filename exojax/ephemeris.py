"""Where a time lies in an orbit: the nearest transit, the phase, and the cadences in transit.

Times, periods and durations share one unit, days or cadences. A period that is not finite is a single transit's.
Loops in ``exojax/loops`` and code that JAX compiles fold by the same rule in their own words.
"""

from __future__ import annotations

import numpy as np

Times = float | np.ndarray
"""one number, or float64 of any shape"""


def nearest_transit(time: Times, period: Times, t0: Times) -> tuple[np.ndarray, np.ndarray]:
    """Return the time since the nearest mid-transit, and the number of that transit.

    Args:
        time: float64, of any shape that broadcasts with the others.
        period: above 0; NaN or infinite for a single transit.
        t0: a mid-transit.

    Returns:
        Two float64 arrays of the common shape: the time since the nearest mid-transit, at most half a period before or
        after it; and the transit's number, 0 at ``t0``, a whole number or NaN where the time is.
    """
    late = np.asarray(np.subtract(time, t0), np.float64)
    if np.ndim(period) == 0:
        if not np.isfinite(period):
            return late, np.zeros_like(late)
        number = np.rint(late / period)
        return late - number * period, number
    repeats = np.isfinite(period)
    step = np.where(repeats, period, 1.0)
    number = np.where(repeats, np.rint(late / step), 0.0)
    return late - number * step, number


def phase(time: Times, period: Times, t0: Times) -> np.ndarray:
    """Return the time since the nearest mid-transit, in the unit of ``time``; see :func:`nearest_transit`."""
    return nearest_transit(time, period, t0)[0]


def transit_mask(time: Times, period: Times, t0: Times, duration: Times) -> np.ndarray:
    """Return whether each time lies within half a duration of a mid-transit, both ends included.

    Args:
        time, period, t0: as of :func:`nearest_transit`.
        duration: the whole width, first to last contact or a multiple of it.

    Returns:
        bool, of the common shape; false where the time is NaN.
    """
    return np.abs(phase(time, period, t0)) <= 0.5 * np.asarray(duration)
