"""Measure the best periodic signal of a star: choose the peak of the periodogram, fit the transit, and describe it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from exojax.detection.curve import FlatCurve
from exojax.detection.peaks import Peak, find_peaks
from exojax.detection.period_grid import PeriodGrid, inner
from exojax.detection.periodogram import Periodogram
from exojax.detection.red_noise import Noise, red_factor
from exojax.detection.transit_depths import TransitDepths
from exojax.ephemeris import transit_mask
from exojax.loops import candidate as loops
from exojax.loops import least_squares

PEAKS = 3
"""number of peaks of a periodogram from which the SNR against red noise selects one"""
HARMONICS = (1.0, 2.0, 0.5, 3.0, 1 / 3)
"""multiples of the best period that are compared with it"""
HARMONIC_WEIGHT = 0.85
"""factor on the SNR of a harmonic: half of a planet's transits have 0.71 of it, and there are four harmonics"""
LONGEST_SHARE = 0.25
"""longest transit, as a share of its period"""
MOST_MISMATCH = 4.0
"""largest mismatch of the transits of one planet, in standard errors"""
MASK_REACH = 0.75
"""half the width of the mask of a candidate's transit, in durations"""
ERROR_GROWTH = 24.0
"""errors from the curvature at the minimum are multiplied by 1 + ERROR_GROWTH / SNR^2, as measured on injections"""
MOST_BINS = 4096
"""largest number of bins of the fold in which a secondary is searched"""
_MISMATCH_WEIGHT = 1e-6
_STRETCHES = (0.5, 0.63, 0.8, 1.0, 1.25, 1.6)  # durations tried in the fine fold
_WIDTHS = np.array([2 * round(s * loops.PER_DURATION / 2) for s in _STRETCHES], np.int64)
_CORES = np.array([inner(int(d)) for d in _WIDTHS], np.int64)


class Ephemeris(NamedTuple):
    """A box-like signal: period, epoch and duration in cadences, and the SNR of the periodogram's template."""

    period: float
    t0: float
    duration: float
    snr: float


@dataclass(frozen=True)
class FittedTransit:
    """A fitted transit: cadences, one-sigma errors for white noise, depth at the middle in units of scatter."""

    period: float
    t0: float
    duration: float
    period_error: float
    t0_error: float
    depth: float


@dataclass(frozen=True)
class PeriodicSignal(FittedTransit):
    """A periodic signal of a star: its fitted transit, its significance, and the consistency of its transits.

    Attributes:
        snr, snr_red, sde, n_transits, odd_even_sigma, secondary_sigma, secondary_phase: as in ``Candidates``.
        mismatch: largest difference between one transit and the others, in standard errors.
        strongest: middle of the most significant transit, cadences.
        strongest_snr: red-noise SNR of that transit.
        strongest_depth: depth of that transit, in units of the star's scatter.
    """

    snr: float
    snr_red: float
    sde: float
    n_transits: int
    odd_even_sigma: float
    secondary_sigma: float
    secondary_phase: float
    mismatch: float
    strongest: float
    strongest_snr: float
    strongest_depth: float


@dataclass(frozen=True)
class _Dip:
    """The best dip at one period; ``score`` is its SNR against red noise, and near 0 if its transits differ."""

    box: Ephemeris
    score: float
    parities_differ: bool


def above_trend(snr_red: float, snr: float, height: float) -> float:
    """Return the rank of a peak: the geometric mean of its SNR and of its height above the trend.

    The trend accounts for the high SNR that chance gives at long periods. But a strong signal also raises the trend at
    multiples of its period, therefore the height alone would favour short periods.

    Args:
        snr_red: SNR against red noise.
        snr: SNR against white noise.
        height: SNR against white noise above the trend, from `peaks.find_peaks`.
    """
    return snr_red * float(np.sqrt(np.clip(height / max(snr, 1e-6), 0.0, 1.0)))


def measure(
    plan: PeriodGrid, found: Periodogram, curve: FlatCurve, shortest: float, longest: float
) -> tuple[PeriodicSignal, Noise]:
    """Return the best periodic signal of a star, and the noise of the curve outside of it.

    The best of the highest peaks by `above_trend` is compared with its harmonics; the one with the highest SNR against
    red noise is refined. If its odd and even transits differ, twice the period is refined, because two different
    eclipses of a binary are not the transits of one planet.

    Args:
        plan: plan of the periodogram.
        found: periodogram of the star.
        curve: flat curve with weight 0 in the transits of earlier candidates.
        shortest, longest: range of durations for the star, cadences.
    """
    # Transits of a period this close drift by less than two of the longest durations over the curve.
    peaks = find_peaks(found, 2 * float(plan.durations[-1]) / len(curve.flux), PEAKS)
    periodic, noise, _ = best_of(plan, peaks, curve, shortest, longest)
    return periodic, noise


def best_of(
    plan: PeriodGrid, peaks: Sequence[Peak], curve: FlatCurve, shortest: float, longest: float
) -> tuple[PeriodicSignal, Noise, int]:
    """Return the best periodic signal of several peaks, the noise outside of it, and the number of its peak.

    Arguments are those of :func:`measure`.
    """
    noise = Noise.of(curve, float(plan.durations[-1]))
    dips = [_deepest_dip(curve, noise, plan, peak.period) for peak in peaks]
    best = int(np.argmax([above_trend(dip.score, dip.box.snr, peak.height) for dip, peak in zip(dips, peaks)]))
    signal = _best_harmonic(curve, noise, plan, dips[best])
    longest = min(longest, LONGEST_SHARE * signal.period)
    for _ in range(2):
        signal = refine(curve, signal, shortest, longest)
    shape = fit_transit(curve, signal, shortest, longest)
    return *describe(curve, signal, shape, peaks[best].sde, noise), best


