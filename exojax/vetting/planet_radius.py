"""The radius of the transiting body: a body much larger than Jupiter is a star, not a planet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exojax.vetting.verdict import Verdict, above

EARTHS = 109.1
"""Earth radii in a solar radius"""
TOO_LARGE = (16.0, 23.0)
"""radius in Earth radii: inconclusive from the first value, failed from the second"""


@dataclass(frozen=True)
class RadiusTest:
    """The radius of the transiting body, in Earth radii, and the verdict on it."""

    radius: float
    verdict: Verdict


def radius_test(depth: float, star_radius: float) -> RadiusTest:
    """Return the radius ``R* sqrt(depth)`` of the transiting body.

    Args:
        depth: fraction; if it is NaN (the flux has no absolute scale), the verdict is "not known".
        star_radius: solar radii; if it is NaN, the verdict is "not known".
    """
    if not (depth > 0 and star_radius > 0):
        return RadiusTest(float("nan"), "not known")
    radius = EARTHS * star_radius * float(np.sqrt(depth))
    return RadiusTest(radius, above(radius, *TOO_LARGE))
