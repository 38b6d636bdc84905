"""Single transits: one deep event in a curve, and how short its period can be."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from exojax.search.boxes import box_sums, running_sums, sliding_sums

GAP, SIDE = 0.25, 1.0
"""durations between the box and its neighbour windows on either side, and length of those"""
COVERED = 0.5
"""share of the box and of either neighbour that was measured"""
CONTRAST = 0.5
"""share of the depth that the box must lie below either neighbour, or it is a step"""
OUTER = 0.35
"""share of the depth that the first and the last third of the box have, or it is an outlier"""
LIKE = 0.5
"""share of the depth at which another dip counts as a like event"""


class SingleEvents(NamedTuple):
    """The best single event of each star; snr 0 and the rest NaN where none is acceptable.

    Attributes:
        t0: ``(n,)`` float32, cadences: middle, to half a cadence.
        duration: ``(n,)`` float32, cadences: one of those tried.
        depth: ``(n,)`` float32, mean loss in units of the star's scatter.
        snr: ``(n,)`` float32, against white noise.
        snr_red: ``(n,)`` float32, against the scatter on this time scale.
        watched: ``(n, n_cadences)`` bool: another transit this many cadences before or after would have been seen,
            and was not.
    """

    t0: jax.Array
    duration: jax.Array
    depth: jax.Array
    snr: jax.Array
    snr_red: jax.Array
    watched: jax.Array


@jax.jit
def single_events(flux: jax.Array, weight: jax.Array, durations: jax.Array, scatter: jax.Array) -> SingleEvents:
    """The most significant single box-like dip of each star that is no step, edge, outlier or slow wave.

    Its box and the windows on both sides are measured, it lies below both sides, and its first and last third are deep.
    Ranked by the red-noise SNR over all times and durations. A sudden drop of sensitivity that heals within a day
    looks like a transit to boxes and passes.

    Args:
        flux: ``(n, n_cadences)`` float32, detrended, in units of the star's scatter.
        weight: ``(n, n_cadences)`` float32 inverse variance; 0 in the transits that are known already.
        durations: ``(n_durations,)`` float32, cadences.
        scatter: ``(n, n_durations, n_blocks)`` float32 from `noise.pulse_scatter`.
    """
    sums = running_sums(flux, weight)
    places = flux.shape[-1] + 1
    number = jnp.arange(places) * scatter.shape[-1] // places

    def search(trial: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, ...]:
        duration, red = trial
        gap, side, third = GAP * duration, SIDE * duration, duration / 3.0

        def depth_of(start: jax.Array, stop: jax.Array) -> tuple[jax.Array, jax.Array]:
            total, measured = sliding_sums(sums, start, stop)
            covered = measured >= COVERED * (stop - start)
            return -total / jnp.where(covered, measured, 1.0), jnp.where(covered, measured, 0.0)

        zero = jnp.float32(0.0)
        depth, measured = depth_of(zero, duration)
        first, first_measured = depth_of(zero, third)
        last, last_measured = depth_of(duration - third, duration)
        left, left_measured = depth_of(-gap - side, -gap)
        right, right_measured = depth_of(duration + gap, duration + gap + side)
        covered = jnp.minimum(jnp.minimum(first_measured, last_measured), jnp.minimum(left_measured, right_measured))
        shaped = (depth - jnp.maximum(left, right) > CONTRAST * depth) & (jnp.minimum(first, last) > OUTER * depth)
        snr = jnp.where((covered > 0.0) & shaped, depth * jnp.sqrt(measured), 0.0)
        snr_red = snr / red[:, number]
        place = jnp.argmax(snr_red, axis=-1)

        def read(values: jax.Array) -> jax.Array:
            return jnp.take_along_axis(values, place[:, None], axis=-1)[:, 0]

        t0 = place.astype(jnp.float32) - 0.5 + 0.5 * duration
        return read(snr_red), read(snr), read(depth), t0, jnp.broadcast_to(duration, t0.shape)

    tried = jax.lax.map(search, (durations, jnp.moveaxis(scatter, 1, 0)))
    which = jnp.argmax(tried[0], axis=0)[None]
    snr_red, snr, depth, t0, duration = (jnp.take_along_axis(x, which, axis=0)[0] for x in tried)
    found = snr > 0.0
    t0, duration, depth = (jnp.where(found, x, jnp.nan) for x in (t0, duration, depth))

    half = 0.5 * jnp.where(found, duration, 1.0)[:, None]
    offset = jnp.arange(flux.shape[-1], dtype=jnp.float32)[None]

    def clear(middle: jax.Array) -> jax.Array:
        total, measured = box_sums(sums, middle - half, middle + half)
        return (measured >= 2.0 * COVERED * half) & (-total < LIKE * depth[:, None] * measured)

    middle = jnp.where(found, t0, 0.0)[:, None]
    return SingleEvents(t0, duration, depth, snr, snr_red, clear(middle + offset) | clear(middle - offset))


@jax.jit
def shortest_period(watched: jax.Array, duration: jax.Array) -> jax.Array:
    """The shortest period that the curve does not exclude for a single event.

    A period is excluded when any of its other transits would have fallen on well measured data that show no like dip.

    Args:
        watched: ``(n, n_cadences)`` bool from `SingleEvents`.
        duration: ``(n,)`` float32 cadences; periods below four of them are not considered. NaN asks for nothing.

    Returns:
        ``(n,)`` float32, cadences, to half a cadence; the length of the curve where all are excluded.
    """
    size = watched.shape[1]
    period = jnp.arange(1, 2 * size + 1, dtype=jnp.float32) / 2

    def goes_on(carry: tuple[jax.Array, jax.Array]) -> jax.Array:
        number, left = carry
        return jnp.any(left & (number * period < size)[None])

    def exclude(carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        number, left = carry
        at = number * period
        inside = at < size - 0.5
        place = jnp.where(inside, jnp.round(at), 0.0).astype(jnp.int32)
        return number + 1.0, left & ~(inside[None] & watched[:, place])

    # Few periods outlive the first rounds.
    tried = period[None] >= 4.0 * duration[:, None]
    _, left = jax.lax.while_loop(goes_on, exclude, (jnp.float32(1.0), tried))
    return jnp.min(jnp.where(left, period[None], float(size)), axis=1)
