"""An axis of time on which long gaps between seasons take little room."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator

LONG = 5.0
"""days without a cadence that end a season"""
WIDE = 0.2
"""share of the observed days from which on a gap is closed"""
LEFT_OPEN = 0.02
"""share of the axis that a closed gap takes"""
BESIDE = 0.01
"""share of the axis left empty at each end"""
LABELS = 11
"""labels of an axis as wide as the figure"""
FAR = 1e7
"""days from the curve at which the scale ends"""


@dataclass(frozen=True, eq=False)
class ClosedGaps:
    """Seasons of a light curve and their places on an axis from 0 to 1.

    Attributes:
        start, stop: ``(k,)`` float64 days, first and last cadence of each season.
        place: ``(2 k,)`` float64, where they are drawn.
    """

    start: np.ndarray
    stop: np.ndarray
    place: np.ndarray

    def forward(self, time: np.ndarray) -> np.ndarray:
        """Return the place of times, float64."""
        return np.interp(time, *self._knots())

    def inverse(self, place: np.ndarray) -> np.ndarray:
        """Return the time at places, float64 days."""
        time, knots = self._knots()
        return np.interp(place, knots, time)

    def inside(self, time: np.ndarray, beside: float = 0.0) -> np.ndarray:
        """Return which times are in a season, or within ``beside`` days of one."""
        season = np.searchsorted(self.start - beside, time, side="right") - 1
        return (season >= 0) & (time <= self.stop[np.maximum(season, 0)] + beside)

    def _knots(self) -> tuple[np.ndarray, np.ndarray]:
        slope = (self.place[1] - self.place[0]) / (self.stop[0] - self.start[0])
        time = np.stack([self.start, self.stop], axis=1).ravel()
        whole = np.concatenate([[time[0] - FAR], time, [time[-1] + FAR]])
        return whole, np.concatenate([[-FAR * slope], self.place, [1 + FAR * slope]])


def closed_gaps(time: np.ndarray) -> ClosedGaps | None:
    """Return the scale that closes the long gaps of a curve; None where it has none.

    Args:
        time: ``(n,)`` float64 days, ascending; others have no seasons.
    """
    step = np.diff(time)
    if len(time) < 2 or not (step >= 0).all():
        return None
    observed = float(step[step <= LONG].sum())
    ends = np.flatnonzero((step > LONG) & (step > WIDE * observed))
    start, stop = time[np.concatenate([[0], ends + 1])], time[np.concatenate([ends, [len(time) - 1]])]
    length = stop - start
    if not len(ends) or not (length > 0).all():
        return None
    share = length / length.sum() * (1 - LEFT_OPEN * len(ends))
    before = np.cumsum(share) - share + LEFT_OPEN * np.arange(len(share))
    return ClosedGaps(start, stop, np.stack([before, before + share], axis=1).ravel())


def close_gaps(axes: Axes, time: np.ndarray) -> ClosedGaps | None:
    """Give the axes of a curve a time axis with its long gaps closed and marked by grey bands.

    Args:
        axes: with a linear axis of time.
        time: ``(n,)`` float64 days, ascending: those of the whole curve.

    Returns:
        The scale, or None where the axes stay as they are.
    """
    scale = closed_gaps(time)
    if scale is None:
        return None
    axes.set_xscale("function", functions=(scale.forward, scale.inverse))
    axes.set_xlim(*scale.inverse(np.array([-BESIDE, 1 + BESIDE])))
    for begin, end in zip(scale.stop[:-1], scale.start[1:]):
        axes.axvspan(begin, end, color="#dfe3e8", linewidth=0, zorder=0)
    ticks: list[float] = []
    labels = max(LABELS * axes.get_position().width, 1.0)
    for begin, end, width in zip(scale.start, scale.stop, np.diff(scale.place)[::2]):
        most = max(1, round(labels * float(width)))
        # Steps of whole days; a season with room for one label has it in its middle.
        inside = [t for t in MaxNLocator(most, integer=True).tick_values(begin, end) if begin <= t <= end]
        ticks += inside if most > 1 and inside else [float(np.rint(0.5 * (begin + end)))]
    apart = np.diff(scale.forward(np.array(ticks)), prepend=-1.0)
    ticks = [tick for tick, far in zip(ticks, apart) if far > 0.5 / labels]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(FixedFormatter([f"{t:g}" for t in ticks]))
    axes.xaxis.set_minor_locator(FixedLocator([]))
    return scale
