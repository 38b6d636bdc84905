"""Hold transit-like signals. NumPy only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Candidates:
    """Transit-like signals, several a star; every attribute is an array over ``n`` candidates.

    Attributes:
        star: int, row of its star in the light curves.
        id: str, its star's.
        rank: int, 1 for its star's best.
        period: float64, days; NaN for a single transit.
        period_error: float64, days, one sigma.
        t0: float64, days: middle of the first transit at or after the curve's start, in the curve's time system.
        t0_error: float64, days.
        duration: float64, days, first to last contact.
        depth: float64, mean fraction lost over the flat part; in units of the star's scatter where the flux has
            no absolute scale.
        depth_error: float64, of the same unit, red noise included.
        snr: float64, of the folded signal against white noise.
        snr_red: float64, against the scatter on the scale of the transit; it ranks the list.
        sde: float64, by how many standard deviations the peak stands out of the periodogram.
        n_transits: int, with any measurement in them.
        odd_even_sigma: float64, difference of depths of odd and even transits over its error.
        secondary_sigma: float64, significance of the deepest other dip of the fold.
        secondary_phase: float64, its phase from the transit, 0 to 1.
        centroid_sigma: float64, significance of the shift of the centroid in transit; NaN without centroids.
        single: bool, one event only, or a duotransit, two of different seasons (``n_transits`` 2): a lower limit on the
            period stands in ``period_min``, and of a duotransit all possible periods in ``aliases``.
        period_min: float64, days; NaN where not ``single``.
        aliases: str, other periods in days that explain the transits as well, and those of the best harmonics, joined
            with ``;``.
        ttv_sigma: float64, significance of the transits' deviations from a linear ephemeris; NaN where too few of them
            can be timed.
        ttv_amplitude: float64, days, of these deviations, as of a sinusoid; likewise.
        next_transit: float64, days, the first mid-transit after the end of the curve; NaN of a single transit.
        next_transit_error: float64, days, one sigma.
        detrending: str, how the star's variability was taken off: ``window``, or ``sinusoids`` and a window.
        matches: str, what else has this ephemeris, joined with ``;``.
        probability: float64, of a planet; NaN where no model judged it.
    """

    star: np.ndarray
    id: np.ndarray
    rank: np.ndarray
    period: np.ndarray
    period_error: np.ndarray
    t0: np.ndarray
    t0_error: np.ndarray
    duration: np.ndarray
    depth: np.ndarray
    depth_error: np.ndarray
    snr: np.ndarray
    snr_red: np.ndarray
    sde: np.ndarray
    n_transits: np.ndarray
    odd_even_sigma: np.ndarray
    secondary_sigma: np.ndarray
    secondary_phase: np.ndarray
    centroid_sigma: np.ndarray
    single: np.ndarray
    period_min: np.ndarray
    aliases: np.ndarray
    matches: np.ndarray
    ttv_sigma: np.ndarray
    ttv_amplitude: np.ndarray
    next_transit: np.ndarray
    next_transit_error: np.ndarray
    detrending: np.ndarray
    probability: np.ndarray

    def __len__(self) -> int:
        return len(self.star)

    @classmethod
    def of_rows(cls, rows: Sequence[Mapping[str, Any]]) -> Candidates:
        """Return one candidate a row, a mapping of at least every attribute's name to its value; none of no rows."""
        kinds: dict[str, type] = dict.fromkeys(("star", "rank", "n_transits"), np.int64)
        kinds |= dict.fromkeys(("id", "aliases", "matches", "detrending"), np.str_) | {"single": np.bool_}
        names = [field.name for field in fields(cls)]
        return cls(**{name: np.array([row[name] for row in rows], kinds.get(name, np.float64)) for name in names})

    def take(self, index: np.ndarray) -> Candidates:
        """Return the candidates at ``index`` (``(k,)`` int, or ``(n,)`` bool), in that order."""
        return Candidates(**{field.name: getattr(self, field.name)[index] for field in fields(self)})
