"""The radius of the body in front: a star, not a planet, where it is much larger than Jupiter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exojax.vetting.verdict import Verdict, above

EARTHS = 109.1
"""Earth radii in a solar radius"""
TOO_LARGE = (16.0, 23.0)
"""Earth radii: from the first inconclusive, from the second it fails"""


@dataclass(frozen=True)
class RadiusTest:
    """The radius of the body in front, Earth radii, and whether a planet can have it."""

    radius: float
    verdict: Verdict


def radius_test(depth: float, star_radius: float) -> RadiusTest:
    """Return the radius ``R* sqrt(depth)`` of the body in front.

    Args:
        depth: fraction; NaN where the flux has no absolute scale: "not known".
        star_radius: solar radii; NaN: "not known".
    """
    if not (depth > 0 and star_radius > 0):
        return RadiusTest(float("nan"), "not known")
    radius = EARTHS * star_radius * float(np.sqrt(depth))
    return RadiusTest(radius, above(radius, *TOO_LARGE))
