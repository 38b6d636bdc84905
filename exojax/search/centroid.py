"""The shift of a star's centroid in transit: the dip of a neighbour in the aperture moves the light's middle."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from exojax.search.boxes import Sums, box_sums, running_sums
from exojax.search.events import middles
from exojax.search.noise import GAUSSIAN_MEDIAN, median, median_absolute

GAP, SIDE = 0.25, 1.5
"""durations between the transit and its reference on either side, and length of that"""
CLIP = 5.0
"""robust standard deviations beyond which a centroid out of transit is an outlier, or an event's shift"""
SAMPLES = 1024
"""places at which the shift is measured out of transit to learn its error"""


def _trend(values: jax.Array, valid: jax.Array, window: int) -> jax.Array:
    """Medians of blocks of ``window`` cadences, joined by straight lines: ``(n, n_cadences)``."""
    size = values.shape[-1]
    blocks = -(-size // window)
    fill = ((0, 0), (0, blocks * window - size))
    cut = jnp.pad(values, fill).reshape(-1, blocks, window)
    some = jnp.pad(valid, fill).reshape(-1, blocks, window)
    middle, known = median(cut, some), jnp.any(some, axis=-1)
    wide, wide_known = (jnp.pad(x, ((0, 0), (1, 1)), mode="edge") for x in (middle, known))
    before = jnp.where(wide_known[:, :-2], wide[:, :-2], middle)
    after = jnp.where(wide_known[:, 2:], wide[:, 2:], middle)
    share = (jnp.arange(window, dtype=jnp.float32) + 0.5) / window - 0.5
    share = share[None, None]
    slope = jnp.where(share < 0.0, (middle - before)[..., None], (after - middle)[..., None])
    return (middle[..., None] + share * slope).reshape(-1, blocks * window)[:, :size]


def _contrast(inside: Sums, outside: Sums, middle: jax.Array, duration: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Mean over the transit less that of its two sides, and its inverse variance (0 where either is not covered)."""
    near = (0.5 + GAP) * duration
    far = near + SIDE * duration
    value, weight = box_sums(inside, middle - 0.5 * duration, middle + 0.5 * duration)
    left, left_weight = box_sums(outside, middle - far, middle - near)
    right, right_weight = box_sums(outside, middle + near, middle + far)
    side_weight = left_weight + right_weight
    seen = (weight >= 0.25 * duration) & (side_weight >= 0.5 * weight)
    weight, side_weight = jnp.where(seen, weight, 1.0), jnp.where(seen, side_weight, 1.0)
    shift = value / weight - (left + right) / side_weight
    return jnp.where(seen, shift, 0.0), jnp.where(seen, 1.0 / (1.0 / weight + 1.0 / side_weight), 0.0)


@partial(jax.jit, static_argnames=("n_events", "window"))
def centroid_shift(
    centroid: jax.Array,
    weight: jax.Array,
    period: jax.Array,
    t0: jax.Array,
    duration: jax.Array,
    n_events: int,
    window: int = 96,
) -> tuple[jax.Array, jax.Array]:
    """Mean shift of the centroid in transit against both sides of each transit, and its significance.

    Drift and jumps go with block medians and the local reference; the error is the robust scatter of the same
    measure at places out of transit, pointing jitter included (after Bryson et al. 2013, flux-weighted centroids).

    Args:
        centroid: ``(n, n_cadences, 2)`` float32, pixels, column and row.
        weight: ``(n, n_cadences)`` float32; 0 where the centroid is not measured.
        period, t0, duration: ``(n,)`` float32, cadences; an infinite period is a single transit.
        n_events: transits counted, from number 0 at ``t0``.
        window: cadences of a block of the trend, several durations.

    Returns:
        ``(n, 2)`` float32 shift in pixels and ``(n,)`` float32 its significance: the length of the shift in units of
        its error ellipse, so that chance exceeds ``r`` with probability ``exp(-r^2 / 2)``. NaN where no transit has a
        centroid.
    """
    n, size, _ = centroid.shape
    time = jnp.arange(size, dtype=jnp.float32)[None] - t0[:, None]
    # Modulo an infinite period is NaN; one of four curves is as good.
    finite = jnp.minimum(period, 4.0 * size)[:, None]
    away = jnp.abs(time - jnp.round(time / finite) * finite) > ((0.5 + GAP) * duration)[:, None]
    outside = jnp.where(away, weight, 0.0)
    middle = middles(period, t0, n_events)
    sample = jnp.broadcast_to((jnp.arange(SAMPLES, dtype=jnp.float32) + 0.5) * (size / SAMPLES), (n, SAMPLES))

    def measure(values: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        values = jnp.where(weight > 0.0, values - _trend(values, outside > 0.0, window), 0.0)
        limit = CLIP * median_absolute(values, outside > 0.0) / GAUSSIAN_MEDIAN
        good = jnp.where(jnp.abs(values) <= limit[:, None], outside, 0.0)
        quiet = running_sums(values, good)
        shift, ivar = _contrast(quiet, quiet, sample, duration[:, None])
        # Places in a transit have no cadences left in the box.
        noise = jnp.where(ivar > 0.0, shift * jnp.sqrt(ivar), jnp.nan)
        error = median_absolute(jnp.nan_to_num(noise), ivar > 0.0) / GAUSSIAN_MEDIAN
        each, each_ivar = _contrast(running_sums(values, weight), quiet, middle, duration[:, None])
        usual = median(each, each_ivar > 0.0)[:, None]
        alike = jnp.abs(each - usual) * jnp.sqrt(each_ivar) <= CLIP * error[:, None]
        each_ivar = jnp.where(alike | (jnp.sum(each_ivar > 0.0, axis=-1, keepdims=True) < 3), each_ivar, 0.0)
        total = jnp.sum(each_ivar, axis=-1)
        mean = jnp.where(total > 0.0, jnp.sum(each * each_ivar, axis=-1) / jnp.maximum(total, 1e-6), jnp.nan)
        return mean, mean * jnp.sqrt(total) / error, noise / error[:, None]

    column, u, noise_u = measure(centroid[..., 0])
    row, v, noise_v = measure(centroid[..., 1])
    # Pointing moves both axes together: a robust correlation from the scatter along the two diagonals.
    both = ~jnp.isnan(noise_u + noise_v)
    plus = median_absolute(jnp.where(both, noise_u + noise_v, 0.0), both) ** 2
    minus = median_absolute(jnp.where(both, noise_u - noise_v, 0.0), both) ** 2
    joint = jnp.clip((plus - minus) / jnp.maximum(plus + minus, 1e-12), -0.98, 0.98)
    length = jnp.sqrt((u**2 - 2.0 * joint * u * v + v**2) / (1.0 - joint**2))
    return jnp.stack([column, row], axis=-1), length
