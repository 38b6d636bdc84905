"""The grid of trial periods and durations, from coarse to fine bins."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

WIDER = (4, 2, 1)
"""width of the bins of each pass, in units of the finest bins"""
LADDER, NEXT = (2, 3, 4), (3, 4, 5)
"""durations in bins: for the narrowest bins of a period, and for bins twice, four times, ... as wide"""
COARSE_LADDER = (1, 2, 3, 4)
"""the same for a coarse pass, where the shortest transits fit into one bin"""
INNER = 0.78
"""share of the transit's duration at full depth; the rest counts half, as ingress and limb darkening do"""
DENSITIES = (8.0, 0.02)
"""densities of an M dwarf and of a giant, solar units; they limit the durations that are tried"""
GRAZING = 0.6
"""sqrt(1 - b^2) of the shortest transit that is tried, ``b`` being the impact parameter"""
USUAL_SHORTEST = 1 / 24
"""usual shortest duration, days; a shorter ``duration_min`` (for white dwarfs) applies at any period"""
LEAST_PERIOD = 4.0
"""shortest period that is searched, cadences"""
BIN_SHARE = 0.67
"""widest bin of the passes before the last, in units of a central transit of the Sun at the period"""
LEAST_COLUMNS = 12
"""smallest number of bins in a period; wider bins that give fewer are not used"""
_PIECES = 2  # an octave: durations follow the period
_GROUPED = 12  # rows from which neighbouring trials share their additions
_SHARED = 1.2  # periods in a group and rows in a block, over the root of the rows: no row is off by 0.4 bins


@dataclass(frozen=True, eq=False)
class Band:
    """Neighbouring trial periods with bins of one width and the same durations.

    Attributes:
        bin: cadences in one bin.
        periods: ``(n_trials,)`` float64, bins, falling.
        durations: ``(n_durations,)`` int64, bins.
        cores: ``(n_durations,)`` int64, bins of each at full depth.
        group: number of neighbouring trials that share their additions; 1 if each trial is folded separately.
        block: rows of the fold that are added together for a group.
        first: place of the first trial among those of its pass.
    """

    bin: int
    periods: np.ndarray
    durations: np.ndarray
    cores: np.ndarray
    group: int
    block: int
    first: int


