"""A flat light curve at one ephemeris: the cadences in transit, their depth, and white and red noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exojax.ephemeris import nearest_transit
from exojax.light_curves import EvenCurves
from exojax.loops import boxes, compiled
from exojax.loops.candidate import GAUSSIAN_MEDIAN
from exojax.robust import median

CLIP = 5.0
"""a box out of transit that deviates by more robust standard deviations is left out of the noise"""
DETRENDING = 0.05
"""change of a transit's depth by detrending, as a share of the depth"""
LEAST_OUTSIDE = 5
"""smallest number of cadences out of transit from which the noise is computed"""
LONGEST = 0.24
"""longest transit, as a share of the period, for which the fold has enough cadences out of transit"""


@dataclass(frozen=True, eq=False)
class TransitSeries:
    """The ``n`` measured cadences of a flat light curve with their positions in one candidate's orbit.

    White noise has the standard deviation ``white`` per cadence, red noise ``red`` per transit (Pont, Zucker & Queloz
    2006). ``red`` is the scatter of boxes as long as the transit, less that of white noise in quadrature (Hartman &
    Bakos 2016). Outlying boxes, such as those of a deep secondary eclipse, are left out of both.

    Attributes:
        time: ``(n,)`` float64 days, ascending.
        flux: ``(n,)`` float64, fraction by which flux lies above the trend.
        weight: ``(n,)`` float64, inverse variance.
        period: days; infinite for a single transit.
        t0: days, a mid-transit.
        duration: days, first to last contact.
        late: ``(n,)`` float64 days from the nearest mid-transit, negative before it.
        event: ``(n,)`` int64, number of that transit; 0 is the first that falls into the light curve.
        inside: ``(n,)`` bool, within half a duration of mid-transit.
        near: ``(n,)`` bool, within a duration.
        level: mean flux of the cadences that are not ``near``.
        depth: ``level`` less the mean flux in transit, fraction; NaN if no cadence is in transit or none outside.
        events: ``(k,)`` int64, numbers of the transits with at least one cadence.
        white: standard deviation of a cadence; NaN if fewer than five cadences are out of transit or all are equal.
        red: standard deviation of the mean of a transit through red noise.
        ses: ``(n,)`` float64, significance of a transit-long box around each cadence (single event statistic).
    """

    time: np.ndarray
    flux: np.ndarray
    weight: np.ndarray
    period: float
    t0: float
    duration: float
    late: np.ndarray
    event: np.ndarray
    inside: np.ndarray
    near: np.ndarray
    level: float
    depth: float
    events: np.ndarray
    white: float
    red: float
    ses: np.ndarray

    @property
    def single(self) -> bool:
        """True for a single transit, which has no period."""
        return not np.isfinite(self.period)

    @property
    def folds(self) -> bool:
        """True if the fold has cadences in transit and out of transit."""
        return bool(not self.single and np.isfinite(self.depth) and self.duration <= LONGEST * self.period)

    @property
    def n_inside(self) -> int:
        """Number of cadences in transit."""
        return int(np.count_nonzero(self.inside))

    @property
    def depth_error(self) -> float:
        """Standard error of ``depth``: white noise falls with cadences, red noise with transits."""
        return mean_error(self, self.n_inside, len(self.events))

    @property
    def unevenness(self) -> float:
        """Scatter of the depths of transits through detrending and sampling, as a share of the depth."""
        return DETRENDING + 0.5 * len(self.events) / max(self.n_inside, 1)

    @property
    def mes(self) -> float:
        """Significance of all transits together (multiple event statistic)."""
        return ratio(self.depth, self.depth_error)


def ratio(value: float, unit: float) -> float:
    """Return ``value / unit``; NaN if ``unit`` is 0 or NaN, such as a noise that could not be measured."""
    return float(value / unit) if unit and np.isfinite(unit) else float("nan")


def mean_error(series: TransitSeries, cadences: float, transits: float) -> float:
    """Return the standard error of a mean over ``cadences`` cadences in ``transits`` transits; NaN if either is 0."""
    if not (cadences > 0 and transits > 0):
        return float("nan")
    return float(np.sqrt(series.white**2 / cadences + series.red**2 / transits))


