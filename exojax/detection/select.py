"""Choose the next candidate of a star: the best periodic signal, a single event, or none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exojax.detection.measure import MOST_MISMATCH, PeriodicSignal
from exojax.detection.period_grid import PeriodGrid, transit_duration
from exojax.detection.single_transits import SingleEvent

SINGLE_SNR = 10.0
"""smallest red-noise SNR of a single transit; it is high because a curve has thousands of trial times, and glitches"""


@dataclass(frozen=True)
class NextCandidate:
    """A star's next candidate.

    Attributes:
        single: the single transit; None if the next candidate is the periodic signal.
        apart: True for a single transit that is not the strongest transit of the periodic signal.
    """

    single: SingleEvent | None = None
    apart: bool = False


def choose(periodic: PeriodicSignal, event: SingleEvent, *, first: bool, snr_min: float) -> NextCandidate | None:
    """Return the next candidate of a star, or None if no signal is significant.

    If a single event is more significant than the best fold, or if a fold combines events that differ, the strongest
    event becomes a candidate as a single transit.

    Args:
        periodic: best periodic signal.
        event: best single event.
        first: True if the star has no candidate yet; its best signal is then a candidate, even if weak.
        snr_min: smallest red-noise SNR of a further candidate.
    """
    broken = periodic.mismatch > MOST_MISMATCH or periodic.n_transits < 2
    known = event.snr > 0 and abs(event.t0 - periodic.strongest) <= periodic.duration
    # The pair is split: its stronger event becomes a single transit, and the rest is searched again.
    paired = broken and not known and not event.snr_red >= periodic.strongest_snr
    if paired:
        white = periodic.strongest_snr
        event = SingleEvent(periodic.strongest, periodic.duration, periodic.strongest_depth, white, white)
    # Of n like events each has the fold's SNR over the root of n; an event by itself has more than any fold.
    if event.snr_red >= max(SINGLE_SNR, snr_min) and (broken or event.snr > periodic.snr):
        return NextCandidate(event, not paired)
    if first or not (broken or periodic.snr_red < snr_min):
        return NextCandidate()
    return None


def allowed_durations(plan: PeriodGrid, density: float) -> tuple[float, float]:
    """Return the shortest and the longest duration, cadences, plausible for a star.

    Args:
        plan: plan of the search.
        density: mean density of the star, solar units; NaN where unknown.
    """
    low, high = float(plan.durations[0]), float(plan.durations[-1])
    if not density > 0:
        return low, high
    # Twice the central transit of a circular orbit at the longest period: transits of eccentric orbits may last longer.
    most = 2 * float(transit_duration(plan.period_max * plan.cadence, density)) / plan.cadence
    return low, float(np.clip(most, 2 * low, high))
