"""Measure the time of each transit of a candidate, and fit a linear ephemeris to the times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exojax.detection.curve import FlatCurve
from exojax.detection.red_noise import Noise

REACH, DURATIONS = 0.2, 1.5
"""largest shift that is tried: the smaller of this share of the period and this number of durations of the fold"""
STEP = 0.25
"""step between the shifts that are tried, cadences"""
STRETCHES = (1.0, 0.8, 0.63, 0.5, 0.4)
"""durations that are tried, in units of that of the fold, which transits off time make longer"""
LEAST_SNR = 4.0
"""smallest SNR of an event that is timed; around a weaker event, noise has a higher peak at some shift"""
LEAST_EVENTS = 4
"""smallest number of timed events for a test; a line has two free parameters"""
LEAST_SHARE = 0.6
"""smallest share of the observed events that must be timed, because the strongest events alone would be a selection"""
FLOOR = 0.2
"""smallest error of a time, cadences; boxes are less exact if few cadences sample a deep transit (K2-3 b, WASP-18 b)"""
COVERED = 0.7
"""smallest measured share of a transit at each shift near the best one"""
LEFT = 0.75
"""range on either side of the former position of a moved event that is removed, durations"""
SIGNIFICANT = 5.0
"""significance from which the transits of a candidate are off time"""


@dataclass(frozen=True, eq=False)
class Timing:
    """Times of a candidate's transits and the linear ephemeris that fits them best (the "line").

    Attributes:
        number: ``(n,)`` int64, number of each timed event; transit 0 is at the epoch.
        middle: ``(n,)`` float64, mid-transit time of each event, cadences.
        error: ``(n,)`` float64, one sigma, cadences.
        sigma: significance of the deviations from the line: ``(chi^2 - k) / sqrt(2 k)`` with ``k`` degrees of freedom.
        amplitude: amplitude of a sinusoid with the scatter that the errors do not explain, cadences.
        period, t0: period and epoch of the line, cadences.
        duration: duration that fits the single events, cadences.
        depth: mean loss of flux in the events, in units of the star's scatter.
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
        """Time of each timed event on the line, ``(n,)`` float64, cadences."""
        return self.t0 + self.period * self.number

    @property
    def deviation(self) -> np.ndarray:
        """Delay of each timed event from the line, ``(n,)`` float64, cadences; negative if it is early."""
        return self.middle - self.expected

    @property
    def late(self) -> bool:
        """True if the transits are off time."""
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
    """Return the times of a candidate's transits, or None if too few transits can be timed.

    Each event is compared with a box of one depth at every shift. Its time and error are the mean and the standard
    deviation of the likelihood over the shifts. The duration with the highest sum of log-likelihoods of all events is
    used.

    Args:
        curve: flat curve with weight 0 in the transits of other candidates.
        noise: noise of the curve outside of the transits.
        period, t0, duration: ephemeris of the fold, cadences.
        reach: largest shift, cadences; None is the smaller of a fifth of the period and 1.5 durations.
        least: smallest number of timed events.
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
    # Near a gap, some shifts cannot be tried, and the best of the others may not be the time of the transit.
    close = np.abs(shifts - shifts[at][:, None]) <= 0.5 * width
    timed = (snr >= LEAST_SNR) & (np.abs(shifts[at]) < reach - 1) & (usable | ~close).all(axis=1)
    if timed.sum() < max(least, LEAST_SHARE * seen.sum()):
        return None
    depth = float(lost[rows, at][timed].sum() / measured[rows, at][timed].sum())
    gain = (2 * depth * lost - depth**2 * measured) / red[:, None] ** 2
    likely = np.where(usable, np.exp(np.minimum(0.5 * (gain - gain[rows, at][:, None]), 0.0)), 0.0)
    # Only the peak around the best shift counts: another dip within reach does not enlarge the error.
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
    """Return the loss and the weight in a box around each of ``middle``; cadences at the edges count in part."""
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
    """Return constant and slope of the best line, the significance of the deviations from it, and the deviations."""
    design = np.stack([np.ones(len(number)), number.astype(np.float64)])
    weight = error**-2
    line = np.linalg.solve((design * weight) @ design.T, (design * weight) @ shift)
    rest = shift - line @ design
    freedom = len(number) - 2
    chi = float((rest**2 * weight).sum())
    return line, (chi - freedom) / float(np.sqrt(2 * freedom)), rest


def aligned(values: np.ndarray, timing: Timing, reach: float) -> np.ndarray:
    """Return ``values`` with every timed event moved to its time on the line.

    Args:
        values: ``(n_cadences,)``, flux or weight.
        timing: times of the events and the line; events are moved by whole cadences.
        reach: cadences on either side of an event that are moved with it.
    """
    moved, size = values.copy(), len(values)
    for expected, shift in zip(timing.expected, np.rint(timing.deviation).astype(int).tolist()):
        first, stop = max(int(expected - reach), 0, -shift), min(int(expected + reach) + 1, size, size - shift)
        if first < stop:
            moved[first:stop] = values[first + shift : stop + shift]
    return moved


def straightened(flux: np.ndarray, weight: np.ndarray, timing: Timing) -> tuple[np.ndarray, np.ndarray]:
    """Return flux and weight, ``(n_cadences,)`` each, with every timed event moved to its time on the line.

    Two durations on either side move with an event. At its former position flux and weight become 0, so that the event
    does not appear twice.
    """
    reach = 2 * timing.duration
    place = np.arange(len(flux))
    left = np.zeros(len(flux), bool)
    for expected, middle in zip(timing.expected.tolist(), timing.middle.tolist()):
        left |= (np.abs(place - middle) <= LEFT * timing.duration) & (np.abs(place - expected) > reach)
    zero = np.float32(0)
    return (np.where(left, zero, aligned(flux, timing, reach)), np.where(left, zero, aligned(weight, timing, reach)))


def on_time(curve: FlatCurve, timing: Timing) -> FlatCurve:
    """Return a curve with every timed event moved to its time on the line; see :func:`straightened`."""
    return FlatCurve.of(*straightened(curve.flux, curve.weight, timing))
