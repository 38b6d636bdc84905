"""Odd and even transits: a binary whose two eclipses are alike is found at half its period."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exojax.vetting.transit_series import TransitSeries, mean_error, ratio
from exojax.vetting.verdict import Verdict, above

SIGMA = (2.0, 2.9)
"""sigma of the difference, with detrending and sampling: from the first inconclusive, from the second it fails"""


@dataclass(frozen=True)
class OddEven:
    """Depths of the odd and the even transits.

    Attributes:
        odd, even: mean depths, fraction; NaN where no such transit was seen.
        odd_error, even_error: standard errors.
        sigma: difference over its error.
        sigma_uneven: the same with what detrending and sampling do to depths in the error.
        ratio: difference over the mean depth.
        verdict: fails where they differ by ``sigma_uneven``.
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
    """Return the depths of odd and even transits, the transit at ``t0`` being an odd one.

    Errors hold white noise by cadences and red noise by transits (Pont, Zucker & Queloz 2006).
    """
    nan = float("nan")
    if series.single or not np.isfinite(series.depth):
        return OddEven(nan, nan, nan, nan, nan, nan, nan, "not known")
    # The transit at t0 has an even number of orbits from itself.
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
