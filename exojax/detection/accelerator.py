"""The periodogram on a GPU or TPU: every trial of the plan, for several stars of one padded length at once.

A CPU evaluates a trial in loops (:mod:`exojax.loops.periodogram`), an accelerator with one gather and one sum. Periods,
durations, lengths and bins are data of the compiled program. One program is compiled for each pair of powers of four
that bounds the rows and columns of a trial, and serves all stars.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from exojax.detection.period_grid import Band, PeriodGrid
from exojax.detection.periodogram import Periodogram, Trend, centred

LENGTHS = (1500, 4500, 20000, 72000)
"""lengths to which curves are padded, cadences; longer curves are padded to multiples of the last length"""
STARS = (8, 64)
"""numbers of stars that are searched together; smaller batches are padded with empty stars"""
_TRIALS = 16  # evaluated together
_STEPS = 64  # of so many trials, at most, in one call
_MOST_DURATIONS = 4


def padded_length(n_cadences: int) -> int:
    """Return the length that curves of ``n_cadences`` are padded to."""
    for length in LENGTHS:
        if n_cadences <= length:
            return length
    return -(-n_cadences // LENGTHS[-1]) * LENGTHS[-1]


def periodograms(plan: PeriodGrid, curves: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[Periodogram]:
    """Return the periodogram of each star, every trial of the plan evaluated.

    Args:
        plan: periods and durations; ``plan.n_cadences`` is at least the length of the longest curve.
        curves: flux and weight of each star, ``(n_cadences,)`` float32, as for ``periodogram.periodogram``.
    """
    size = padded_length(max(len(flux) for flux, _ in curves))
    whole = next((n for n in STARS if len(curves) <= n), STARS[-1])
    if len(curves) > whole:
        return periodograms(plan, curves[:whole]) + periodograms(plan, curves[whole:])
    values, weights = np.zeros((2, whole, size))
    total = np.ones(whole)
    for k, (flux, weight) in enumerate(curves):
        values[k, : len(flux)], total[k] = centred(flux, weight)
        weights[k, : len(flux)] = weight
    bands = [band for one in plan.passes for band in one.bands]
    powers = [np.zeros((whole, len(band.periods)), np.float32) for band in bands]
    sums = {b: tuple(_cumulative(x, b) for x in (values, weights)) for b in {band.bin for band in bands}}
    for kind, chosen in _kinds(bands, size).items():
        for number, places in chosen.items():
            band = bands[number]
            flux, mass = sums[band.bin]
            powers[number][:, places] = _evaluated(kind, band, places, flux, mass, total, size)
    period = np.concatenate([one.periods for one in plan.passes])
    log_period = np.log(period)
    fine = np.repeat([False] * (len(plan.passes) - 1) + [True], [len(one.periods) for one in plan.passes])
    power = np.concatenate(powers, axis=1)
    order = np.argsort(period, kind="stable")
    first = len(plan.passes[0].periods)
    found = []
    for row in power[: len(curves)]:
        trend = Trend.of(log_period[:first], row[:first])
        found.append(Periodogram(period[order], row[order], trend.at(log_period)[order], fine[order], trend.spread))
    return found


def _kinds(bands: Sequence[Band], size: int) -> dict[tuple[int, int], dict[int, np.ndarray]]:
    """Return, for each ``(rows, columns)`` in powers of four, the indices of its trials by band."""
    kinds: dict[tuple[int, int], dict[int, np.ndarray]] = {}
    for number, band in enumerate(bands):
        longest = int(band.durations.max())
        rows = np.ceil((longest + size / band.bin) / band.periods)
        columns = np.ceil(band.periods)
        pairs = np.stack([4 ** np.ceil(np.log(x) / math.log(4) - 1e-9) for x in (rows, columns)]).astype(np.int64)
        for pair in np.unique(pairs, axis=1).T.tolist():
            places = np.flatnonzero((pair == pairs.T).all(axis=1))
            kinds.setdefault((pair[0], pair[1]), {})[number] = places
    return kinds


def _cumulative(values: np.ndarray, bin_size: int) -> np.ndarray:
    """Return exclusive sums of bins, ``(n_stars, n_bins + 1)`` float32."""
    more = -values.shape[1] % bin_size
    binned = np.pad(values, ((0, 0), (0, more))).reshape(len(values), -1, bin_size).sum(axis=2)
    return np.pad(np.cumsum(binned, axis=1), ((0, 0), (1, 0))).astype(np.float32)


def _evaluated(
    kind: tuple[int, int],
    band: Band,
    places: np.ndarray,
    sums: np.ndarray,
    masses: np.ndarray,
    total: np.ndarray,
    size: int,
) -> np.ndarray:
    """Return the SNR ``(n_stars, n_places)`` of the trials ``places`` of a band."""
    # Sums of wide bins are shorter: one shape serves all.
    wide = [jnp.asarray(np.pad(x, ((0, 0), (0, size + 1 - x.shape[1])), mode="edge")) for x in (sums, masses)]
    # What a trial has fewer durations than others is its last one again.
    durations, cores = (np.pad(x, (0, _MOST_DURATIONS - len(x)), mode="edge") for x in (band.durations, band.cores))
    given = [jnp.asarray(x, dtype) for x, dtype in ((total, jnp.float32), (durations, jnp.int32), (cores, jnp.int32))]
    found = []
    for begin in range(0, len(places), _STEPS * _TRIALS):
        some = band.periods[places[begin : begin + _STEPS * _TRIALS]]
        # However many trials there are, the shape is one.
        periods = np.pad(some, (0, _STEPS * _TRIALS - len(some)), mode="edge").reshape(_STEPS, _TRIALS)
        starts = np.floor(periods[..., None] * np.arange(kind[0]) + 0.5).astype(np.int32) - int(band.durations.max())
        columns = np.ceil(periods).astype(np.int32)
        steps = jnp.int32(-(-len(some) // _TRIALS))
        power = _trials(kind[1], steps, *wide, given[0], jnp.asarray(starts), jnp.asarray(columns), *given[1:])
        found.append(np.asarray(power).reshape(-1, len(total))[: len(some)])
    return np.concatenate(found).T


def _folded(array: jax.Array, places: jax.Array) -> jax.Array:
    """Return ``(n_stars, n_columns)`` sums over the rows of a fold; ``places (n_rows, n_columns)`` are clipped."""
    return array[:, jnp.clip(places, 0, array.shape[1] - 1)].sum(axis=1)


@partial(jax.jit, static_argnums=(0,))
def _trials(
    most_columns: int,
    steps: jax.Array,
    sums: jax.Array,
    masses: jax.Array,
    total: jax.Array,
    starts: jax.Array,
    columns: jax.Array,
    durations: jax.Array,
    cores: jax.Array,
) -> jax.Array:
    """Return the SNR of trials of every star: ``(_STEPS, _TRIALS, n_stars)`` float32, 0 beyond the first ``steps``.

    Args:
        most_columns: columns evaluated.
        steps: int32, of ``_TRIALS`` each.
        sums, masses: ``(n_stars, size + 1)`` float32, exclusive sums of weighted flux and of weight.
        total: ``(n_stars,)`` float32, sum of the weights.
        starts: ``(_STEPS, _TRIALS, rows)`` int32, where each row of a fold begins; before the data is negative.
        columns: ``(_STEPS, _TRIALS)`` int32, bins in a period.
        durations, cores: ``(n_durations,)`` int32, bins.
    """
    column = jnp.arange(most_columns, dtype=jnp.int32)

    def best_snr(rows: jax.Array, wide: jax.Array) -> jax.Array:
        places = rows[:, None] + column[None]
        flux, mass = _folded(sums, places), _folded(masses, places)

        def duration(best: jax.Array, sizes: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
            d, core = sizes
            out = (d - core) // 2
            s = _folded(sums, places + d) - flux + _folded(sums, places + out + core) - _folded(sums, places + out)
            full = _folded(masses, places + out + core) - _folded(masses, places + out)
            a1 = _folded(masses, places + d) - mass + full
            norm = jnp.maximum((a1 + 2.0 * full) * total[:, None] - a1 * a1, 1.0)
            power = jnp.where((s < 0.0) & (column < wide)[None], s * s / norm, 0.0)
            return jnp.maximum(best, power.max(axis=1)), None

        best, _ = lax.scan(duration, jnp.zeros_like(total), (durations, cores))
        return jnp.sqrt(best * total)

    def step(k: jax.Array, done: jax.Array) -> jax.Array:
        return done.at[k].set(jax.vmap(best_snr)(starts[k], columns[k]))

    return lax.fori_loop(0, steps, step, jnp.zeros((_STEPS, _TRIALS, len(total))))
