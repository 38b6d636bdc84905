"""Compute the inputs of a network for candidates: folded and binned light curves, and numbers of the detection."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from exojax.candidates import Candidates
from exojax.detection.period_grid import transit_duration
from exojax.ephemeris import is_locked, transit_mask
from exojax.features.views import Moments, moments, views_of
from exojax.folded_events import SCALARS
from exojax.light_curves import EvenCurves, Stars

_HIDDEN = 0.75
"""half width of the window around the mid-transits of other candidates that is left out, in durations"""


def folded_period(period: float, n_cadences: int) -> float:
    """Return the period to fold at: ``period``, or twice the length of the curve for a single transit (NaN)."""
    return 2.0 * n_cadences if np.isnan(period) else period


def star_moments(found: Candidates, flat: EvenCurves, *, global_bins: int, local_bins: int) -> list[Moments]:
    """Return the sums over the bins of each candidate of one star, without the transits of the other candidates.

    Transits of a candidate that keeps its phase at this period, or at half or twice of it, are not left out, because
    the fold must show the other eclipse of a binary. The candidate's own transits are not left out either where they
    coincide with those of another candidate.

    Args:
        found: of one star, best first; times in days.
        flat: that star's flat curve.
        global_bins, local_bins: of the views.
    """
    flux, days, start = flat.flux[0], flat.cadence, float(flat.start[0])
    size = len(flux)
    made = []
    for k in range(len(found)):
        period, weight = folded_period(found.period[k] / days, size), flat.weight[0]
        at, duration = (found.t0[k] - start) / days, found.duration[k] / days
        own = transit_mask(np.arange(size), period, at, 2 * _HIDDEN * duration)
        for other in range(len(found)):
            theirs, length = folded_period(found.period[other] / days, size), found.duration[other] / days
            if other == k or is_locked(found.period[k] / days, found.period[other] / days, max(length, duration), size):
                continue
            inside = transit_mask(np.arange(size), theirs, (found.t0[other] - start) / days, 2 * _HIDDEN * length)
            weight = np.where(inside & ~own, np.float32(0), weight)
        phase = float("nan") if found.single[k] else float(found.secondary_phase[k])
        made.append(moments(flux, weight, period, at, duration, phase, global_bins=global_bins, local_bins=local_bins))
    return made


def candidate_inputs(
    found: Candidates,
    folded: Sequence[Moments],
    scatter: np.ndarray,
    stars: Stars | None,
    *,
    absolute: np.ndarray | bool,
) -> dict[str, np.ndarray]:
    """Return the views and scalars of candidates.

    Args:
        found: m candidates, times in days; ``star`` numbers their stars.
        folded: m, of :func:`star_moments`.
        scatter: ``(m,)`` float64 of a cadence of weight 1 of each candidate's star, in units of its flux.
        stars: what is known of the stars, or None.
        absolute: flux and depths are fractions; ``(m,)`` bool, or the same for all.

    Returns:
        :data:`exojax.folded_events.VIEWS` ``(m, bins, 3)`` float32, and ``scalars (m, len(SCALARS))`` float32.
    """
    views, depths = views_of(folded)
    unknown = np.full(len(found), np.nan)
    density, mag = (unknown, unknown) if stars is None else (stars.density[found.star], stars.mag[found.star])
    sunlike = np.where(density > 0, density, 1.0)
    longest = np.where(np.isnan(found.period), found.period_min, found.period)
    # A central transit lasts as the cube root of the period over the star's density.
    expected = transit_duration(longest, sunlike)
    local = np.maximum(depths["local_view"], 1e-9)
    columns = {
        "log_period": _log(found.period),
        "log_duration": _log(found.duration),
        "log_depth": np.where(absolute, _log(found.depth), np.nan),
        "log_snr": _log(found.snr),
        "sde": found.sde,
        "duration_ratio": found.duration / expected,
        "odd_even_sigma": found.odd_even_sigma,
        "secondary_sigma": found.secondary_sigma,
        "centroid_sigma": found.centroid_sigma,
        "log_n_transits": _log(found.n_transits.astype(np.float64)),
        "mag": mag,
        "log_view_depth": np.where(absolute, _log(depths["local_view"]), np.nan),
        "log_snr_red": _log(found.snr_red),
        "log_depth_scatters": _log(depths["local_view"] / scatter),
        "secondary_ratio": depths["secondary_view"] / local,
        "odd_even_ratio": (depths["odd_view"] - depths["even_view"]) / local,
    }
    scalars = np.stack([columns.get(name, unknown) for name in SCALARS], axis=-1)
    return views | {"scalars": scalars.astype(np.float32)}


def _log(values: np.ndarray) -> np.ndarray:
    positive = np.isfinite(values) & (values > 0)
    return np.where(positive, np.log10(np.where(positive, values, 1.0)), np.nan)
