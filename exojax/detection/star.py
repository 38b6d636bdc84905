"""Prepare one star for its search: even curve, seasons, trial periods and detrendings."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from exojax.config import SearchConfig
from exojax.detection.curve import FlatCurve
from exojax.detection.period_grid import LEAST_PERIOD, PeriodGrid, plan, transit_duration
from exojax.detection.periodogram import Periodogram, periodogram
from exojax.detection.seasons import Season, balanced, longest_season, season_periodogram, split
from exojax.detection.select import allowed_durations
from exojax.light_curves import EvenCurves, LightCurves
from exojax.photometry.detrend import flatten
from exojax.photometry.outliers import clip_upward
from exojax.photometry.resample import padded_size
from exojax.photometry.waves import frequencies, is_active, transit_noise, without_waves

LONGEST_PERIOD = 500.0
"""days; the longest period that is searched by default"""
WINDOW, SINUSOIDS = "window", "sinusoids"
"""detrendings: a running window alone, or a window after subtraction of the star's periodic signals"""
USELESS = 0.9
"""largest ratio of the noise without waves to that with waves for which the curve without waves is searched"""
WAVE_SHARE, WAVE_DURATIONS = 0.2, 2.5
"""a candidate is a wave if its duration exceeds these limits: share of the period, and of a central transit of the
Sun"""
MARGIN = 1.1
"""smallest ratio of SNRs for which the candidate without waves replaces that of the window alone"""


@dataclass(frozen=True, eq=False)
class Star:
    """One star before its search.

    Attributes:
        even: even curve, not detrended.
        absolute: True if depths are fractions of the star's flux.
        config: ranges and window of the search.
        seasons: seasons that are searched separately; empty for a curve without long gaps.
        grid: trial periods and durations of the whole curve, or of its longest season.
        limits: shortest and longest duration, cadences.
    """

    even: EvenCurves
    absolute: bool
    config: SearchConfig
    seasons: Sequence[Season]
    grid: PeriodGrid
    limits: tuple[float, float]

    @classmethod
    def of(cls, curves: LightCurves, even: EvenCurves, config: SearchConfig) -> Star:
        """Return what the search needs to know of a star.

        Raises:
            ValueError: the curve cannot hold the range of periods.
        """
        seasons, grid = split(even.weight[0], even.cadence), None
        if seasons:
            # Where no season holds the range, the whole curve is searched at once.
            with suppress(ValueError):
                grid = plan_for(longest_season(seasons), even.cadence, config)
        if grid is None:
            seasons, grid = [], plan_for(even.flux.shape[1], even.cadence, config)
        density = float("nan") if curves.stars is None else float(curves.stars.density[0])
        return cls(even, curves.absolute, config, seasons, grid, allowed_durations(grid, density))

    @property
    def longest_period(self) -> float:
        """Longest period of a signal that is found by single events, cadences."""
        wanted = self.config.period_max
        return (LONGEST_PERIOD if wanted is None else wanted) / self.even.cadence

    @property
    def tolerance(self) -> float:
        """Largest deviation of a transit from a linear ephemeris, cadences; 0 if all transits must be on time."""
        return self.config.ttv / 24 / self.even.cadence

    @cached_property
    def waves(self) -> np.ndarray:
        """Frequencies of the star's periodic signals, ``(n,)`` float64, cycles per cadence."""
        return frequencies(self.even)

    def clean(self, taken: np.ndarray, detrending: str = WINDOW) -> EvenCurves:
        """Return the flat curve without upward outliers; the cadences ``taken`` are left out of the trend."""
        even = self.even
        if detrending == SINUSOIDS:
            even = without_waves(even, self.waves, absolute=self.absolute, in_transit=taken)
        in_transit = taken[None] if taken.any() else None
        flat = flatten(even, self.config.window_days, absolute=self.absolute, in_transit=in_transit)
        if self.seasons:
            flat = balanced(flat, self.seasons, taken)
        return replace(flat, weight=clip_upward(flat.flux, flat.weight, flat.scatter))

    def detrended(self, known: np.ndarray) -> dict[str, EvenCurves]:
        """Return the flat curves that are searched, by detrending.

        If the running window leaves waves in the curve, a second curve is made without the star's periodic signals. It
        is searched too if its noise on the time scale of a transit is lower.
        """
        flat = self.clean(known)
        if not is_active(flat):
            return {WINDOW: flat}
        other = self.clean(known, SINUSOIDS)
        before, after = (transit_noise(one, known) for one in (flat, other))
        return {WINDOW: flat, SINUSOIDS: other} if after < USELESS * before else {WINDOW: flat}

    def periodogram(self, curve: FlatCurve) -> Periodogram:
        """Compute the periodogram of a flat curve of the star on the CPU."""
        if self.seasons:
            return season_periodogram(self.grid, curve, self.seasons)
        return periodogram(self.grid, curve.flux, curve.weight)


def is_better(new: float, old: float, duration: float, period: float, cadence: float) -> bool:
    """Return whether the candidate without waves replaces that of the window alone.

    It always does if the latter is a wave: a dip that lasts too long for its period.

    Args:
        new, old: red-noise SNR of the candidate without waves, and of that of the window alone.
        duration, period: cadences, of the candidate of the window; the period of a single transit is infinite.
        cadence: days.
    """
    usual = float(transit_duration(period * cadence, 1.0)) / cadence
    return bool(duration > min(WAVE_SHARE * period, WAVE_DURATIONS * usual) or new > MARGIN * old)


def plan_for(n_cadences: int, cadence: float, config: SearchConfig) -> PeriodGrid:
    """Return the trial periods and durations for curves of ``n_cadences`` cadences of ``cadence`` days.

    Periods below four cadences are not tried, even if requested, because shorter periods cannot be distinguished.

    Raises:
        ValueError: the curves cannot hold the range of periods.
    """
    wanted = LONGEST_PERIOD if config.period_max is None else config.period_max
    return plan(
        # The length is rounded up to one of a few, so that curves share plans; its steps are slightly finer.
        padded_size(n_cadences),
        cadence,
        period_min=max(config.period_min, LEAST_PERIOD * cadence),
        period_max=min(n_cadences * cadence / 2, wanted),
        duration_min=config.duration_min,
        duration_max=config.duration_max,
    )
