"""The periodogram: the highest SNR of a dip at each trial period; fine bins only near promising periods."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from exojax.detection.period_grid import Pass, PeriodGrid
from exojax.loops import periodogram as loops

KEPT = (0.03, 0.01)
"""share of the trials of the first pass around which the second and the third pass search again"""
LEAST_KEPT = (300, 100)
"""smallest number of such trials"""
REACH = 0.75
"""range on either side of such a trial that is searched again, in steps of log period"""
BLOCKS, NARROWEST = 40, 0.1
"""largest number and smallest width of the stretches of log period whose means are the trend of the periodogram; a
narrower stretch would follow a single peak"""
WIDEST_SPREAD = 1.5
"""largest standard deviation of a stretch, in medians over all stretches; a strong signal must not raise its own limit
"""


@dataclass(frozen=True, eq=False)
class Periodogram:
    """The evaluated trials of one star's periodogram, in order of increasing period; arrays are ``(n,)``.

    Attributes:
        period: float64, cadences.
        power: float32, SNR.
        trend: float32, SNR that chance and red noise give at this period, from the first pass.
        fine: bool, True for trials with the finest bins of the plan.
        spread: standard deviation of the first pass about its trend.
    """

    period: np.ndarray
    power: np.ndarray
    trend: np.ndarray
    fine: np.ndarray
    spread: float


def periodogram(plan: PeriodGrid, flux: np.ndarray, weight: np.ndarray) -> Periodogram:
    """Return the highest SNR of a dip at each period that was evaluated, over epochs and durations.

    The template is 1 over the inner 78 % of a transit and 1/2 over the rest of it, about a free constant level. With
    weights ``w``, template ``t`` and flux ``y`` without its weighted mean, let ``s = sum(w t y)``, ``W = sum(w)``,
    ``a1 = sum(w t)`` and ``a2 = sum(w t^2)``. Then ``SNR^2 = s^2 W / (a2 W - a1^2)`` if ``s < 0`` (Kovacs et al. 2002,
    A&A 391, 369, for the box, where ``a1 = a2``). All periods are searched with wide bins; narrower bins are used only
    around the trials that are highest above the trend.

    Args:
        plan: periods and durations; ``plan.n_cadences`` is at least the length of the curve.
        flux: ``(n_cadences,)`` float32, flat, in units of the star's scatter.
        weight: ``(n_cadences,)`` float32; see :class:`Sums`.
    """
    return pyramid(plan, [Sums(flux, weight, plan)])


def pyramid(plan: PeriodGrid, parts: Sequence[Sums]) -> Periodogram:
    """Return the periodogram of several curves at the same periods: the root of the sum of their squared SNRs.

    Args:
        plan: periods and durations; ``plan.n_cadences`` is at least the length of the longest curve.
        parts: sums of each curve; every curve has its own epoch.
    """

    def power_at(chosen: Pass, wanted: np.ndarray | None = None) -> np.ndarray:
        each = [evaluate(chosen, sums, wanted) for sums in parts]
        return each[0] if len(each) == 1 else np.sqrt(np.sum(np.square(each), axis=0))

    first, *rest = plan.passes
    log_period, spacing, power = first.log_period, first.spacing, power_at(first)
    number = np.zeros(len(power), np.int64)
    trend = Trend.of(log_period, power)
    period, block = first.periods, trend.block(log_period)
    for k, (following, share, least) in enumerate(zip(rest, KEPT[-len(rest) :], LEAST_KEPT[-len(rest) :])):
        count = min(max(int(share * len(first.periods)), least), len(period))
        best = np.argpartition(-trend.significance(block, power), count - 1)[:count]
        tried = power_at(following, following.near(log_period[best], REACH * spacing[best]))
        known = np.flatnonzero(np.isfinite(tried))
        period = np.concatenate([period, following.periods[known]])
        log_period = np.concatenate([log_period, following.log_period[known]])
        block = np.concatenate([block, trend.block(following.log_period[known])])
        spacing = np.concatenate([spacing, following.spacing[known]])
        power = np.concatenate([power, tried[known]])
        number = np.concatenate([number, np.full(len(known), k + 1)])
    order = np.argsort(period, kind="stable")
    level = trend.mean[block]
    fine = number == len(rest)
    return Periodogram(period[order], power[order], level[order], fine[order], trend.spread)


@dataclass(frozen=True, eq=False)
class Trend:
    """Mean and standard deviation of a periodogram in stretches of log period.

    Attributes:
        low: log of the shortest period.
        width: width of a stretch, in log period.
        mean, deviation: ``(n_blocks,)`` float32 SNR.
        spread: standard deviation about the means.
    """

    low: float
    width: float
    mean: np.ndarray
    deviation: np.ndarray
    spread: float

    @classmethod
    def of(cls, log_period: np.ndarray, power: np.ndarray) -> Trend:
        """Return the trend of ``power (n,)`` at ``log_period (n,)``."""
        low, high = float(log_period.min()), float(log_period.max()) + 1e-9
        blocks = int(np.clip((high - low) / NARROWEST, 1, BLOCKS))
        width = (high - low) / blocks
        block = ((log_period - low) / width).astype(np.int64)
        count = np.bincount(block, minlength=blocks)
        mean = np.bincount(block, power, blocks) / np.maximum(count, 1)
        square = np.bincount(block, (power - mean[block]) ** 2, blocks)
        spread = math.sqrt(square.sum() / len(power))
        # A stretch of few trials gets the spread of all trials.
        deviation = np.sqrt((square + 10 * spread**2) / (count + 10))
        deviation = np.maximum(np.minimum(deviation, WIDEST_SPREAD * np.median(deviation)), 1e-6)
        return cls(low, width, mean.astype(np.float32), deviation.astype(np.float32), max(spread, 1e-6))

    def at(self, log_period: np.ndarray) -> np.ndarray:
        """Return the mean at ``log_period (n,)``, ``(n,)`` float32."""
        return self.mean[self.block(log_period)]

    def significance(self, block: np.ndarray, power: np.ndarray) -> np.ndarray:
        """Return the height of ``power (n,)`` above the means of the stretches ``block (n,)``, standard deviations."""
        return (power - self.mean[block]) / self.deviation[block]

    def block(self, log_period: np.ndarray) -> np.ndarray:
        """Return the stretch in which each of ``log_period (n,)`` lies, ``(n,)`` int64."""
        return ((log_period - self.low) / self.width).astype(np.int64).clip(0, len(self.mean) - 1)


def evaluate(chosen: Pass, sums: Sums, wanted: np.ndarray | None = None) -> np.ndarray:
    """Return the SNR at each period of a pass, ``(n_trials,)`` float32; NaN at trials that are not ``wanted``."""
    out = np.full(len(chosen.periods), np.nan, np.float32)
    every = np.ones(len(out), bool) if wanted is None else wanted
    bands, periods, durations, cores = chosen.table
    loops.search_bands(sums.flux, sums.weight, sums.total, sums.places, bands, periods, durations, cores, every, out)
    return out


def centred(flux: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the weighted flux above its weighted mean, ``(n_cadences,)`` float32, and the sum of the weights."""
    total = max(float(weight.sum(dtype=np.float64)), 1.0)
    return weight * (flux - np.float32((weight * flux).sum(dtype=np.float64) / total)), total


