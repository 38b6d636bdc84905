"""What can be read off a folded view with nothing learned, the same for a view and its mirror image.

A view is ``(m, bins, 3)`` float32: value (median 0, depth scaled to -1), scatter in the same unit, coverage (share of
the expected points, 0 where the bin is empty). The transit is in the middle, whatever the number of bins.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

LEVELS = (-1.5, -0.75, -0.5, -0.25, -0.1, 0.1, 0.25, 0.5, 1.0)
"""in units of the depth; the share of the bins below each is the view's distribution without the cost of sorting it"""
SOFT = 0.1
"""in units of the depth; over so much a bin passes a level by and by, so that no figure jumps"""
WINDOWS = 12
"""places from the middle to the edge at which the folded view itself is shown"""


def mirror_fold(view: jax.Array) -> jax.Array:
    """Return the two halves of a view laid upon each other.

    Every transit is symmetric, and its mean over both halves has less noise; how far they differ tells a step or a ramp
    from it. Nothing but the direction of time is lost.

    Args:
        view: ``(m, bins, 3)``.

    Returns:
        ``(m, ceil(bins / 2), 4)`` from the middle outwards: mean of the halves and half their absolute difference,
        both as the inverse hyperbolic sine, so that an eclipse beside a shallow transit stays of order one, scatter,
        coverage. A half that is empty is left out of the mean, and the difference is then 0.
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
    """Return the means under ``windows`` overlapping triangles from the first to the last position.

    ``(m, length, channels)`` -> ``(m, windows, channels)``, whatever the length.
    """
    position = np.linspace(0.0, windows - 1.0, x.shape[1])
    # Fewer positions than windows: a triangle without one takes the nearest by being as wide as they are apart.
    width = max(1.0, (windows - 1.0) / (x.shape[1] - 1)) if x.shape[1] > 1 else float(windows)
    weights = np.maximum(0.0, 1.0 - np.abs(position[:, None] - np.arange(windows)[None]) / width)
    weights = (weights / weights.sum(axis=0)).astype(np.float32)
    return jnp.einsum("mlc,lw->mwc", x, jnp.asarray(weights, x.dtype))


def difference(first: jax.Array, second: jax.Array) -> jax.Array:
    """How two views differ, the same when they change places.

    Args:
        first: ``(m, bins, 3)``, say of odd transits.
        second: the same of even ones.

    Returns:
        ``(m, bins, 3)`` a view of their difference, of the sign that makes the middle third lower; empty where either
        of them is.
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
    """Figures of a view: its level, spread and distribution, roughness, asymmetry, what is away from the transit.

    Args:
        view: ``(m, bins, 3)``.
        transit: share of the bins, about the middle, that counts as the transit.

    Returns:
        ``(m, MEASURES)`` float32, over the bins that are not empty; NaN where all are.
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
    """Return the mean, standard deviation, minimum and maximum; 0 where there is nothing."""
    mean = _mean(x, there)
    spread = jnp.sqrt(_mean((x - mean[:, None]) ** 2, there) + 1e-12)
    some = there.any(axis=1)
    low = jnp.where(some, jnp.where(there, x, jnp.inf).min(axis=1), 0.0)
    return mean, spread, low, jnp.where(some, jnp.where(there, x, -jnp.inf).max(axis=1), 0.0)
