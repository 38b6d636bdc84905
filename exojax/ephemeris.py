"""Compute orbital phases: the nearest transit of a time, its phase, and the cadences in transit.

Times, periods and durations share one unit, days or cadences. A single transit has a period of NaN or infinity.
``exojax/loops`` and code that JAX compiles repeat the same formula.
"""

from __future__ import annotations

import numpy as np

DRIFT = 0.25
"""largest drift between two signals of one object over the curve, in transit durations"""
LOCKED = 0.01
"""largest relative difference between the periods of such signals; it matters where few transits are observed"""

Times = float | np.ndarray
"""one number, or float64 of any shape"""


def nearest_transit(time: Times, period: Times, t0: Times) -> tuple[np.ndarray, np.ndarray]:
    """Return the time since the nearest mid-transit, and the number of that transit.

    Args:
        time: float64, of any shape that broadcasts with ``period`` and ``t0``.
        period: above 0; NaN or infinite for a single transit.
        t0: time of a mid-transit.

    Returns:
        Two float64 arrays of the common shape. First, the time since the nearest mid-transit, from minus half to plus
        half a period. Second, the number of that transit, a whole number, 0 at ``t0``. Both are NaN where ``time`` is.
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
        time, period, t0: as in :func:`nearest_transit`.
        duration: full width of the mask, such as the time from first to last contact.

    Returns:
        bool, of the common shape; false where the time is NaN.
    """
    return np.abs(phase(time, period, t0)) <= 0.5 * np.asarray(duration)


def next_transit(
    period: Times, t0: Times, period_error: Times, t0_error: Times, after: Times, middle: Times
) -> tuple[np.ndarray, np.ndarray]:
    """Return the first mid-transit at or after a time, and its one-sigma error.

    The period and the epoch of the transit ``m`` nearest to the middle of the data are independent measurements, so
    that the error of transit ``n`` grows with its distance from transit ``m``:
    ``error^2 = t0_error^2 - (m period_error)^2 + ((n - m) period_error)^2``, where ``t0_error`` belongs to transit 0.

    Args:
        period: above 0; NaN or infinite for a single transit.
        t0: mid-transit of transit 0.
        period_error, t0_error: one sigma.
        after: earliest time of the returned transit.
        middle: time of the middle of the data.

    Returns:
        Two float64 arrays of the common shape: the mid-transit and its error. Both are NaN for a single transit; the
        error is NaN where ``period_error`` or ``t0_error`` is.
    """
    known = np.where(np.isfinite(period), period, np.nan)
    with np.errstate(invalid="ignore"):
        number, centre = np.ceil(np.subtract(after, t0) / known), np.rint(np.subtract(middle, t0) / known)
        least = np.maximum(np.square(t0_error) - np.square(centre * period_error), 0.0)
        error = np.sqrt(least + np.square((number - centre) * period_error))
    return t0 + number * known, np.where(np.isfinite(known), error, np.nan)


def is_locked(period: float, other: float, duration: float, span: float) -> bool:
    """Return whether two signals keep their relative phase over a curve: period ratio 1:2, 1:1 or 2:1.

    The two eclipses of a binary keep it; the transits of two planets near a resonance drift apart.

    Args:
        period, other: periods of the two signals, days or cadences; NaN or infinite for a single transit.
        duration: duration of the longer event, in the unit of the periods.
        span: length of the curve, in the same unit.
    """
    if not (np.isfinite(period) and np.isfinite(other)):
        return False
    for ratio in (0.5, 1.0, 2.0):
        expected = ratio * other
        off = abs(period - expected)
        if off <= LOCKED * expected and off * span / expected <= DRIFT * duration:
            return True
    return False
