"""The periodogram: the best SNR at every period, for a batch of stars at once.

Arrays are time-major with the star innermost, and flat, so that every operation walks once through contiguous memory
and there are no gathers. What is folded is the *cumulative* sum of weight and of weighted flux: the fold of a
cumulative sum is the cumulative sum of the fold, so that one fold serves every duration. Only an octave of periods is
folded directly; the fold at half a period is the fold plus itself half a period later.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from exojax.search.grid import Band, Plan, inner

_UNROLLED = 8  # rows folded in one pass over the accumulator
# Columns, and cadences, times stars of which folds and sums stay in a core's second-level cache.
_COLUMNS_AT_ONCE, _CADENCES_AT_ONCE, _LEAST_STARS = 24_000, 120_000, 8
_SCALAR_COLUMNS = 64  # XLA's own reduction over columns is scalar on CPU: it gets only the last few


@partial(jax.jit, static_argnums=0)
def periodogram(plan: Plan, flux: jax.Array, weight: jax.Array) -> jax.Array:
    """The highest SNR of a dip at each period, over epochs and durations.

    The template is 1 over the inner 78 % of a transit and 1/2 over the rest of it, about a free constant level. With
    weights ``w``, template ``t``, weighted mean removed from the flux ``y``, ``s = sum(w t y)``, ``W = sum(w)``,
    ``a1 = sum(w t)``, ``a2 = sum(w t^2)``: ``SNR^2 = s^2 W / (a2 W - a1^2)`` where ``s < 0`` (Kovacs et al. 2002, A&A
    391, 369, for the box, where ``a1 = a2``).

    Args:
        plan: periods and durations.
        flux: ``(n_stars, n_cadences)`` float32, flat, in units of the star's scatter.
        weight: ``(n_stars, n_cadences)`` float32, inverse variance in units of the scatter's; multiples of 1/64 up to 4
            keep the sums of weights exact.

    Returns:
        ``(n_periods, n_stars)`` float32, in the order of ``plan.periods``; 0 where nothing dips.
    """
    n_stars = flux.shape[0]
    total = jnp.maximum(weight.sum(axis=1), 1.0)
    centred = weight * (flux - ((weight * flux).sum(axis=1) / total)[:, None])
    found = []
    for bin_ in dict.fromkeys(band.bin for band in plan.bands):
        bands = [band for band in plan.bands if band.bin == bin_]
        length = max(_reach(band) for band in bands)
        lead = max(band.lead + _blocks(band).slack for band in bands)
        sums = _cumulative(_bin(centred, bin_), lead, length, 0.0)
        # Less a slope of one typical weight a cadence, which a fold adds again: sums stay small, and exact in float32.
        weights = _cumulative(_bin(weight, bin_), lead, length, float(bin_))
        for band in bands:
            chunk = _stars_at_once(band, n_stars)
            skip = lead - band.lead - _blocks(band).slack
            parts = (_chunks(sums[skip:], chunk), _chunks(weights[skip:], chunk), total.reshape(-1, chunk))
            power = lax.map(partial(_chunk, band), parts)
            found.append(jnp.moveaxis(power, 0, 1).reshape(-1, n_stars))
    return jnp.concatenate(found)


def _chunk(band: Band, part: tuple[jax.Array, jax.Array, jax.Array]) -> jax.Array:
    """One chunk of stars, or zeros at once where it is padding only."""
    shape = (band.n_trials * len(band.durations), part[2].shape[0])
    empty = lambda *_: jnp.zeros(shape, jnp.float32)  # noqa: E731
    return lax.cond((part[2] > 1.0).any(), partial(_band, band), empty, *part)


def _stars_at_once(band: Band, n_stars: int) -> int:
    """How many stars are folded together: on a CPU few enough for the cache, many enough to be worth a step."""
    if jax.default_backend() != "cpu":
        return n_stars
    columns, cadences = _COLUMNS_AT_ONCE // band.high, _CADENCES_AT_ONCE // (band.rows * band.low)
    # Sums of long curves do not fit whatever is done; a few stars together still share each step's overhead.
    most = min(columns, max(cadences, _LEAST_STARS))
    return max(size for size in range(1, n_stars + 1) if n_stars % size == 0 and size <= max(most, 1))


def _chunks(sums: jax.Array, size: int) -> jax.Array:
    """``(length, n_stars)`` to ``(n_chunks, length * size)``, each chunk time-major."""
    length, n_stars = sums.shape
    return sums.reshape(length, n_stars // size, size).transpose(1, 0, 2).reshape(n_stars // size, -1)


def _bin(values: jax.Array, size: int) -> jax.Array:
    """Sums of ``size`` neighbouring cadences."""
    if size == 1:
        return values
    padded = jnp.pad(values, ((0, 0), (0, -values.shape[1] % size)))
    return padded.reshape(values.shape[0], -1, size).sum(axis=2)


def _cumulative(values: jax.Array, lead: int, length: int, slope: float) -> jax.Array:
    """``(length, n_stars)`` exclusive sums from ``lead`` bins before the data on, less ``slope`` a bin."""
    n = values.shape[1]
    steps = jnp.pad(values, ((0, 0), (lead, max(length - n - lead, 0)))) - slope
    return jnp.pad(jnp.cumsum(steps, axis=1)[:, : length - 1], ((0, 0), (1, 0))).T


def _widths(band: Band) -> tuple[list[int], list[int]]:
    """For each level, the columns that are evaluated, and the columns that a fold has to hold."""
    columns = [-(-(band.high + 1) // 2**level) for level in range(len(band.durations))]
    held = [count + max(level) for count, level in zip(columns, band.durations)]
    for level in range(len(columns) - 2, -1, -1):
        held[level] = max(held[level], columns[level + 1] + 2 + held[level + 1])
    return columns, held


class _Blocks(NamedTuple):
    """How the rows of a band are shared: ``size`` neighbouring rows are summed once for ``group`` neighbouring trials.

    Within a block the rows of all these trials agree to half a bin; a trial then adds ``number`` block sums, each moved
    by up to ``slack`` bins: some ``2 sqrt(rows)`` additions instead of ``rows``. One block is a plain fold.
    """

    size: int
    number: int
    group: int
    slack: int


def _blocks(band: Band) -> _Blocks:
    if band.rows <= _UNROLLED:
        return _Blocks(band.rows, 1, 1, 0)
    root = math.sqrt(band.rows)
    size = math.ceil(root) if root <= _UNROLLED else _UNROLLED * round(root / _UNROLLED)
    group = max(band.steps // size, 1)
    return _Blocks(size, -(-band.rows // size), group, group // 2 + 2)


def _reach(band: Band) -> int:
    """Length of the cumulative sums that the band reads."""
    blocks = _blocks(band)
    return blocks.size * blocks.number * band.high + _widths(band)[1][0] + 2 * blocks.slack + 2


def _rows(array: jax.Array, starts: Callable[[jax.Array | int], jax.Array], number: int, size: int) -> jax.Array:
    """The sum of ``number`` slices of ``size`` values."""
    cut = lambda i: lax.dynamic_slice(array, (starts(i),), (size,), allow_negative_indices=False)  # noqa: E731
    total = cut(0)
    for i in range(1, number % _UNROLLED or min(number, _UNROLLED)):
        total = total + cut(i)
    first = number % _UNROLLED or min(number, _UNROLLED)

    def more(k: jax.Array, carried: jax.Array) -> jax.Array:
        for i in range(_UNROLLED):
            carried = carried + cut(first + k * _UNROLLED + i)
        return carried

    return total if first == number else lax.fori_loop(0, (number - first) // _UNROLLED, more, total)


def _band(band: Band, sums: jax.Array, weights: jax.Array, total: jax.Array) -> jax.Array:
    """``(n_trials * n_levels, n_stars)`` SNR of one band."""
    n_stars, n_levels, steps = total.shape[0], len(band.durations), band.steps
    columns, held = _widths(band)
    blocks = _blocks(band)
    tiled = jnp.tile(total, columns[0])
    column = jnp.repeat(jnp.arange(columns[0], dtype=jnp.int32), n_stars)
    wide = (held[0] + 2 * blocks.slack) * n_stars
    # The slope that `_cumulative` took off, in all rows.
    ramp = jnp.repeat(jnp.arange(held[0], dtype=jnp.float32) * (blocks.size * blocks.number * band.bin), n_stars)

    def starts_of(trial: jax.Array) -> Callable[[jax.Array | int], jax.Array]:
        """Where a row begins, in bins: its number times the period, rounded."""
        # Nothing here is negative: `//` and `%` of traced integers would mind, at a dozen operations each.
        whole, part = band.low + lax.div(trial, jnp.int32(steps)), lax.rem(trial, jnp.int32(steps))
        return lambda row: row * whole + lax.div(2 * row * part + steps, jnp.int32(2 * steps))

    def block_sums(array: jax.Array, trial: jax.Array) -> jax.Array:
        """``(number * wide,)`` every block's rows laid over each other, from ``slack`` bins before it."""
        start = starts_of(trial)
        first = lambda block: lambda i: start(block * blocks.size + i) * n_stars  # noqa: E731
        if blocks.number == 1:
            return _rows(array, first(0), blocks.size, wide)
        numbers = jnp.arange(blocks.number, dtype=jnp.int32)
        return lax.map(lambda block: _rows(array, first(block), blocks.size, wide), numbers).reshape(-1)

    def fold(sum_of_blocks: jax.Array, trial: jax.Array, shared: jax.Array) -> jax.Array:
        if blocks.number == 1:
            return sum_of_blocks

        start, theirs = starts_of(trial), starts_of(shared)

        def at(block: jax.Array | int) -> jax.Array:
            first = block * blocks.size
            return block * wide + (blocks.slack + start(first) - theirs(first)) * n_stars

        return _rows(sum_of_blocks, at, blocks.number, held[0] * n_stars)

    last = band.n_trials - 1

    # Levels are a pipeline through the carry: level l of trial k is evaluated one step after it was halved. Folds that
    # do not pass through the carry are fused into, and done again for, every duration.
    def step(given: tuple, carry: tuple, trial: jax.Array) -> tuple[tuple, jax.Array]:
        shared, block_fold, block_mass = given
        folds, masses = carry
        found = []
        for level in range(n_levels):
            at = (trial - 1 - level) + band.low * steps
            below = column[: columns[level] * n_stars] * (2**level * steps) < at
            value = _best(
                folds[level],
                masses[level],
                tiled,
                below,
                band.durations[level],
                columns[level],
                n_stars,
            )
            found.append(_highest(value, columns[level], n_stars))
        now = jnp.minimum(trial, last)
        new_folds, new_masses = [fold(block_fold, now, shared)], [fold(block_mass, now, shared) + ramp]
        for level in range(1, n_levels):
            at = jnp.clip(trial - level, 0, last) + band.low * steps
            half = lax.div(2 * at + 2**level * steps, jnp.int32(2 ** (level + 1) * steps)) * n_stars
            size = held[level] * n_stars
            new_folds.append(folds[level - 1][:size] + lax.dynamic_slice(folds[level - 1], (half,), (size,)))
            new_masses.append(masses[level - 1][:size] + lax.dynamic_slice(masses[level - 1], (half,), (size,)))
        return (tuple(new_folds), tuple(new_masses)), jnp.stack(found)

    def group(carry: tuple, first: jax.Array) -> tuple[tuple, jax.Array]:
        shared = jnp.minimum(first + blocks.group // 2, last)
        given = (shared, block_sums(sums, shared), block_sums(weights, shared))
        if blocks.group == 1:
            carry, found = step(given, carry, first)
            return carry, found[None]
        return lax.scan(partial(step, given), carry, first + jnp.arange(blocks.group, dtype=jnp.int32))

    empty = tuple(jnp.zeros(size * n_stars, jnp.float32) for size in held)
    groups = -(-(band.n_trials + n_levels) // blocks.group)
    _, powers = lax.scan(group, (empty, empty), jnp.arange(groups, dtype=jnp.int32) * blocks.group)
    powers = powers.reshape(-1, n_levels, n_stars)
    each = [powers[1 + level : 1 + level + band.n_trials, level] for level in range(n_levels)]
    return jnp.sqrt(jnp.stack(each, axis=1) * total[None, None]).reshape(-1, n_stars)


def _best(
    fold: jax.Array,
    mass: jax.Array,
    total: jax.Array,
    below: jax.Array,
    durations: tuple[int, ...],
    columns: int,
    n_stars: int,
) -> jax.Array:
    """``(columns * n_stars,)`` the highest ``s^2 / (a2 W - a1^2)`` over durations, of windows starting at each column.

    Ratios are compared by cross-multiplication, and the one division comes last: a ``where`` after it would make XLA
    on CPU evaluate it again for every consumer.
    """
    size = columns * n_stars
    whole = total[:size]

    def window(array: jax.Array, start: int, length: int) -> jax.Array:
        a, b = start * n_stars, (start + length) * n_stars
        return lax.slice(array, (b,), (b + size,)) - lax.slice(array, (a,), (a + size,))

    top = bottom = None
    for duration in durations:
        core = inner(duration)
        outside = (duration - core) // 2
        # Twice s, twice a1, four times a2: the template's halves are left to the end, where they cancel.
        s = lax.min(window(fold, 0, duration) + window(fold, outside, core), 0.0)
        full, half = window(mass, outside, core), window(mass, 0, duration)
        a1 = half + full
        power, norm = s * s, lax.max((a1 + 2.0 * full) * whole - a1 * a1, 1.0)
        if top is None or bottom is None:
            top, bottom = power, norm
        else:
            better = power * bottom > top * norm
            top, bottom = lax.select(better, power, top), lax.select(better, norm, bottom)
    assert top is not None
    assert bottom is not None
    return jnp.where(below, top, 0.0) / bottom


def _highest(values: jax.Array, columns: int, n_stars: int) -> jax.Array:
    """``(n_stars,)`` maximum over columns, by halves that overlap."""
    while columns > _SCALAR_COLUMNS:
        half = (columns + 1) // 2
        first, second = ((at * n_stars,) for at in (0, columns - half))
        size = (half * n_stars,)
        values = lax.max(lax.slice(values, first, size), lax.slice(values, second, (columns * n_stars,)))
        columns = half
    return values.reshape(columns, n_stars).max(axis=0)
