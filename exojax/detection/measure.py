"""Measure the best periodic signal of a star, from a periodogram to its fitted transit and the figures of it."""

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
"""peaks of a periodogram of which red noise picks one"""
HARMONICS = (1.0, 2.0, 0.5, 3.0, 1 / 3)
"""multiples of the best period that are compared with it"""
HARMONIC_WEIGHT = 0.85
"""factor on the SNR of a harmonic: half of a planet's transits have 0.71 of it, and there are four harmonics"""
LONGEST_SHARE = 0.25
"""share of its period that a transit lasts at most"""
MOST_MISMATCH = 4.0
"""standard errors beyond which the transits of a candidate do not belong to one planet"""
MASK_REACH = 0.75
"""durations on either side of mid-transit that belong to the candidate alone"""
ERROR_GROWTH = 24.0
"""errors grow by 1 + ERROR_GROWTH / SNR^2 over those of the curvature at the minimum: measured on injections"""
MOST_BINS = 4096
"""bins of the fold in which a secondary is looked for"""
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
    """A periodic signal of a star: its fitted transit, and how significant and how planet-like it is.

    Attributes:
        snr, snr_red, sde, n_transits, odd_even_sigma, secondary_sigma, secondary_phase: as in ``Candidates``.
        mismatch: standard errors by which one transit differs from the rest.
        strongest: cadences, middle of the most significant transit.
        strongest_snr: its red-noise SNR.
        strongest_depth: in units of the star's scatter.
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
    """The best dip at one period: ``score`` is its SNR against red noise, near 0 where its transits differ."""

    box: Ephemeris
    score: float
    parities_differ: bool


def above_trend(snr_red: float, snr: float, height: float) -> float:
    """Return the rank of a peak: the geometric mean of its SNR and of its height above the trend.

    At long periods chance alone gives a high SNR, which the trend shows; but the trend is raised by a strong signal at
    its own multiples too, so that height alone sides with short periods.

    Args:
        snr_red: SNR against red noise.
        snr: against white noise.
        height: of `peaks.find_peaks`, SNR against white noise above the trend.
    """
    return snr_red * float(np.sqrt(np.clip(height / max(snr, 1e-6), 0.0, 1.0)))


def measure(
    plan: PeriodGrid, found: Periodogram, curve: FlatCurve, shortest: float, longest: float
) -> tuple[PeriodicSignal, Noise]:
    """Return the best periodic signal of a star, and the noise of the curve outside of it.

    Of the periodogram's highest peaks the best by `above_trend` is taken, of its harmonics the one with the highest SNR
    against red noise; that is refined. Where its odd and even transits differ, twice the period is: a binary's two
    eclipses are not one planet's transits.

    Args:
        plan: of the periodogram.
        found: the periodogram.
        curve: weight 0 in the transits of earlier candidates.
        shortest, longest: cadences, durations allowed for the star.
    """
    # Transits of a period this close drift by less than two of the longest durations over the curve.
    peaks = find_peaks(found, 2 * float(plan.durations[-1]) / len(curve.flux), PEAKS)
    periodic, noise, _ = best_of(plan, peaks, curve, shortest, longest)
    return periodic, noise


def best_of(
    plan: PeriodGrid, peaks: Sequence[Peak], curve: FlatCurve, shortest: float, longest: float
) -> tuple[PeriodicSignal, Noise, int]:
    """Return the best periodic signal of several peaks, the noise outside of it, and the number of its peak.

    Arguments are as of :func:`measure`.
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
    """Return the best dip among a dip's own period and its harmonics; twice the period where odd and even differ."""
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

    A fold of one event, or of events that differ, scores above nothing only.
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

    Near the threshold noise chooses among several minima, and the curvature of the chosen one says too little: errors
    are 37 % larger at SNR 8, 17 % at 12 and 1 % at 50.
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
    """Return all figures of a periodic signal, and the noise of the curve outside of its transits.

    Args:
        curve: weight 0 in the transits of others.
        signal: where it was found, and its SNR.
        shape: its fitted transit.
        sde: of its peak; NaN where there was no search.
        noise: of the whole curve, for its range of durations.
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
