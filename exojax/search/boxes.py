"""Weighted sums over boxes of time with fractional edges, from one running sum per star."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Sums(NamedTuple):
    """Running sums along time; entry ``i`` holds everything before cadence ``i``.

    Attributes:
        values: ``(n, n_cadences + 1)`` float32, of weight times (value less ``level``).
        weight: ``(n, n_cadences + 1)`` float32, of weight.
        level: ``(n,)`` float32, the weighted mean: taken off so that the sum stays small and float32 holds it.
    """

    values: jax.Array
    weight: jax.Array
    level: jax.Array


def running_sums(values: jax.Array, weight: jax.Array) -> Sums:
    """Running sums of ``values`` ``(n, n_cadences)`` float32 with ``weight`` of the same shape."""
    level = jnp.sum(values * weight, axis=-1) / jnp.maximum(jnp.sum(weight, axis=-1), 1e-6)

    def summed(x: jax.Array) -> jax.Array:
        return jnp.pad(jnp.cumsum(x, axis=-1), ((0, 0), (1, 0)))

    return Sums(summed(weight * (values - level[:, None])), summed(weight), level)


def moved(running: jax.Array, steps: jax.Array) -> jax.Array:
    """A running sum ``(n, k)`` read ``steps`` (scalar float32, of any sign) cells further on, its ends continued."""
    size = running.shape[-1]
    padded = jnp.pad(running, ((0, 0), (size, size + 1)), mode="edge")
    whole = jnp.floor(jnp.clip(steps, -float(size), size - 1.0))
    first = size + whole.astype(jnp.int32)
    below = jax.lax.dynamic_slice_in_dim(padded, first, size, axis=1)
    above = jax.lax.dynamic_slice_in_dim(padded, first + 1, size, axis=1)
    return below + jnp.clip(steps - whole, 0.0, 1.0) * (above - below)


def sliding_sums(sums: Sums, start: jax.Array, stop: jax.Array) -> tuple[jax.Array, jax.Array]:
    """`box_sums` for one box, from ``start`` to ``stop`` (scalar float32, cadences), laid at every place.

    Entry ``i`` of the two ``(n, n_cadences + 1)`` results is the box that starts at the time ``i - 0.5 + start``.
    """
    weight = moved(sums.weight, stop) - moved(sums.weight, start)
    return moved(sums.values, stop) - moved(sums.values, start) + sums.level[:, None] * weight, weight


def box_sums(sums: Sums, start: jax.Array, stop: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Weighted sum of values and of weights from ``start`` to ``stop``, ``(n, k)`` float32 cadences.

    Cadence ``i`` reaches from ``i - 0.5`` to ``i + 0.5``; one that is cut counts with the part inside. What lies off
    the curve counts nothing. Returns two ``(n, k)`` float32 arrays; the first over the second is the box's mean.
    """
    last = sums.weight.shape[-1] - 1

    def at(time: jax.Array) -> tuple[jax.Array, jax.Array]:
        place = jnp.clip(time + 0.5, 0.0, float(last))
        # The last cell ends on the last entry, so the upper neighbour always exists.
        low = jnp.minimum(place.astype(jnp.int32), last - 1)
        share = place - low.astype(jnp.float32)

        def read(running: jax.Array) -> jax.Array:
            below = jnp.take_along_axis(running, low, axis=-1)
            return below + share * (jnp.take_along_axis(running, low + 1, axis=-1) - below)

        return read(sums.values), read(sums.weight)

    (value_0, weight_0), (value_1, weight_1) = at(start), at(stop)
    weight = weight_1 - weight_0
    return value_1 - value_0 + sums.level[:, None] * weight, weight
