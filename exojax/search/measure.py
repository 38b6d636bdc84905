"""From a periodogram to the best candidate of each star, with everything that is asked of it, in one compiled call."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from exojax.search import noise, vet
from exojax.search.centroid import centroid_shift
from exojax.search.events import LIKE, events, middles, n_transits, unlike_sigma
from exojax.search.grid import Plan
from exojax.search.peaks import find_peaks
from exojax.search.polish import polish
from exojax.search.refine import Ephemeris, locate, refine
from exojax.search.single import SingleEvents, single_events

PEAKS = 3
"""peaks of a periodogram of which red noise picks one"""
HARMONICS = (1.0, 2.0, 0.5, 3.0, 1 / 3)
"""multiples of the best period that are judged with it"""
DOUBLE = (1, 1, 0, 3, 4)
"""for each harmonic, which one has twice its period; itself where none has"""
LESS = 0.85
"""what the SNR of a harmonic counts for: half of a planet's transits have 0.71 of it, and there are four chances"""
ODD_EVEN = 5.0
"""sigma by which the odd and even transits of a candidate differ at most, if also by more than detrending does"""
WIDEST = 0.25
"""share of its period that a transit lasts at most"""
UNLIKE = 4.0
"""standard errors beyond which the transits of a candidate are not of one planet"""
_NOT_ALIKE = 1e-6
MASKED = 0.75
"""durations on either side of mid-transit that hold nothing but the candidate"""


class Measured(NamedTuple):
    """The best periodic signal of each star; every attribute ``(n,)`` float32 but where said.

    Attributes:
        period, t0, duration, period_error, t0_error: cadences.
        depth: in units of the star's scatter.
        snr, snr_red, sde: as in ``Candidates``.
        n_transits: int32.
        odd_even_sigma, secondary_sigma, secondary_phase, centroid_sigma: as in ``Candidates``.
        unlike: standard errors by which one transit differs from the rest.
        strongest: cadences, middle of the most significant transit; its red-noise SNR is ``strongest_snr``.
        strongest_snr: see above.
        strongest_depth: in units of the star's scatter.
    """

    period: jax.Array
    t0: jax.Array
    duration: jax.Array
    period_error: jax.Array
    t0_error: jax.Array
    depth: jax.Array
    snr: jax.Array
    snr_red: jax.Array
    sde: jax.Array
    n_transits: jax.Array
    odd_even_sigma: jax.Array
    secondary_sigma: jax.Array
    secondary_phase: jax.Array
    centroid_sigma: jax.Array
    unlike: jax.Array
    strongest: jax.Array
    strongest_snr: jax.Array
    strongest_depth: jax.Array


def in_transit(period: jax.Array, t0: jax.Array, duration: jax.Array, n_cadences: int) -> jax.Array:
    """``(n, n_cadences)`` bool: within 0.75 durations of a mid-transit; an infinite period has one."""
    late = jnp.arange(n_cadences, dtype=jnp.float32)[None] - t0[:, None]
    turns = jnp.where(jnp.isinf(period)[:, None], 0.0, jnp.round(late / period[:, None]))
    late = late - jnp.where(turns == 0.0, 0.0, turns * period[:, None])
    return jnp.abs(late) <= MASKED * duration[:, None]


def _pick(values: jax.Array, which: jax.Array) -> jax.Array:
    """``(n,)`` of ``(n, k)``."""
    return jnp.take_along_axis(values, which[:, None], axis=1)[:, 0]


def above_trend(snr_red: jax.Array, snr: jax.Array, height: jax.Array) -> jax.Array:
    """What peaks of a periodogram are ranked by: the geometric mean of their SNR and of their height above the trend.

    At long periods chance alone gives a high SNR, which the trend tells; but the trend is raised by a strong signal at
    its own multiples too, so that height alone sides with short periods.

    Args:
        snr_red: ``(n, k)`` float32, SNR against red noise.
        snr: ``(n, k)`` float32, against white noise.
        height: ``(n, k)`` float32, of `peaks.find_peaks`, SNR against white noise above the trend.

    Returns:
        ``(n, k)`` float32, at most ``snr_red``.
    """
    return snr_red * jnp.sqrt(jnp.clip(height / jnp.maximum(snr, 1e-6), 0.0, 1.0))


def _judge(
    flux: jax.Array,
    weight: jax.Array,
    scatter: jax.Array,
    scales: jax.Array,
    durations: tuple[int, ...],
    columns: int,
    most: int,
    period: jax.Array,
) -> tuple[Ephemeris, jax.Array, jax.Array]:
    """The best dip at each of several periods ``(n, k)`` a star: where, how good, and whether odd and even differ.

    A fold of one event, or of events that differ, is better than nothing only.
    """
    n, k = period.shape
    y, w = jnp.repeat(flux, k, axis=0), jnp.repeat(weight, k, axis=0)
    found = locate(y, w, period.reshape(-1), columns=columns, durations=durations)
    depths, ivar = events(y, w, found.period, found.t0, found.duration, most)
    middle = middles(found.period, found.t0, most)
    each = noise.event_scatter(jnp.repeat(scatter, k, axis=0), scales, found.duration, middle, flux.shape[1])
    true = ivar / each**2
    alike = (n_transits(ivar) > 1) & (unlike_sigma(depths, true, found.duration) <= UNLIKE)
    score = found.snr / noise.red_factor(ivar, each) * jnp.where(alike, 1.0, _NOT_ALIKE)
    power = depths * true
    even, odd = (power[:, k::2].sum(axis=1) / jnp.maximum(true[:, k::2].sum(axis=1), 1e-6) for k in (0, 1))
    apart = jnp.abs(even - odd) > (LIKE + 0.5 / found.duration) * jnp.maximum(even, odd)
    wide = lambda x: x.reshape(n, k)  # noqa: E731
    differs = apart & (vet.odd_even_sigma(depths, true) > ODD_EVEN)
    return Ephemeris(*map(wide, found)), wide(score), wide(differs)


