"""From what was measured of a star to its next candidate: the best periodic signal, a single event, or none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exojax.detection.measure import MOST_MISMATCH, PeriodicSignal
from exojax.detection.period_grid import PeriodGrid, transit_duration
from exojax.detection.single_transits import SingleEvent

SINGLE_SNR = 10.0
"""least red-noise SNR of a single transit: a curve has thousands of places for one, and glitches"""


@dataclass(frozen=True)
class NextCandidate:
    """A star's next candidate.

    Attributes:
        single: a single transit, or None where the next candidate is the periodic signal as measured.
        apart: of a single transit: found by itself, and not the strongest of the periodic signal's.
    """

    single: SingleEvent | None = None
    apart: bool = False


def choose(periodic: PeriodicSignal, event: SingleEvent, *, first: bool, snr_min: float) -> NextCandidate | None:
    """Return the next candidate of a star, or None where there is none.

    Where one event outshines the best fold, or a fold pairs events that differ, the strongest event is a candidate of
    its own.

    Args:
        periodic: the best periodic signal.
        event: the best single event.
        first: nothing was found before, and the best signal is a candidate, however weak.
        snr_min: least red-noise SNR of a further one.
    """
    broken = periodic.mismatch > MOST_MISMATCH or periodic.n_transits < 2
    known = event.snr > 0 and abs(event.t0 - periodic.strongest) <= periodic.duration
    # The pair is broken up: its stronger event stands for itself, the rest is searched again.
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
        plan: of the search.
        density: mean density, solar; NaN where unknown.
    """
    low, high = float(plan.durations[0]), float(plan.durations[-1])
    if not density > 0:
        return low, high
    # Twice the central transit of a circular orbit at the longest period: eccentric orbits take their time.
    most = 2 * float(transit_duration(plan.period_max * plan.cadence, density)) / plan.cadence
    return low, float(np.clip(most, 2 * low, high))
