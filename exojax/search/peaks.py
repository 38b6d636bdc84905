"""The highest peaks of a periodogram that are apart from each other."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from exojax.search.grid import Plan

BLOCKS, NARROWEST = 40, 0.1
"""most stretches of log period whose means are the periodogram's trend; the least width: a peak must not be its own"""


class Peaks(NamedTuple):
    """The highest peaks of each star's periodogram, ``(n_stars, n_peaks)`` float32 each.

    Attributes:
        period: days, as in the plan's grid.
        height: SNR above the periodogram's trend.
        sde: height in standard deviations of the periodogram about its trend (Alcock et al. 2000, ApJ 542, 257).
    """

    period: jax.Array
    height: jax.Array
    sde: jax.Array


@partial(jax.jit, static_argnums=(0, 2))
def find_peaks(plan: Plan, power: jax.Array, n_peaks: int) -> Peaks:
    """The highest separate peaks above the periodogram's trend, which red noise raises towards long periods.

    Args:
        plan: of the periodogram.
        power: ``(n_periods, n_stars)`` float32, SNR.
        n_peaks: how many a star.
    """
    log_period = np.log(plan.periods)
    blocks = int(np.clip(np.ptp(log_period) / NARROWEST, 1, BLOCKS))
    block = (log_period - log_period.min()) / (np.ptp(log_period) * (1 + 1e-9)) * blocks
    block = jnp.asarray(block.astype(np.int32))
    count = jnp.maximum(jax.ops.segment_sum(jnp.ones(len(block)), block, blocks), 1.0)
    means = jax.ops.segment_sum(power, block, blocks) / count[:, None]
    above = power - means[block]
    spread = jnp.maximum(above.std(axis=0), 1e-6)
    # Transits of a period this close drift by less than two of the longest durations over the curve.
    near = 2 * plan.durations.max() / plan.n_cadences
    places = jnp.asarray(log_period - log_period.min(), jnp.float32)
    stars = jnp.arange(power.shape[1])
    periods, heights = [], []
    left = above
    for _ in range(n_peaks):
        close = jnp.abs(places[:, None] - places[_where_highest(left)][None]) <= near
        # A step of the trend beside a peak must not move it.
        at = _where_highest(jnp.where(close & jnp.isfinite(left), power, -jnp.inf))
        periods.append(jnp.asarray(plan.periods, jnp.float32)[at])
        heights.append(left[at, stars])
        left = jnp.where(close | (jnp.abs(places[:, None] - places[at][None]) <= near), -jnp.inf, left)
    height = jnp.stack(heights, axis=1)
    return Peaks(jnp.stack(periods, axis=1), height, height / spread[:, None])


@jax.jit
def _where_highest(values: jax.Array) -> jax.Array:
    """``argmax`` over the first axis of ``(k, n)``, by halves: XLA's own takes one value at a time on a CPU.

    Of equal values it may be any.
    """
    index = jnp.broadcast_to(jnp.arange(len(values), dtype=jnp.int32)[:, None], values.shape)
    while len(values) > 1:
        half = (len(values) + 1) // 2
        first, second = slice(0, half), slice(len(values) - half, None)
        # Halves of an odd number share the middle.
        ahead = values[first] >= values[second]
        index = jax.lax.select(ahead, index[first], index[second])
        values = jax.lax.select(ahead, values[first], values[second])
    return index[0]
