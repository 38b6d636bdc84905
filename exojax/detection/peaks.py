"""Find the highest separate peaks of a periodogram, and the aliases of a period."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from exojax.detection.periodogram import Periodogram

RATIOS = (1 / 3, 1 / 2, 2 / 3, 3 / 2, 2.0, 3.0)
"""ratios to a candidate's period at which the periodogram is read for the column of aliases"""
NEAR = 0.01
"""largest relative distance from the exact ratio"""


class Peak(NamedTuple):
    """A peak of a star's periodogram.

    Attributes:
        period: cadences, as in the plan's grid.
        height: SNR above the periodogram's trend.
        sde: height in standard deviations of the periodogram about its trend (Alcock et al. 2000, ApJ 542, 257).
    """

    period: float
    height: float
    sde: float


def find_peaks(found: Periodogram, near: float, n_peaks: int) -> list[Peak]:
    """Return the highest separate peaks above the trend, which red noise raises towards long periods.

    Args:
        found: periodogram of one star; peaks are searched among the trials of full resolution.
        near: smallest difference of log period between two separate peaks.
        n_peaks: largest number of peaks.
    """
    log_period = np.log(found.period)
    above = np.where(found.fine, found.power - found.trend, -np.inf)
    peaks = []
    for _ in range(n_peaks):
        top = int(np.argmax(above))
        if not np.isfinite(above[top]):
            break
        low, high = np.searchsorted(log_period, log_period[top] + near * np.array([-1, 1]))
        # A step of the trend beside a peak must not move it.
        at = low + int(np.argmax(np.where(np.isfinite(above[low:high]), found.power[low:high], -np.inf)))
        peaks.append(Peak(float(found.period[at]), float(above[at]), float(above[at] / found.spread)))
        above[low:high] = -np.inf
        low, high = np.searchsorted(log_period, log_period[at] + near * np.array([-1, 1]))
        above[low:high] = -np.inf
    return peaks


def aliases(found: Periodogram, period: float, least: float) -> list[float]:
    """Return the periods near simple ratios of ``period`` (cadences) where the SNR is ``least`` or more, best first."""
    best = []
    for ratio in RATIOS:
        low, high = np.searchsorted(found.period, ratio * period * np.array([1 - NEAR, 1 + NEAR]))
        if low < high:
            at = low + int(np.argmax(found.power[low:high]))
            if found.power[at] >= max(least, 1e-6):
                best.append((-float(found.power[at]), float(found.period[at])))
    return [place for _, place in sorted(best)]
