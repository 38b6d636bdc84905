"""The shift of a star's centroid in transit: a dip of a neighbouring star in the aperture moves the centroid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exojax.ephemeris import transit_mask
from exojax.loops.candidate import GAUSSIAN_MEDIAN

GAP, SIDE = 0.25, 1.5
"""gap between the transit and the reference on either side, and length of the reference, in durations"""
CLIP = 5.0
"""robust standard deviations beyond which a centroid out of transit is an outlier, or an event's shift"""
SAMPLES = 1024
"""number of times out of transit at which the shift is measured to estimate its error"""
WINDOW = 96
"""length of a block of the trend, cadences; several transit durations"""


MOVED = 3.0
"""significance from which a shift counts as significant"""


@dataclass(frozen=True, eq=False)
class CentroidShift:
    """The shift of a star's centroid in transit.

    Attributes:
        shift: ``(2,)`` float64 pixels, column and row; NaN where no transit has a centroid.
        error: ``(2,)`` float64 pixels, one sigma of each.
        joint: correlation of the two errors.
        sigma: length of the shift in units of its error ellipse: chance exceeds ``r`` with ``exp(-r^2 / 2)``.
        events: ``(k, 2)`` float64 pixels, the shift in each transit that was measured in both axes.
    """

    shift: np.ndarray
    error: np.ndarray
    joint: float
    sigma: float
    events: np.ndarray

    @property
    def moved(self) -> bool:
        """True if the shift is significant; False if it was not measured."""
        return moved(self.sigma)

    def ellipse(self, sigmas: float = MOVED, points: int = 181) -> np.ndarray:
        """Return the ``(points, 2)`` pixels of the shifts that lie ``sigmas`` from the one measured.

        Zero lies outside of the ellipse of ``MOVED`` exactly where the centroid has moved.
        """
        turn = np.linspace(0, 2 * np.pi, points)
        column = np.cos(turn)
        row = self.joint * column + np.sqrt(1 - self.joint**2) * np.sin(turn)
        return self.shift + sigmas * self.error * np.stack([column, row], axis=1)


def moved(sigma: float) -> bool:
    """Return whether a centroid shift of this significance is significant; False for NaN (not measured)."""
    return bool(sigma >= MOVED)


