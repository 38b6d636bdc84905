"""Match the detections of a search with injected transits, and compute false-alarm thresholds, from arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exojax.ephemeris import phase
from exojax.evaluation.metrics import proportion

HARMONICS = (1 / 2, 2.0, 1 / 3, 3.0, 2 / 3, 3 / 2, 1 / 4, 4.0)
CLOSEST = 0.01
"""largest relative difference between two periods that count as equal"""


@dataclass(frozen=True, eq=False)
class Injections:
    """One transit signal in each of ``n`` curves; float64 arrays of ``(n,)``.

    Attributes:
        period, t0, duration: days.
        span: days from the curve's first to its last measurement.
        cadence: days.
    """

    period: np.ndarray
    t0: np.ndarray
    duration: np.ndarray
    span: np.ndarray
    cadence: np.ndarray


@dataclass(frozen=True, eq=False)
class Recovery:
    """SNR of the best detection that matches each injection, ``(n,)`` float64; 0 without one.

    Attributes:
        exact: detection at the injected period and epoch.
        harmonic: detection at a simple multiple or fraction of the period.
        single: detection of a single event at the time of a transit.
    """

    exact: np.ndarray
    harmonic: np.ndarray
    single: np.ndarray


def recover(
    injections: Injections,
    row: np.ndarray,
    period: np.ndarray,
    t0: np.ndarray,
    duration: np.ndarray,
    snr: np.ndarray,
) -> Recovery:
    """Find the candidates that are the injected transits.

    A candidate has the injected period when it differs by no more than shifts a transit by its duration (the longer of
    the two; two cadences at least) over the whole curve, and by 1 % at most; its epoch must then agree to the
    same duration, so that a star's own signal is not taken for the injected one. A harmonic (1/2, 2, 1/3, 3, 2/3, 3/2,
    1/4, 4) need only have the period.

    Args:
        injections: ``n`` of them.
        row: ``(m,)`` int, the injection whose curve the candidate was found in.
        period: ``(m,)`` float64, days; NaN for a single event.
        t0, duration: ``(m,)`` float64, days.
        snr: ``(m,)`` float64 by which candidates are ranked.
    """
    of = Injections(*(getattr(injections, name)[row] for name in ("period", "t0", "duration", "span", "cadence")))
    long = np.maximum(np.maximum(duration, of.duration), 2 * of.cadence)
    near = np.minimum(long / np.maximum(of.span, of.period), CLOSEST)
    on_time = np.abs(phase(t0, of.period, of.t0)) <= long
    ratio = period / of.period
    exact = (np.abs(ratio - 1) <= near) & on_time
    harmonic = (np.abs(ratio / np.array(HARMONICS)[:, None] - 1) <= near).any(axis=0)
    single = np.isnan(period) & on_time

    def best(found: np.ndarray) -> np.ndarray:
        highest = np.zeros(len(injections.period))
        np.maximum.at(highest, row[found], snr[found])
        return highest

    return Recovery(best(exact), best(harmonic), best(single))


def cells(
    x: np.ndarray, y: np.ndarray, found: np.ndarray, x_edges: np.ndarray, y_edges: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Count the found and the injected planets in the cells of a plane, both ``(nx, ny)`` int64.

    Args:
        x, y: ``(n,)`` float64 of the injections; those outside the edges count nowhere.
        found: ``(n,)`` bool.
        x_edges, y_edges: ``(nx + 1,)`` and ``(ny + 1,)`` float64, ascending.
    """
    edges = (x_edges, y_edges)
    injected = np.histogram2d(x, y, edges)[0]
    return np.histogram2d(x[found], y[found], edges)[0].astype(np.int64), injected.astype(np.int64)


def interval(successes: int, trials: int) -> tuple[float, float, float]:
    """Return a share and its exact 95 % interval (Clopper & Pearson 1934); NaN, 0 and 1 without trials."""
    found = proportion(successes, trials)
    return (np.nan, 0.0, 1.0) if found is None else (found["value"], found["low"], found["high"])


@dataclass(frozen=True)
class Threshold:
    """The SNR that a stated share of signal-free curves exceeds.

    Attributes:
        value: of the sample, so that no larger share exceeds it.
        low, high: 95 % interval; infinite where the sample is too small to bound it.
        n: curves.
    """

    value: float
    low: float
    high: float
    n: int


def threshold(snr: np.ndarray, rate: float) -> Threshold:
    """Return the threshold for a false-alarm rate, from the best SNR of each signal-free curve.

    An order statistic, with the distribution-free interval of a quantile: how many of ``n`` values lie above the true
    one is binomial (David & Nagaraja 2003, section 7.1).

    Args:
        snr: ``(n,)`` float64, one or more.
        rate: share of curves that may exceed it, 0 to 1.
    """

    from scipy.stats import binom

    falling = np.sort(snr)[::-1]
    n = len(falling)
    # The smallest and the largest plausible number of values above the true threshold.
    few, many = binom.ppf([0.025, 0.975], n, rate).astype(int)
    value, low = (float(falling[k]) if k < n else -np.inf for k in (int(rate * n + 1e-9), many))
    return Threshold(value, low, float(falling[few - 1]) if few > 0 else np.inf, n)
