"""SWEET: does the star vary as a sine at the period of the transit, half or twice of it? (Thompson et al. 2018).

Spots, pulsations and the tides of a close binary do, and their minima look like transits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exojax.vetting.transit_series import TransitSeries, ratio
from exojax.vetting.verdict import Verdict, above

LONGEST = 10.0
"""days; the light curve is detrended, and what varies more slowly is gone"""
SIGMA = (7.6, 21.0)
"""amplitude over its error: from the first inconclusive, from the second it fails"""


@dataclass(frozen=True)
class Sweet:
    """Sines out of transit at half the period, the period and twice the period.

    Attributes:
        amplitude: of each, fraction of the flux.
        sigma: amplitude over its error for white noise.
        strongest: the largest ``sigma``; NaN where none was fitted.
        over_depth: the amplitude of that one over the transit's depth.
        verdict: fails where a sine is strong; "not known" beyond ten days.
    """

    amplitude: tuple[float, float, float]
    sigma: tuple[float, float, float]
    strongest: float
    over_depth: float
    verdict: Verdict


def sweet(series: TransitSeries) -> Sweet:
    """Fit ``a sin + b cos + c`` to the flux out of transit by least squares at each period.

    The error of the amplitude ``A = hypot(a, b)`` follows from the fit's covariance, scaled by its residuals.
    """
    nan = float("nan")
    out = ~series.inside
    if not series.folds or np.count_nonzero(out) < 5:
        return Sweet((nan,) * 3, (nan,) * 3, nan, nan, "not known")
    flux, weight = series.flux[out] - series.level, series.weight[out]
    turn = (np.pi / series.period) * (series.time[out] - series.t0)
    sine, cosine = np.sin(turn), np.cos(turn)
    found = [_sine(sine, cosine, flux, weight)]
    for _ in range(2):
        # The double angle is half the period.
        sine, cosine = 2 * sine * cosine, cosine**2 - sine**2
        found.insert(0, _sine(sine, cosine, flux, weight))
    amplitude, sigma = zip(*found)
    known = [k for k in range(len(sigma)) if np.isfinite(sigma[k])]
    best = max(known, key=lambda k: sigma[k], default=None)
    strongest = nan if best is None else sigma[best]
    over = nan if best is None else amplitude[best] / max(series.depth, 1e-12)
    verdict = above(strongest, *SIGMA) if series.period <= LONGEST else "not known"
    return Sweet(amplitude, sigma, strongest, over, verdict)


def _sine(sine: np.ndarray, cosine: np.ndarray, flux: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Return the amplitude of the best sine and its significance; NaN where the fit is degenerate."""
    design = np.stack([sine, cosine, np.ones_like(sine)])
    weighted = design * weight
    normal = weighted @ design.T
    if not np.linalg.cond(normal) < 1e10:
        return float("nan"), float("nan")
    covariance = np.linalg.inv(normal)
    found = covariance @ (weighted @ flux)
    covariance *= float(weight @ (flux - found @ design) ** 2) / (len(flux) - len(found))
    size = float(np.hypot(found[0], found[1]))
    if not size > 0:
        return float("nan"), float("nan")
    along = found[:2] / size
    return size, ratio(size, float(np.sqrt(along @ covariance[:2, :2] @ along)))
