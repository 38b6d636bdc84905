"""What tells a planet from a binary or a variable star: odd against even, the rest of the fold, centroid, duration."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from exojax.search.noise import GAUSSIAN_MEDIAN, median_absolute

PER_DURATION = 4
"""bins of the fold in one duration"""
REACH = 0.01
"""relative distance from the exact ratio within which a harmonic is looked for"""
HARMONICS = {"1/3": 1 / 3, "1/2": 1 / 2, "2/3": 2 / 3, "3/2": 3 / 2, "2": 2.0, "3": 3.0}


@jax.jit
def odd_even_sigma(depth: jax.Array, ivar: jax.Array) -> jax.Array:
    """Difference of the mean depths of odd and even transits over its error; above 3 suggests a binary at twice P.

    The error is the given one, and larger where transits of one parity scatter more than that.

    Args:
        depth: ``(n, n_events)`` float32 from `events.events`.
        ivar: ``(n, n_events)`` float32, with red noise: from `events.events`, over the square of
            `noise.event_scatter`.

    Returns:
        ``(n,)`` float32, 0 or more; NaN where one parity was never seen.
    """
    means, variances, misfit, freedom = [], [], jnp.zeros(len(depth)), jnp.zeros(len(depth))
    for parity in (0, 1):
        some, weight = depth[:, parity::2], ivar[:, parity::2]
        total = jnp.sum(weight, axis=-1)
        mean = jnp.sum(some * weight, axis=-1) / jnp.maximum(total, 1e-6)
        means.append(mean)
        variances.append(jnp.where(total > 0.0, 1.0 / jnp.maximum(total, 1e-6), jnp.nan))
        misfit += jnp.sum((some - mean[:, None]) ** 2 * weight, axis=-1)
        freedom += jnp.maximum(jnp.sum(weight > 0.0, axis=-1, dtype=jnp.float32) - 1.0, 0.0)
    worse = jnp.maximum(misfit / jnp.maximum(freedom, 1.0), 1.0)
    return jnp.abs(means[0] - means[1]) / jnp.sqrt((variances[0] + variances[1]) * worse)


@partial(jax.jit, static_argnames="n_bins")
def secondary(
    flux: jax.Array,
    weight: jax.Array,
    period: jax.Array,
    t0: jax.Array,
    duration: jax.Array,
    red: jax.Array,
    n_bins: int = 4096,
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """The deepest dip of the fold away from the transit, and the scatter of the fold there.

    The fold is cut into bins of a quarter of a duration (of ``period / n_bins`` where that is longer) and a box of
    four slides over all phases that are a duration or more from mid-transit. The scatter of its SNR is red noise as
    the fold sees it: a variable star repeats at its own period, and single boxes do not tell that (the model-shift
    test of Coughlin et al. 2016).

    Args:
        flux: ``(n, n_cadences)`` float32, detrended, in units of the star's scatter.
        weight: ``(n, n_cadences)`` float32 inverse variance.
        period, t0, duration: ``(n,)`` float32, cadences; the period is 4 durations or more.
        red: ``(n,)`` float32, the candidate's `noise.red_factor`.
        n_bins: the longest period in quarters of a duration that keeps the full resolution.

    Returns:
        depth, in units of the star's scatter; sigma, red noise included; phase from mid-transit, 0 to 1; and red
        noise over white in the fold, ``red`` or more, by which the candidate's own SNR is to be divided. All ``(n,)``
        float32; NaN, NaN, NaN and ``red`` where no other phase was seen. The depth is the largest of about ``2 period
        / duration`` trials: 3 sigma come by chance.
    """
    n, size = flux.shape
    count = jnp.clip(jnp.floor(PER_DURATION * period / duration), 1.0, float(n_bins))
    width = period / count
    time = jnp.arange(size, dtype=jnp.float32)[None] - t0[:, None]
    cycles = time / period[:, None]
    place = jnp.floor((cycles - jnp.floor(cycles)) * count[:, None]).astype(jnp.int32)
    place = jnp.clip(place, 0, n_bins - 1) + jnp.arange(n, dtype=jnp.int32)[:, None] * n_bins

    def boxes(values: jax.Array) -> jax.Array:
        bins = jnp.zeros(n * n_bins).at[place.ravel()].add(values.ravel(), mode="promise_in_bounds")
        padded = jnp.pad(bins.reshape(n, n_bins), ((0, 0), (0, PER_DURATION - 1)))
        return sum((padded[:, i : i + n_bins] for i in range(1, PER_DURATION)), padded[:, :n_bins])

    loss, total = boxes(-flux * weight), boxes(weight)
    start = jnp.arange(n_bins, dtype=jnp.float32)[None] * width[:, None]
    stop = start + PER_DURATION * width[:, None]
    expected = jnp.sum(weight, axis=-1) * PER_DURATION / count
    away = (start >= duration[:, None]) & (stop <= (period - duration)[:, None])
    valid = away & (total > 0.25 * expected[:, None])
    snr = jnp.where(valid, loss / jnp.sqrt(jnp.where(valid, total, 1.0)), -jnp.inf)
    best = jnp.argmax(snr, axis=-1)[:, None]

    def read(values: jax.Array) -> jax.Array:
        return jnp.take_along_axis(values, best, axis=-1)[:, 0]

    # The dip itself is no noise.
    rest = valid & (jnp.abs(start - jnp.take_along_axis(start, best, axis=-1)) > duration[:, None])
    spread = median_absolute(jnp.where(rest, snr, 0.0), rest) / GAUSSIAN_MEDIAN
    # Few boxes fit into a short period; only what they show beyond their own uncertainty counts.
    number = jnp.maximum(jnp.sum(rest, axis=-1, dtype=jnp.float32) / PER_DURATION, 0.1)
    scatter = jnp.maximum(spread / (1.0 + 1.0 / jnp.sqrt(number)), red)
    some = jnp.any(valid, axis=-1)
    depth = jnp.where(some, read(loss) / jnp.maximum(read(total), 1e-6), jnp.nan)
    sigma = jnp.where(some, read(snr) / scatter, jnp.nan)
    phase = jnp.where(some, (read(start) + 0.5 * PER_DURATION * width) / period, jnp.nan)
    return depth, sigma, phase, scatter


def harmonics(periods: np.ndarray, power: jax.Array, period: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The periodogram's best near simple ratios of a period: 1/3, 1/2, 2/3, 3/2, 2 and 3.

    Args:
        periods: ``(n_periods,)`` float64, increasing, days.
        power: ``(n_periods, n)`` float32, SNR.
        period: ``(n,)`` float32 days, of the candidates.

    Returns:
        ``(n, 6)`` float32 period and SNR of the best within 1 % of each ratio; NaN and 0 where the periodogram covers
        none.
    """
    # As many as lie within 1 % of any period.
    widest = int(np.max(np.searchsorted(periods, periods * (1 + 2.1 * REACH)) - np.arange(len(periods)))) + 2
    grid = jnp.asarray(periods, jnp.float32)
    wanted = period[:, None] * jnp.asarray(list(HARMONICS.values()), jnp.float32)[None]
    first = jnp.searchsorted(grid, wanted * (1 - REACH))
    place = jnp.minimum(first[..., None] + jnp.arange(widest)[None, None], len(periods) - 1)
    near = jnp.abs(grid[place] / wanted[..., None] - 1.0) <= REACH
    snr = jnp.where(near, power[place, jnp.arange(len(period))[:, None, None]], -1.0)
    top = jnp.argmax(snr, axis=-1)[..., None]
    read = lambda x: jnp.take_along_axis(x, top, axis=-1)[..., 0]  # noqa: E731
    covered = near.any(axis=-1)
    return jnp.where(covered, read(grid[place]), jnp.nan), jnp.where(covered, read(snr), 0.0)
