"""Search light curves with long gaps: each season separately, then all seasons together.

Over a long gap, the error of a period is too large to count the orbits. Therefore the powers of the seasons at one
period are added without a common phase, and a common phase is used only near the best periods. A planet with less than
two transits per season is found by its single events: two events in different seasons allow a list of periods, and a
third event selects one. The run time grows with the number of measurements, not with the length of the gaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from exojax.detection.curve import FlatCurve
from exojax.detection.measure import PEAKS, Ephemeris, PeriodicSignal, best_of, fit_transit
from exojax.detection.peaks import Peak, find_peaks
from exojax.detection.period_grid import PeriodGrid, inner, transit_duration
from exojax.detection.periodogram import Periodogram, Sums, pyramid
from exojax.detection.red_noise import Noise
from exojax.detection.select import SINGLE_SNR
from exojax.detection.single_transits import LIKE as LIKE_DIP
from exojax.detection.single_transits import SingleEvent, single_event
from exojax.light_curves import EvenCurves
from exojax.loops import seasons as loops
from exojax.robust import MAD_TO_SIGMA

GAP = 120.0
"""shortest gap between two seasons, days; longer than a quarter, because Kepler did not observe some stars for one"""
FILLED, AT_ONCE = 0.25, 2**16
"""a curve that is filled by this share and has at most this number of cadences is searched with a common phase at once
"""
LEAST_CADENCES, LEAST_DAYS = 64, 2.0
"""smallest number of measured cadences and shortest time, days, of a season that is searched"""
MOST_WEIGHT = 4.0
"""largest weight of a cadence, as on the even grid"""
STEPS = 8
"""number of trial periods within a drift of one transit duration over the whole curve"""
DOUBT = 9.0
"""smallest difference of squared SNRs that distinguishes two coherent periods: three standard deviations"""
MOST_ALIASES = 20
EVENTS = 4
"""largest number of single events of a season that are paired with those of other seasons"""
EVENT_SNR = 6.0
"""smallest red-noise SNR of such an event"""
LIKE = 0.25
"""largest relative difference of the depths of two events of one planet; a larger one must also exceed 3 sigma"""
STRETCH = 2.0
"""largest ratio of their durations"""
SAME = 0.01
"""largest relative difference of equal periods; otherwise one is a harmonic"""
SEEN = 0.5
"""smallest measured share of a transit that counts as observed"""
MISSED = 3.0
"""a period is excluded if data at a predicted transit exceed half of its depth by this number of standard deviations"""


@dataclass(frozen=True)
class Season:
    """A season: the cadences of the even grid from ``first`` to ``stop - 1``.

    Attributes:
        first, stop: cadences.
        step: cadences between two measurements; more than 1 if the season has a coarser sampling than the grid.
    """

    first: int
    stop: int
    step: int

    def of(self, curve: FlatCurve) -> FlatCurve:
        """Return the part of ``curve`` in this season."""
        return FlatCurve.of(curve.flux[self.first : self.stop], curve.weight[self.first : self.stop])


@dataclass(frozen=True)
class Repeat:
    """Similar events in several seasons.

    Attributes:
        peak: shortest period that predicts all these events and no other observed transit, cadences; for two events,
            the time between them.
        possible: all such periods, cadences, ascending.
        first: one of the events.
        is_duo: True for two events with several possible periods.
    """

    peak: Peak
    possible: tuple[float, ...]
    first: SingleEvent
    is_duo: bool


def split(weight: np.ndarray, cadence: float) -> list[Season]:
    """Return the seasons of a curve with gaps of more than 120 days, without seasons that have too few data.

    The list is empty for a curve without such a gap, and for a short curve that is well filled: both are searched as a
    whole.

    Args:
        weight: ``(n_cadences,)``, 0 in cadences that were not measured.
        cadence: days.
    """
    seen = np.flatnonzero(weight > 0)
    breaks = np.flatnonzero(np.diff(seen) > GAP / cadence)
    if not len(breaks):
        return []
    firsts, lasts = seen[np.concatenate([[0], breaks + 1])], seen[np.concatenate([breaks, [len(seen) - 1]])]
    counts = np.diff(np.concatenate([[0], breaks + 1, [len(seen)]]))
    long = (counts >= LEAST_CADENCES) & ((lasts - firsts) * cadence >= LEAST_DAYS)
    filled = float((lasts - firsts).sum()) / max(int(seen[-1] - seen[0]), 1)
    if filled > FILLED and len(weight) <= AT_ONCE:
        return []
    found = []
    for first, stop in zip(firsts[long].tolist(), (lasts[long] + 1).tolist()):
        steps = np.diff(np.flatnonzero(weight[first:stop] > 0))
        found.append(Season(first, stop, max(round(float(np.median(steps))), 1)))
    return found


def longest_season(seasons: Sequence[Season]) -> int:
    """Return the cadences of the longest season."""
    return max(one.stop - one.first for one in seasons)


def coverage(weight: np.ndarray, seasons: Sequence[Season]) -> np.ndarray:
    """Return the running sum of the observed time, ``(n + 1,)`` float64 cadences.

    Args:
        weight: ``(n,)``, 0 in cadences that were not measured.
        seasons: seasons of the curve; a measured cadence counts ``step`` of its season, outside of all seasons 1.
    """
    measured = (weight > 0).astype(np.float64)
    for one in seasons:
        measured[one.first : one.stop] *= one.step
    return np.concatenate([[0.0], np.cumsum(measured)])


def balanced(flat: EvenCurves, seasons: Sequence[Season], in_transit: np.ndarray) -> EvenCurves:
    """Scale the weights of a flat curve to the noise of each season, which differs with cadence and camera.

    Weights are multiplied by the squared ratio of the scatter of the curve to that of the season. They stay multiples
    of 1/64 and at most 4, so that their sums are exact.

    Args:
        flat: curve of one star.
        seasons: seasons of the curve.
        in_transit: ``(n_cadences,)`` bool, cadences that are left out of the scatter.
    """
    weight, scatter = flat.weight[0].copy(), float(flat.scatter[0])
    for one in seasons:
        w = weight[one.first : one.stop]
        used = (w > 0) & ~in_transit[one.first : one.stop]
        if used.any():
            own = MAD_TO_SIGMA * float(np.median(np.abs(flat.flux[0, one.first : one.stop][used] * np.sqrt(w[used]))))
            scaled = np.clip(np.rint(64 * w * (scatter / max(own, 1e-12)) ** 2), 1, 64 * MOST_WEIGHT) / np.float32(64)
            weight[one.first : one.stop] = np.where(w > 0, scaled, 0)
    return replace(flat, weight=weight[None])


@dataclass(frozen=True, eq=False)
class SeasonSignals:
    """Signals of all seasons together.

    Attributes:
        found: periodogram of the seasons.
        periodic: best periodic signal.
        noise: noise of the curve outside of that signal.
        event: best single event of all seasons.
        possible: cadences, periods that explain the transits as well as the period of ``periodic``.
        duo: True if the signal consists of two events in different seasons; its period is then the time between them, a
            multiple of the true period.
    """

    found: Periodogram
    periodic: PeriodicSignal
    noise: Noise
    event: SingleEvent
    possible: tuple[float, ...]
    duo: bool


def measure_seasons(
    plan: PeriodGrid,
    curve: FlatCurve,
    seasons: Sequence[Season],
    shortest: float,
    longest: float,
    longest_period: float,
) -> SeasonSignals:
    """Return the best signals of a curve with long gaps.

    Args:
        plan: periods and durations for the longest season.
        curve: curve of all seasons, with weight 0 in the transits of earlier candidates.
        seasons: seasons of the curve.
        shortest, longest: cadences, range of durations for the star.
        longest_period: cadences, longest period of a signal that is found by single events.
    """
    found = season_periodogram(plan, curve, seasons)
    peaks, others = [], []
    for peak in find_peaks(found, 2 * float(plan.durations[-1]) / longest_season(seasons), PEAKS):
        period, equal = coherent(plan, curve, seasons, peak.period)
        peaks.append(peak._replace(period=period))
        others.append(equal)
    events = season_events(plan, curve, seasons)
    repeat = repeated(plan, curve, seasons, events, found, longest_period)
    if repeat is not None:
        peaks.append(repeat.peak)
        others.append(list(repeat.possible) if repeat.is_duo else list(repeat.possible[1:]))
    periodic, noise, best = best_of(plan, peaks, curve, shortest, longest)
    if abs(periodic.period / peaks[best].period - 1) > SAME:
        possible: list[float] = []  # a harmonic was better
    else:
        possible = others[best]
    duo = repeat is not None and best == len(peaks) - 1 and repeat.is_duo and bool(possible)
    if duo and repeat is not None:
        turns = np.rint((repeat.first.t0 - periodic.t0) / periodic.period)
        periodic = replace(periodic, t0=periodic.t0 + turns * periodic.period)
    nothing = SingleEvent(0.0, 0.0, 0.0, 0.0, 0.0)
    event = max((e for mine in events for e in mine), key=lambda e: e.snr_red, default=nothing)
    return SeasonSignals(found, periodic, noise, event, tuple(possible), duo)


def season_periodogram(plan: PeriodGrid, curve: FlatCurve, seasons: Sequence[Season]) -> Periodogram:
    """Return the root of the sum of the seasons' squared SNRs at each evaluated period.

    Epoch and duration are chosen for each season separately. ``trend`` and ``spread`` are those of the sum, and
    therefore include the effect of choosing the best epoch in each season.
    """
    each = [one.of(curve) for one in seasons]
    return pyramid(plan, [Sums(one.flux, one.weight, plan) for one in each if one.weight.any()])


def coherent(plan: PeriodGrid, curve: FlatCurve, seasons: Sequence[Season], period: float) -> tuple[float, list[float]]:
    """Return the best period near a peak with a common phase of all seasons, and the periods that fit equally well.

    Args:
        plan: plan of the seasons' periodogram.
        curve: curve of all seasons.
        seasons: seasons of the curve.
        period: cadences, period of the peak.

    Returns:
        The best period, and the periods whose squared SNR is less than 9 lower, best first; all in cadences.
    """
    usual = float(transit_duration(period * plan.cadence, 1.0)) / plan.cadence
    usual = float(np.clip(usual, plan.durations[0], plan.durations[-1]))
    span = max(curve.last - curve.first, 1)
    reach = usual / longest_season(seasons)
    n = int(np.ceil(reach * STEPS * span / usual))
    tried = period * np.exp(np.arange(-n, n + 1) * usual / STEPS / span)
    plausible = (plan.durations >= usual / 3) & (plan.durations <= min(3 * usual, max(0.25 * period, usual)))
    allowed = plan.durations[plausible] if plausible.any() else plan.durations[:1]
    # A few bins a transit are enough, and a gap has none.
    width = max(int(allowed[0]) // 3, 1)
    seen = np.flatnonzero(curve.weight > 0)
    place, number = np.unique(seen // width, return_inverse=True)
    flux, weight = (np.bincount(number, x[seen], len(place)) for x in (curve.centred, curve.weight))
    durations = np.unique(np.maximum(np.rint(allowed / width), 2).astype(np.int64))
    cores = np.array([inner(d) for d in durations.tolist()], np.int64)
    snr = np.empty(len(tried))
    loops.folded_snr(place, flux, weight, curve.total, tried / width, durations, cores, snr)
    power = snr**2
    kept: list[float] = []
    least = power.max() - DOUBT
    while len(kept) <= MOST_ALIASES and power.max() >= max(least, 1e-9):
        top = int(np.argmax(power))
        kept.append(float(tried[top]))
        power[max(top - STEPS, 0) : top + STEPS + 1] = -np.inf
    return (kept[0], kept[1:]) if kept else (period, [])


def season_events(plan: PeriodGrid, curve: FlatCurve, seasons: Sequence[Season]) -> list[list[SingleEvent]]:
    """Return up to four of the most significant single events of each season, in cadences of the whole curve.

    The first event of a season may have any SNR; further events have a red-noise SNR of 6 or more.
    """
    found: list[list[SingleEvent]] = []
    for season in seasons:
        mine: list[SingleEvent] = []
        part, unit = _own_sampling(season, curve)
        noise = Noise.of(part, float(plan.durations[-1]) / season.step)
        while len(mine) < EVENTS and part.weight.any():
            event = single_event(part, noise)
            if event.snr > 0 and (not mine or event.snr_red >= EVENT_SNR):
                middle = season.first + season.step * event.t0 + 0.5 * (season.step - 1)
                mine.append(SingleEvent(middle, season.step * event.duration, event.depth / unit, *event[3:]))
            if not event.snr_red >= EVENT_SNR:
                break
            inside = np.abs(np.arange(len(part.flux)) - event.t0) <= event.duration
            part = FlatCurve.of(part.flux, np.where(inside, np.float32(0), part.weight))
        found.append(mine)
    return found


def _own_sampling(season: Season, curve: FlatCurve) -> tuple[FlatCurve, float]:
    """Return a season on an even grid of its own sampling, and the unit of its flux.

    On that grid typical cadences have weight 1.
    """
    flux, weight = (x[season.first : season.stop] for x in (curve.flux, curve.weight))
    more = -len(flux) % season.step
    flux, weight = (np.pad(x, (0, more)).reshape(-1, season.step) for x in (flux, weight))
    total = weight.sum(axis=1)
    mean = np.divide((weight * flux).sum(axis=1), total, out=np.zeros_like(total), where=total > 0)
    unit = float(np.median(total[total > 0])) if (total > 0).any() else 1.0
    return FlatCurve.of(mean * np.float32(np.sqrt(unit)), total / np.float32(unit)), float(np.sqrt(unit))


def repeated(
    plan: PeriodGrid,
    curve: FlatCurve,
    seasons: Sequence[Season],
    events: Sequence[Sequence[SingleEvent]],
    found: Periodogram,
    longest: float,
) -> Repeat | None:
    """Return the similar events of different seasons that one period explains best; None if there are none.

    Two events of similar depth and duration are a whole number of periods apart. Each possible number predicts the
    other transits. A period is excluded if data at a predicted transit, or at a part of it, show no similar dip. Of all
    pairs, the pair whose period has the highest SNR of all its events is returned.

    Args:
        plan: plan of the seasons' periodogram.
        curve: curve of all seasons.
        seasons: seasons of the curve.
        events: single events of each season, from :func:`season_events`.
        found: periodogram of the seasons; its trend at the longest periods is the SNR that chance gives.
        longest: cadences, longest period.
    """
    covered = coverage(curve.weight, seasons)
    sure = [[_placed(curve, e, plan) for e in mine if e.snr_red >= EVENT_SNR] for mine in events]
    best: tuple[float, Repeat] | None = None
    for k, mine in enumerate(sure):
        for one in mine:
            for other in (event for later in sure[k + 1 :] for event in later):
                if _alike(one, other):
                    repeat = _explained(plan, curve, covered, one, other, found, longest)
                    if repeat is not None and (best is None or repeat[0] > best[0]):
                        best = repeat
    return None if best is None else best[1]


def _placed(curve: FlatCurve, event: SingleEvent, plan: PeriodGrid) -> SingleEvent:
    """Return an event with the epoch of a least-squares fit, if the fit ends near the event."""
    reach = int(6 * event.duration) + 2
    first = max(int(event.t0) - reach, 0)
    part = FlatCurve.of(curve.flux[first : int(event.t0) + reach], curve.weight[first : int(event.t0) + reach])
    start = Ephemeris(np.inf, event.t0 - first, event.duration, event.snr)
    fit = fit_transit(part, start, float(plan.durations[0]), float(plan.durations[-1]))
    near = np.isfinite(fit.t0_error) and abs(fit.t0 + first - event.t0) < 0.5 * event.duration and fit.depth > 0
    return event._replace(t0=fit.t0 + first, duration=fit.duration) if near else event


def _alike(one: SingleEvent, other: SingleEvent) -> bool:
    """Return whether two events may be transits of one planet."""
    apart = abs(one.depth - other.depth)
    error = np.hypot(one.depth / one.snr_red, other.depth / other.snr_red)
    longer = max(one.duration, other.duration) / min(one.duration, other.duration)
    return bool(apart <= max(LIKE * max(one.depth, other.depth), 3 * error) and longer <= STRETCH)


def _explained(
    plan: PeriodGrid,
    curve: FlatCurve,
    covered: np.ndarray,
    one: SingleEvent,
    other: SingleEvent,
    found: Periodogram,
    longest: float,
) -> tuple[float, Repeat] | None:
    """Return the SNR of all events of the best period of a pair, and the pair; None if no period is possible."""
    apart, size = other.t0 - one.t0, len(curve.flux)
    periods = apart / np.arange(1, int(2 * apart / plan.period_max) + 1)
    duration, depth = 0.5 * (one.duration + other.duration), 0.5 * (one.depth + other.depth)
    number = np.arange(-int(one.t0 / periods[-1]) - 1, int((size - one.t0) / periods[-1]) + 2)
    middle = one.t0 + periods[:, None] * number
    # The inner part alone: a pair predicts times to a part of a duration.
    half = 0.35 * duration
    start, stop = (np.clip(middle + side * half + 0.5, 0.0, size) for side in (-1, 1))
    values, weights, cover = (_read(x, stop) - _read(x, start) for x in (curve.values, curve.weights, covered))
    # How far the loss of a transit lies above half of the depth, and below it by how many standard deviations.
    above = -values - LIKE_DIP * depth * weights
    hit = (cover >= SEEN * 2 * half) & (above >= 0)
    missed = above < -MISSED * np.sqrt(weights)
    possible = ~missed.any(axis=1) & ((periods <= longest) | (hit.sum(axis=1) == 2))
    if not possible.any():
        return None
    n_events = hit.sum(axis=1)
    most = int(n_events[possible].max())
    chosen = np.flatnonzero(possible & (n_events == most))
    duo = most == 2 and len(chosen) > 1
    snr = float((-values * hit)[chosen[-1]].sum() / np.sqrt((weights * hit)[chosen[-1]].sum()))
    if duo and snr < SINGLE_SNR:
        return None
    height = max(snr - float(found.trend[-1]), 0.0)
    # The shortest possible period is the likeliest, because it predicts no transit that was observed and not seen.
    peak = Peak(apart if duo else float(periods[chosen[-1]]), height, height / found.spread)
    return snr, Repeat(peak, tuple(periods[chosen][::-1].tolist()), one, duo)


def _read(running: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Interpolate a running sum at the positions ``at``, 0 to the index of its last entry."""
    low = np.minimum(at.astype(np.int64), len(running) - 2)
    return running[low] + (at - low) * (running[low + 1] - running[low])
