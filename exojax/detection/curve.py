"""One star's flat curve with the sums that every measurement of it needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class FlatCurve:
    """A flat curve on an even grid of cadences. Times are cadences from the first.

    Attributes:
        flux: ``(n_cadences,)`` float32, in units of the star's scatter; 0 where ``weight`` is.
        weight: ``(n_cadences,)`` float32, inverse variance in units of the scatter's.
        total: sum of the weights, 1 or more.
        centred: ``(n_cadences,)`` float64, weight times flux above its weighted mean.
        values: ``(n_cadences + 1,)`` float64, running sum of weight times flux: entry ``i`` is before cadence ``i``.
        weights: ``(n_cadences + 1,)`` float64, running sum of weight.
        first, last: the first and the last cadence with a weight.
    """

    flux: np.ndarray
    weight: np.ndarray
    total: float
    centred: np.ndarray
    values: np.ndarray
    weights: np.ndarray
    first: int
    last: int

    @classmethod
    def of(cls, flux: np.ndarray, weight: np.ndarray) -> FlatCurve:
        """Return the curve of ``flux`` and ``weight``, ``(n_cadences,)`` float32 each."""
        weighted = weight.astype(np.float64) * flux
        total = max(float(weight.sum(dtype=np.float64)), 1.0)
        centred = weighted - weight * (weighted.sum() / total)
        seen = np.flatnonzero(weight > 0)
        first, last = (int(seen[0]), int(seen[-1])) if len(seen) else (0, 0)
        values, weights = (np.concatenate([[0.0], np.cumsum(x, dtype=np.float64)]) for x in (weighted, weight))
        return cls(flux, weight, total, centred, values, weights, first, last)
