"""Transits that are not on time: every event of a candidate shifted by itself, and the best line through all times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exojax.detection.curve import FlatCurve
from exojax.detection.red_noise import Noise

REACH, DURATIONS = 0.2, 1.5
"""share of the period, and durations of the fold, up to which shifts are tried, whichever is less"""
STEP = 0.25
"""cadences between the shifts that are tried"""
STRETCHES = (1.0, 0.8, 0.63, 0.5, 0.4)
"""durations tried, in those of the fold: transits that are not on time smear it"""
LEAST_SNR = 4.0
"""least SNR of an event whose time is measured; below it, noise has a higher peak somewhere"""
LEAST_EVENTS = 4
"""timed events for a test: a line takes two"""
LEAST_SHARE = 0.6
"""share of the seen events that are to be timed: the strongest ones alone are a selection"""
FLOOR = 0.2
"""cadences, error of a time that boxes leave where few cadences sample a deep transit (K2-3 b, WASP-18 b)"""
COVERED = 0.7
"""share of a transit that has to be measured at any shift near the best"""
LEFT = 0.75
"""durations on either side of an event that are its own where it was before it was moved"""
SIGNIFICANT = 5.0
"""sigma from which a candidate's transits are taken as not on time"""


@dataclass(frozen=True, eq=False)
class Timing:
    """Times of a candidate's transits against a line.

    Attributes:
        number: ``(n,)`` int64 of each timed event; transit 0 is at the epoch.
        middle: ``(n,)`` float64, cadences, of each.
        error: ``(n,)`` float64, one sigma.
        sigma: significance of the deviations from the best line: chi-squared less its degrees of freedom over the root
            of twice these.
        amplitude: cadences, of a sinusoid with the scatter that the errors do not explain.
        period, t0: cadences, of the best line.
        duration: cadences, that fits the single events.
        depth: mean loss in them, in units of the star's scatter.
    """

    number: np.ndarray
    middle: np.ndarray
    error: np.ndarray
    sigma: float
    amplitude: float
    period: float
    t0: float
    duration: float
    depth: float

    @property
    def expected(self) -> np.ndarray:
        """``(n,)`` float64, cadences, of the best line at each timed event."""
        return self.t0 + self.period * self.number

    @property
    def deviation(self) -> np.ndarray:
        """``(n,)`` float64, cadences by which each timed event is late against the best line."""
        return self.middle - self.expected

    @property
    def late(self) -> bool:
        """True where the transits are not on time."""
        return self.sigma >= SIGNIFICANT


def time_transits(
    curve: FlatCurve,
    noise: Noise,
    period: float,
    t0: float,
    duration: float,
    *,
    reach: float | None = None,
    least: int = LEAST_EVENTS,
) -> Timing | None:
    """Return the times of a candidate's transits, or None where too few of them can be timed.

    Each event is compared with a box of one depth at every shift; its time and error are mean and standard deviation of
    the likelihood over shifts. The duration is the one with the highest sum of likelihoods of all events.

    Args:
        curve: weight 0 in the transits of other candidates.
        noise: of the curve outside of the transits.
        period, t0, duration: cadences, of the fold.
        reach: cadences up to which shifts are tried; None for a fifth of the period and 1.5 durations at most.
        least: timed events that are needed.
    """
    size = len(curve.flux)
    number = np.arange(int(np.ceil(-t0 / period)), int((size - t0) / period) + 1)
    if len(number) < least:
        return None
    if reach is None:
        reach = min(REACH * period, DURATIONS * duration)
    shifts = np.arange(-reach, reach + STEP, STEP)
    middle = t0 + period * number
    best = None
    for stretch in STRETCHES:
        width = max(stretch * duration, 2.0)
        lost, measured = boxes(curve, middle[:, None] + shifts, width)
        usable = measured >= COVERED * width
        power = np.where(usable & (lost > 0), lost**2 / np.maximum(measured, 1e-9), 0.0)
        top = power.max(axis=1)
        if best is None or top.sum() > best[0]:
            best = float(top.sum()), width, lost, measured, usable, power
    assert best is not None
    _, width, lost, measured, usable, power = best
    red = noise.at(width, middle)
    at = power.argmax(axis=1)
    rows = np.arange(len(number))
    snr = np.sqrt(power[rows, at]) / red
    seen = usable.any(axis=1)
    # Where a gap is near, the best of the shifts that are left is no time.
    close = np.abs(shifts - shifts[at][:, None]) <= 0.5 * width
    timed = (snr >= LEAST_SNR) & (np.abs(shifts[at]) < reach - 1) & (usable | ~close).all(axis=1)
    if timed.sum() < max(least, LEAST_SHARE * seen.sum()):
        return None
    depth = float(lost[rows, at][timed].sum() / measured[rows, at][timed].sum())
    gain = (2 * depth * lost - depth**2 * measured) / red[:, None] ** 2
    likely = np.where(usable, np.exp(np.minimum(0.5 * (gain - gain[rows, at][:, None]), 0.0)), 0.0)
    # Only the peak about the best shift: another dip within reach is no error of this one.
    likely *= np.abs(shifts - shifts[at][:, None]) <= 0.75 * width
    total = np.maximum(likely.sum(axis=1), 1e-12)
    mean = (likely * shifts).sum(axis=1) / total
    error = np.sqrt((likely * (shifts - mean[:, None]) ** 2).sum(axis=1) / total + STEP**2 / 12)
    n, shift, error = number[timed], mean[timed], np.hypot(error[timed], FLOOR)
    line, sigma, rest = _line(n, shift, error)
    spread = float(np.average(rest**2 - error**2 * (len(n) - 2) / len(n), weights=error**-2))
    amplitude = float(np.sqrt(max(2 * spread, 0.0)))
    return Timing(n, middle[timed] + shift, error, sigma, amplitude, period + line[1], t0 + line[0], width, depth)


