"""A star's own variability taken off by a running biweight or median, for a batch of stars at once.

The trend is found at nodes a twelfth of the window apart and interpolated between them with Bessel's formula, to
second differences. Between two nodes a running location changes by the few samples that the window gains and loses:
less than a fiftieth of their scatter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from exojax.lightcurve import EvenCurves
from exojax.photometry.apart import shifts_apart
from exojax.photometry.grid import BREAK, padded_size

Method = Literal["biweight", "median"]

WINDOW_DURATIONS = 4
_CUT = 5.0
_NODES = 12
_LEAST_SAMPLES = 3
_BISECTIONS = {"biweight": 12, "median": 20}
_ITERATIONS = 5
# Offsets of the window in one compiled loop body: fewer leave the vector units idle, more take long to compile.
_UNROLLED = 48


def window_for(duration_max: float) -> float:
    """Days, four times ``duration_max`` (days): the shortest window to search for transits of that duration with.

    The trend follows a transit that is too shallow for the biweight to cut out: in a quiet star one of 3 sigma a
    cadence keeps 58 % of its depth in a window of 2 durations, 76 in 3, 86 in 4, 92 in 6 and 96 in 8. One of 100 sigma
    keeps all of it there, and 95 % in a window of 4 durations in a star that rotates in 10 days by 1 %. With
    ``in_transit`` given, ``flatten`` keeps all of either.
    """
    return WINDOW_DURATIONS * duration_max


def flatten(
    even: EvenCurves,
    window: float,
    *,
    absolute: bool,
    in_transit: np.ndarray | None = None,
    method: Method = "biweight",
    gap: float = BREAK,
) -> EvenCurves:
    """Flux over its running location, or above it.

    The window is cut short at the ends of a segment, and a segment ends at a gap of more than ``gap`` days. A cadence
    whose window holds fewer than three samples has no trend, and loses its weight; so does a star without scatter.

    Args:
        even: curves that have not been detrended.
        window: days, full width; see ``window_for``.
        absolute: divide by the trend and subtract 1; otherwise subtract the trend.
        in_transit: ``(n_stars, n_cadences)`` bool; these cadences are left out of the trend, and stay in the flux.
        method: ``biweight`` (Tukey's, cut at 5 median absolute deviations from the location, as in Hippke et al. 2019,
            AJ 158, 143) or ``median``.
        gap: days; longer gaps end a segment.

    Returns:
        Curves with detrended ``flux``, and ``scatter``: 1.4826 times the median absolute deviation from the trend, of
        the flux scaled to weight 1, in-transit cadences left out; 1 for stars without weight.

    Raises:
        ValueError: the window holds fewer than three cadences.
    """
    half, longest = spans(window, even.cadence, gap)
    if half < 1:
        raise ValueError(f"a window of {window} days on cadences of {even.cadence} days")
    kept = even.weight if in_transit is None else np.where(in_transit, np.float32(0), even.weight)
    needed = room_for(even.weight, half, longest)
    room = padded_size(needed) if needed else 0
    given = (even.flux, even.weight, kept)
    found = flatten_within(*given, half=half, gap=longest, absolute=absolute, room=room, method=method)
    flat, weight, scatter = map(np.asarray, found)
    return replace(even, flux=flat, weight=weight, scatter=scatter)


def spans(window: float, cadence: float, gap: float = BREAK) -> tuple[int, int]:
    """Cadences of half a window, and of the longest gap within a segment; all three in days."""
    return int(window / 2 / cadence + 1e-6), round(gap / cadence)


def room_for(weight: np.ndarray, half: int, gap: int) -> int:
    """By how many cadences :func:`flatten_within` has to move the segments of ``weight (n_stars, n_cadences)``."""
    shifts = shifts_apart(weight, gap=gap, least=half + 2 * _stride(half))
    return int(np.asarray(shifts[:, -1]).max(initial=0))


@partial(jax.jit, static_argnames=("half", "gap", "absolute", "room", "method"))
def flatten_within(
    flux: jax.Array,
    weight: jax.Array,
    kept: jax.Array,
    *,
    half: int,
    gap: int,
    absolute: bool,
    room: int,
    method: Method = "biweight",
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """:func:`flatten` with shapes that depend on nothing measured, to be part of a larger program.

    Args:
        flux: ``(n_stars, n_cadences)`` float32, not detrended.
        weight: ``(n_stars, n_cadences)`` float32; 0 where nothing was measured.
        kept: ``(n_stars, n_cadences)`` float32, the weight in the trend: 0 in known transits.
        half: cadences of half of the window.
        gap: empty cadences that end a segment when there are more.
        absolute: as in :func:`flatten`.
        room: cadences by which a curve's segments may be moved apart in all. Of one that needs more, windows reach over
            the last of its gaps.

    Returns:
        Flat flux, weight, and ``(n_stars,)`` scatter, as in :func:`flatten`.
    """
    if room == 0:
        return _flatten(flux, weight, kept, half=half, method=method, absolute=absolute)
    shift = jnp.minimum(shifts_apart(weight, gap=gap, least=half + 2 * _stride(half)), room)
    column = jnp.arange(flux.shape[1], dtype=jnp.int32)[None] + shift
    filled, row = weight > 0, jnp.arange(len(flux), dtype=jnp.int32)[:, None]
    # Empty cadences may share a place with filled ones, to which they must add nothing.
    wide = [jnp.pad(jnp.zeros_like(x), ((0, 0), (0, room))) for x in (flux, weight, kept)]
    laid = [at.at[row, column].add(jnp.where(filled, x, 0.0)) for at, x in zip(wide, (flux, weight, kept))]
    flat, used, scatter = _flatten(*laid, half=half, method=method, absolute=absolute)
    back = lambda x: jnp.where(filled, jnp.take_along_axis(x, column, axis=1), 0.0)  # noqa: E731
    return back(flat), back(used), scatter


@partial(jax.jit, static_argnames=("half", "method"))
def running_location(flux: jax.Array, weight: jax.Array, *, half: int, method: Method = "biweight") -> jax.Array:
    """Location of the cadences within ``half`` of each cadence.

    Starting from the median, five reweighted means with weights ``(1 - (distance / 5 MAD)^2)^2`` times ``weight``,
    zero beyond 5 MAD; MAD is the window's own. ``median`` counts every cadence with a weight as one, and is exact to
    a millionth of the window's standard deviation; of an even number of samples it is the lower of the middle two.

    Args:
        flux: ``(n_cadences, n_stars)`` float32, near zero on the scale of its scatter or float32 will not do.
        weight: ``(n_cadences, n_stars)`` float32; 0 leaves a cadence out.

    Returns:
        ``(n_cadences, n_stars)`` float32; NaN where the window holds fewer than three samples.
    """
    stride = _stride(half)
    n_cadences, n_stars = flux.shape
    lead = -(-half // stride)
    nodes = -(-n_cadences // stride) + 1

    def lay(x: jax.Array, fill: float) -> jax.Array:
        """To (phase, row, star), cadence = row * stride + phase: what a node needs is one contiguous slice each."""
        before = lead * stride
        after = (nodes + 2 * lead + 1) * stride - before - n_cadences
        return jnp.pad(x, ((before, after), (0, 0)), constant_values=fill).reshape(-1, stride, n_stars).swapaxes(0, 1)

    filled = weight > 0
    values, weights = lay(jnp.where(filled, flux, 0), 0), lay(weight, 0)
    # Never within any bound.
    outside = lay(jnp.where(filled, flux, jnp.inf), jnp.inf)

    def total(term: Callable[..., tuple[jax.Array, ...]], *arrays: jax.Array) -> tuple[jax.Array, ...]:
        """Sums of ``term`` over the window of each node."""
        low = -(half // stride)
        trips = -(-2 * half // _UNROLLED)
        rows = max(1, -2 * low // trips)
        trips = -2 * low // rows

        def add(sums: tuple[jax.Array, ...], row: jax.Array | int, offsets: list[tuple[int, int]]):  # type: ignore[no-untyped-def]
            height = nodes + max(r for r, _ in offsets)
            cut = [lax.dynamic_slice_in_dim(x, row, height, 1) for x in arrays]
            for r, phase in offsets:
                new = term(*(x[phase, r : r + nodes] for x in cut))
                sums = tuple(a + b for a, b in zip(sums, new, strict=True))
            return sums

        block = [(r, phase) for r in range(rows) for phase in range(stride)]
        sums = tuple(jnp.zeros((nodes, n_stars), jnp.float32) for _ in range(_terms(term, arrays)))
        sums = lax.fori_loop(0, trips, lambda i, sums: add(sums, low + lead + i * rows, block), sums)
        done = range(low * stride, (low + trips * rows) * stride)
        rest = [divmod(k + lead * stride, stride) for k in range(-half, half + 1) if k not in done]
        return add(sums, 0, rest)

    count, mean, square = total(lambda x, w: (jnp.where(w > 0, 1.0, 0.0), x, x * x), values, weights)
    mean, square = mean / jnp.maximum(count, 1), square / jnp.maximum(count, 1)
    # The least that float32 tells apart.
    least = 1e-7 * jnp.abs(values).max(axis=(0, 1))[None] + 1e-15
    # The median is within one standard deviation of the mean, and the MAD below two; with what rounding may take.
    spread = jnp.sqrt(jnp.maximum(square - mean * mean, 0)) + 2e-3 * jnp.sqrt(square) + least

    def bisect(counted: Callable[[jax.Array], jax.Array], low: jax.Array, high: jax.Array) -> jax.Array:
        def halve(_: int, bounds: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
            middle = (bounds[0] + bounds[1]) / 2
            enough = 2 * counted(middle) >= count
            return jnp.where(enough, bounds[0], middle), jnp.where(enough, middle, bounds[1])

        return lax.fori_loop(0, _BISECTIONS[method], halve, (low, high))[1]

    def below(x: jax.Array) -> jax.Array:
        return total(lambda y: (jnp.where(y <= x, 1.0, 0.0),), outside)[0]

    def within(x: jax.Array) -> jax.Array:
        # Of |y - median|, XLA would keep a copy for each offset, as it does not change from step to step.
        low, high = location - x, location + x
        return total(lambda y: (jnp.where((y >= low) & (y <= high), 1.0, 0.0),), outside)[0]

    location = bisect(below, mean - spread, mean + spread)
    if method == "biweight":
        mad = bisect(within, jnp.zeros_like(mean), 2 * spread)
        scale = 1 / (_CUT * jnp.maximum(mad, least)) ** 2

        def reweigh(_: int, centre: jax.Array) -> jax.Array:
            def term(x: jax.Array, w: jax.Array) -> tuple[jax.Array, jax.Array]:
                distance = x - centre
                root = jnp.maximum(1 - distance * distance * scale, 0)
                share = root * root * w
                return share * distance, share

            moved, shares = total(term, values, weights)
            return centre + moved / jnp.maximum(shares, 1e-9)

        location = lax.fori_loop(0, _ITERATIONS, reweigh, location)
    return _between(location, count >= _LEAST_SAMPLES, stride)[:n_cadences]


def _stride(half: int) -> int:
    return max(1, 2 * half // _NODES)


def _terms(term: Callable[..., tuple[jax.Array, ...]], arrays: tuple[jax.Array, ...]) -> int:
    return len(jax.eval_shape(term, *(x[0, :1] for x in arrays)))


def _between(location: jax.Array, known: jax.Array, stride: int) -> jax.Array:
    """From ``(n_nodes, n_stars)`` at nodes to all cadences; a node that is not ``known`` counts for nothing."""
    share = known.astype(jnp.float32)
    location = jnp.where(known, location, 0)
    bend = (location[:-2] - 2 * location[1:-1] + location[2:]) * share[:-2] * share[1:-1] * share[2:]
    bend = jnp.pad(bend, ((1, 1), (0, 0)))
    part = (jnp.arange(stride, dtype=jnp.float32) / stride)[None, :, None]

    def linear(x: jax.Array) -> jax.Array:
        return x[:-1, None] * (1 - part) + x[1:, None] * part

    curve = part * (part - 1) / 4 * (bend[:-1, None] + bend[1:, None])
    # 0 / 0 between two unknown nodes.
    return (linear(location) / linear(share) + curve).reshape(-1, location.shape[1])


@partial(jax.jit, static_argnames=("half", "method", "absolute"))
def _flatten(
    flux: jax.Array, weight: jax.Array, kept: jax.Array, *, half: int, method: Method, absolute: bool
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """``(n_stars, n_cadences)`` flux and weight and ``(n_stars,)`` scatter; ``kept`` is the weight in the trend."""
    flux, weight, kept = flux.T, weight.T, kept.T
    filled = jnp.where(weight > 0, 1.0, 0.0)
    mean = (flux * filled).sum(0, keepdims=True) / jnp.maximum(filled.sum(0, keepdims=True), 1)
    flux = (flux - mean) * filled
    trend = running_location(flux, kept, half=half, method=method)
    known = jnp.isfinite(trend) & (weight > 0)
    if absolute:
        level = trend + mean
        # A trend that is nowhere positive is no brightness.
        known &= level > 0
        flat = (flux - trend) / level
    else:
        flat = flux - trend
    flat = jnp.where(known, flat, 0)
    scatter = _scatter(flat * jnp.sqrt(weight), known & (kept > 0))
    usable = known & (scatter > 0)
    scatter = jnp.where(usable.any(0, keepdims=True), scatter, 1)
    return jnp.where(usable, flat, 0).T, jnp.where(usable, weight, 0).T, scatter[0]


def _scatter(flux: jax.Array, counts: jax.Array) -> jax.Array:
    """``(1, n_stars)``: 1.4826 MAD from 0 of the entries that count, by bisection: a sort takes far longer."""
    n = counts.sum(0, keepdims=True)
    distance = jnp.where(counts, jnp.abs(flux), jnp.inf)
    most = jnp.where(counts, distance, 0).max(0, keepdims=True)

    def halve(_: int, bounds: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        middle = (bounds[0] + bounds[1]) / 2
        enough = 2 * (distance <= middle).sum(0, keepdims=True) >= n
        return jnp.where(enough, bounds[0], middle), jnp.where(enough, middle, bounds[1])

    return 1.4826 * lax.fori_loop(0, 24, halve, (jnp.zeros_like(most), most))[1]