@partial(jax.jit, static_argnums=0)
def measure(
    plan: Plan,
    power: jax.Array,
    flux: jax.Array,
    weight: jax.Array,
    centroid: jax.Array | None,
    shortest: jax.Array,
    longest: jax.Array,
) -> tuple[Measured, SingleEvents]:
    """The best periodic signal of each star, and the best single event.

    Of the periodogram's highest peaks the best by `above_trend` is taken, of its harmonics the one with the highest SNR
    against red noise; that is refined. Where its odd and even transits differ, twice the period is: a binary's two
    eclipses are not one planet's transits.

    Args:
        plan: of the periodogram.
        power: ``(n_periods, n)`` float32.
        flux: ``(n, n_cadences)`` float32, flat, in units of the star's scatter.
        weight: ``(n, n_cadences)`` float32, 0 in what was found before.
        centroid: ``(n, n_cadences, 2)`` float32 pixels, or None.
        shortest, longest: ``(n,)`` float32, cadences, durations allowed for the star.
    """
    n, size = flux.shape
    tried = tuple(sorted({int(d) for d in plan.durations}))
    scales = jnp.asarray([2.0 * 2.0**k for k in range(int(np.log2(max(tried))) + 1)], jnp.float32)
    most = int(size * plan.cadence / plan.periods.min()) + 2
    columns = int(np.ceil(plan.periods.max() / plan.cadence)) + 1

    peaks = find_peaks(plan, power, PEAKS)
    scatter = noise.pulse_scatter(flux, weight, scales)
    judge = partial(_judge, flux, weight, scatter, scales, tried, columns, most)
    found, score, differs = judge(peaks.period / plan.cadence)
    best = jnp.argmax(above_trend(score, found.snr, peaks.height), axis=1)
    # Period and multiples share the grid's misfit here; in the periodogram each had its own.
    low, high = plan.periods.min() / plan.cadence, plan.periods.max() / plan.cadence
    several = _pick(found.period, best)[:, None] * jnp.asarray(HARMONICS, jnp.float32)[None]
    inside = (several >= 0.999 * low) & (several <= 1.001 * high)
    # The first of them is judged already.
    others = judge(jnp.clip(several[:, 1:], low, high))
    join = lambda known, more: jnp.concatenate([_pick(known, best)[:, None], more], axis=1)  # noqa: E731
    found, score, differs = jax.tree.map(join, (found, score, differs), others)
    score = score * jnp.asarray([1.0] + [LESS] * (len(HARMONICS) - 1), jnp.float32)[None]
    which = jnp.argmax(jnp.where(inside, score, -jnp.inf), axis=1)
    double = jnp.asarray(DOUBLE, jnp.int32)[which]
    twice = _pick(differs, which) & _pick(inside, double)
    start = Ephemeris(*(_pick(x, jnp.where(twice, double, which)) for x in found))
    longest = jnp.minimum(longest, WIDEST * start.period)
    chosen = refine(flux, weight, start, shortest, longest)
    shape = polish(flux, weight, chosen, shortest, longest)

    # The noise is what the curve does outside of the transits.
    inside = in_transit(shape.period, shape.t0, shape.duration, size)
    scatter = noise.pulse_scatter(flux, jnp.where(inside, 0.0, weight), scales)
    depths, ivar = events(flux, weight, shape.period, shape.t0, shape.duration, most)
    middle = middles(shape.period, shape.t0, most)
    each = noise.event_scatter(scatter, scales, shape.duration, middle, size)
    red = noise.red_factor(ivar, each)
    _, second, phase, red = vet.secondary(flux, weight, shape.period, shape.t0, shape.duration, red)
    true = ivar / each**2
    apart = depths * jnp.sqrt(true)
    top = jnp.argmax(apart, axis=1)[:, None]
    read = lambda x: jnp.take_along_axis(x, top, axis=1)[:, 0]  # noqa: E731
    shift = jnp.full(n, jnp.nan)
    if centroid is not None:
        _, shift = centroid_shift(centroid, weight, shape.period, shape.t0, shape.duration, most)
    measured = Measured(
        shape.period,
        shape.t0,
        shape.duration,
        shape.period_error,
        shape.t0_error,
        jnp.where(shape.depth > 0, shape.depth, chosen.snr / jnp.sqrt(jnp.maximum(ivar.sum(axis=1), 1.0))),
        chosen.snr,
        chosen.snr / red,
        _pick(peaks.sde, best),
        n_transits(ivar),
        vet.odd_even_sigma(depths, true),
        second,
        phase,
        shift,
        unlike_sigma(depths, true, shape.duration),
        read(middle),
        read(apart),
        read(depths),
    )
    return measured, single_events(flux, weight, scales, scatter)