def transit_series(
    time: np.ndarray, flux: np.ndarray, error: np.ndarray, period: float, t0: float, duration: float
) -> TransitSeries:
    """Return the series of a flat light curve at an ephemeris.

    Args:
        time: ``(n,)`` float64 days, ascending.
        flux: ``(n,)`` float, fraction above the trend; relative flux also works, because the level is measured.
        error: ``(n,)`` float, standard deviation of each flux; only their ratios matter.
        period: days; NaN or infinite for a single transit.
        t0: days, any mid-transit.
        duration: days, first to last contact.
    """
    compiled.ready()
    time, flux = np.ascontiguousarray(time, np.float64), np.ascontiguousarray(flux, np.float64)
    weight = 1.0 / np.asarray(error, np.float64) ** 2
    period = float(period) if np.isfinite(period) else float("inf")
    late, turn = nearest_transit(time, period, t0)
    event = turn.astype(np.int64)
    event -= event[0] if len(event) else 0
    away = np.abs(late)
    inside, near = away < 0.5 * duration, away < duration
    out = ~near
    held = np.empty((len(time), 5))
    boxes.time_boxes(time, flux, weight, near, 0.5 * duration, held)
    level = _mean(flux[out], weight[out])
    depth = level - _mean(flux[inside], weight[inside])
    white, red = _noise(flux[out], weight[out], held[out])
    with np.errstate(divide="ignore", invalid="ignore"):
        ses = (level - held[:, 1] / held[:, 2]) / np.sqrt(white**2 / held[:, 0] + red**2)
    events = np.flatnonzero(np.bincount(event[inside], minlength=1)) if inside.any() else np.zeros(0, np.int64)
    return TransitSeries(
        time, flux, weight, period, t0, duration, late, event, inside, near, level, depth, events, white, red, ses
    )


def of_even(
    flat: EvenCurves, weight: np.ndarray, period: float, t0: float, duration: float, row: int = 0
) -> TransitSeries:
    """Return the series of one star of flat curves at an ephemeris.

    Args:
        flat: detrended curves; their errors are ``scatter / sqrt(weight)``.
        weight: ``(n_cadences,)``, replaces the weight of the curve; it is 0 also in the transits of other candidates.
        period, t0, duration: days, as in :func:`transit_series`.
        row: row of the star in ``flat``.
    """
    kept = np.flatnonzero(weight > 0)
    time = float(flat.start[row]) + flat.cadence * kept
    error = float(flat.scatter[row]) / np.sqrt(weight[kept].astype(np.float64))
    return transit_series(time, flat.flux[row, kept], error, period, t0, duration)


def _mean(values: np.ndarray, weight: np.ndarray) -> float:
    total = float(weight.sum())
    return float(values @ weight) / total if total > 0 else float("nan")


def spread(values: np.ndarray, weight: np.ndarray) -> float:
    """Return the weighted standard deviation of ``(k,)`` values about their weighted mean; NaN if ``k`` is 0."""
    total = float(weight.sum())
    if not total > 0:
        return float("nan")
    return float(np.sqrt(weight @ (values - (weight @ values) / total) ** 2 / total))


def _noise(flux: np.ndarray, weight: np.ndarray, held: np.ndarray) -> tuple[float, float]:
    """Return white and red noise of the cadences out of transit; ``held`` marks their boxes.

    Outlying boxes are left out: they are eclipses or glitches.
    """
    unknown = float("nan"), float("nan")
    if len(flux) < LEAST_OUTSIDE:
        return unknown
    total = np.maximum(held[:, 4], weight)
    binned = held[:, 3] / total
    away = np.abs(binned - median(binned))
    usual = away <= CLIP * median(away) / GAUSSIAN_MEDIAN
    flux, weight, total, binned = flux[usual], weight[usual], total[usual], binned[usual]
    white = spread(flux, weight)
    if not white > 0:
        return unknown
    expected = white * np.sqrt(np.mean(1.0 / total) / np.mean(1.0 / weight))
    return white, float(np.sqrt(max(spread(binned, total) ** 2 - expected**2, 0.0)))