def _best_harmonic(curve: FlatCurve, noise: Noise, plan: PeriodGrid, base: _Dip) -> Ephemeris:
    """Return the best dip at the period of ``base`` or a harmonic; at twice the period if odd and even differ."""
    dips = {1.0: base}
    for ratio in HARMONICS[1:]:
        period = ratio * base.box.period
        if 0.999 * plan.period_min <= period <= 1.001 * plan.period_max:
            dips[ratio] = _deepest_dip(curve, noise, plan, float(np.clip(period, plan.period_min, plan.period_max)))
    scores = {ratio: dip.score * (1.0 if ratio == 1.0 else HARMONIC_WEIGHT) for ratio, dip in dips.items()}
    ratio = max(scores, key=scores.__getitem__)
    if dips[ratio].parities_differ and 2 * ratio in dips:
        ratio *= 2
    return dips[ratio].box


def _deepest_dip(curve: FlatCurve, noise: Noise, plan: PeriodGrid, period: float) -> _Dip:
    """Return the most significant dip at a period.

    A fold of a single event, or of events that differ, gets a score near 0.
    """
    allowed = plan.durations[plan.durations <= max(LONGEST_SHARE * period, float(plan.durations[0]))]
    cores = np.array([inner(d) for d in allowed.tolist()], np.int64)
    t0, duration, snr = loops.locate(curve.centred, curve.weight, curve.total, period, allowed, cores)
    events = TransitDepths.of(curve, noise, period, t0, duration)
    alike = events.n_transits > 1 and events.mismatch_sigma() <= MOST_MISMATCH
    score = snr / red_factor(events.white, events.scatter) * (1.0 if alike else _MISMATCH_WEIGHT)
    return _Dip(Ephemeris(period, t0, duration, snr), score, events.parities_differ())


def refine(curve: FlatCurve, start: Ephemeris, shortest: float, longest: float) -> Ephemeris:
    """Return period, epoch and duration to a sixteenth of a duration over the whole curve; see ``loops.refine``."""
    found = loops.refine(
        curve.centred,
        curve.weight,
        curve.total,
        curve.first,
        curve.last,
        start.period,
        start.t0,
        start.duration,
        shortest,
        longest,
        _WIDTHS,
        _CORES,
    )
    return Ephemeris(*found) if found[3] > 0 else start


def fit_transit(curve: FlatCurve, start: Ephemeris, shortest: float, longest: float) -> FittedTransit:
    """Return a least-squares fit from a refined ephemeris; see ``loops.least_squares``.

    An infinite period is a single transit.

    Near the threshold noise selects one of several minima, and the curvature there underestimates the errors. They are
    therefore enlarged: by 37 % at SNR 8, 17 % at 12 and 1 % at 50.
    """
    out = np.empty(6)
    least_squares.fit_transit(
        curve.flux, curve.weight, start.period, start.t0, start.duration, start.snr, shortest, longest, out
    )
    out[3:5] *= 1.0 + ERROR_GROWTH / max(start.snr, 3.0) ** 2
    return FittedTransit(*out.tolist())


def describe(
    curve: FlatCurve, signal: Ephemeris, shape: FittedTransit, sde: float, noise: Noise
) -> tuple[PeriodicSignal, Noise]:
    """Return all measurements of a periodic signal, and the noise of the curve outside of its transits.

    Args:
        curve: flat curve with weight 0 in the transits of other candidates.
        signal: ephemeris and SNR of the detection.
        shape: fitted transit.
        sde: SDE of the peak; NaN without a search.
        noise: noise of the whole curve; it gives the range of durations.
    """
    inside = transit_mask(np.arange(len(curve.flux)), shape.period, shape.t0, 2 * MASK_REACH * shape.duration)
    rest = FlatCurve.of(curve.flux, np.where(inside, np.float32(0), curve.weight))
    noise = Noise.of(rest, float(noise.durations[-1]))
    events = TransitDepths.of(curve, noise, shape.period, shape.t0, shape.duration)
    red = red_factor(events.white, events.scatter)
    second = np.empty(4)
    loops.secondary(curve.flux, curve.weight, shape.period, shape.t0, shape.duration, red, MOST_BINS, second)
    _, sigma, phase, red = second.tolist()
    apart = events.depth * np.sqrt(events.ivar)
    top = int(np.argmax(apart))
    plain = signal.snr / float(np.sqrt(max(events.white.sum(), 1.0)))
    return PeriodicSignal(
        period=shape.period,
        t0=shape.t0,
        duration=shape.duration,
        period_error=shape.period_error,
        t0_error=shape.t0_error,
        depth=shape.depth if shape.depth > 0 else plain,
        snr=signal.snr,
        snr_red=signal.snr / red,
        sde=sde,
        n_transits=events.n_transits,
        odd_even_sigma=events.odd_even_sigma(),
        secondary_sigma=sigma,
        secondary_phase=phase,
        mismatch=events.mismatch_sigma(),
        strongest=float(events.middle[top]),
        strongest_snr=float(apart[top]),
        strongest_depth=float(events.depth[top]),
    ), noise
