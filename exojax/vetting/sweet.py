"""SWEET: test for a sinusoidal variation of the star at the transit's period, half or twice it (Thompson et al. 2018).

Spots, pulsations and the tides of a close binary cause such variations, and their minima resemble transits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exojax.vetting.transit_series import TransitSeries, ratio
from exojax.vetting.verdict import Verdict, above

LONGEST = 10.0
"""longest period, days; detrending removes slower variations"""
SIGMA = (7.6, 21.0)
"""amplitude over its error: inconclusive from the first value, failed from the second"""


@dataclass(frozen=True)
class Sweet:
    """Sines out of transit at half the period, the period and twice the period.

    Attributes:
        amplitude: amplitude of each sine, fraction of the flux.
        sigma: amplitude of each sine over its error for white noise.
        strongest: largest ``sigma``; NaN if no sine was fitted.
        over_depth: amplitude of the sine with the largest ``sigma`` over the depth of the transit.
        verdict: "fail" if a sine is strong; "not known" for periods above ten days.
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
        # Twice the phase angle belongs to half the period.
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
    """Return the amplitude of the fitted sine and its significance; both NaN if the fit is degenerate."""
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