def boxes(curve: FlatCurve, middle: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the loss and the weight within a box about each of ``middle``, cadences that are cut counted in part."""
    size = len(curve.flux)
    sums = []
    for running in (curve.values, curve.weights):
        ends = []
        for side in (-0.5, 0.5):
            at = np.clip(middle + side * width + 0.5, 0.0, size)
            low = np.minimum(at.astype(np.int64), size - 1)
            ends.append(running[low] + (at - low) * (running[low + 1] - running[low]))
        sums.append(ends[1] - ends[0])
    return -sums[0], sums[1]


def _line(number: np.ndarray, shift: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """Return constant and slope of the best line, the significance of deviations from it, and these."""
    design = np.stack([np.ones(len(number)), number.astype(np.float64)])
    weight = error**-2
    line = np.linalg.solve((design * weight) @ design.T, (design * weight) @ shift)
    rest = shift - line @ design
    freedom = len(number) - 2
    chi = float((rest**2 * weight).sum())
    return line, (chi - freedom) / float(np.sqrt(2 * freedom)), rest


def aligned(values: np.ndarray, timing: Timing, reach: float) -> np.ndarray:
    """Return values of cadences with every timed event moved to where the best line expects it.

    Args:
        values: ``(n_cadences,)``, flux or weight.
        timing: of the events; they are moved by whole cadences.
        reach: cadences on either side of an event that are moved with it.
    """
    moved, size = values.copy(), len(values)
    for expected, shift in zip(timing.expected, np.rint(timing.deviation).astype(int).tolist()):
        first, stop = max(int(expected - reach), 0, -shift), min(int(expected + reach) + 1, size, size - shift)
        if first < stop:
            moved[first:stop] = values[first + shift : stop + shift]
    return moved


def straightened(flux: np.ndarray, weight: np.ndarray, timing: Timing) -> tuple[np.ndarray, np.ndarray]:
    """Return flux and weight, ``(n_cadences,)`` each, with every timed event where the best line expects it.

    Two durations on either side move with an event. Where it was before, outside of that, it would be seen twice: both
    are 0 there.
    """
    reach = 2 * timing.duration
    place = np.arange(len(flux))
    left = np.zeros(len(flux), bool)
    for expected, middle in zip(timing.expected.tolist(), timing.middle.tolist()):
        left |= (np.abs(place - middle) <= LEFT * timing.duration) & (np.abs(place - expected) > reach)
    zero = np.float32(0)
    return (np.where(left, zero, aligned(flux, timing, reach)), np.where(left, zero, aligned(weight, timing, reach)))


def on_time(curve: FlatCurve, timing: Timing) -> FlatCurve:
    """Return a curve with every timed event where the best line expects it; see :func:`straightened`."""
    return FlatCurve.of(*straightened(curve.flux, curve.weight, timing))
