"""Search one star for a signal whose transits may deviate by hours from a linear ephemeris.

For every block of time, the search takes the best event within the tolerance, and its SNR above the value that chance
gives for the best of as many places. These values are summed at each period and epoch, so that transits need not
coincide in a fold. (Carter & Agol 2013, ApJ 765, 132, let every interval between transits vary instead.) The strongest
event of a sum is left out and the others count up to a limit, so that a single event cannot make a period significant.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from exojax.config import TOLERANCES
from exojax.detection.curve import FlatCurve
from exojax.detection.measure import (
    LONGEST_SHARE,
    MOST_MISMATCH,
    PEAKS,
    Ephemeris,
    PeriodicSignal,
    describe,
    fit_transit,
    refine,
)
from exojax.detection.period_grid import transit_duration
from exojax.detection.red_noise import Noise
from exojax.detection.timing import COVERED, Timing, boxes, on_time, time_transits
from exojax.loops import tolerant as loops
from exojax.robust import MAD_TO_SIGMA

LEAST_EVENTS = 3
"""smallest number of transits of a candidate"""
LADDER = 1.6
"""ratio between neighbouring trial durations"""
UNUSUAL = 3.0
"""largest ratio between a trial duration and that of a central transit of the Sun, or its inverse"""
MOST_EXCESS = 6.0
"""largest contribution of one event, in standard deviations above chance"""
LEAST_POWER = 7.1
"""smallest sum of the events of a candidate without the strongest, in standard deviations above chance"""


@dataclass(frozen=True, eq=False)
class TolerantSignal:
    """A signal whose transits may be off time.

    Attributes:
        periodic: signal, measured with every transit moved to its time on the best line. ``snr_red`` is reduced by the
            SNR that chance gives for the best of many places; ``sde`` is the sum of events in standard deviations above
            chance.
        timing: times of the transits.
    """

    periodic: PeriodicSignal
    timing: Timing


@dataclass(frozen=True)
class _Trial:
    """A trial period, epoch and duration in cadences, the sum of its events, and the SNR of an event by chance."""

    period: float
    t0: float
    duration: float
    power: float
    chance: float


def tolerant_signal(
    curve: FlatCurve, cadence: float, tolerance: float, periods: tuple[float, float], limits: tuple[float, float]
) -> TolerantSignal | None:
    """Return the best signal of three or more transits that deviate from a linear ephemeris by at most ``tolerance``.

    Args:
        curve: flat curve with weight 0 in the transits of earlier candidates.
        cadence: days.
        tolerance: largest deviation of a transit, cadences.
        periods: shortest and longest period, cadences; periods below four tolerances are not tried.
        limits: shortest and longest duration, cadences.

    Returns:
        The signal, or None if no signal is significantly above chance.
    """
    noise = Noise.of(curve, limits[1])
    trials: list[_Trial] = []
    duration = max(limits[0], 2.0)
    while duration <= limits[1] * 1.01:
        trials += _trials(curve, noise, cadence, tolerance, periods, duration)
        duration *= LADDER
    best: TolerantSignal | None = None
    near = 2 * tolerance / max(curve.last - curve.first, 1)
    for _ in range(PEAKS):
        if not trials:
            break
        top = max(trials, key=lambda trial: trial.power)
        signal = _measured(curve, noise, tolerance, top, limits)
        if signal is not None and (best is None or signal.periodic.snr_red > best.periodic.snr_red):
            best = signal
        trials = [trial for trial in trials if abs(np.log(trial.period / top.period)) > near]
    return best


def _trials(
    curve: FlatCurve,
    noise: Noise,
    cadence: float,
    tolerance: float,
    periods: tuple[float, float],
    duration: float,
) -> list[_Trial]:
    """Return the trial periods of one duration at which the sum of events is significantly above chance."""
    size = len(curve.flux)
    middle = np.arange(size, dtype=np.float64)
    lost, measured = boxes(curve, middle, duration)
    usable = measured >= COVERED * duration
    snr = lost / np.sqrt(np.maximum(measured, 1e-9)) / noise.at(duration, middle)
    step = max(round(max(tolerance / 2, duration / 3)), 1)
    strongest, seen = _strongest(np.where(usable, snr, -np.inf), step, tolerance)
    # The inverted curve has no transits: its best events show what chance gives for the best of as many places.
    brightest, _ = _strongest(np.where(usable, -snr, -np.inf), step, tolerance)
    if seen.sum() < LEAST_EVENTS:
        return []
    chance = float(np.median(brightest[seen]))
    spread = max(MAD_TO_SIGMA * float(np.median(np.abs(brightest[seen] - chance))), 0.1)
    excess = np.where(seen, np.minimum((strongest - chance) / spread, MOST_EXCESS), 0.0)
    shortest, longest = max(periods[0], TOLERANCES * tolerance), periods[1]
    if not shortest < longest:
        return []
    # Transits drift by a block at most between the middle of the curve and its ends.
    spacing = 2 / len(excess)
    tried = longest * np.exp(-spacing * np.arange(int(np.log(longest / shortest) / spacing) + 1))
    usual = transit_duration(tried * cadence, 1.0) / cadence
    tried = tried[(usual >= duration / UNUSUAL) & (usual <= duration * UNUSUAL)]
    power, epoch = np.empty(len(tried)), np.empty(len(tried), np.int64)
    loops.summed_events(excess, seen.astype(np.float64), tried / step, LEAST_EVENTS, power, epoch)
    return [
        _Trial(float(tried[k]), (float(epoch[k]) + 0.5) * step, duration, float(power[k]), chance)
        for k in np.flatnonzero(power >= LEAST_POWER)
    ]


def _strongest(snr: np.ndarray, step: int, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the highest SNR within the tolerance of each block of ``step`` cadences, and which blocks have data."""
    rows = np.pad(snr, (0, -len(snr) % step), constant_values=-np.inf).reshape(-1, step)
    own = rows.max(axis=1)
    best = own.copy()
    for shift in range(1, int(np.ceil(tolerance / step)) + 1):
        np.maximum(best[shift:], own[:-shift], out=best[shift:])
        np.maximum(best[:-shift], own[shift:], out=best[:-shift])
    return best, np.isfinite(own)


