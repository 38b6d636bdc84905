"""The best signal of a star whose transits may be hours off a linear ephemeris.

Every block of time has the best event within the tolerance of it, as strong as it stands out of what the best of so
many places gives by chance; these are summed at each period and epoch. So transits need not meet in a fold. Carter &
Agol (2013, ApJ 765, 132) let every interval between transits vary instead. The strongest event of a sum is left out and
the others count up to a limit, so that no single event makes a period.
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
"""transits of a candidate"""
LADDER = 1.6
"""ratio of neighbouring durations that are tried"""
UNUSUAL = 3.0
"""factor by which a duration differs at most from that of a central transit of the Sun"""
MOST_EXCESS = 6.0
"""standard deviations above chance that one event counts at most"""
LEAST_POWER = 7.1
"""standard deviations above chance of the sum of a candidate's events, the strongest left out"""


@dataclass(frozen=True, eq=False)
class TolerantSignal:
    """A signal whose transits may be off time.

    Attributes:
        periodic: measured with every transit moved to where the best line expects it; ``snr_red`` without what the best
            of many places gives by chance, ``sde`` the standard deviations of the sum of events above chance.
        timing: of its transits.
    """

    periodic: PeriodicSignal
    timing: Timing


@dataclass(frozen=True)
class _Trial:
    """A period, epoch and duration in cadences, the sum of its events, and the SNR that chance gives an event."""

    period: float
    t0: float
    duration: float
    power: float
    chance: float


def tolerant_signal(
    curve: FlatCurve, cadence: float, tolerance: float, periods: tuple[float, float], limits: tuple[float, float]
) -> TolerantSignal | None:
    """Return the best signal of at least three transits that are off a linear ephemeris by a tolerance at most.

    Args:
        curve: weight 0 in the transits of earlier candidates.
        cadence: days.
        tolerance: cadences.
        periods: cadences, shortest and longest; those below four tolerances are not tried.
        limits: cadences, shortest and longest duration.

    Returns:
        The signal, or None where none stands out of chance.
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
    """Return the trial periods of one duration at which the summed events stand out of chance."""
    size = len(curve.flux)
    middle = np.arange(size, dtype=np.float64)
    lost, measured = boxes(curve, middle, duration)
    usable = measured >= COVERED * duration
    snr = lost / np.sqrt(np.maximum(measured, 1e-9)) / noise.at(duration, middle)
    step = max(round(max(tolerance / 2, duration / 3)), 1)
    strongest, seen = _strongest(np.where(usable, snr, -np.inf), step, tolerance)
    # Upside down there are no transits: what the best of as many places gives by chance.
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
    """Return the signal of a trial, its transits timed and moved to their line; None where they are not alike."""
    # The first line is good to the tolerance, the second to a part of a duration.
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
    """Return the times of transits again, within the tolerance of their line; None where too few can be timed."""
    reach = tolerance + timing.duration
    where = timing.period, timing.t0, LADDER * timing.duration
    return time_transits(curve, noise, *where, reach=reach, least=LEAST_EVENTS)
