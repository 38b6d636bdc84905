"""The shapes that a search is compiled for, and the periods that follow from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import jax
import numpy as np

from exojax.config import SearchConfig
from exojax.search.grid import Plan, plan

MOST_SINGLES = 3
"""single transits of a star that are told, beside its ``max_candidates``"""
LONGEST_PERIOD = 500.0
SLICES = 4096
"""of log period: what is kept of a periodogram for a picture of it"""
ROOM = 8
"""a curve's length over the cadences by which its segments may be moved apart while its trend is found"""
_PARTS = 16  # of a batch: as many stars as fill a core's vector units are searched at once on a CPU
_LEAST = 4  # stars searched at once


@dataclass(frozen=True)
class Layout:
    """The shapes that a program is made for.

    Attributes:
        n_stars: of a batch; those that are padding have no valid cadence.
        n_cadences: of a curve; what is padding is not valid.
        cadence: days; the program takes curves of up to 1 % more or less.
        absolute: flux is relative, its median about 1; otherwise it is in the file's units.
        search: ranges and thresholds.
        room: cadences by which a curve's segments may be moved apart while its trend is found, so that no window
            reaches over a gap; None is an eighth of the curve. Where that is too little, one reaches over the last gap.
        centroids: they are given.
    """

    n_stars: int
    n_cadences: int
    cadence: float
    absolute: bool = True
    search: SearchConfig = field(default_factory=SearchConfig)
    room: int | None = None
    centroids: bool = False

    @property
    def plan(self) -> Plan:
        """Periods and durations that are tried."""
        return plan_for(self.n_cadences, nominal(self.cadence), self.search)

    @property
    def slots(self) -> int:
        """Candidates a star that a program has room for."""
        return self.search.max_candidates + MOST_SINGLES

    @property
    def part(self) -> int:
        """Stars searched at once."""
        if jax.default_backend() != "cpu":
            return self.n_stars
        part = max(self.n_stars // _PARTS, min(_LEAST, self.n_stars))
        return part if self.n_stars % part == 0 else self.n_stars

    @property
    def apart(self) -> int:
        """``room`` in cadences."""
        return self.n_cadences // ROOM if self.room is None else self.room


def nominal(cadence: float) -> float:
    """Days, to 2 %: what is compiled must not depend on the last digits of a cadence."""
    return float(2 ** (np.round(np.log2(cadence) * 32) / 32))


@lru_cache(maxsize=64)
def plan_for(n_cadences: int, cadence: float, config: SearchConfig) -> Plan:
    """Periods and durations for curves of one padded length.

    Raises:
        ValueError: the curves cannot hold the range of periods.
    """
    wanted = LONGEST_PERIOD if config.period_max is None else config.period_max
    return plan(
        n_cadences,
        cadence,
        period_min=config.period_min,
        period_max=min(n_cadences * cadence / 2, wanted),
        duration_min=config.duration_min,
        duration_max=config.duration_max,
    )


@lru_cache(maxsize=64)
def slices(plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    """``(n_slices,)`` float64 days in the middle of each slice of log period, increasing, and where each slice begins.

    The second is ``(n_slices,)`` int, places among the plan's periods in their order; slices without any are left out.
    """
    periods = np.sort(plan.periods)
    edges = np.geomspace(periods[0], periods[-1], SLICES + 1)[:-1]
    starts = np.unique(np.searchsorted(periods, edges * (1 - 1e-12)))
    ends = np.append(starts[1:], len(periods)) - 1
    return np.sqrt(periods[starts] * periods[ends]), starts
