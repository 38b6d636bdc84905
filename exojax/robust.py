"""The robust scatter: a standard deviation that outliers do not move."""

from __future__ import annotations

import numpy as np

MAD_TO_SIGMA = 1.4826
"""standard deviations in one median absolute deviation of a normal distribution (Rousseeuw & Croux 1993)"""


def scatter(values: np.ndarray, about: float | None = None) -> float:
    """Return 1.4826 times the median absolute deviation of ``values``; NaN where there is none.

    For arrays of JAX, with a mask, see :func:`exojax.features.flux.masked_scatter`.

    Args:
        values: ``(n,)`` float, any unit; NaN is left out.
        about: the centre from which deviations are taken; None for the median.
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return float("nan")
    centre = np.median(known) if about is None else about
    return MAD_TO_SIGMA * float(np.median(np.abs(known - centre)))
