"""Where a time lies in an orbit: the nearest transit, the phase, and the cadences in transit.

Times, periods and durations share one unit, days or cadences. A period that is not finite is a single transit's.
Loops in ``exojax/loops`` and code that JAX compiles fold by the same rule in their own words.
"""

from __future__ import annotations

import numpy as np

DRIFT = 0.25
"""durations by which the transits of one signal drift against another's over the curve, at most, to be of one object"""
LOCKED = 0.01
"""share by which such periods differ at most, where few transits bound the drift little"""

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


def next_transit(
    period: Times, t0: Times, period_error: Times, t0_error: Times, after: Times, middle: Times
) -> tuple[np.ndarray, np.ndarray]:
    """Return the first mid-transit at or after a time, and its one-sigma error.

    Period and the epoch of a transit in the middle of the data are determined apart, so that the error grows with the
    turns from there: ``error^2 = t0_error^2 - (m period_error)^2 + ((n - m) period_error)^2`` for transit ``n``, where
    transit ``m`` is the one nearest ``middle`` and ``t0_error`` is that of transit 0.

    Args:
        period: above 0; NaN or infinite for a single transit, of which no other is known.
        t0: a mid-transit, number 0.
        period_error, t0_error: one sigma.
        after: time from which the transit is looked for.
        middle: of the data.

    Returns:
        Two float64 arrays of the common shape; NaN where the period is not known, the error also where an error is not.
    """
    known = np.where(np.isfinite(period), period, np.nan)
    with np.errstate(invalid="ignore"):
        number, centre = np.ceil(np.subtract(after, t0) / known), np.rint(np.subtract(middle, t0) / known)
        least = np.maximum(np.square(t0_error) - np.square(centre * period_error), 0.0)
        error = np.sqrt(least + np.square((number - centre) * period_error))
    return t0 + number * known, np.where(np.isfinite(known), error, np.nan)


def is_locked(period: float, other: float, duration: float, span: float) -> bool:
    """Return whether two signals keep their phase over a curve, at one period or at half or twice of it.

    The eclipses of a binary do, two planets near a resonance drift apart.

    Args:
        period, other: days or cadences; of single transits NaN or infinite.
        duration: of the longer of the two.
        span: of the curve.
    """
    if not (np.isfinite(period) and np.isfinite(other)):
        return False
    for ratio in (0.5, 1.0, 2.0):
        expected = ratio * other
        off = abs(period - expected)
        if off <= LOCKED * expected and off * span / expected <= DRIFT * duration:
            return True
    return False
