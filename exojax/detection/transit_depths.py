"""Measure the depth of each transit of a candidate, and test whether the depths agree."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from exojax.detection.curve import FlatCurve
from exojax.detection.red_noise import Noise
from exojax.loops import candidate as loops

LIKE = 0.25
"""largest relative difference of the depths of one planet's transits; detrending causes it"""
ODD_EVEN = 5.0
"""significance from which odd and even transits differ; the difference must also exceed the effect of detrending"""


@dataclass(frozen=True, eq=False)
class TransitDepths:
    """The transits of one candidate, ``(n_events,)`` float64 each; transit ``k`` is at ``t0 + k period``.

    Depths are measured from the level of the detrended curve, which is zero. A local level would reduce the precision
    by 11 to 25 % in white noise. It would increase the precision only for noise with a long correlation time, which
    detrending removes.

    Attributes:
        middle: cadences.
        depth: mean loss in units of the star's scatter; 0 for a transit that was not observed.
        white: inverse variance for white noise; 0 for a transit that was not observed.
        scatter: red noise over white noise at the time of each transit.
        duration: duration of all transits, cadences (a single number).
    """

    middle: np.ndarray
    depth: np.ndarray
    white: np.ndarray
    scatter: np.ndarray
    duration: float

    @classmethod
    def of(cls, curve: FlatCurve, noise: Noise, period: float, t0: float, duration: float) -> TransitDepths:
        """Return the events at an ephemeris in cadences; an infinite period has one."""
        single = not np.isfinite(period)
        n = 1 if single else max(int((len(curve.flux) - 1 - t0) / period) + 2, 1)
        depth, white = np.empty(n), np.empty(n)
        loops.events(curve.values, curve.weights, 1.0 if single else period, t0, duration, depth, white)
        middle = t0 + (0.0 if single else period) * np.arange(n)
        return cls(middle, depth, white, noise.at(duration, middle), duration)

    @cached_property
    def ivar(self) -> np.ndarray:
        """``(n_events,)`` float64, inverse variance with red noise."""
        return self.white / self.scatter**2

    @cached_property
    def n_transits(self) -> int:
        """Number of transits with at least one measurement."""
        return int(np.count_nonzero(self.white > 0))

    def max_share(self) -> float:
        """Return the strongest transit's share of the sum of squared SNRs of the single transits (dips only)."""
        power = np.maximum(self.depth, 0.0) ** 2 * self.ivar
        return float(power.max() / max(power.sum(), 1e-6))

    def mismatch_sigma(self) -> float:
        """Return the significance of the largest difference between one transit and the mean of all others.

        It is the largest ``(|d_k - mean of the others| - share * the deeper of both) / error`` over ``k``, and negative
        if all depths agree within the effect of detrending. The transits of one planet are equally deep (Seager &
        Mallen-Ornelas 2003, their uniqueness criterion); two planets that transit once each, or a planet and a glitch,
        have different depths. Above 4 the transits should be treated as single transits.

        The value is 0 unless few transits carry the signal: 2 to 4 are observed, or one has over 70 % of the squared
        SNR. A binary with different odd and even eclipses has many, and is one object.
        """
        seen, ivar = self.n_transits, self.ivar
        if seen < 2 or (seen > 4 and self.max_share() <= 0.7):
            return 0.0
        total = ivar.sum()
        rest = total - ivar
        both = (ivar > 0) & (rest > 0)
        if not both.any():
            return 0.0
        ivar, rest, depth = ivar[both], rest[both], self.depth[both]
        fellow = ((self.depth * self.ivar).sum() - depth * ivar) / rest
        share = LIKE + 0.5 / self.duration
        excess = np.abs(depth - fellow) - share * np.maximum(depth, fellow)
        return float((excess / np.sqrt(1 / ivar + 1 / rest)).max())

    def odd_even_sigma(self) -> float:
        """Return the difference of mean odd and even depths over its error; above 3 suggests a binary at twice P.

        The error follows from the inverse variances, and is larger if the transits of one parity scatter more. NaN if
        no transit of one parity was observed.
        """
        means, variance, misfit, freedom = [], 0.0, 0.0, 0.0
        for parity in (0, 1):
            depth, ivar = self.depth[parity::2], self.ivar[parity::2]
            total = ivar.sum()
            if not total > 0:
                return float("nan")
            means.append((depth * ivar).sum() / total)
            variance += 1 / total
            misfit += ((depth - means[-1]) ** 2 * ivar).sum()
            freedom += max(int((ivar > 0).sum()) - 1, 0)
        return float(abs(means[0] - means[1]) / np.sqrt(variance * max(misfit / max(freedom, 1.0), 1.0)))

    def parities_differ(self) -> bool:
        """Return whether odd and even transits differ by more than noise and detrending explain."""
        each = []
        for parity in (0, 1):
            depth, ivar = self.depth[parity::2], self.ivar[parity::2]
            each.append((depth * ivar).sum() / max(ivar.sum(), 1e-6))
        apart = abs(each[0] - each[1]) > (LIKE + 0.5 / self.duration) * max(each)
        return bool(apart and self.odd_even_sigma() > ODD_EVEN)
