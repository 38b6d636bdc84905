"""Define the container of the candidates that a search detects. NumPy only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Candidates:
    """Transit-like signals, one or several per star; every attribute is an array of ``n`` candidates.

    Attributes:
        star: int, row of the star in the light curves.
        id: str, name of the star.
        rank: int, 1 for the best candidate of a star.
        period: float64, days; NaN for a single transit.
        period_error: float64, days, one sigma.
        t0: float64, days: middle of the first transit at or after the start of the curve, in the curve's time system.
        t0_error: float64, days, one sigma.
        duration: float64, days, first to last contact.
        depth: float64, mean loss of flux over the flat part of the transit, as a fraction; in units of the star's
            scatter where the flux has no absolute scale.
        depth_error: float64, one sigma in the unit of ``depth``, red noise included.
        snr: float64, signal-to-noise ratio of the folded transit against white noise.
        snr_red: float64, the same against the scatter on the time scale of the transit; the candidates are ranked by
            it.
        sde: float64, signal detection efficiency: height of the peak above the trend of the periodogram, in standard
            deviations. For a candidate off time: height of its summed events above the sums that chance gives.
        n_transits: int, number of transits with at least one measurement.
        odd_even_sigma: float64, difference between the depths of odd and even transits, in units of its error.
        secondary_sigma: float64, significance of the deepest dip of the fold outside the transit.
        secondary_phase: float64, phase of that dip from the transit, 0 to 1.
        centroid_sigma: float64, significance of the shift of the centroid in transit; NaN without centroids.
        single: bool, true for a single transit, and for a duotransit: two transits in different seasons
            (``n_transits`` is 2). ``period_min`` then holds a lower limit on the period, and for a duotransit
            ``aliases`` holds all possible periods.
        period_min: float64, days, lower limit on the period; NaN where not ``single``.
        aliases: str, days, joined with ``;``: other periods that explain the transits equally well, and the best
            harmonics.
        ttv_sigma: float64, significance of the deviations of the transit times from a linear ephemeris; NaN where too
            few transits can be timed.
        ttv_amplitude: float64, days, amplitude of a sinusoid with these deviations; NaN as ``ttv_sigma``.
        next_transit: float64, days, first mid-transit after the end of the curve; NaN for a single transit.
        next_transit_error: float64, days, one sigma.
        detrending: str, method that removed the star's variability: ``window``, or ``sinusoids`` followed by a window.
        matches: str, known planets and other stars with the same ephemeris, joined with ``;``.
        probability: float64, probability of a planet; NaN where no model scored the candidate.
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
        """Return one candidate for each row; a row maps at least the name of every attribute to its value."""
        kinds: dict[str, type] = dict.fromkeys(("star", "rank", "n_transits"), np.int64)
        kinds |= dict.fromkeys(("id", "aliases", "matches", "detrending"), np.str_) | {"single": np.bool_}
        names = [field.name for field in fields(cls)]
        return cls(**{name: np.array([row[name] for row in rows], kinds.get(name, np.float64)) for name in names})

    def take(self, index: np.ndarray) -> Candidates:
        """Return the candidates at ``index`` (``(k,)`` int, or ``(n,)`` bool), in that order."""
        return Candidates(**{field.name: getattr(self, field.name)[index] for field in fields(self)})
