"""Compare the single transits: equal depths, no dominant transit, and no other dip as deep near them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exojax.vetting.transit_series import TransitSeries, ratio
from exojax.vetting.transit_shape import TransitShape, expected_loss
from exojax.vetting.verdict import Verdict, above, below

CHASED, REACH = 0.7, 0.1
"""smallest significance of another event, as a share of that of the transit; largest distance, as a share of the period
"""
UNLIKE = (1.9, 4.6)
"""reduced chi-squared of the depths: inconclusive from the first value, failed from the second"""
DOMINANT = (0.7, 1.0)
"""significance of the strongest transit over that of all transits, for three or more transits; limits as above"""
MEAN_MEDIAN = (1.17, 1.36)
"""mean over median depth, or its inverse; limits as above"""
CHASES = (0.54, 0.37)
"""mean distance of the next event as strong, for five transits or fewer: inconclusive below the first value, failed
below the second"""
FEW = 5


@dataclass(frozen=True, eq=False)
class EventDepths:
    """The transits one by one.

    Attributes:
        number: ``(k,)`` int64, numbers of the observed transits; 0 is the first that falls into the light curve.
        depth: ``(k,)`` float64, fraction.
        error: ``(k,)`` float64, standard error, red noise included.
        chi_squared: reduced chi-squared of the depths, compared with the depths of the fitted trapezoid at the same
            cadences; the error includes the effects of detrending and sampling; NaN for one transit.
        consistency: the signal's significance over the root of the chi-squared of the transits' significances about
            those that one depth predicts ("CHI" of Kunimoto et al. 2025, after Seader et al. 2013); low for chance
            alignments.
        dominance: significance of the strongest transit over that of all transits; NaN for fewer than three.
        mean_over_median: mean over median of the depths; NaN for fewer than three, or if the median is not positive.
        chases: mean over the transits of the distance to the next event with 0.7 of its significance, in tenths of the
            period; 1 where there is none (Kunimoto et al. 2025).
        verdict_alike, verdict_dominance, verdict_mean_median, verdict_chases: verdicts on ``chi_squared``,
            ``dominance``, ``mean_over_median`` and ``chases``.
    """

    number: np.ndarray
    depth: np.ndarray
    error: np.ndarray
    chi_squared: float
    consistency: float
    dominance: float
    mean_over_median: float
    chases: float
    verdict_alike: Verdict
    verdict_dominance: Verdict
    verdict_mean_median: Verdict
    verdict_chases: Verdict


def event_depths(series: TransitSeries, shape: TransitShape) -> EventDepths:
    """Return the depth of each transit, and the tests that compare the depths.

    Args:
        series: light curve of the candidate.
        shape: shape of its folded transit.
    """
    nan, number = float("nan"), series.events
    count = len(number)
    inside = series.inside
    size = int(number[-1]) + 1 if count else 0
    event, flux, weight = series.event[inside], series.flux[inside], series.weight[inside]
    cadences = np.bincount(event, minlength=size)[number]
    total = np.bincount(event, weight, size)[number]
    depth = series.level - np.bincount(event, weight * flux, size)[number] / total
    error = np.sqrt(series.white**2 / np.maximum(cadences, 1) + series.red**2)
    unknown: tuple[Verdict, ...] = ("not known",) * 4
    if count < 2 or not series.mes > 0:
        return EventDepths(number, depth, error, *(nan,) * 5, *unknown)
    freedom = count - 1
    # If an ingress has few cadences, the mean depth depends on their positions.
    model = expected_loss(shape, series.late[inside])
    predicted = np.bincount(event, weight * model, size)[number] / total
    scale = float((depth * predicted / error**2).sum() / (predicted**2 / error**2).sum()) if predicted.any() else nan
    variance = error**2 + (series.unevenness * series.depth) ** 2
    chi_squared = float(((depth - scale * predicted) ** 2 / variance).sum() / freedom)
    each, expected = depth / error, series.depth / error
    unevenness = float((((each - expected) ** 2) / expected).sum()) / freedom
    consistency = ratio(series.mes, float(np.sqrt(unevenness))) if unevenness > 0 else nan
    median = float(np.median(depth))
    dominance = float(each.max()) / series.mes if count >= 3 else nan
    share = float(depth.mean()) / median if count >= 3 and median > 0 else nan
    chases = _chases(series, number, each)
    return EventDepths(
        number,
        depth,
        error,
        chi_squared,
        consistency,
        dominance,
        share,
        chases,
        above(chi_squared, *UNLIKE),
        above(dominance, *DOMINANT),
        above(max(share, 1 / share) if share > 0 else nan, *MEAN_MEDIAN),
        below(chases, *CHASES) if count <= FEW else "not known",
    )


def _chases(series: TransitSeries, number: np.ndarray, each: np.ndarray) -> float:
    """Return the mean distance to the next event as strong, in tenths of the period; at most 1."""
    reach = REACH * series.period
    limit = np.full(int(series.event[-1]) + 1, np.inf)
    limit[number] = CHASED * each
    away = np.abs(series.late)
    chasing = (away > series.duration) & (away < reach) & (np.abs(series.ses) > limit[series.event])
    nearest = np.full(len(limit), reach)
    np.minimum.at(nearest, series.event[chasing], away[chasing])
    return float(nearest[number].mean() / reach)
