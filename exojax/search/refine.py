"""From peaks of a periodogram to ephemerides: epoch, duration, and a period finer than the grid's."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from exojax.search.grid import INNER, Plan

BLOCKS = 40
"""stretches of log period whose means are the periodogram's trend"""
SUBS = 16
"""stretches of time that are folded apart, so that a change of period shifts them against each other"""
PER_DURATION = 16
"""bins of the fine fold in one duration"""
REACH = 2.5
"""durations on either side of the transit in the fine fold"""
_DRIFT = 1.5  # durations over the whole curve, the largest correction of a period
_WINDOW = 2.0  # durations on either side of the transit that the fit sees
_STEPS = 14
_TIE = 0.5  # inverse variance of the logarithm of an ingress's variance about its usual value
_ROOT, _NORM = float(np.sqrt(0.5)), float(1 / np.sqrt(2 * np.pi))
_STRETCH = (0.5, 0.63, 0.8, 1.0, 1.25, 1.6)  # durations tried in the fine fold


class Peaks(NamedTuple):
    """The highest peaks of each star's periodogram, ``(n_stars, n_peaks)`` float32 each.

    Attributes:
        period: days, as in the plan's grid.
        height: SNR above the periodogram's trend.
        sde: height in standard deviations of the periodogram about its trend (Alcock et al. 2000, ApJ 542, 257).
    """

    period: jax.Array
    height: jax.Array
    sde: jax.Array


class Ephemeris(NamedTuple):
    """A box-like signal, each ``(n,)`` float32: cadences, and the SNR of the template of ``sweep.periodogram``."""

    period: jax.Array
    t0: jax.Array
    duration: jax.Array
    snr: jax.Array


@partial(jax.jit, static_argnums=(0, 2))
def find_peaks(plan: Plan, power: jax.Array, n_peaks: int) -> Peaks:
    """The highest separate peaks above the periodogram's trend, which red noise raises towards long periods.

    Args:
        plan: of the periodogram.
        power: ``(n_periods, n_stars)`` float32, SNR.
        n_peaks: how many a star.
    """
    log_period = np.log(plan.periods)
    block = (log_period - log_period.min()) / (np.ptp(log_period) * (1 + 1e-9)) * BLOCKS
    member = (np.arange(BLOCKS)[:, None] == block.astype(int)).astype(np.float32)
    means = (member / np.maximum(member.sum(axis=1, keepdims=True), 1)) @ power
    above = power - means[block.astype(int)]
    spread = jnp.maximum(above.std(axis=0), 1e-6)
    # Transits of a period this close drift by less than two of the longest durations over the curve.
    near = 2 * plan.durations.max() / plan.n_cadences
    places = jnp.asarray(log_period - log_period.min(), jnp.float32)
    stars = jnp.arange(power.shape[1])
    periods, heights = [], []
    left = above
    for _ in range(n_peaks):
        at = left.argmax(axis=0)
        periods.append(jnp.asarray(plan.periods, jnp.float32)[at])
        heights.append(left[at, stars])
        left = jnp.where(jnp.abs(places[:, None] - places[at]) <= near, -jnp.inf, left)
    height = jnp.stack(heights, axis=1)
    return Peaks(jnp.stack(periods, axis=1), height, height / spread[:, None])


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
        return Ephemeris(p, start.astype(jnp.float32) - 0.5 + d / 2, d, jnp.sqrt(power[best, start]))

    return jax.vmap(one)(flux, weight, period)


def _power(sums: jax.Array, total: jax.Array, duration: int, columns: int) -> jax.Array:
    """``(columns,)`` squared SNR of windows of ``duration`` bins; ``sums (>= columns + duration, 2)`` exclusive."""
    core = max(2 * round(INNER * duration / 2) if duration % 2 == 0 else 2 * round((INNER * duration - 1) / 2) + 1, 1)
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
    drifts = jnp.arange(-most, most + 1)
    middle = (jnp.arange(SUBS) + 0.5) / SUBS - 0.5
    shift = jnp.round(drifts[:, None] * middle).astype(jnp.int32)
    where = jnp.arange(n_bins) + shift[:, :, None]
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
    late = ((column + 0.5 * jnp.asarray(widths)[wide]) / PER_DURATION - REACH) * old.duration
    centre = first + 0.5 * span
    turns = jnp.round((centre - old.t0) / old.period)
    at_centre = old.t0 + turns * old.period + late + (old.t0 + turns * old.period - centre) * change / span
    t0 = at_centre - turns * period
    found = Ephemeris(period, t0 - period * jnp.floor(t0 / period), new[wide], jnp.sqrt(power.reshape(-1)[at]))
    return jax.tree.map(lambda a, b: jnp.where(found.snr > 0, a, b).astype(jnp.float32), found, old)


class Shape(NamedTuple):
    """A fitted transit, each ``(n,)`` float32.

    Attributes:
        period, t0: cadences.
        duration: first to last contact, cadences.
        period_error, t0_error: one sigma for white noise, cadences.
        depth: in units of scatter, at the middle.
    """

    period: jax.Array
    t0: jax.Array
    duration: jax.Array
    period_error: jax.Array
    t0_error: jax.Array
    depth: jax.Array


