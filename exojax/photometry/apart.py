"""Segments of a curve moved apart, so that no window reaches over a gap that ends one."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp


@partial(jax.jit, static_argnames=("gap", "least"))
def shifts_apart(weight: jax.Array, *, gap: int, least: int) -> jax.Array:
    """By how many cadences each filled one moves so that segments are ``least`` empty ones apart.

    Then no window reaches from one segment into the next, and the running location need not know of segments.

    Args:
        weight: ``(n_stars, n_cadences)`` float32; 0 where nothing was measured.
        gap: empty cadences that end a segment when there are more.
        least: empty cadences that are enough.

    Returns:
        ``(n_stars, n_cadences)`` int32, growing along a curve; that of an empty cadence is of no account.
    """
    filled, place = weight > 0, jnp.arange(weight.shape[1], dtype=jnp.int32)[None]
    last = jax.lax.cummax(jnp.where(filled, place, -1), axis=1)
    before = jnp.pad(last[:, :-1], ((0, 0), (1, 0)), constant_values=-1)
    step = place - before
    short = filled & (before >= 0) & (step > gap + 1) & (step <= least)
    return jnp.cumsum(jnp.where(short, least + 1 - step, 0), axis=1)
