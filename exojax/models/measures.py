"""Compute measures of a folded view without learning; a view and its mirror image have the same measures.

A view is ``(m, bins, 3)`` float32: value (median 0, depth scaled to -1), scatter in the same unit, coverage (share of
the expected points, 0 where the bin is empty). The transit is in the middle, whatever the number of bins.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

LEVELS = (-1.5, -0.75, -0.5, -0.25, -0.1, 0.1, 0.25, 0.5, 1.0)
"""levels in units of the depth; the share of bins below each describes the distribution of the bins"""
SOFT = 0.1
"""width, in units of the depth, over which a bin changes sides of a level gradually, so that the measures are smooth"""
WINDOWS = 12
"""number of values of the folded view from the middle to the edge that are measures themselves"""


def mirror_fold(view: jax.Array) -> jax.Array:
    """Return the mean and the difference of the two halves of a view.

    A transit is symmetric, so that the mean of the halves has less noise; a large difference reveals a step or a ramp.

    Args:
        view: ``(m, bins, 3)``.

    Returns:
        ``(m, ceil(bins / 2), 4)`` from the middle outwards: mean of the halves, half of their absolute difference,
        scatter, and coverage. The first two are computed from the inverse hyperbolic sine of the values, which keeps a
        deep eclipse beside a shallow transit of order one. An empty half is left out, and the difference is then 0.
    """
    squashed = jnp.concatenate([jnp.arcsinh(view[..., :2]), view[..., 2:]], axis=-1)
    right = squashed[:, view.shape[1] // 2 :]
    left = squashed[:, ::-1][:, view.shape[1] // 2 :]
    total = right[..., 2] + left[..., 2]
    weight = jnp.where(total > 0, total, 1.0)
    mean = (right[..., 0] * right[..., 2] + left[..., 0] * left[..., 2]) / weight
    both = (right[..., 2] > 0) & (left[..., 2] > 0)
    difference = jnp.where(both, 0.5 * jnp.abs(right[..., 0] - left[..., 0]), 0.0)
    return jnp.stack([mean, difference, 0.5 * (right[..., 1] + left[..., 1]), 0.5 * total], axis=-1)


def place(x: jax.Array, windows: int) -> jax.Array:
    """Return the means of ``x (m, length, channels)`` under overlapping triangles, as ``(m, windows, channels)``."""
    position = np.linspace(0.0, windows - 1.0, x.shape[1])
    # With fewer positions than windows, the triangles are as wide as the distance between positions.
    width = max(1.0, (windows - 1.0) / (x.shape[1] - 1)) if x.shape[1] > 1 else float(windows)
    weights = np.maximum(0.0, 1.0 - np.abs(position[:, None] - np.arange(windows)[None]) / width)
    weights = (weights / weights.sum(axis=0)).astype(np.float32)
    return jnp.einsum("mlc,lw->mwc", x, jnp.asarray(weights, x.dtype))


def difference(first: jax.Array, second: jax.Array) -> jax.Array:
    """Return the difference of two views; exchanging the views does not change it.

    Args:
        first: ``(m, bins, 3)``, such as the view of odd transits.
        second: ``(m, bins, 3)``, such as the view of even transits.

    Returns:
        ``(m, bins, 3)``, a view of the difference, with the sign for which its middle third is lower; empty where
        either view is empty.
    """
    coverage = jnp.minimum(first[..., 2], second[..., 2])
    there = coverage > 0
    value = jnp.where(there, first[..., 0] - second[..., 0], 0.0)
    third = value.shape[1] // 3
    middle = value[:, third : value.shape[1] - third].sum(axis=1, keepdims=True)
    value = jnp.where(middle > 0, -value, value)
    scatter = jnp.where(there, jnp.sqrt(first[..., 1] ** 2 + second[..., 1] ** 2 + 1e-12), 0.0)
    return jnp.stack([value, scatter, coverage], axis=-1)


def measure(view: jax.Array, transit: float) -> jax.Array:
    """Return measures of a view: level, spread, distribution, roughness, asymmetry, and level outside the transit.

    Args:
        view: ``(m, bins, 3)``.
        transit: share of the bins, around the middle, that counts as the transit.

    Returns:
        ``(m, MEASURES)`` float32, the columns of :data:`FIGURES` over the bins that are not empty; NaN if all are.
    """
    value, there = view[..., 0], view[..., 2] > 0
    bins = value.shape[1]
    away = np.abs(np.arange(bins) - 0.5 * (bins - 1)) > 0.5 * transit * bins
    outside, within = there & jnp.asarray(away)[None], there & ~jnp.asarray(away)[None]
    pairs = there[:, 1:] & there[:, :-1]
    step = value[:, 1:] - value[:, :-1]
    mirrored = there & there[:, ::-1]
    skew = jnp.abs(value - value[:, ::-1])
    columns = [
        *_level(value, there),
        *_level(value, outside),
        _mean(value, within),
        _mean(jnp.abs(step), pairs),
        jnp.sqrt(_mean(step**2, pairs)),
        _mean(value[:, 1:] * value[:, :-1], pairs),
        _mean(skew, mirrored),
        _mean(skew, mirrored & within),
        *(_mean(jnp.clip(0.5 + (level - value) / SOFT, 0.0, 1.0), there) for level in LEVELS),
        _mean(view[..., 1], there),
        view[..., 2].mean(axis=1),
    ]
    shape = place(mirror_fold(view)[..., :1], WINDOWS)[..., 0]
    measured = jnp.concatenate([jnp.stack(columns, axis=-1), shape], axis=-1)
    return jnp.where(there.any(axis=1)[:, None], measured, jnp.nan)


FIGURES = (
    *("mean", "spread", "lowest", "highest"),
    *("mean_outside", "spread_outside", "lowest_outside", "highest_outside"),
    *("mean_within", "hop", "hop_rms", "product", "skew", "skew_within"),
    *(f"below_{level:g}" for level in LEVELS),
    *("scatter", "coverage"),
    *(f"shape_{number}" for number in range(WINDOWS)),
)
"""names of the columns of :func:`measure`"""
MEASURES = len(FIGURES)


def _mean(x: jax.Array, there: jax.Array) -> jax.Array:
    return jnp.where(there, x, 0.0).sum(axis=1) / jnp.maximum(there.sum(axis=1), 1).astype(x.dtype)


def _level(x: jax.Array, there: jax.Array) -> tuple[jax.Array, ...]:
    """Return the mean, standard deviation, minimum and maximum of ``x`` where ``there``; 0 in a row without any."""
    mean = _mean(x, there)
    spread = jnp.sqrt(_mean((x - mean[:, None]) ** 2, there) + 1e-12)
    some = there.any(axis=1)
    low = jnp.where(some, jnp.where(there, x, jnp.inf).min(axis=1), 0.0)
    return mean, spread, low, jnp.where(some, jnp.where(there, x, -jnp.inf).max(axis=1), 0.0)