@dataclass(frozen=True, eq=False)
class Pass:
    """All trial periods at one width of bins.

    Attributes:
        bands: bands that contain the trials; each trial belongs to one band.
        periods: ``(n_trials,)`` float64, cadences, in the order of the bands.
        spacing: ``(n_trials,)`` float64, difference of log period to the next trial.
    """

    bands: tuple[Band, ...]
    periods: np.ndarray
    spacing: np.ndarray

    @cached_property
    def table(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return the bands as ``loops.search_bands`` takes them.

        ``(n_bands, 6)`` int64: log2 of the bin, first trial, trials, group, block, durations; ``(n_trials,)`` float64,
        periods in bins; both ``(n_bands, ...)`` int64 bins, the durations and their cores.
        """
        rows = [
            (b.bin.bit_length() - 1, b.first, len(b.periods), b.group, b.block, len(b.durations)) for b in self.bands
        ]
        most = max(len(band.durations) for band in self.bands)
        durations, cores = np.ones((2, len(self.bands), most), np.int64)
        for k, band in enumerate(self.bands):
            durations[k, : len(band.durations)], cores[k, : len(band.cores)] = band.durations, band.cores
        periods = np.concatenate([band.periods for band in self.bands])
        return np.array(rows, np.int64), periods, durations, cores

    @cached_property
    def log_period(self) -> np.ndarray:
        """Return ``(n_trials,)`` float64, log of the periods in cadences."""
        return np.log(self.periods)

    @cached_property
    def order(self) -> np.ndarray:
        """Return ``(n_trials,)`` int, the trials by increasing period."""
        return np.argsort(self.periods, kind="stable")

    @cached_property
    def sorted_log(self) -> np.ndarray:
        """Return ``(n_trials,)`` float64, log period in that order."""
        return self.log_period[self.order]

    def near(self, log_period: np.ndarray, width: np.ndarray) -> np.ndarray:
        """Return which trials lie within ``width`` of any of ``log_period``, both ``(m,)``: ``(n_trials,)`` bool."""
        begin = np.searchsorted(self.sorted_log, log_period - width, "left")
        end = np.searchsorted(self.sorted_log, log_period + width, "right")
        steps = np.bincount(begin, minlength=len(self.periods) + 1) - np.bincount(end, minlength=len(self.periods) + 1)
        inside = np.empty(len(self.periods), bool)
        inside[self.order] = np.cumsum(steps)[:-1] > 0
        return inside


@dataclass(frozen=True, eq=False)
class PeriodGrid:
    """Trial periods and durations of a periodogram; they do not depend on a star's data.

    Attributes:
        n_cadences: length of the longest curve, cadences.
        cadence: days.
        passes: passes from the widest bins, with which all periods are tried, to the finest.
        durations: ``(n_durations,)`` int64, cadences: all durations that are tried with the finest bins.
        period_min, period_max: cadences.
    """

    n_cadences: int
    cadence: float
    passes: tuple[Pass, ...]
    durations: np.ndarray
    period_min: float
    period_max: float

    @cached_property
    def room(self) -> dict[int, tuple[int, int]]:
        """Map the width of bins, cadences, to the bins that a fold reads before the data and after them."""
        found = {}
        bands = [band for one in self.passes for band in one.bands]
        for width in sorted({band.bin for band in bands}):
            some = [band for band in bands if band.bin == width]
            longest, slack = max(int(b.durations.max()) for b in some), max(b.group // 2 + 2 for b in some)
            columns = max(int(b.periods[0]) + 2 for b in some)
            found[width] = longest + slack, columns + longest + 2 * slack
        return found


@lru_cache(maxsize=256)
def plan(
    n_cadences: int,
    cadence: float,
    *,
    period_min: float,
    period_max: float,
    duration_min: float = USUAL_SHORTEST,
    duration_max: float = 0.5,
) -> PeriodGrid:
    """Return the trial periods and durations for curves of one length and cadence.

    Longer durations are tried on wider bins, so that binning loses the same share of signal for every duration.
    Between neighbouring trial periods, transits drift by one bin over the whole curve. The periods are therefore even
    in log P, and oversampled by the duration in bins compared with the optimal spacing of Ofir (2014, A&A 561, A138).
    Durations lie in the given range, between that of a grazing transit of a dwarf (8 solar densities) and that of a
    central transit of a giant (0.02 solar densities), and are at most a quarter of the period. If ``duration_min`` is
    less than an hour, it is the shortest duration at any period.

    Args:
        n_cadences: length of the curves, cadences.
        cadence: days.
        period_min: days; periods below four cadences are not tried.
        period_max: days, at most the length of the curves.
        duration_min: days; durations below two cadences are not tried.
        duration_max: days.

    Raises:
        ValueError: a range is empty, or does not fit the curve.
    """
    least, most = max(period_min / cadence, LEAST_PERIOD), period_max / cadence
    if not least < most <= n_cadences:
        raise ValueError(f"periods {period_min} to {period_max} d do not fit {n_cadences} cadences of {cadence} d")
    if not 0 < duration_min <= duration_max:
        raise ValueError(f"durations {duration_min} to {duration_max} d are no range")
    first, middle, last = (list(_pieces(cadence, least, most, duration_min, duration_max, wider)) for wider in WIDER)
    # What is no narrower than before would show the second pass only what is known.
    middle = [piece for piece in middle if piece not in first]
    # Only the first pass tries whole groups of periods; what the others try, they fold exactly.
    passes = tuple(_pass(n_cadences, pieces, grouped=pieces is first) for pieces in (first, middle, last) if pieces)
    durations = sorted({step * d for step, some, _, _ in last for d in some})
    return PeriodGrid(n_cadences, cadence, passes, np.array(durations, np.int64), least, most)


def transit_duration(period: np.ndarray | float, density: np.ndarray | float) -> np.ndarray:
    """Return the days from first to last contact of a small planet's central transit on a circular orbit.

    ``T = (P / pi) * R/a``, with ``(a/R)^3 = G rho P^2 / (3 pi)`` (Seager & Mallen-Ornelas 2003, ApJ 585, 1038).

    Args:
        period: days.
        density: density of the star, solar units.
    """
    return 13.0 / 24 * np.cbrt(np.asarray(period) / 365.25 / np.asarray(density))


def inner(duration: int) -> int:
    """Return the bins at full depth in the middle of ``duration`` bins, of the same parity; two bins are a box."""
    widest = math.floor(INNER * duration)
    return max(widest - (duration - widest) % 2, 2 if duration == 2 else 1)


_Piece = tuple[int, tuple[int, ...], float, float]
"""Bins in cadences, durations in bins, and longest and shortest period in cadences."""


def _pieces(cadence: float, least: float, most: float, shortest: float, longest: float, wider: int) -> Iterator[_Piece]:
    """Yield the pieces of a pass with bins ``wider`` times as wide as the finest, from the longest period down."""
    n_pieces = max(math.ceil(_PIECES * math.log2(most / least) - 1e-9), 1)
    for number in range(n_pieces):
        high = most * (least / most) ** (number / n_pieces)
        low = most * (least / most) ** ((number + 1) / n_pieces)
        short, long = _plausible(low, high, cadence, shortest, longest)
        finest = 2 ** int(math.log2(short / 2))
        usual = BIN_SHARE * float(transit_duration(math.sqrt(low * high) * cadence, 1.0)) / cadence
        first = _widest(wider * finest, finest, low, usual)
        step = first
        while True:
            rungs = (COARSE_LADDER if first > finest else LADDER) if step == first else NEXT
            durations = tuple(d for d in rungs if short / 1.2 <= d * step <= long * 1.2)
            if not durations and step == first:
                durations = (min(rungs, key=lambda d: abs(d * step - short)),)
            if not durations:
                break
            yield step, durations, high, low
            step *= 2


def _pass(n_cadences: int, pieces: list[_Piece], *, grouped: bool) -> Pass:
    """Return the bands that contain the pieces; adjoining pieces with equal bins and durations form one band."""
    ranges: dict[tuple[int, tuple[int, ...]], list[tuple[float, float]]] = {}
    for step, durations, high, low in pieces:
        joined = ranges.setdefault((step, durations), [])
        if joined and joined[-1][1] == high:
            joined[-1] = (joined[-1][0], low)
        else:
            joined.append((high, low))
    bands, first = [], 0
    for (step, durations), parts in sorted(ranges.items()):
        for high, low in parts:
            for periods, group, block in _runs(n_cadences, step, high, low, grouped):
                cores = np.array([inner(d) for d in durations], np.int64)
                bands.append(Band(step, periods, np.array(durations, np.int64), cores, group, block, first))
                first += len(periods)
    periods = np.concatenate([band.bin * band.periods for band in bands])
    spacing = np.concatenate([np.full(len(band.periods), band.bin / n_cadences) for band in bands])
    return Pass(tuple(bands), periods, spacing)


def _widest(wanted: int, finest: int, period: float, most: float) -> int:
    """Return the widest bins, cadences, from ``finest`` to ``wanted`` that are ``most`` wide and fit into a period."""
    while wanted > finest and (period / wanted < LEAST_COLUMNS or wanted > most):
        wanted //= 2
    return wanted


def _plausible(low: float, high: float, cadence: float, shortest: float, longest: float) -> tuple[float, float]:
    """Return the shortest and longest duration, cadences, for periods of ``low`` to ``high`` cadences."""
    grazing = GRAZING * float(transit_duration(low * cadence, DENSITIES[0])) if shortest >= USUAL_SHORTEST else 0.0
    short = max(grazing, shortest) / cadence
    long = min(float(transit_duration(high * cadence, DENSITIES[1])), longest) / cadence
    long = min(long, max(low / 4, 2.0))
    return min(max(short, 2.0), max(long, 2.0)), max(long, 2.0)


def _runs(n_cadences: int, step: int, high: float, low: float, grouped: bool) -> list[tuple[np.ndarray, int, int]]:
    """Return ``(periods, group, block)`` of runs of periods from ``high`` down to ``low`` cadences, with like rows."""
    runs, spacing, n_bins = [], step / n_cadences, n_cadences / step
    n = max(math.ceil(math.log(high / low) / spacing), 1)
    periods = high / step * np.exp(-spacing * np.arange(n))
    if not grouped:
        return [(periods, 1, 1)]
    rows = n_bins / periods
    # Rows grow as periods fall; each doubling has a size of block of its own.
    edges = np.searchsorted(rows, [_GROUPED * 2.0**k for k in range(20)])
    for begin, end in zip([0, *edges], [*edges, n]):
        if begin < end:
            typical = math.sqrt(rows[begin] * rows[end - 1])
            root = max(round(_SHARED * math.sqrt(typical)), 1) if typical >= _GROUPED else 1
            runs.append((np.ascontiguousarray(periods[begin:end]), root, root))
    return runs
