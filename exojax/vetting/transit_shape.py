"""The shape of the transit: depth, duration and ingress of a trapezoid, and whether it is V-shaped.

A planet's transit, unless grazing, has a flat bottom; a stellar companion's eclipse is V-shaped (Thompson et al. 2018).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from exojax.vetting.transit_series import TransitSeries
from exojax.vetting.verdict import Verdict, above, below

WIDTH, BINS = 4.0, 80
"""width of the fold around mid-transit, in durations, and its number of bins"""
DURATIONS = np.geomspace(0.35, 2.2, 25)
INGRESSES = np.array([0.02, 0.06, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5])
"""durations of the ingress of a trapezoid, as a share of the whole duration: 0 is a box, 0.5 a V"""
SHIFTS = np.array([-0.15, -0.1, -0.05, 0.0, 0.05, 0.1, 0.15])
"""shifts of the middle of a trapezoid, in durations"""
GAIN = (62.0, 40.0)
"""decrease of chi-squared from a constant to a trapezoid: inconclusive below the first value, failed below the second
"""
V_SHAPED = (37.0, 1700.0)
"""decrease of chi-squared from a trapezoid with a flat bottom to a V: inconclusive from the first value, failed from
the second"""


@dataclass(frozen=True)
class TransitShape:
    """The trapezoid that fits the folded transit best.

    Attributes:
        depth: fraction.
        duration: days, first to last contact.
        ingress: duration of the ingress as a share of ``duration``, 0 to 0.5.
        shift: days from the mid-transit of the ephemeris to the middle of the trapezoid.
        gain: chi-squared of a constant less that of the trapezoid.
        excess: reduced chi-squared of the bins for the trapezoid.
        v_shape: chi-squared of the best trapezoid with an ingress of up to a quarter, less that of the best V (an
            ingress above 0.4); negative if the former fits better.
        scaled_axis: a/R* of a circular orbit with this depth, duration and ingress (Carter et al. 2008); NaN for a box
            or a single transit.
        verdict: "fail" if no trapezoid fits much better than a constant.
        verdict_v: "fail" if the transit is V-shaped.
    """

    depth: float
    duration: float
    ingress: float
    shift: float
    gain: float
    excess: float
    v_shape: float
    scaled_axis: float
    verdict: Verdict
    verdict_v: Verdict


@cache
def _templates() -> tuple[np.ndarray, ...]:
    """Return the trapezoids of depth 1, their squares (both ``(k, BINS)``), durations, ingresses and shifts."""
    away = (np.arange(BINS) + 0.5) / BINS * WIDTH - 0.5 * WIDTH
    # The value of a bin is the mean of the trapezoid over the bin.
    fine = away[:, None] + (np.arange(5) - 2) / 5 * WIDTH / BINS
    length, ingress, shift = (x.ravel() for x in np.meshgrid(DURATIONS, INGRESSES, SHIFTS, indexing="ij"))
    late = fine - shift[:, None, None]
    values = _trapezoid(late, length[:, None, None], ingress[:, None, None]).mean(axis=2)
    return values, values**2, length, ingress, shift


def transit_shape(series: TransitSeries) -> TransitShape:
    """Fit a trapezoid to four durations of the fold.

    Depth and level are fitted by weighted least squares to 80 bins for each of a grid of durations, ingresses and
    shifts; errors of the bins are those of white noise.
    """
    nan = float("nan")
    unknown = TransitShape(*(nan,) * 8, "not known", "not known")
    if not (np.isfinite(series.depth) and series.white > 0):
        return unknown
    flux, weight = folded_bins(series)
    total = float(weight.sum())
    values, squares, length, ingress, shift = _templates()
    if not np.count_nonzero(weight) > 6:
        return unknown
    level = float(weight @ flux) / total
    mean = values @ weight / total
    square = squares @ weight - total * mean**2
    cross = values @ (weight * (flux - level))
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = np.where((square > 1e-9 * total) & (cross < 0), cross**2 / square, 0.0)
    best = int(np.argmax(gain))
    if not gain[best] > 0:
        return unknown
    depth = float(-cross[best] / square[best])
    freedom = max(int(np.count_nonzero(weight)) - 5, 1)
    excess = float(weight @ (flux - level) ** 2 - gain[best]) / freedom
    share, days = float(ingress[best]), float(length[best]) * series.duration
    v_shape = float(gain[ingress > 0.4].max() - gain[ingress <= 0.25].max())
    return TransitShape(
        depth,
        days,
        share,
        float(shift[best]) * series.duration,
        float(gain[best]),
        excess,
        v_shape,
        nan if series.single else _axis(depth, days, share, series.period),
        below(float(gain[best]), *GAIN),
        above(v_shape, *V_SHAPED),
    )


def _trapezoid(late: np.ndarray, length: np.ndarray | float, ingress: np.ndarray | float) -> np.ndarray:
    """Return the loss of a trapezoid of depth 1 and duration ``length`` at the times ``late`` from its middle."""
    return np.clip((0.5 * length - np.abs(late)) / (ingress * length), 0.0, 1.0)


def expected_loss(shape: TransitShape, late: np.ndarray) -> np.ndarray:
    """Return the fraction lost in a fitted transit, ``late`` days from the ephemeris's mid-transit."""
    return shape.depth * _trapezoid(late - shape.shift, shape.duration, shape.ingress)


def folded_bins(series: TransitSeries) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean flux and the inverse variance of the bins around the transit, ``(BINS,)`` each."""
    place = np.floor((series.late / (WIDTH * series.duration) + 0.5) * BINS)
    within = (place >= 0) & (place < BINS)
    cell = place[within].astype(np.int64)
    weight = series.weight[within]
    total = np.bincount(cell, weight, BINS)
    value = np.bincount(cell, weight * (series.flux[within] - series.level), BINS)
    scale = float(series.weight.mean()) * series.white**2
    return np.divide(value, total, out=np.zeros(BINS), where=total > 0), total / scale


def _axis(depth: float, duration: float, ingress: float, period: float) -> float:
    """Return ``a/R* = P d^(1/4) / (pi sqrt(T tau))`` of a trapezoid (Carter et al. 2008, equation 8).

    ``T`` is the time between the middles of ingress and egress, ``tau`` that of ingress.
    """
    tau = ingress * duration
    middle = duration - tau
    if not (tau > 0 and middle > 0 and depth > 0):
        return float("nan")
    return float(period * depth**0.25 / (np.pi * np.sqrt(middle * tau)))
