"""Light curves folded at a candidate's period and binned: the views that a vetting network is shown.

After Shallue & Vanderburg (2018, AJ 155, 94) and Yu et al. (2019, AJ 158, 25), whose files keep their views in the same
form: the median of a view is 0 and its lowest bin -1. Bins are half-open, ``[left, right)``, and a bin's value is the
weighted mean of what falls into it.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from exojax.folded import COVERAGE

WINDOW = 2.0
"""durations on either side of an event that its view shows, half a period at most"""


@partial(jax.jit, static_argnames=("global_bins", "local_bins"))
def fold(
    flux: jax.Array,
    weight: jax.Array,
    period: jax.Array,
    t0: jax.Array,
    duration: jax.Array,
    secondary_phase: jax.Array,
    *,
    global_bins: int,
    local_bins: int,
) -> tuple[dict[str, jax.Array], dict[str, jax.Array]]:
    """Every view of every candidate.

    Args:
        flux: ``(m, c)`` float32, the flat curve of each candidate's star on an even grid; any unit, about 0.
        weight: ``(m, c)`` float32, 0 where there is no flux.
        period: ``(m,)`` float32, cadences.
        t0: ``(m,)`` float32, cadences, a mid-transit.
        duration: ``(m,)`` float32, cadences.
        secondary_phase: ``(m,)`` float32 from the transit, 0 to 1; NaN leaves the secondary's view empty.
        global_bins: of the views of the whole phase.
        local_bins: of the views around an event.

    Returns:
        The views, each ``(m, bins, 3)`` float32 with value, scatter and coverage in the last axis: ``global_view``,
        ``local_view``, ``secondary_view``, ``odd_view`` and ``even_view`` (the transit numbered 0 at ``t0`` is even),
        ``half_view`` (folded at half of the period, around the transit) and ``double_view`` (the whole phase at twice
        the period). Values of ``odd_view``, ``even_view`` and ``half_view`` are in units of the depth of
        ``local_view``, all others in their own. And ``(m,)`` float32 depths in units of ``flux``: ``local_view``,
        ``secondary_view``, ``odd_view``, ``even_view``.
    """
    period, duration = period[:, None], duration[:, None]
    late = jnp.arange(flux.shape[1], dtype=jnp.float32)[None] - t0[:, None]
    moments = jnp.stack([weight, weight * flux, weight * flux**2], axis=-1)
    total = jnp.sum(weight, axis=1)[:, None]
    number = jnp.floor(late / period + 0.5)
    tau = late - number * period
    window = jnp.minimum(WINDOW * duration, period / 2)
    odd = number - 2 * jnp.floor(number / 2)

    # Half bins of twice the period, counted from one period before the transit, serve both views of the whole phase.
    fine = 4 * global_bins
    cycle = tau + jnp.where(odd > 0, jnp.where(tau < 0, period, -period), 0.0)
    fines = _binned(moments, jnp.floor((cycle + period) / period * (fine / 2)), fine)
    whole = jnp.roll(fines.reshape(-1, 2, fine // 2, 3).sum(axis=1), -global_bins, axis=1)
    place = jnp.floor((tau + window) / (2 * window) * local_bins)
    place = jnp.where((tau >= -window) & (tau < window), place, -1)
    sides = _binned(moments, jnp.where(place >= 0, place + odd * local_bins, -1), 2 * local_bins)
    even_side, odd_side = sides[:, :local_bins], sides[:, local_bins:]

    other = tau - secondary_phase[:, None] * period
    other = other - jnp.floor(other / period + 0.5) * period
    half = late - jnp.floor(late / (period / 2) + 0.5) * (period / 2)
    narrow = jnp.minimum(window, period / 4)
    share = total * 2 * window / period / local_bins
    sums = {
        "global_view": (whole.reshape(-1, global_bins, 2, 3).sum(axis=2), total / global_bins),
        "local_view": (even_side + odd_side, share),
        "secondary_view": (_around(moments, other, window, local_bins), share),
        "odd_view": (odd_side, share / 2),
        "even_view": (even_side, share / 2),
        "half_view": (_around(moments, half, narrow, local_bins), 2 * share * narrow / window),
        "double_view": (fines.reshape(-1, global_bins, 4, 3).sum(axis=2), total / global_bins),
    }
    means = {name: _statistics(binned, expected) for name, (binned, expected) in sums.items()}
    level, depth = _level(means["local_view"]), _depth(means["local_view"])
    views, depths = {}, {}
    for name, view in means.items():
        shared = name in ("odd_view", "even_view", "half_view")
        views[name] = _scaled(view, level, depth) if shared else _scaled(view, _level(view), _depth(view))
        if name in ("local_view", "secondary_view", "odd_view", "even_view"):
            depths[name] = _bottom(view, level) if name in ("odd_view", "even_view") else _depth(view)
    return views, depths


def _binned(moments: jax.Array, place: jax.Array, bins: int) -> jax.Array:
    """``(m, bins, 3)`` sums of ``moments (m, c, 3)`` over the bins ``place (m, c)``; others are left out."""
    inside, cells = (place >= 0) & (place < bins), len(place) * bins
    # As one long segment sum: one scatter for each star would be a loop of small ones. What is outside is dropped in
    # it, which is far less work than to add zeros.
    rows = jnp.arange(len(place), dtype=jnp.int32)[:, None] * bins
    index = jnp.where(inside, rows + jnp.where(inside, place, 0).astype(jnp.int32), cells)
    return jax.ops.segment_sum(moments.reshape(-1, 3), index.reshape(-1), cells).reshape(-1, bins, 3)


def _around(moments: jax.Array, tau: jax.Array, window: jax.Array, bins: int) -> jax.Array:
    """``(m, bins, 3)`` sums over ``bins`` of ``[-window, window)`` around ``tau`` 0."""
    place = jnp.floor((tau + window) / (2 * window) * bins)
    return _binned(moments, jnp.where((tau >= -window) & (tau < window), place, -1), bins)


def _statistics(sums: jax.Array, expected: jax.Array) -> jax.Array:
    """``(m, bins, 3)`` mean, scatter and coverage from ``(m, bins, 3)`` moments; 0 in empty bins."""
    weight = sums[..., 0]
    safe = jnp.where(weight > 0, weight, 1.0)
    mean = sums[..., 1] / safe
    variance = jnp.maximum(sums[..., 2] / safe - mean**2, 0.0)
    # The root has no derivative at 0, where a bin holds one point.
    scatter = jnp.where(variance > 0, jnp.sqrt(jnp.where(variance > 0, variance, 1.0)), 0.0)
    coverage = jnp.clip(weight / jnp.maximum(expected, 1e-6), 0.0, 1.0)
    return jnp.where((weight > 0)[..., None], jnp.stack([mean, scatter, coverage], axis=-1), 0.0)


def _level(view: jax.Array) -> jax.Array:
    """``(m,)`` median over the bins that are not empty; 0 where all are."""
    seen = view[..., COVERAGE] > 0
    ordered = jnp.sort(jnp.where(seen, view[..., 0], jnp.inf), axis=1)
    count = jnp.sum(seen, axis=1)
    pick = lambda k: jnp.take_along_axis(ordered, jnp.clip(k, 0, None)[:, None], axis=1)[:, 0]  # noqa: E731
    return jnp.where(count > 0, (pick((count - 1) // 2) + pick(count // 2)) / 2, 0.0)


def _bottom(view: jax.Array, level: jax.Array) -> jax.Array:
    """``(m,)`` how far the lowest bin lies below ``level (m,)``; 0 where all are empty."""
    lowest = jnp.min(jnp.where(view[..., COVERAGE] > 0, view[..., 0], jnp.inf), axis=1)
    return jnp.where(jnp.isfinite(lowest), level - lowest, 0.0)


def _depth(view: jax.Array) -> jax.Array:
    """``(m,)`` how far the lowest bin lies below the median."""
    return _bottom(view, _level(view))


def _scaled(view: jax.Array, level: jax.Array, depth: jax.Array) -> jax.Array:
    """The view with ``level (m,)`` at 0 and a depth of ``depth (m,)`` at -1; a flat one is 0 throughout."""
    unit = jnp.where(depth > 0, depth, 1.0)[:, None]
    seen = view[..., COVERAGE] > 0
    value = jnp.where(seen, (view[..., 0] - level[:, None]) / unit, 0.0)
    return jnp.stack([value, view[..., 1] / unit, view[..., COVERAGE]], axis=-1)
