"""Which periods and durations are tried, and how the folds share their work. Plain arithmetic, no JAX."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

LEVELS = 3
"""octaves that one direct fold serves: each halving of a fold rounds by half a bin more"""
FINE, COARSE = (2, 3, 4), (3, 4, 5)
"""durations in bins: at an octave's finest bins, and at bins twice, four times, ... as wide"""
ROWS_APART = {FINE: 1.25, COARSE: 1.5}
"""every trial of a band folds the band's most rows: bands with this ratio of rows are kept apart"""
FEW_ROWS = 8
"""bands of so few rows differ in their trials by too much to be joined"""
INNER = 0.78
"""share of the transit's duration at full depth; the rest counts half, as ingress and limb darkening do"""
DENSITIES = (8.0, 0.02)
"""solar densities, from M dwarf to giant, between whose transit durations one is looked for"""
GRAZING = 0.6
"""sqrt(1 - b^2) of the shortest chord that is looked for"""


@dataclass(frozen=True)
class Band:
    """Periods from ``low`` to ``high`` bins, folded directly, and their halves and quarters.

    Attributes:
        bin: cadences in one bin.
        low, high: bins; trials start at ``low + k / steps``, ``k = 0, 1, ...``, below ``high``.
        rows: how often the longest curve wraps around ``low``.
        steps: trial periods a bin.
        durations: for each halving, the durations tried, in bins.
        lead: empty bins before the first cadence, as many as the longest duration.
    """

    bin: int
    low: int
    high: int
    rows: int
    steps: int
    durations: tuple[tuple[int, ...], ...]
    lead: int

    @property
    def n_trials(self) -> int:
        """Periods folded directly; each gives one period a level."""
        return (self.high - self.low) * self.steps

    @property
    def periods(self) -> np.ndarray:
        """``(n_trials, n_levels)`` float64, cadences."""
        top = self.low + np.arange(self.n_trials) / self.steps
        return self.bin * top[:, None] / 2.0 ** np.arange(len(self.durations))


@dataclass(frozen=True)
class Plan:
    """Everything a periodogram needs to know before it sees a star.

    Attributes:
        n_cadences: length of the curves.
        cadence: days.
        bands: that together hold all periods, none twice.
    """

    n_cadences: int
    cadence: float
    bands: tuple[Band, ...]

    @cached_property
    def periods(self) -> np.ndarray:
        """``(n_periods,)`` float64, days, in the order of the periodogram's rows."""
        return self.cadence * np.concatenate([band.periods.reshape(-1) for band in self.bands])

    @cached_property
    def durations(self) -> np.ndarray:
        """``(n_durations,)`` float64, cadences: all that are tried anywhere."""
        return np.unique([float(band.bin * d) for band in self.bands for level in band.durations for d in level])


def plan(
    n_cadences: int,
    cadence: float,
    *,
    period_min: float,
    period_max: float,
    duration_min: float = 1 / 24,
    duration_max: float = 0.5,
) -> Plan:
    """The period grid and its folds.

    Longer durations are tried on curves whose cadences were binned by two, four, ...: what a bin loses is the same
    share of every duration then, and each doubling makes the search four times cheaper. For each width of bins
    neighbouring periods differ by so much that transits drift by one bin over the whole curve: the natural grid of
    fast folding (Staelin 1969), even in log P. Against the optimal spacing of Ofir (2014, A&A 561, A138), where
    they drift by a duration, it is oversampled by ``D / bin``, 2 to 5.
    Durations lie between a grazing transit of a dwarf of 8 solar densities and a central one of a giant of 0.02, in
    the given range, and a quarter of the period at most.

    Args:
        n_cadences: length of the curves, cadences.
        cadence: days.
        period_min: days, four cadences or more.
        period_max: days, at most the length of the curves.
        duration_min: days; two cadences is the least that is tried.
        duration_max: days.

    Raises:
        ValueError: a range is empty, or does not fit the curve.
    """
    if not 4 * cadence <= period_min < period_max <= n_cadences * cadence:
        raise ValueError(f"periods {period_min} to {period_max} d do not fit {n_cadences} cadences of {cadence} d")
    if not 0 < duration_min <= duration_max:
        raise ValueError(f"durations {duration_min} to {duration_max} d are no range")
    high, least = period_max / cadence, period_min / cadence
    n_octaves = math.ceil(math.log2(high / least) - 1e-9)
    bands: list[Band] = []
    widen = 1
    while True:
        ladder = FINE if widen == 1 else COARSE
        levels = []
        for octave in range(n_octaves):
            top = high / 2**octave
            short, long = _plausible(top / 2, top, cadence, duration_min, duration_max)
            bin_ = widen * 2 ** int(math.log2(short / 2))
            levels.append((bin_, _between(ladder, short / bin_, long / bin_, first=widen == 1)))
        if not any(durations for _, durations in levels):
            # The periodogram bins the curves once for all bands of one bin, in this order.
            return Plan(n_cadences, cadence, tuple(sorted(bands, key=lambda band: band.bin)))
        first = 0
        while first < n_octaves:
            bin_, durations = levels[first]
            group = [durations]
            while len(group) < LEVELS and first + len(group) < n_octaves and levels[first + len(group)][0] == bin_:
                group.append(levels[first + len(group)][1])
            while len(group) > 1 and not group[-1]:
                group.pop()
            if durations:
                bands += _octave(n_cadences, bin_, high / 2**first, least, tuple(group), ROWS_APART[ladder])
            first += len(group) if durations else 1
        widen *= 2


