"""The albedo that would explain a secondary: a planet reflects no more light than it receives, a star shines itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exojax.vetting.verdict import Verdict, above

SUN_IN_AXIS = 215.032
"""solar radii in an astronomical unit"""
SEEN = 3.0
"""smallest depth of a secondary, in units of its error, for which an albedo is computed"""
TOO_BRIGHT = (0.6, 1.0)
"""geometric albedo: from the first inconclusive, from the second it fails"""


@dataclass(frozen=True)
class AlbedoTest:
    """The geometric albedo with which reflected light would explain the secondary, and the verdict on it."""

    albedo: float
    verdict: Verdict


def albedo_test(
    secondary: float, error: float, depth: float, period: float, star_radius: float, star_mass: float
) -> AlbedoTest:
    """Return the geometric albedo that a secondary needs, ``A = d2 (a / Rp)^2`` (Winn 2010, equation 39).

    Args:
        secondary: depth of the secondary, fraction; if it is below three errors, the verdict is "not known".
        error: standard error of ``secondary``.
        depth: depth of the transit, fraction.
        period: days; if it is NaN or infinite (a single transit), the verdict is "not known".
        star_radius, star_mass: in solar units; if either is NaN, the verdict is "not known".
    """
    known = depth > 0 and star_radius > 0 and star_mass > 0 and period > 0 and np.isfinite(period)
    if not (known and secondary > SEEN * error):
        return AlbedoTest(float("nan"), "not known")
    axis = SUN_IN_AXIS * (star_mass * (period / 365.25) ** 2) ** (1 / 3)
    albedo = float(secondary * (axis / star_radius) ** 2 / depth)
    return AlbedoTest(albedo, above(albedo, *TOO_BRIGHT))
