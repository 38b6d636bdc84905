"""The observed share of the transits: detrending and the spacecraft make false signals at the edges of gaps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exojax.vetting.transit_series import TransitSeries
from exojax.vetting.verdict import Verdict, above, below, worst

WIDTH, BINS = 2.0, 10
"""width of the fold around mid-transit, in durations, and its number of bins"""
GAP = 5.0
"""shortest gap, cadences without data; half a duration if that is longer"""
EDGE = 1.0
"""a transit lies at a gap if the gap begins or ends within this distance of mid-transit, in durations"""
PHASES = 200
"""number of other epochs at which transits at gaps are counted, to estimate what chance gives"""
FILLED = (0.7, 0.4)
"""share of the bins with data: inconclusive below the first value, failed below the second"""
AT_GAPS = (0.13, 0.33)
"""share of the transits at gaps: inconclusive from the first value, failed from the second, unless chance gives as many
"""
CHANCE = 0.1
"""largest share of other epochs with as many transits at gaps; above it the test is not applied"""


@dataclass(frozen=True)
class Coverage:
    """Observed parts of the transits.

    Attributes:
        filled: share of ten bins over two durations of the fold that hold data (exovetter's transit phase coverage).
        observed: mean share of the expected cadences within two durations of mid-transit, over the observed transits.
        at_gaps: share of the observed transits that have a gap within a duration of mid-transit.
        chance: share of other epochs at the same period with as large a share at gaps; NaN where ``at_gaps`` is small.
        verdict: "fail" if bins are empty, or if more transits lie at gaps than chance explains.
    """

    filled: float
    observed: float
    at_gaps: float
    chance: float
    verdict: Verdict


def coverage(series: TransitSeries, cadence: float) -> Coverage:
    """Return the coverage of the transits; the verdict is "not known" if no cadence is in transit.

    Args:
        series: light curve of the candidate.
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


def share_at_gaps(
    series: TransitSeries, gap: float, reach: float, least: float, places: np.ndarray | None = None
) -> tuple[float, float]:
    """Return the share of the transits near a gap, and the share of other epochs for which it is as large.

    Args:
        series: light curve with at least one observed transit.
        gap: shortest time between neighbouring cadences that counts as a gap, days.
        reach: largest distance between mid-transit and the edge of a gap, days.
        least: other epochs are tried only if the first share is at least this.
        places: ``(k,)`` float64, other times that count as gaps, days.

    Returns:
        Both shares, 0 to 1. The second is NaN if other epochs were not tried, and for a single transit.
    """
    wide = np.flatnonzero(np.diff(series.time) > gap)
    edges = np.sort(np.concatenate([series.time[wide], series.time[wide + 1], [] if places is None else places]))
    if not len(edges):
        return 0.0, float("nan")
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
    """Return, for each of ``middles``, whether any of the ascending ``places`` is within ``reach``; bool."""
    if not len(places):
        return np.zeros(middles.shape, bool)
    return np.searchsorted(places, middles - reach) < np.searchsorted(places, middles + reach, "right")
