"""How much of the transits was observed: a signal at the edges of gaps is the detrending's or the spacecraft's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exojax.vetting.transit_series import TransitSeries
from exojax.vetting.verdict import Verdict, above, below, worst

WIDTH, BINS = 2.0, 10
"""durations around mid-transit, in so many bins"""
GAP = 5.0
"""cadences without data, or half a duration where that is more, make a gap"""
EDGE = 1.0
"""durations from mid-transit within which a gap spoils a transit"""
PHASES = 200
"""other epochs at which gaps are counted, for what chance makes of it"""
FILLED = (0.7, 0.4)
"""share of the bins with data: below the first inconclusive, below the second it fails"""
AT_GAPS = (0.13, 0.33)
"""share of the transits at gaps: from the first inconclusive, from the second it fails, where chance makes less"""
CHANCE = 0.1
"""share of other epochs with as many transits at gaps, above which their number says nothing"""


@dataclass(frozen=True)
class Coverage:
    """Which parts of the transits were observed.

    Attributes:
        filled: share of ten bins over two durations of the fold that hold data (exovetter's transit phase coverage).
        observed: mean share of the expected cadences within two durations of mid-transit, over the transits seen.
        at_gaps: share of the transits seen that have a gap within a duration of mid-transit.
        chance: share of other epochs at the same period with as large a share at gaps; NaN where it is small anyway.
        verdict: fails where bins are empty, or where the transits keep to gaps.
    """

    filled: float
    observed: float
    at_gaps: float
    chance: float
    verdict: Verdict


def coverage(series: TransitSeries, cadence: float) -> Coverage:
    """Return how well the transits are covered; "not known" where no cadence is in transit.

    Args:
        series: of the candidate.
        cadence: days between samples.
    """
    nan = float("nan")
    count = len(series.events)
    if not count:
        return Coverage(0.0 if len(series.time) else nan, nan, nan, nan, "not known")
    share = (series.late / (WIDTH * series.duration) + 0.5) * BINS
    within = share[(share > 0) & (share < BINS)].astype(np.int64)
    filled = np.count_nonzero(np.bincount(within, minlength=BINS)) / BINS
    wide = np.abs(series.late) < 2 * series.duration
    expected = min(4 * series.duration, series.period) / cadence
    seen = np.bincount(series.event[wide], minlength=int(series.events[-1]) + 1)[series.events]
    observed = float(np.minimum(seen / expected, 1.0).mean())
    at_gaps, chance = share_at_gaps(
        series, max(GAP * cadence, 0.5 * series.duration), EDGE * series.duration, AT_GAPS[0]
    )
    gaps = above(at_gaps, *AT_GAPS) if chance <= CHANCE else "pass"
    return Coverage(filled, observed, at_gaps, chance, worst(below(filled, *FILLED), gaps))


def share_at_gaps(series: TransitSeries, gap: float, reach: float, least: float) -> tuple[float, float]:
    """Return the share of the transits near a gap, and the share of other epochs where it is as large.

    Args:
        series: with a transit in it.
        gap: days between neighbouring cadences, from which they have a gap between them.
        reach: days from mid-transit to the edge of a gap.
        least: the second is counted only where the first is at least this.

    Returns:
        Both; the second is NaN where it was not counted, and for a single transit.
    """
    wide = np.flatnonzero(np.diff(series.time) > gap)
    if not len(wide):
        return 0.0, float("nan")
    edges = np.sort(np.concatenate([series.time[wide], series.time[wide + 1]]))
    number = series.events
    first = series.time[0] - series.late[0]
    if series.single:
        near = np.abs(edges - series.t0) <= reach
        return float(near.any()), float("nan")
    middles = first + number * series.period
    own = float(_near(middles, edges, reach).mean())
    if own < least:
        return own, float("nan")
    shifts = (np.arange(PHASES) + 0.5) / PHASES * series.period
    every = np.arange(int(series.event[-1]) + 2) - 1
    trial = first + every * series.period + shifts[:, None]
    covered = _near(trial, series.time, 0.5 * series.duration)
    spoiled = _near(trial, edges, reach) & covered
    shares = spoiled.sum(axis=1) / np.maximum(covered.sum(axis=1), 1)
    return own, float(np.mean(shares >= own))


def _near(middles: np.ndarray, places: np.ndarray, reach: float) -> np.ndarray:
    """Return whether any of the ascending ``places`` is within ``reach`` of each of ``middles``; bool of its shape."""
    if not len(places):
        return np.zeros(middles.shape, bool)
    return np.searchsorted(places, middles - reach) < np.searchsorted(places, middles + reach, "right")
