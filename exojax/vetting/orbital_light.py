"""Light that varies with the orbit: ellipsoidal variation of a star by tides, and light of the companion's day side.

Ellipsoidal light has two maxima per orbit. Reflected light has one, opposite the transit (Morris 1985; Faigler & Mazeh
2011).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exojax.vetting.transit_series import TransitSeries, ratio
from exojax.vetting.verdict import Verdict, above, worst

LONGEST = 4.0
"""longest period, days; detrending removes slower variations"""
TIDAL = (2.9, 5.4)
"""significance of the ellipsoidal light: inconclusive from the first value, failed from the second"""
BRIGHT, SHARE = (3.5, 12.0), 0.1
"""limits as above for reflected light whose amplitude exceeds this share of the transit's depth"""
TIDES = 1.2
"""coefficient of limb and gravity darkening, of order one"""


@dataclass(frozen=True)
class OrbitalLight:
    """Semi-amplitudes of the light that varies with the orbit, as fractions of the flux.

    Attributes:
        ellipsoidal: coefficient of ``-cos(2 phi)``, positive for tides.
        reflected: coefficient of ``-cos(phi)``, positive for a day side.
        ellipsoidal_sigma, reflected_sigma: coefficients over their errors, which follow from the residuals.
        mass_ratio: mass of the companion over that of the star that explains ``ellipsoidal``; NaN if the star's density
            is unknown or ``ellipsoidal`` is not significant.
        verdict: "fail" if there are tides, or a day side that is too bright for a planet.
    """

    ellipsoidal: float
    reflected: float
    ellipsoidal_sigma: float
    reflected_sigma: float
    mass_ratio: float
    verdict: Verdict


def orbital_light(series: TransitSeries, density: float) -> OrbitalLight:
    """Fit ellipsoidal light, reflected light and beaming (``sin(phi)``) to the flux outside both eclipses.

    Args:
        series: light curve of the candidate; if its fold has no cadences out of transit, or its period is above four
            days, the verdict is "not known".
        density: density of the star, solar units, or NaN.
    """
    nan = float("nan")
    turn = series.late / series.period if series.folds else series.late
    out = ~series.near & (np.abs(np.abs(turn) - 0.5) * series.period > 0.5 * series.duration) if series.folds else None
    if out is None or np.count_nonzero(out) < 8 or not series.white > 0:
        return OrbitalLight(nan, nan, nan, nan, nan, "not known")
    phi = 2 * np.pi * turn[out]
    flux, weight = series.flux[out] - series.level, series.weight[out]
    design = np.stack([-np.cos(2 * phi), -np.cos(phi), np.sin(phi), np.ones_like(phi)])
    weighted = design * weight
    normal = weighted @ design.T
    if not np.linalg.cond(normal) < 1e10:
        return OrbitalLight(nan, nan, nan, nan, nan, "not known")
    covariance = np.linalg.inv(normal)
    found = covariance @ (weighted @ flux)
    covariance *= float(weight @ (flux - found @ design) ** 2) / (len(flux) - len(found))
    tides, day = float(found[0]), float(found[1])
    tides_sigma, day_sigma = (ratio(x, float(np.sqrt(covariance[k, k]))) for k, x in enumerate((tides, day)))
    bright = above(day_sigma if day > SHARE * series.depth else 0.0, *BRIGHT)
    verdict = worst(above(tides_sigma, *TIDAL), bright) if series.period <= LONGEST else "not known"
    return OrbitalLight(tides, day, tides_sigma, day_sigma, _mass_ratio(tides, tides_sigma, series, density), verdict)


def _mass_ratio(tides: float, sigma: float, series: TransitSeries, density: float) -> float:
    """Return ``q`` of ``tides = 1.2 q (R*/a)^3``, where ``(a/R*)^3`` is 74.5 density P^2 (1 + q)."""
    if not (sigma > TIDAL[1] and density > 0):
        return float("nan")
    pull = tides / TIDES * 74.53 * density * series.period**2
    return float(pull / (1 - pull)) if pull < 1 else float("inf")
