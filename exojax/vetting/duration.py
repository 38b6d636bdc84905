"""The duration of a transit, compared with the star's density: it is too long for a blend or a wrong host star."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exojax.vetting.verdict import Verdict, above, worst

AXIS_OF_ONE_DAY = 4.2083
"""a/R* of a one-day orbit around a star of solar density"""
TOO_LONG = (1.3, 2.1)
"""duration over that of a central transit of a circular orbit: inconclusive from the first value, failed from the
second"""
TOO_SHORT = (0.42, 0.28)
"""the same ratio: inconclusive below the first value, failed below the second"""


@dataclass(frozen=True)
class DurationTest:
    """The duration of the transit, compared with the duration that follows from the star's density.

    Attributes:
        expected: days, of a central transit on a circular orbit.
        ratio: duration over ``expected``.
        verdict: "fail" if the transit is much longer or shorter than ``expected``.
    """

    expected: float
    ratio: float
    verdict: Verdict


def duration_test(duration: float, period: float, depth: float, density: float) -> DurationTest:
    """Compare the duration with that of a central transit (Seager & Mallen-Ornelas 2003).

    ``T = P / pi asin((1 + k) R*/a)`` with ``a/R* = 4.2083 rho^(1/3) P^(2/3)`` and ``k`` the root of the depth. An
    eccentric orbit changes it by up to ``sqrt((1 + e) / (1 - e))``.

    Args:
        duration: days, first to last contact.
        period: days; if it is NaN or infinite (a single transit), the verdict is "not known".
        depth: fraction; NaN counts as 0.
        density: density of the star, solar units; if it is NaN, the verdict is "not known".
    """
    if not (period > 0 and np.isfinite(period) and density > 0 and duration > 0):
        return DurationTest(float("nan"), float("nan"), "not known")
    ratio = float(np.sqrt(depth)) if depth > 0 else 0.0
    sine = (1.0 + ratio) / (AXIS_OF_ONE_DAY * density ** (1 / 3) * period ** (2 / 3))
    expected = period / np.pi * float(np.arcsin(min(sine, 1.0)))
    share = duration / expected
    short = above(-share, -TOO_SHORT[0], -TOO_SHORT[1])
    return DurationTest(expected, share, worst(above(share, *TOO_LONG), short))
