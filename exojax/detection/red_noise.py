"""Noise on the time scale of a transit: what red noise does to a signal-to-noise ratio that assumes white noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from exojax.detection.curve import FlatCurve
from exojax.loops import candidate as loops

BLOCK = 400
"""cadences over which the noise is taken to stay the same: 8 days of half-hour cadences"""


@dataclass(frozen=True, eq=False)
class Noise:
    """Scatter of a box's signal on each time scale along one curve, in units of white noise.

    The signal is ``S_d(t) = sum(w y) / sqrt(sum w)`` over ``d`` cadences; its robust scatter about zero is 1 in white
    noise and grows with ``d`` in red (Pont, Zucker & Queloz 2006; Kepler's CDPP is the same in ppm). It is taken in
    blocks, because noisy stretches make false alarms, and each block's variance is averaged with the whole curve's,
    which counts as 6 independent boxes.

    Attributes:
        durations: ``(n_durations,)`` int64 cadences, 2, 4, 8, ...
        scatter: ``(n_durations, n_blocks)`` float64, 1 or more.
        n_cadences: of the curve.
    """

    durations: np.ndarray
    scatter: np.ndarray
    n_cadences: int

    @classmethod
    def of(cls, curve: FlatCurve, longest: float, block: int = BLOCK) -> Noise:
        """Return the noise of a curve up to a duration of ``longest`` cadences, in blocks of about ``block``."""
        durations = 2 ** np.arange(1, int(np.log2(max(longest, 2.0))) + 1, dtype=np.int64)
        n = len(curve.flux)
        scatter = np.empty((len(durations), max(round(n / block), 1)))
        loops.pulse_scatter(curve.values, curve.weights, durations, scatter)
        return cls(durations, scatter, n)

    def at(self, duration: float, middle: np.ndarray) -> np.ndarray:
        """Return red noise over white for events of one duration, interpolated in its logarithm.

        Inverse variances of depths over its square are those with red noise (Pont et al. 2006: transits apart by more
        than the noise's memory are independent).

        Args:
            duration: cadences.
            middle: ``(k,)`` float64, cadences; what lies off the curve takes the nearest block's.

        Returns:
            ``(k,)`` float64, 1 or more.
        """
        place = min(max(math.log2(duration) - 1, 0.0), len(self.durations) - 1.0)
        low = min(int(place), max(len(self.durations) - 2, 0))
        high = min(low + 1, len(self.durations) - 1)
        blocks = self.scatter.shape[1]
        number = (middle * (blocks / self.n_cadences)).astype(np.int64)
        row = self.scatter[low] + (place - low) * (self.scatter[high] - self.scatter[low])
        return row.take(number, mode="clip")


def red_factor(ivar: np.ndarray, scatter: np.ndarray) -> float:
    """Return by what the white-noise SNR of a fold is divided for red noise, 1 or more.

    Args:
        ivar: ``(n_events,)`` float64, white.
        scatter: ``(n_events,)`` float64 of :meth:`Noise.at`.
    """
    return max(math.sqrt((ivar * scatter**2).sum() / max(ivar.sum(), 1e-6)), 1.0)