class _Sums:
    """Weighted sums over boxes of time with fractional edges, of ``values`` and ``weight`` ``(n_cadences,)``."""

    def __init__(self, values: np.ndarray, weight: np.ndarray) -> None:
        self._edges = np.arange(len(values) + 1.0)
        self._values = np.concatenate([[0.0], np.cumsum(values * weight, dtype=np.float64)])
        self._weight = np.concatenate([[0.0], np.cumsum(weight, dtype=np.float64)])

    def box(self, start: np.ndarray, stop: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the sums of weighted values and of weights from ``start`` to ``stop``, ``(k,)`` cadences."""
        a, b = (np.clip(x + 0.5, 0.0, self._edges[-1]) for x in (start, stop))
        value, weight = (
            np.interp(b, self._edges, sums) - np.interp(a, self._edges, sums) for sums in (self._values, self._weight)
        )
        return value, weight


def _trend(values: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Return the medians of blocks of cadences, joined by straight lines: ``(n_cadences,)``."""
    blocks = np.arange(0, len(values), WINDOW)
    middle = blocks + 0.5 * WINDOW - 0.5
    medians = np.array(
        [np.median(part[some]) if some.any() else np.nan for part, some in _parts(values, valid, blocks)]
    )
    known = np.isfinite(medians)
    if not known.any():
        return np.zeros(len(values))
    return np.interp(np.arange(len(values)), middle[known], medians[known])


def _parts(values: np.ndarray, valid: np.ndarray, blocks: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(values[first : first + WINDOW], valid[first : first + WINDOW]) for first in blocks.tolist()]


def _contrast(inside: _Sums, outside: _Sums, middle: np.ndarray, duration: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean over the transit less that of its two sides, and its inverse variance (0 where not covered)."""
    near = (0.5 + GAP) * duration
    far = near + SIDE * duration
    value, weight = inside.box(middle - 0.5 * duration, middle + 0.5 * duration)
    left, left_weight = outside.box(middle - far, middle - near)
    right, right_weight = outside.box(middle + near, middle + far)
    side_weight = left_weight + right_weight
    seen = (weight >= 0.25 * duration) & (side_weight >= 0.5 * weight)
    weight, side_weight = np.where(seen, weight, 1.0), np.where(seen, side_weight, 1.0)
    shift = value / weight - (left + right) / side_weight
    return np.where(seen, shift, 0.0), np.where(seen, 1.0 / (1.0 / weight + 1.0 / side_weight), 0.0)


def centroid_shift(
    centroid: np.ndarray, weight: np.ndarray, period: float, t0: float, duration: float
) -> CentroidShift:
    """Measure the mean shift of the centroid in transit against both sides of each transit.

    Block medians and the local reference remove drifts and jumps. The error is the robust scatter of the same
    measurement out of transit and includes pointing jitter (after Bryson et al. 2013, flux-weighted centroids).

    Args:
        centroid: ``(n_cadences, 2)`` float32, pixels, column and row.
        weight: ``(n_cadences,)`` float32; 0 where the centroid is not measured.
        period, t0, duration: cadences; an infinite period is a single transit.
    """
    size = len(centroid)
    outside = np.where(transit_mask(np.arange(size), period, t0, (1 + 2 * GAP) * duration), 0.0, weight)
    n = 1 if np.isinf(period) else max(int((size - 1 - t0) / period) + 2, 1)
    middle = t0 + (0.0 if np.isinf(period) else period) * np.arange(n)
    sample = (np.arange(SAMPLES) + 0.5) * (size / SAMPLES)

    def measure(values: np.ndarray) -> tuple[float, float, np.ndarray, np.ndarray]:
        values = np.where(weight > 0, values - _trend(values, outside > 0), 0.0)
        limit = CLIP * _middle(np.abs(values[outside > 0])) / GAUSSIAN_MEDIAN
        quiet = _Sums(values, np.where(np.abs(values) <= limit, outside, 0.0))
        shift, ivar = _contrast(quiet, quiet, sample, duration)
        # A box inside a transit has no cadences left.
        noise = np.where(ivar > 0, shift * np.sqrt(ivar), np.nan)
        error = _middle(np.abs(noise[ivar > 0])) / GAUSSIAN_MEDIAN
        each, each_ivar = _contrast(_Sums(values, weight), quiet, middle, duration)
        seen = each_ivar > 0
        if np.count_nonzero(seen) >= 3:
            seen &= np.abs(each - _middle(each[seen])) * np.sqrt(each_ivar) <= CLIP * error
        total = each_ivar[seen].sum()
        if not total > 0 or not error > 0:
            return np.nan, np.nan, noise, np.full(n, np.nan)
        mean = (each * each_ivar)[seen].sum() / total
        return float(mean), float(error / np.sqrt(total)), noise / error, np.where(seen, each, np.nan)

    column, column_error, noise_u, columns = measure(centroid[:, 0].astype(np.float64))
    row, row_error, noise_v, rows = measure(centroid[:, 1].astype(np.float64))
    u, v = column / column_error, row / row_error
    # Pointing moves both axes together: a robust correlation from the scatter along the two diagonals.
    both = np.isfinite(noise_u + noise_v)
    plus, minus = (_middle(np.abs((noise_u + sign * noise_v)[both])) ** 2 for sign in (1, -1))
    joint = np.clip((plus - minus) / max(plus + minus, 1e-12), -0.98, 0.98)
    length = float(np.sqrt((u**2 - 2.0 * joint * u * v + v**2) / (1.0 - joint**2)))
    events = np.stack([columns, rows], axis=1)
    return CentroidShift(
        np.array([column, row]),
        np.array([column_error, row_error]),
        float(joint),
        length,
        events[np.isfinite(events).all(axis=1)],
    )


def _middle(values: np.ndarray) -> float:
    """Return the lower median, which is always one of the values."""
    return float(np.partition(values, (len(values) - 1) // 2)[(len(values) - 1) // 2]) if len(values) else 0.0
