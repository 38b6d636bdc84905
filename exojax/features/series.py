"""Compute statistics of whole series, the columns of :data:`exojax.features.series_columns.SERIES`.

They are computed for batches of stars, without invalid cadences; the numbers of a star depend on this star only.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from exojax.features.flux import masked_scatter, scaled, trendless
from exojax.features.series_columns import BANDS, BOXES, DEEP, DIP, LAGS, OCTAVES, QUANTILES, SERIES

LARGEST = 20.0
"""scatters: values are clipped here before moments are computed, so that one outlier does not dominate them"""
LEAST_PAIRS = 0.2
"""smallest number of pairs at a lag, as a share of the cadences, for a known autocorrelation"""


def statistics(flux: jax.Array, valid: jax.Array, *, cadence: float) -> jax.Array:
    """Compute every statistic of every star.

    Args:
        flux: ``(n, c)`` float32, any unit.
        valid: ``(n, c)`` bool.
        cadence: days between samples.

    Returns:
        ``(n, len(SERIES))`` float32 in the order of :data:`SERIES`; NaN where unknown, as of dips where there is none,
        of lags longer than the series allows, and throughout for a star without scatter.
    """
    whole, scale = scaled(flux, valid)
    rest, scale_left = scaled(trendless(flux, valid, cadence=cadence), valid)
    found = {
        "log_spread": _log10(_spread(whole, valid)),
        "log_slow": _log10(scale) - _log10(scale_left),
        "all_skew": _moment(whole, valid, 3),
        "all_eta": _mean((whole[:, 1:] - whole[:, :-1]) ** 2, valid[:, 1:] & valid[:, :-1])
        / (2 * _spread(whole, valid) ** 2),
        "skew": _moment(rest, valid, 3),
        "kurtosis": _moment(rest, valid, 4) - 3.0,
        "log_hops": _log10(_hops(rest, valid)),
    }
    found |= dict(zip(("all_q05", "all_q95"), quantiles(whole, valid, (0.05, 0.95))))
    found |= dict(zip((f"q{100 * q:g}" for q in QUANTILES), quantiles(rest, valid, QUANTILES)))
    found |= _spectral(whole, rest, valid, cadence)
    found |= _dips(rest, valid, cadence)
    found |= _boxes(rest, valid)
    stacked = jnp.stack([found[name] for name in SERIES], axis=-1)
    useful = (scale > 0) & (scale_left > 0)
    return jnp.where(useful[:, None] & jnp.isfinite(stacked), stacked, jnp.nan)


def quantiles(x: jax.Array, valid: jax.Array, shares: Sequence[float]) -> list[jax.Array]:
    """Return ``(n,)`` for each share q: of a row's m valid values that at rank ``floor(q (m - 1) + 0.5)``; NaN if m =
    0.

    By bisection on the bit patterns, as the median in :mod:`exojax.features.flux`: a sort takes far longer on a CPU.
    """
    count = jnp.sum(valid, axis=1)
    bits = jax.lax.bitcast_convert_type(jnp.where(valid, x, jnp.inf), jnp.int32)
    ordered = (bits ^ ((bits >> 31) & 0x7FFFFFFF)).T
    last = jnp.maximum(count - 1, 0).astype(x.dtype)
    # A loop for each share: one over all of them keeps no bounds in registers and takes five times as long.
    found = jnp.stack([_at_rank(ordered, jnp.floor(q * last + 0.5).astype(jnp.int32)) for q in shares])
    values = jax.lax.bitcast_convert_type(found ^ ((found >> 31) & 0x7FFFFFFF), jnp.float32)
    return list(jnp.where(count[None] > 0, values, jnp.nan))


def _at_rank(ordered: jax.Array, rank: jax.Array) -> jax.Array:
    """Return ``(n,)`` int32: of each column of ``ordered (c, n)`` the value that ``rank (n,)`` others precede."""

    def halve(_: int, bounds: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        low, high = bounds
        middle = (low & high) + ((low ^ high) >> 1)  # the mean, without overflow
        enough = jnp.sum(ordered <= middle[None], axis=0, dtype=jnp.int32) > rank
        return jnp.where(enough, low, middle + 1), jnp.where(enough, middle, high)

    start = jnp.full(rank.shape, -(2**31), jnp.int32), jnp.full(rank.shape, 2**31 - 1, jnp.int32)
    return jax.lax.fori_loop(0, 32, halve, start)[0]


def _mean(x: jax.Array, there: jax.Array) -> jax.Array:
    """Return ``(n,)`` mean of ``x (n, c)`` where ``there``; NaN where nothing is."""
    return jnp.where(there, x, 0.0).sum(axis=1) / there.sum(axis=1).astype(x.dtype)


def _log10(x: jax.Array) -> jax.Array:
    return jnp.where(x > 0, jnp.log10(jnp.where(x > 0, x, 1.0)), jnp.nan)


def _spread(x: jax.Array, valid: jax.Array) -> jax.Array:
    return jnp.sqrt(_mean((x - _mean(x, valid)[:, None]) ** 2, valid))


def _moment(x: jax.Array, valid: jax.Array, order: int) -> jax.Array:
    """Return ``(n,)`` standardised central moment of values cut at :data:`LARGEST` on both sides."""
    cut = jnp.clip(x, -LARGEST, LARGEST)
    centred = cut - _mean(cut, valid)[:, None]
    return _mean(centred**order, valid) / _spread(cut, valid) ** order


def _hops(x: jax.Array, valid: jax.Array) -> jax.Array:
    """Return ``(n,)`` robust scatter of differences of neighbours over the root of 2, ``x`` being in units of its
    scatter.
    """
    pairs = valid[:, 1:] & valid[:, :-1]
    return masked_scatter(x[:, 1:] - x[:, :-1], pairs) / 2**0.5


def _spectral(whole: jax.Array, rest: jax.Array, valid: jax.Array, cadence: float) -> dict[str, jax.Array]:
    """Compute autocorrelation and periodogram by one transform of each, zeros in the gaps and behind the end."""
    c = whole.shape[1]
    # Imported here: a search of folds needs no transform, and SciPy's takes an eighth of a second.
    from scipy.fft import next_fast_len

    size = next_fast_len(2 * c, real=True)
    cut = [jnp.clip(x, -LARGEST, LARGEST) for x in (whole, rest)]
    centred = [jnp.where(valid, x - _mean(x, valid)[:, None], 0.0) for x in cut]
    power = [_power(x, size) for x in centred]
    # Sums over pairs, and how many there are: a gap takes its pairs away and no correlation with them.
    sums, pairs = (
        jnp.fft.irfft(x.astype(jnp.complex64), n=size, axis=1)[:, :c]
        for x in (power[1], _power(valid.astype(rest.dtype), size))
    )
    known = pairs > jnp.maximum(LEAST_PAIRS * pairs[:, :1], 2.0)
    acf = jnp.where(known, sums / jnp.where(known, pairs, 1.0) / (sums[:, :1] / pairs[:, :1]), jnp.nan)
    missing = jnp.full(len(whole), jnp.nan, whole.dtype)
    found = {f"acf_{lag}": acf[:, lag] if lag < c else missing for lag in LAGS}
    for days in OCTAVES:
        part = acf[:, max(round(days / cadence), 1) : round(2 * days / cadence)]
        enough = part.shape[1] > 0 and round(2 * days / cadence) <= c
        found[f"acf_{days:g}d"] = jnp.where(jnp.isnan(part), -1.0, part).max(axis=1) if enough else missing
        if enough:
            found[f"acf_{days:g}d"] = jnp.where(jnp.isnan(part).any(axis=1), jnp.nan, found[f"acf_{days:g}d"])
    days_of = size * cadence / np.arange(1, size // 2 + 1)
    for prefix, spectrum in zip(("all_", ""), power):
        found |= _peaks(prefix, spectrum[:, 1 : size // 2 + 1], days_of, c * cadence)
    total = power[0][:, 1:].sum(axis=1)
    for days in BANDS:
        inside = np.flatnonzero((days_of >= days) & (days_of < 2 * days))
        share = power[0][:, inside[0] + 1 : inside[-1] + 2].sum(axis=1) / total if len(inside) else missing
        found[f"power_{days:g}d"] = _log10(share + 1e-6)
    return found


def _power(x: jax.Array, size: int) -> jax.Array:
    spectrum = jnp.fft.rfft(x, n=size, axis=1)
    return spectrum.real**2 + spectrum.imag**2


def _peaks(prefix: str, power: jax.Array, days: np.ndarray, baseline: float) -> dict[str, jax.Array]:
    """Return the two highest peaks at periods up to the baseline: log10 days, and share of the power or height over the
    mean.
    """
    number = jnp.arange(power.shape[1], dtype=jnp.int32)[None]
    seen = jnp.where(jnp.asarray(days <= baseline)[None], power, 0.0)
    total, table = power.sum(axis=1), jnp.asarray(np.log10(days), power.dtype)
    found = {}
    for which in ("", "_2"):
        top = jnp.argmax(seen, axis=1).astype(jnp.int32)
        near = jnp.abs(number - top[:, None]) <= 3
        found[f"{prefix}period{which}"] = table[top]
        height = jnp.take_along_axis(seen, top[:, None], axis=1)[:, 0]
        found[f"{prefix}peak{which}"] = (
            jnp.where(near, power, 0.0).sum(axis=1) / total if prefix else _log10(height * power.shape[1] / total)
        )
        seen = jnp.where(near, 0.0, seen)
    return found


def _dips(rest: jax.Array, valid: jax.Array, cadence: float) -> dict[str, jax.Array]:
    """Count dips, and measure how wide, how deep and how regular they are. A gap ends a dip."""
    low = valid & (rest < -DIP)
    starts = _starts(low)
    count, inside = starts.sum(axis=1).astype(rest.dtype), low.sum(axis=1).astype(rest.dtype)
    at = jnp.arange(rest.shape[1], dtype=jnp.int32)[None]
    before = jax.lax.cummax(jnp.where(low, -1, at), axis=1)
    longest = jnp.where(low, at - before, 0).max(axis=1).astype(rest.dtype)
    # Start of the dip before this one, for each cadence at which a dip starts.
    previous = jax.lax.cummax(jnp.where(starts, at, -1), axis=1)
    previous = jnp.pad(previous[:, :-1], ((0, 0), (1, 0)), constant_values=-1)
    interval = (at - previous).astype(rest.dtype) * cadence
    between = starts & (previous >= 0)
    mean = _mean(interval, between)
    return {
        "dips": count,
        "deep_dips": _starts(valid & (rest < -DEEP)).sum(axis=1).astype(rest.dtype),
        "rises": _starts(valid & (rest > DIP)).sum(axis=1).astype(rest.dtype),
        "dip_share": inside / valid.sum(axis=1).astype(rest.dtype),
        "dip_width": cadence * inside / count,
        "dip_longest": cadence * longest,
        "dip_depth": -_mean(rest, low),
        "dip_deepest": -jnp.where(valid, rest, 0.0).min(axis=1),
        "dip_interval": _log10(mean),
        "dip_regular": jnp.sqrt(_mean((interval - mean[:, None]) ** 2, between)) / mean,
    }


def _starts(run: jax.Array) -> jax.Array:
    return run & ~jnp.pad(run[:, :-1], ((0, 0), (1, 0)))


def _boxes(rest: jax.Array, valid: jax.Array) -> dict[str, jax.Array]:
    """Return the extremes of running means in standard errors, of boxes of which more than half is valid.

    Values are cut at 8, so that one wild point is no box of 15.
    """
    cut, there = jnp.where(valid, jnp.clip(rest, -8.0, 8.0), 0.0), valid.astype(rest.dtype)
    found = {}
    for width in BOXES:
        total, count = (_running_sum(x, width) for x in (cut, there))
        significance = jnp.where(2 * count > width, total / jnp.sqrt(jnp.maximum(count, 1.0)), 0.0)
        found[f"box_{width}"], found[f"bump_{width}"] = -significance.min(axis=1), significance.max(axis=1)
    return found


def _running_sum(x: jax.Array, width: int) -> jax.Array:
    """Return ``(n, c)`` sums over ``width`` (odd) neighbours, what lies outside counting as 0."""
    padded = jnp.pad(x, ((0, 0), (width // 2, width // 2)))
    return sum((padded[:, i : i + x.shape[1]] for i in range(1, width)), padded[:, : x.shape[1]])
