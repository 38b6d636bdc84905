"""What a network is shown of candidates: their light curves folded and binned, and the numbers of their detection."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from exojax.features.views import fold
from exojax.folded import SCALARS
from exojax.search.grid import transit_duration

_SAME = 0.01
"""share by which two periods differ that are of one signal"""
_HIDDEN = 0.75
"""durations on either side of a better candidate's mid-transit that are not shown"""


class Detection(NamedTuple):
    """What a search tells of ``m`` candidates, ``(m,)`` float32 each: cadences, NaN where unknown.

    Attributes:
        period: NaN for a single transit.
        period_min: the shortest that a single transit can have.
        t0, duration: cadences.
        depth: a fraction, or in units of the star's scatter.
        snr, snr_red, sde, n_transits, odd_even_sigma, secondary_sigma, secondary_phase, centroid_sigma: as in
            ``Candidates``.
    """

    period: jax.Array
    period_min: jax.Array
    t0: jax.Array
    duration: jax.Array
    depth: jax.Array
    snr: jax.Array
    snr_red: jax.Array
    sde: jax.Array
    n_transits: jax.Array
    odd_even_sigma: jax.Array
    secondary_sigma: jax.Array
    secondary_phase: jax.Array
    centroid_sigma: jax.Array


def folded_period(period: jax.Array, n_cadences: int) -> jax.Array:
    """Of a single transit, whose period is NaN, twice the curve: it meets nothing but itself."""
    return jnp.where(jnp.isnan(period), 2.0 * n_cadences, period)


@jax.jit
def hide(weight: jax.Array, period: jax.Array, other: tuple[jax.Array, jax.Array, jax.Array]) -> jax.Array:
    """The weights without the cadences in transit of another candidate of the same star.

    One of the same period, or half or twice of it, stays: a fold must show a binary's other eclipse.

    Args:
        weight: ``(m, n_cadences)`` float32.
        period: ``(m,)`` float32 cadences, of each candidate; NaN for a single transit.
        other: ``(m,)`` float32 period, t0 and duration of the other, cadences; a duration of NaN where there is none.
    """
    size = weight.shape[1]
    theirs, t0, duration = folded_period(other[0], size), other[1], other[2]
    ratio = folded_period(period, size) / theirs
    same = jnp.stack([jnp.abs(ratio / multiple - 1) < _SAME for multiple in (0.5, 1.0, 2.0)]).any(axis=0)
    late = jnp.arange(size, dtype=jnp.float32)[None] - t0[:, None]
    late = late - jnp.round(late / theirs[:, None]) * theirs[:, None]
    inside = jnp.abs(late) <= _HIDDEN * duration[:, None]
    return jnp.where(inside & ~same[:, None], 0.0, weight)


@partial(jax.jit, static_argnames=("absolute", "global_bins", "local_bins"))
def shown(
    flux: jax.Array,
    weight: jax.Array,
    scatter: jax.Array,
    found: Detection,
    density: jax.Array,
    mag: jax.Array,
    cadence: jax.Array,
    *,
    absolute: bool,
    global_bins: int,
    local_bins: int,
) -> dict[str, jax.Array]:
    """The views and scalars of candidates. Differentiable in ``flux``, the ephemerides held.

    Args:
        flux: ``(m, n_cadences)`` float32, the flat curve of each candidate's star.
        weight: ``(m, n_cadences)`` float32, 0 where nothing is to be shown.
        scatter: ``(m,)`` float32, of a cadence of weight 1, in units of ``flux``.
        found: m candidates.
        density, mag: ``(m,)`` float32 of the star: solar, and magnitudes; NaN where unknown.
        cadence: () float32, days.
        absolute: flux and depths are fractions.
        global_bins, local_bins: of the views.

    Returns:
        :data:`exojax.folded.VIEWS` ``(m, bins, 3)`` float32, and ``scalars (m, len(SCALARS))``.
    """
    views, depths = fold(
        flux,
        weight,
        folded_period(found.period, flux.shape[1]),
        found.t0,
        found.duration,
        jnp.where(jnp.isnan(found.period), jnp.nan, found.secondary_phase),
        global_bins=global_bins,
        local_bins=local_bins,
    )
    period = found.period * cadence
    sunlike = jnp.where(jnp.isfinite(density) & (density > 0), density, 1.0)
    longest = jnp.where(jnp.isnan(period), found.period_min * cadence, period)
    # A central transit lasts as the cube root of the period over the star's density.
    expected = float(transit_duration(1.0, 1.0)) * jnp.cbrt(longest / sunlike)
    local = jnp.maximum(depths["local_view"], 1e-9)
    unknown = jnp.full_like(period, jnp.nan)
    columns = {
        "log_period": _log(period),
        "log_duration": _log(found.duration * cadence),
        "log_depth": _log(found.depth) if absolute else unknown,
        "log_snr": _log(found.snr),
        "sde": found.sde,
        "duration_ratio": found.duration * cadence / expected,
        "odd_even_sigma": found.odd_even_sigma,
        "secondary_sigma": found.secondary_sigma,
        "centroid_sigma": found.centroid_sigma,
        "log_n_transits": _log(found.n_transits),
        "mag": mag,
        "log_view_depth": _log(depths["local_view"]) if absolute else unknown,
        "log_snr_red": _log(found.snr_red),
        "log_depth_scatters": _log(depths["local_view"] / scatter),
        "secondary_ratio": depths["secondary_view"] / local,
        "odd_even_ratio": (depths["odd_view"] - depths["even_view"]) / local,
    }
    return views | {"scalars": jnp.stack([columns.get(name, unknown) for name in SCALARS], axis=-1)}


def _log(values: jax.Array) -> jax.Array:
    positive = jnp.isfinite(values) & (values > 0)
    return jnp.where(positive, jnp.log10(jnp.where(positive, values, 1.0)), jnp.nan)
