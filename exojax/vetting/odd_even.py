"""Odd and even transits: a search finds a binary with two similar eclipses at half its period."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exojax.vetting.transit_series import TransitSeries, mean_error, ratio
from exojax.vetting.verdict import Verdict, above

SIGMA = (2.0, 2.9)
"""significance ``sigma_uneven`` of the difference: inconclusive from the first value, failed from the second"""


@dataclass(frozen=True)
class OddEven:
    """Depths of the odd and the even transits.

    Attributes:
        odd, even: mean depths, fraction; NaN if no such transit was observed.
        odd_error, even_error: standard errors.
        sigma: difference over its error.
        sigma_uneven: difference over an error that includes the effects of detrending and sampling.
        ratio: difference over the mean depth.
        verdict: "fail" if ``sigma_uneven`` is large.
    """

    odd: float
    even: float
    odd_error: float
    even_error: float
    sigma: float
    sigma_uneven: float
    ratio: float
    verdict: Verdict


def odd_even(series: TransitSeries) -> OddEven:
    """Return the depths of odd and even transits; the transit at ``t0`` is odd.

    White noise in the errors falls with the number of cadences, red noise with that of transits (Pont, Zucker & Queloz
    2006).
    """
    nan = float("nan")
    if series.single or not np.isfinite(series.depth):
        return OddEven(nan, nan, nan, nan, nan, nan, nan, "not known")
    # The transit at t0 is 0 orbits from itself: an even number of orbits means an odd transit.
    first = round(float(series.time[0] - series.t0 - series.late[0]) / series.period)
    other = (series.event[series.inside] + first) % 2
    flux, weight = series.flux[series.inside], series.weight[series.inside]
    cadences = np.bincount(other, minlength=2)
    total = np.bincount(other, weight, 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        odd, even = (series.level - np.bincount(other, weight * flux, 2) / total).tolist()
    seen = np.bincount((series.events + first) % 2, minlength=2)
    odd_error, even_error = (mean_error(series, float(n), float(k)) for n, k in zip(cadences, seen))
    difference, error = abs(odd - even), float(np.hypot(odd_error, even_error))
    with np.errstate(divide="ignore"):
        uneven = series.unevenness * series.depth * float(np.sqrt((1.0 / seen).sum()))
    sigma, sigma_uneven = ratio(difference, error), ratio(difference, float(np.hypot(error, uneven)))
    share = ratio(odd - even, series.depth)
    return OddEven(odd, even, odd_error, even_error, sigma, sigma_uneven, share, above(sigma_uneven, *SIGMA))
