"""Each transit of a candidate by itself: how deep it is, and whether the transits are alike."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from exojax.search.boxes import box_sums, running_sums

MEASURED = 0.5
"""typical cadences that a transit holds at least, for it to count as seen"""
LIKE = 0.25
"""share by which the depths of one planet's transits may differ: what detrending does to them"""


def middles(period: jax.Array, t0: jax.Array, n_events: int) -> jax.Array:
    """``(n, n_events)`` float32 cadences: the middles of transits 0, 1, ...; the period may be infinite."""
    number = jnp.arange(n_events, dtype=jnp.float32)[None]
    # 0 times an infinite period is not a time.
    return t0[:, None] + jnp.where(number == 0.0, 0.0, number * period[:, None])


@partial(jax.jit, static_argnames="n_events")
def events(
    flux: jax.Array, weight: jax.Array, period: jax.Array, t0: jax.Array, duration: jax.Array, n_events: int
) -> tuple[jax.Array, jax.Array]:
    """Depth of every transit, each against the level of the detrended curve, which is zero.

    A local level instead of zero costs 11 to 25 % in precision where noise is white, gains as much only where its
    memory is longer than the transit's neighbourhood, which detrending takes away; and ``pulse_scatter``, the red
    noise of a box against zero, would not be its error.

    Args:
        flux: ``(n, n_cadences)`` float32, detrended, in units of the star's scatter.
        weight: ``(n, n_cadences)`` float32 inverse variance.
        period: ``(n,)`` float32, cadences; infinite for a single transit.
        t0: ``(n,)`` float32, cadences from the curve's first: middle of the transit that is numbered 0.
        duration: ``(n,)`` float32, cadences, first to last contact.
        n_events: transits counted, the same for all; those beyond the curve's end weigh nothing.

    Returns:
        depth ``(n, n_events)`` float32, mean loss in units of the star's scatter, 0 where not seen; and its inverse
        variance ``(n, n_events)`` float32 for white noise, 0 where not seen. Transit ``k`` is at ``t0 + k period``.
    """
    middle = middles(period, t0, n_events)
    half = 0.5 * duration[:, None]
    total, ivar = box_sums(running_sums(flux, weight), middle - half, middle + half)
    seen = ivar >= MEASURED
    return jnp.where(seen, -total / jnp.where(seen, ivar, 1.0), 0.0), jnp.where(seen, ivar, 0.0)


@jax.jit
def n_transits(ivar: jax.Array) -> jax.Array:
    """``(n,)`` int32: transits with any measurement in them, of ``ivar`` ``(n, n_events)`` from `events`."""
    return jnp.sum(ivar > 0.0, axis=-1, dtype=jnp.int32)


@jax.jit
def max_event_share(depth: jax.Array, ivar: jax.Array) -> jax.Array:
    """``(n,)`` float32: the strongest transit's share of the sum of squared SNRs of the single transits (dips only)."""
    power = jnp.maximum(depth, 0.0) ** 2 * ivar
    return jnp.max(power, axis=-1) / jnp.maximum(jnp.sum(power, axis=-1), 1e-6)


@jax.jit
def unlike_sigma(depth: jax.Array, ivar: jax.Array, duration: jax.Array) -> jax.Array:
    """How surely the transits are not of one planet: the worst one against the mean of all others.

    ``(|d_k - mean of the others| - share * the deeper of both) / error``, the largest over ``k``; below zero where all
    agree within what detrending does to depths. A real planet's transits are equally deep (Seager & Mallen-Ornelas
    2003, their uniqueness criterion); two planets that transit once each, or a planet and a glitch, are not.

    Only told where few transits carry the signal, 2 to 4 seen or one with over 70 % of the squared SNR; else 0: a
    binary whose odd and even eclipses differ has many, and is one object.

    Args:
        depth: ``(n, n_events)`` float32 from `events`.
        ivar: ``(n, n_events)`` float32, with red noise: from `events`, over the square of `noise.event_scatter`.

    Returns:
        ``(n,)`` float32; above 4 the transits should be treated as single ones.
    """
    total = jnp.sum(ivar, axis=-1, keepdims=True)
    rest = total - ivar
    fellow = (jnp.sum(depth * ivar, axis=-1, keepdims=True) - depth * ivar) / jnp.maximum(rest, 1e-6)
    both = (ivar > 0.0) & (rest > 0.0)
    error = jnp.sqrt(1.0 / jnp.maximum(ivar, 1e-6) + 1.0 / jnp.maximum(rest, 1e-6))
    share = (LIKE + 0.5 / duration)[:, None]
    excess = (jnp.abs(depth - fellow) - share * jnp.maximum(depth, fellow)) / error
    worst = jnp.max(jnp.where(both, excess, -jnp.inf), axis=-1)
    seen = n_transits(ivar)
    told = (seen >= 2) & ((seen <= 4) | (max_event_share(depth, ivar) > 0.7))
    return jnp.where(told, worst, 0.0)