def _measured(
    curve: FlatCurve, noise: Noise, tolerance: float, trial: _Trial, limits: tuple[float, float]
) -> TolerantSignal | None:
    """Time the transits of a trial, move them to their line and measure the signal; None if their depths differ."""
    # The first line is exact to the tolerance, the second to a fraction of a duration.
    start = trial.period, trial.t0, LADDER * trial.duration
    timing = time_transits(curve, noise, *start, reach=2 * tolerance, least=LEAST_EVENTS)
    if timing is None:
        return None
    timing = retimed(curve, noise, timing, tolerance) or timing
    together = on_time(curve, timing)
    signal = Ephemeris(timing.period, timing.t0, timing.duration, 0.0)
    shortest, longest = limits[0], min(limits[1], LONGEST_SHARE * timing.period)
    signal = refine(together, signal, shortest, longest)
    if not signal.snr > 0:
        return None
    shape = fit_transit(together, signal, shortest, longest)
    found, _ = describe(together, signal, shape, trial.power, noise)
    if found.mismatch > MOST_MISMATCH or found.n_transits < LEAST_EVENTS:
        return None
    snr_red = float(np.sqrt(max(found.snr_red**2 - found.n_transits * trial.chance**2, 0.0)))
    return TolerantSignal(replace(found, snr_red=snr_red), timing)


def retimed(curve: FlatCurve, noise: Noise, timing: Timing, tolerance: float) -> Timing | None:
    """Measure the times of transits again within the tolerance of their line; None if too few can be timed."""
    reach = tolerance + timing.duration
    where = timing.period, timing.t0, LADDER * timing.duration
    return time_transits(curve, noise, *where, reach=reach, least=LEAST_EVENTS)
