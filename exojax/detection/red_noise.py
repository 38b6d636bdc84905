"""Noise on the time scale of a transit: correct a signal-to-noise ratio for white noise to one for red noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from exojax.detection.curve import FlatCurve
from exojax.loops import candidate as loops

BLOCK = 400
"""length of a block of constant noise, cadences; 8 days of half-hour cadences"""


@dataclass(frozen=True, eq=False)
class Noise:
    """Scatter of a box's signal on each time scale along one curve, in units of white noise.

    The signal is ``S_d(t) = sum(w y) / sqrt(sum w)`` over ``d`` cadences; its robust scatter about zero is 1 in white
    noise and grows with ``d`` in red noise (Pont, Zucker & Queloz 2006; Kepler's CDPP is the same in ppm). It is
    measured in blocks, because noisy stretches cause false alarms. The variance of each block is averaged with that of
    the whole curve, which counts as 6 independent boxes.

    Attributes:
        durations: ``(n_durations,)`` int64 cadences, 2, 4, 8, ...
        scatter: ``(n_durations, n_blocks)`` float64, 1 or more.
        n_cadences: length of the curve.
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
        """Return red noise over white noise for events of one duration, interpolated in the log of the duration.

        Dividing the inverse variances of depths by its square gives those with red noise (Pont et al. 2006: transits
        that are farther apart than the correlation time of the noise are independent).

        Args:
            duration: cadences.
            middle: ``(k,)`` float64, cadences; events off the curve get the value of the nearest block.

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
    """Return the ratio of the white-noise SNR of a fold to its red-noise SNR, 1 or more.

    Args:
        ivar: ``(n_events,)`` float64, inverse variances for white noise.
        scatter: ``(n_events,)`` float64 from :meth:`Noise.at`.
    """
    return max(math.sqrt((ivar * scatter**2).sum() / max(ivar.sum(), 1e-6)), 1.0)