@jax.jit
def polish(flux: jax.Array, weight: jax.Array, start: Ephemeris, shortest: jax.Array, longest: jax.Array) -> Shape:
    """Least squares in period, epoch, width and steepness, by Levenberg-Marquardt from a refined ephemeris.

    The model is a box with edges of a normal distribution's integral: ``Phi((x + h) / s) - Phi((x - h) / s)``, where
    ``s^2`` is the variance of an ingress of ``2 r`` cadences seen through exposures of one, ``r^2 / 3 + 1 / 12``.
    Smooth edges weigh what the data know of the ingress; a box's corners do not.

    Args:
        flux: ``(n, n_cadences)`` float32, flat, in units of scatter.
        weight: ``(n, n_cadences)`` float32.
        start: ``(n,)`` each.
        shortest, longest: ``(n,)`` float32, cadences, durations allowed for the star.
    """
    return jax.vmap(_polish_one)(flux, weight, start, shortest, longest)


def _polish_one(y: jax.Array, w: jax.Array, start: Ephemeris, shortest: jax.Array, longest: jax.Array) -> Shape:
    n = y.shape[0]
    index = jnp.arange(n, dtype=jnp.float32)
    centre = 0.5 * (n - 1.0)
    middle = start.t0 + start.period * jnp.round((centre - start.t0) / start.period)
    turn = jnp.round((index - middle) / start.period)
    offset = index - middle - turn * start.period
    near = jnp.abs(offset) < _WINDOW * start.duration
    v = jnp.where(near, w, 0.0)
    least = 1.0 / 12.0

    # Parameters: epoch, drift a turn in units of 1 / (half the number of turns), log width, log variance, depth, level.
    scale = 1.0 / jnp.maximum(0.5 * n / start.period, 1.0)

    def model(p: jax.Array) -> tuple[jax.Array, jax.Array]:
        half, s = 0.5 * jnp.exp(p[2]), jnp.sqrt(least + jnp.exp(p[3]))
        x = offset - p[0] - p[1] * turn * scale
        a, b = (x + half) / s, (x - half) / s
        f = 0.5 * (lax.erf(a * _ROOT) - lax.erf(b * _ROOT))
        ga, gb = jnp.exp(-0.5 * a * a) * _NORM, jnp.exp(-0.5 * b * b) * _NORM
        dx, dh = (ga - gb) / s, (ga + gb) / s
        ds = -(ga * a - gb * b) / s
        columns = (dx, dx * turn * scale, -dh * half, -ds * jnp.exp(p[3]) / (2 * s))
        jacobian = jnp.stack([p[4] * c for c in columns] + [-f, jnp.ones_like(f)], axis=1)
        return p[5] - p[4] * f, jacobian

    def cost(p: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        found, jacobian = model(p)
        residual = y - found
        weighted = jacobian * v[:, None]
        return (v * residual * residual).sum(), weighted.T @ residual, weighted.T @ jacobian

    # A weak pull towards a usual steepness, where the data say nothing of it.
    usual = jnp.log((0.1 * start.duration) ** 2 / 3 + 0.02)
    tie = jnp.zeros(6).at[3].set(_TIE)
    low = jnp.log(0.5 * jnp.maximum(0.6 * shortest, 0.5 * start.duration))
    high = jnp.log(jnp.maximum(1.25 * longest, 1.25 * start.duration))
    first = jnp.stack(
        [
            0.0 * usual,
            0.0 * usual,
            jnp.log(0.89 * start.duration),
            usual,
            start.snr / jnp.sqrt(1.0 + v.sum() / 6),
            0.0 * usual,
        ]
    )

    def step(_: int, carry: tuple) -> tuple:
        p, damping, (chi, gradient, hessian) = carry
        gradient, hessian = gradient - tie * (p - usual), hessian + jnp.diag(tie)
        system = hessian + jnp.diag(damping * jnp.diag(hessian) + 1e-6)
        move = jnp.linalg.solve(system, gradient)
        bound = 0.25 * start.duration
        move = jnp.clip(
            move,
            jnp.stack([-bound, -bound, -0.2, -1.0, -jnp.inf, -jnp.inf]),
            jnp.stack([bound, bound, 0.2, 1.0, jnp.inf, jnp.inf]),
        )
        new = p + move
        new = new.at[2].set(jnp.clip(new[2], low, high)).at[3].set(jnp.clip(new[3], -6.0, 2 * new[2] - 2.5))
        again = cost(new)
        total = lambda c, q: c[0] + _TIE * (q[3] - usual) ** 2  # noqa: E731
        better = total(again, new) < total((chi,), p)
        keep = lambda a, b: jnp.where(better, a, b)  # noqa: E731
        return keep(new, p), jnp.where(better, damping * 0.3, damping * 8.0), jax.tree.map(keep, again, carry[2])

    p, _, (_, _, hessian) = lax.fori_loop(0, _STEPS, step, (first, jnp.float32(1e-2), cost(first)))
    covariance = jnp.linalg.inv(hessian + jnp.diag(tie + 1e-6))
    sure = (p[4] > 0) & (jnp.abs(p[0]) < start.duration) & (jnp.abs(p[1]) < start.duration)
    shift, drift = jnp.where(sure, p[0], 0.0), jnp.where(sure, p[1] * scale, 0.0)
    period = start.period + drift
    t0 = middle + shift
    ramp = jnp.sqrt(3.0 * jnp.exp(p[3]))
    duration = jnp.where(sure, jnp.exp(p[2]) + 2 * ramp, start.duration)
    error = jnp.sqrt(jnp.maximum(jnp.diag(covariance), 0.0))
    first_t0 = t0 - period * jnp.floor(t0 / period)
    turns = jnp.round((middle - first_t0) / period)
    slip = error[1] * scale
    return Shape(period, first_t0, duration, slip, jnp.sqrt(error[0] ** 2 + (turns * slip) ** 2), p[4])