class Sums:
    """Cumulative sums of one star's weighted flux and weights, for every width of bins.

    Attributes:
        flux, weight: ``(n_sums,)`` float32, the sums of all widths, one width after another.
        places: ``(n_widths, 5)`` int64, row by log2 of the width: index of the first sum, number of sums, bins before
            the data, bins of data, cadences in a bin.
        total: sum of all weights.
    """

    def __init__(self, flux: np.ndarray, weight: np.ndarray, plan: PeriodGrid) -> None:
        """Sum ``flux`` and ``weight``, ``(n_cadences,)`` float32, for the bands of a plan.

        Flux is flat, in units of the star's scatter; weights are inverse variances in units of the scatter's:
        multiples of 1/64 up to 4 keep the sums of weights exact.
        """
        above, self.total = centred(flux, weight)
        n, begin = len(flux), 0
        self.places = np.zeros((max(plan.room).bit_length(), 5), np.int64)
        running = [np.concatenate([[0.0], np.cumsum(x, dtype=np.float64)]) for x in (above, weight)]
        made: list[list[np.ndarray]] = [[], []]
        for width, (lead, after) in plan.room.items():
            n_bins = -(-n // width)
            size = lead + n_bins + after + 4 * loops.VECTOR
            self.places[width.bit_length() - 1] = begin, size, lead, n_bins, width
            begin += size
            cadence = ((np.arange(size) - lead) * width).clip(0, n)
            # One typical weight per cadence is subtracted, and a fold adds it again: sums stay small, exact in float32.
            slope = width * np.arange(size)
            made[0].append(running[0][cadence].astype(np.float32))
            made[1].append((running[1][cadence] - slope).astype(np.float32))
        self.flux, self.weight = (np.concatenate(each) for each in made)
