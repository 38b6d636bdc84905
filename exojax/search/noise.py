"""Noise on the time scale of a transit: what red noise does to a signal-to-noise ratio that assumes white noise."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from exojax.search.boxes import running_sums, sliding_sums

GAUSSIAN_MEDIAN = 0.67448976
"""median of the absolute value of a standard normal"""
BLOCK = 400
"""cadences over which the noise is taken to stay the same: 8 days of half-hour cadences"""
PRIOR = 6.0
"""independent boxes that the whole curve's scatter counts for in a block's"""


def median_absolute(values: jax.Array, valid: jax.Array) -> jax.Array:
    """Median of ``|values|`` ``(..., k)`` over the last axis where ``valid``; 0 where nothing is.

    By bisection: a sort costs fifty times as much on a CPU. Right to 0.1 % where the median is above 1e-4 of the rms.
    """
    size = jnp.where(valid, jnp.abs(values), jnp.inf)
    half = 0.5 * jnp.sum(valid, axis=-1, dtype=jnp.float32)
    mean = jnp.sum(jnp.where(valid, values, 0.0) ** 2, axis=-1) / jnp.maximum(2.0 * half, 1.0)
    # At least half of the values lie below this (Markov), so the median does.
    top = jnp.sqrt(2.0 * mean) * 1.001

    def halve(_: int, bracket: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        low, high = bracket
        middle = jnp.sqrt(low * high)
        below = jnp.sum(size <= middle[..., None], axis=-1, dtype=jnp.float32) < half
        return jnp.where(below, middle, low), jnp.where(below, high, middle)

    low, high = jax.lax.fori_loop(0, 14, halve, (top * 1e-4, top))
    return jnp.sqrt(low * high)


def median(values: jax.Array, valid: jax.Array) -> jax.Array:
    """Median of ``values`` ``(..., k)`` over the last axis where ``valid``, to 2e-5 of their range; 0 where none is."""
    low = jnp.min(jnp.where(valid, values, jnp.inf), axis=-1)
    high = jnp.max(jnp.where(valid, values, -jnp.inf), axis=-1)
    half = 0.5 * jnp.sum(valid, axis=-1, dtype=jnp.float32)

    def halve(_: int, bracket: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        low, high = bracket
        middle = 0.5 * (low + high)
        below = jnp.sum(valid & (values <= middle[..., None]), axis=-1, dtype=jnp.float32) < half
        return jnp.where(below, middle, low), jnp.where(below, high, middle)

    low, high = jax.lax.fori_loop(0, 16, halve, (low, high))
    return jnp.where(half > 0.0, 0.5 * (low + high), 0.0)


def _cut(values: jax.Array, blocks: int) -> jax.Array:
    """``(n, k)`` to ``(n, blocks, length)``, zeros at the end of the last."""
    return jnp.pad(values, ((0, 0), (0, -values.shape[1] % blocks))).reshape(values.shape[0], blocks, -1)


@partial(jax.jit, static_argnames="block")
def pulse_scatter(flux: jax.Array, weight: jax.Array, durations: jax.Array, block: int = BLOCK) -> jax.Array:
    """Scatter of the single-event statistic on each time scale, along the curve, in units of white noise.

    The statistic is ``S_d(t) = sum(w y) / sqrt(sum w)`` over ``d`` cadences; its robust scatter about zero is 1 in
    white noise and grows with ``d`` in red (Pont, Zucker & Queloz 2006; Kepler's CDPP is the same in ppm). It is taken
    in blocks, because noisy stretches make false alarms, and each block's variance is averaged with the whole curve's,
    which counts as ``PRIOR`` independent boxes.

    Args:
        flux: ``(n, n_cadences)`` float32, detrended, in units of the star's scatter.
        weight: ``(n, n_cadences)`` float32 inverse variance; 0 where nothing was measured and in known transits.
        durations: ``(n_durations,)`` float32, cadences.
        block: cadences of a block, about: the curve is cut into equal ones.

    Returns:
        ``(n, n_durations, n_blocks)`` float32, 1 or more.
    """
    sums = running_sums(flux, weight)
    blocks = max(round(flux.shape[-1] / block), 1)

    def scatter(duration: jax.Array) -> jax.Array:
        signal, total = sliding_sums(sums, jnp.float32(0.0), duration)
        # Neighbouring boxes share most of what they hold: every second one tells as much.
        signal, total = signal[:, ::2], total[:, ::2]
        valid = total >= 0.5 * duration
        statistic = jnp.where(valid, signal / jnp.sqrt(jnp.where(valid, total, 1.0)), 0.0)
        whole = jnp.maximum(median_absolute(statistic, valid) / GAUSSIAN_MEDIAN, 1.0)[:, None]
        local_valid = _cut(valid, blocks)
        local = median_absolute(_cut(statistic, blocks), local_valid) / GAUSSIAN_MEDIAN
        boxes = 2.0 * jnp.sum(local_valid, axis=-1, dtype=jnp.float32) / duration
        return jnp.maximum(jnp.sqrt((boxes * local**2 + PRIOR * whole**2) / (boxes + PRIOR)), 1.0)

    return jnp.moveaxis(jax.lax.map(scatter, durations), 0, 1)


def event_scatter(
    scatter: jax.Array, durations: jax.Array, duration: jax.Array, middle: jax.Array, n_cadences: int
) -> jax.Array:
    """Red noise over white for each transit: ``pulse_scatter`` at its time, interpolated in the log of the duration.

    Inverse variances of depths over its square are those with red noise (Pont et al. 2006: transits apart by more
    than the noise's memory are independent).

    Args:
        scatter: ``(n, n_durations, n_blocks)`` float32 from `pulse_scatter`.
        durations: ``(n_durations,)`` float32, increasing, cadences.
        duration: ``(n,)`` float32, cadences.
        middle: ``(n, k)`` float32, cadences; what lies off the curve takes the nearest block's.
        n_cadences: of the curve.

    Returns:
        ``(n, k)`` float32, 1 or more.
    """
    place = jnp.interp(jnp.log(duration), jnp.log(durations), jnp.arange(len(durations), dtype=jnp.float32))
    low = jnp.minimum(place.astype(jnp.int32), max(len(durations) - 2, 0))[:, None, None]
    share = (place - low[:, 0, 0].astype(jnp.float32))[:, None]
    below = jnp.take_along_axis(scatter, low, axis=1)[:, 0]
    above = jnp.take_along_axis(scatter, jnp.minimum(low + 1, len(durations) - 1), axis=1)[:, 0]
    share_of_curve = jnp.clip(middle / n_cadences, 0.0, 1.0)
    number = jnp.minimum((share_of_curve * scatter.shape[-1]).astype(jnp.int32), scatter.shape[-1] - 1)
    return jnp.take_along_axis(below + share * (above - below), number, axis=1)


@jax.jit
def red_factor(ivar: jax.Array, scatter: jax.Array) -> jax.Array:
    """By what the white-noise SNR of a fold is divided for red noise: ``(n,)`` float32, 1 or more.

    Args:
        ivar: ``(n, n_events)`` float32, white, from `events.events`.
        scatter: ``(n, n_events)`` float32 from `event_scatter`.
    """
    return jnp.sqrt(jnp.sum(ivar * scatter**2, axis=-1) / jnp.maximum(jnp.sum(ivar, axis=-1), 1e-6)).clip(1.0)
