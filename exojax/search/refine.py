"""From trial periods to ephemerides: epoch, duration, and a period finer than the grid's."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from exojax.search.grid import inner

SUBS = 16
"""stretches of time that are folded apart, so that a change of period shifts them against each other"""
PER_DURATION = 16
"""bins of the fine fold in one duration"""
REACH = 2.5
"""durations on either side of the transit in the fine fold"""
_DRIFT = 1.5  # durations over the whole curve, the largest correction of a period
_STRETCH = (0.5, 0.63, 0.8, 1.0, 1.25, 1.6)  # durations tried in the fine fold


class Ephemeris(NamedTuple):
    """A box-like signal, each ``(n,)`` float32: cadences, and the SNR of the template of ``sweep.periodogram``."""

    period: jax.Array
    t0: jax.Array
    duration: jax.Array
    snr: jax.Array


@partial(jax.jit, static_argnames=("columns", "durations"))
def locate(
    flux: jax.Array, weight: jax.Array, period: jax.Array, *, columns: int, durations: tuple[int, ...]
) -> Ephemeris:
    """Epoch and duration of the best dip at given periods, on a fold with bins of one cadence.

    Args:
        flux: ``(n, n_cadences)`` float32, flat, in units of scatter.
        weight: ``(n, n_cadences)`` float32.
        period: ``(n,)`` float32, cadences.
        columns: bins of the fold, one more than the longest period.
        durations: tried, cadences.
    """

    def one(y: jax.Array, w: jax.Array, p: jax.Array) -> Ephemeris:
        total = jnp.maximum(w.sum(), 1.0)
        centred = w * (y - (w * y).sum() / total)
        index = jnp.arange(y.shape[0], dtype=jnp.float32)
        column = jnp.floor(index - p * jnp.floor(index / p)).astype(jnp.int32)
        n_columns = jnp.ceil(p).astype(jnp.int32)
        both = jnp.stack([centred, w], axis=1)
        fold = jnp.zeros((columns, 2), jnp.float32).at[jnp.clip(column, 0, columns - 1)].add(both)
        # The fold is continued by its own beginning, for windows across its end.
        wrap = jnp.arange(columns + max(durations))
        sums = jnp.cumsum(fold[jnp.where(wrap < n_columns, wrap, (wrap - n_columns) % n_columns)], axis=0)
        sums = jnp.pad(sums, ((1, 0), (0, 0)))
        power = jnp.stack([_power(sums, total, d, columns) for d in durations])
        power = jnp.where(jnp.arange(columns) < n_columns, power, 0.0)
        best = jnp.argmax(power.max(axis=1))
        start = jnp.argmax(power[best])
        d = jnp.asarray(durations, jnp.float32)[best]
        # Where the period is no whole number, cadences lie anywhere in a bin, half a bin after its start on average.
        return Ephemeris(p, start.astype(jnp.float32) + d / 2, d, jnp.sqrt(power[best, start]))

    return jax.vmap(one)(flux, weight, period)


def _power(sums: jax.Array, total: jax.Array, duration: int, columns: int) -> jax.Array:
    """``(columns,)`` squared SNR of windows of ``duration`` bins; ``sums (>= columns + duration, 2)`` exclusive."""
    core = inner(duration)
    outside = (duration - core) // 2
    whole = sums[duration : duration + columns] - sums[:columns]
    middle = sums[outside + core : outside + core + columns] - sums[outside : outside + columns]
    s = jnp.minimum(0.5 * (whole[:, 0] + middle[:, 0]), 0.0)
    a1 = 0.5 * (whole[:, 1] + middle[:, 1])
    a2 = 0.25 * whole[:, 1] + 0.75 * middle[:, 1]
    return s * s * total / jnp.maximum(a2 * total - a1 * a1, 1.0)


@jax.jit
def refine(flux: jax.Array, weight: jax.Array, start: Ephemeris, shortest: jax.Array, longest: jax.Array) -> Ephemeris:
    """Period, epoch and duration to a sixteenth of a duration over the whole curve.

    The curve is folded in 16 stretches of time, finely around the transit; a change of the period shifts them against
    each other, as when a pulsar is timed. The highest SNR over shifts, epochs and durations is taken, twice.

    Args:
        flux: ``(n, n_cadences)`` float32, flat, in units of scatter.
        weight: ``(n, n_cadences)`` float32.
        start: ``(n,)`` each, from ``locate``; within 1.5 durations of the truth over the whole curve.
        shortest, longest: ``(n,)`` float32, cadences, durations allowed for the star.
    """
    once = jax.vmap(_refine_one)
    return once(flux, weight, once(flux, weight, start, shortest, longest), shortest, longest)


def _refine_one(y: jax.Array, w: jax.Array, old: Ephemeris, shortest: jax.Array, longest: jax.Array) -> Ephemeris:
    total = jnp.maximum(w.sum(), 1.0)
    centred = w * (y - (w * y).sum() / total)
    index = jnp.arange(y.shape[0], dtype=jnp.float32)
    # Stretches reach from the first to the last measurement.
    seen = w > 0
    first = jnp.argmax(seen).astype(jnp.float32)
    last = y.shape[0] - 1 - jnp.argmax(seen[::-1]).astype(jnp.float32)
    span = jnp.maximum(last - first, 1.0)
    n_bins = int(2 * REACH * PER_DURATION)
    cycle = jnp.round((index - old.t0) / old.period)
    offset = (index - old.t0 - cycle * old.period) / old.duration
    bin_ = jnp.floor((offset + REACH) * PER_DURATION).astype(jnp.int32)
    stretch = jnp.clip(jnp.floor((index - first) / span * SUBS), 0, SUBS - 1).astype(jnp.int32)
    inside = (bin_ >= 0) & (bin_ < n_bins)
    both = jnp.where(inside[:, None], jnp.stack([centred, w], axis=1), 0.0)
    fold = jnp.zeros((SUBS, n_bins, 2), jnp.float32).at[stretch, jnp.clip(bin_, 0, n_bins - 1)].add(both)

    most = int(_DRIFT * PER_DURATION)
    drifts = jnp.arange(-most, most + 1, dtype=jnp.float32)
    middle = (jnp.arange(SUBS, dtype=jnp.float32) + 0.5) / SUBS - 0.5
    shift = jnp.round(drifts[:, None] * middle[None]).astype(jnp.int32)
    where = jnp.arange(n_bins)[None, None] + shift[:, :, None]
    known = (where >= 0) & (where < n_bins)
    taken = jnp.clip(where, 0, n_bins - 1)
    moved = fold[jnp.arange(SUBS)[None, :, None], taken]
    profile = jnp.where(known[..., None], moved, 0.0).sum(axis=1)
    sums = jnp.pad(jnp.cumsum(profile, axis=1), ((0, 0), (1, 0), (0, 0)))

    widths = [2 * round(s * PER_DURATION / 2) for s in _STRETCH]
    columns = n_bins - max(widths)
    power = jnp.stack([jax.vmap(partial(_power, total=total, duration=d, columns=columns))(sums) for d in widths])
    new = jnp.asarray(widths, jnp.float32) / PER_DURATION * old.duration
    allowed = (new >= 0.8 * shortest) & (new <= 1.25 * longest)
    allowed = jnp.where(allowed.any(), allowed, True)
    power = jnp.where(allowed[:, None, None], power, 0.0)
    at = jnp.argmax(power)
    wide, drift, column = jnp.unravel_index(at, power.shape)
    change = drifts[drift] / PER_DURATION * old.duration
    # The drift is about the middle of the curve, so that epoch and period are found nearly apart.
    period = old.period * (1 + change / span)
    place = column.astype(jnp.float32) + 0.5 * jnp.asarray(widths, jnp.float32)[wide]
    late = (place / PER_DURATION - REACH) * old.duration
    centre = first + 0.5 * span
    turns = jnp.round((centre - old.t0) / old.period)
    at_centre = old.t0 + turns * old.period + late + (old.t0 + turns * old.period - centre) * change / span
    t0 = at_centre - turns * period
    found = Ephemeris(period, t0 - period * jnp.floor(t0 / period), new[wide], jnp.sqrt(power.reshape(-1)[at]))
    return jax.tree.map(lambda a, b: jnp.where(found.snr > 0, a, b).astype(jnp.float32), found, old)
