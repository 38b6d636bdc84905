"""Standardise whole series to units of the star's scatter, with or without their slow variation.

Upward outliers (cosmic rays, flares) are clipped; dips are not, because they may be transits.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from exojax.robust import MAD_TO_SIGMA

CLIP = 3.0
"""highest value kept, in units of the star's scatter"""
WINDOW = 2.0
"""days; of the running median that ``flatten`` subtracts, three times the longest transit of a planet within 30 days"""
SMALLEST_BLOCK = 8
"""cadences; the median of fewer follows the noise, and at coarse cadences the transits themselves"""
BLOCKS = 9
"""the running median is taken over this many block medians"""


def standardise(flux: jax.Array, valid: jax.Array) -> jax.Array:
    """Subtract the median and divide by 1.4826 times the median absolute deviation; clip upwards.

    The factor makes the scale a standard deviation for Gaussian noise (Rousseeuw & Croux 1993).

    Args:
        flux: ``(n, c)`` float32, any unit.
        valid: ``(n, c)`` bool.

    Returns:
        ``(n, c)`` float32, at most :data:`CLIP`; 0 where not valid, and everywhere for a star without scatter.
    """
    return jnp.minimum(scaled(flux, valid)[0], CLIP)


def scaled(flux: jax.Array, valid: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return the standardised flux without clipping, and the ``(n,)`` scale, in the unit of ``flux``."""
    centred = jnp.where(valid, flux - masked_median(flux, valid)[:, None], 0.0)
    scale = masked_scatter(centred, valid)
    usable = scale > 0
    return jnp.where(usable[:, None], centred / jnp.where(usable, scale, 1.0)[:, None], 0.0), scale


def flatten(flux: jax.Array, valid: jax.Array, *, cadence: float) -> jax.Array:
    """Subtract variation that is slower than a transit, by a running median, and standardise the residuals.

    The median of each block of some hours is taken, then the running median of :data:`BLOCKS` blocks, together
    :data:`WINDOW` days or 72 cadences, whichever is longer, joined by straight lines. A transit fills less than a third
    of the window and stays.

    Args:
        flux: ``(n, c)`` float32, any unit.
        valid: ``(n, c)`` bool.
        cadence: days between samples.

    Returns:
        ``(n, c)`` float32 as from :func:`standardise`.
    """
    return standardise(trendless(flux, valid, cadence=cadence), valid)


def trendless(flux: jax.Array, valid: jax.Array, *, cadence: float) -> jax.Array:
    """Return ``(n, c)`` float32, ``flux`` less its running median, in its own unit."""
    block = max(SMALLEST_BLOCK, round(WINDOW / BLOCKS / cadence))
    # A second pass, because on a steep slope the median of a block is not its middle; the first residuals are shallow.
    for _ in range(2):
        flux = flux - _running_median(flux, valid, block)
    return flux


@partial(jax.jit, static_argnames="block")
def _running_median(flux: jax.Array, valid: jax.Array, block: int) -> jax.Array:
    n, c = flux.shape
    blocks = -(-c // block)
    pad = ((0, 0), (0, blocks * block - c))
    values = jnp.where(jnp.pad(valid, pad), jnp.pad(flux, pad), jnp.nan).reshape(n, blocks, block)
    centre = _nanmedian(values)
    half = BLOCKS // 2
    wide = jnp.pad(centre, ((0, 0), (half, half)), constant_values=jnp.nan)
    smooth = _nanmedian(jnp.stack([wide[:, i : i + blocks] for i in range(BLOCKS)], axis=-1))
    # A gap longer than the window leaves blocks without a value; what comes from them is not valid anyway.
    smooth = jnp.where(jnp.isnan(smooth), 0.0, smooth)
    at = jnp.clip((jnp.arange(c, dtype=jnp.float32) - (block - 1) / 2) / block, 0.0, blocks - 1.0)
    left = jnp.minimum(at.astype(jnp.int32), max(blocks - 2, 0))
    right = jnp.minimum(left + 1, blocks - 1)
    share = (at - left.astype(jnp.float32))[None]
    # In this order a constant star stays exactly constant.
    return smooth[:, left] + share * (smooth[:, right] - smooth[:, left])


def masked_median(x: jax.Array, valid: jax.Array) -> jax.Array:
    """Return ``(n,)`` median of each row's valid values, 0 where it has none."""
    middle = _nanmedian(jnp.where(valid, x, jnp.nan))
    return jnp.where(jnp.isnan(middle), 0.0, middle)


def masked_scatter(centred: jax.Array, valid: jax.Array) -> jax.Array:
    """Return the robust scatter of each row, ``(n,)``: 1.4826 times the median of ``abs(centred)`` where ``valid``."""
    return MAD_TO_SIGMA * masked_median(jnp.abs(centred), valid)


def _nanmedian(x: jax.Array) -> jax.Array:
    """Return the exact median over the last axis without NaN; NaN where all values are NaN.

    By bisection on the bit patterns, which order like the numbers: 32 passes of comparing and counting, with the long
    axis of rows innermost. XLA's sort takes nine times as long on a CPU.
    """
    count = jnp.sum(~jnp.isnan(x), axis=-1)
    bits = jax.lax.bitcast_convert_type(jnp.where(jnp.isnan(x), jnp.inf, x), jnp.int32)
    ordered = jnp.moveaxis(bits ^ ((bits >> 31) & 0x7FFFFFFF), -1, 0)
    wanted = (count - 1) // 2

    def halve(_: int, bounds: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        low, high = bounds
        middle = (low & high) + ((low ^ high) >> 1)  # the mean, without overflow
        enough = jnp.sum(ordered <= middle[None], axis=0) > wanted
        return jnp.where(enough, low, middle + 1), jnp.where(enough, middle, high)

    start = jnp.full(count.shape, -(2**31), jnp.int32), jnp.full(count.shape, 2**31 - 1, jnp.int32)
    lower = jax.lax.fori_loop(0, 32, halve, start)[0]
    # Of an even number of values the median is halfway to the next one up, unless that is the same again.
    above = jnp.min(jnp.where(ordered > lower[None], ordered, 2**31 - 1), axis=0)
    again = jnp.sum(ordered <= lower[None], axis=0) > count // 2
    upper = jnp.where(again, lower, above)
    low, high = (jax.lax.bitcast_convert_type(v ^ ((v >> 31) & 0x7FFFFFFF), jnp.float32) for v in (lower, upper))
    return jnp.where(count > 0, (low + high) / 2, jnp.nan)