def transit_duration(period: np.ndarray | float, density: np.ndarray | float) -> np.ndarray:
    """Days from first to last contact of a small planet's central transit on a circular orbit.

    ``T = (P / pi) * R/a``, with ``(a/R)^3 = G rho P^2 / (3 pi)`` (Seager & Mallen-Ornelas 2003, ApJ 585, 1038).

    Args:
        period: days.
        density: of the star, solar.
    """
    return 13.0 / 24 * np.cbrt(np.asarray(period) / 365.25 / np.asarray(density))


def _plausible(low: float, high: float, cadence: float, shortest: float, longest: float) -> tuple[float, float]:
    """Shortest and longest duration, cadences, for periods of ``low`` to ``high`` cadences."""
    short = max(GRAZING * float(transit_duration(low * cadence, DENSITIES[0])), shortest) / cadence
    long = min(float(transit_duration(high * cadence, DENSITIES[1])), longest) / cadence
    long = min(long, max(low / 4, 6.0))
    return max(short, 2.0), max(long, short, 2.0)


def _between(ladder: tuple[int, ...], short: float, long: float, first: bool) -> tuple[int, ...]:
    """The durations of a ladder from ``short`` to ``long`` bins; of the first ladder the nearest one at least."""
    found = tuple(d for d in ladder if short / 1.2 <= d <= long * 1.2)
    return found or (((min(ladder, key=lambda d: abs(d - short))),) if first else ())


def _octave(
    n_cadences: int, bin_: int, high: float, least: float, durations: tuple[tuple[int, ...], ...], apart: float
) -> list[Band]:
    """The bands of one octave of direct folds, in order of falling period."""
    lead = max(d for level in durations for d in level)
    n = -(-n_cadences // bin_) + lead
    top, end = math.ceil(high / bin_), math.floor(high / 2 / bin_)
    bands = []
    while durations and top > end:
        # The last level ends at the shortest period asked for; what is left of the octave is folded without it.
        bottom = math.floor(least * 2 ** (len(durations) - 1) / bin_)
        bottom = bottom if bottom > 1.05 * end else end
        if top <= bottom:
            durations = durations[:-1]
            continue
        fewest = math.ceil(n / (top - 1))
        low = max(bottom, min(math.ceil(n / (math.floor(fewest * apart) if fewest > FEW_ROWS else fewest)), top - 1))
        # A sliver is not worth a program of its own.
        low = bottom if low - bottom < 0.03 * bottom else low
        rows = math.ceil(n / low)
        bands.append(Band(bin_, low, top, rows, max(rows - 1, 1), durations, lead))
        top = low
    return bands


def inner(duration: int) -> int:
    """Bins at full depth in the middle of ``duration`` bins, of the same parity; two bins are a box."""
    widest = math.floor(INNER * duration)
    return max(widest - (duration - widest) % 2, 2 if duration == 2 else 1)
