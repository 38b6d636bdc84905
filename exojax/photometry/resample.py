"""Light curves of any sampling -> curves on an even grid of cadences, which one compiled program can search."""

from __future__ import annotations

import numpy as np

from exojax.errors import InputError
from exojax.light_curves import EvenCurves, LightCurves

BREAK = 0.75
"""days without a sample after which nothing is carried over: stars drift, spacecraft turn"""
BINS_PER_DURATION = 6
_LONGEST = 2**20
MOST_WEIGHT = 4
"""typical cadences that one cadence counts for at most"""
SAME_ERROR = 1.2
"""ratio of the largest to the smallest error of a star below which its errors are taken as equal"""
EDGE = 0.02
"""share of a star's samples at either end that are neither the smallest nor the largest error"""


def padded_size(n: int) -> int:
    """Return the smallest of 2^k x {8, 9, ..., 15}, 16 or more, that holds ``n`` cadences.

    Eight sizes an octave: the padding is an eighth at most, and the compilations are a handful.
    """
    step = 2 ** max((n - 1).bit_length() - 4, 1)
    return max(16, -(-n // step) * step)


def to_even(
    curves: LightCurves, *, cadence: float | None = None, n_cadences: int | None = None, shortest: float = 1 / 24
) -> EvenCurves:
    """Average every star's valid samples in the nearest cadence of an even grid of its own.

    A cadence holds the mean of its samples. Its weight is their number over the star's typical number, rounded to
    64ths and at most 4, so that float32 sums of weights are exact. Where the star's errors differ by more than a fifth,
    a sample counts by its inverse variance relative to the star's median error (unknown errors are taken for it), and a
    cadence of less than a 128th is left out; otherwise all samples of a star are equally noisy. The grid's phase is the
    circular mean of the samples', so that times that drift against an even grid (barycentric correction: up to 0.3 of a
    29-minute cadence in a year) are off by as little as can be. Times need
    no order; samples that share a cadence are averaged.

    Args:
        curves: the light curves; stars without two different fluxes come out with no weight at all.
        cadence: days; None is the curves' own, or the longest whole multiple of it of which 6 still fit into
            ``shortest`` where the sampling is finer than that.
        n_cadences: length of the grid; None is what the longest star needs.
        shortest: days, the shortest transit that is to be searched for.

    Returns:
        Even curves of ``n_cadences``, not detrended. Centroids are relative to their median between two breaks (gaps
        of more than 0.75 days), as a spacecraft that has turned puts the star elsewhere, and 0 where unknown.

    Raises:
        InputError: a star's times span more than a million cadences.
        ValueError: a curve does not fit into ``n_cadences``.
    """
    own = curves.cadence
    if cadence is None:
        # A hundredth: five times a cadence of 120.001 s is to pass for ten minutes.
        cadence = own * max(1.0, np.floor(shortest / BINS_PER_DURATION / own + 0.01))
    n_stars = len(curves)
    usable = curves.valid & _varies(curves)[:, None]
    # Flat indices throughout: several times as fast as pairs of them.
    sample = np.flatnonzero(usable)
    star = sample // usable.shape[1]
    time = curves.time.reshape(-1)[sample]

    first = np.where(usable, curves.time, np.inf).min(axis=1, initial=np.inf)
    first[np.isinf(first)] = 0.0
    # In the curves' own cadences from the first sample.
    elapsed = (time - first[star]) / own
    lead = _phase(elapsed, star, n_stars)
    bins = cadence / own
    index = np.floor((elapsed - lead[star] + 0.5) / bins).astype(np.int64)
    start = first + (lead + (bins - 1) / 2) * own

    longest = int(index.max(initial=0)) + 1
    if longest > _LONGEST:
        name = curves.id[star[index.argmax()]]
        raise InputError(
            f"{curves.source}: star {name}: its times span {longest * cadence:.0f} days, {longest} cadences of "
            f"{cadence * 1440:.4g} minutes: give times in days, or a longer cadence"
        )
    size = longest if n_cadences is None else n_cadences
    if longest > size:
        raise ValueError(f"{longest} cadences do not fit into {size}")

    cell = star * size + index
    count = np.bincount(cell, minlength=n_stars * size)
    share = sample_weights(curves, usable)
    if share is None:
        total = np.bincount(cell, curves.flux.reshape(-1)[sample], minlength=n_stars * size)
        flux = (total / np.maximum(count, 1)).astype(np.float32).reshape(n_stars, size)
        weight = _weight(count.reshape(n_stars, size))
    else:
        share = share.reshape(-1)[sample]
        number = np.bincount(cell, share, minlength=n_stars * size)
        total = np.bincount(cell, share * curves.flux.reshape(-1)[sample], minlength=n_stars * size)
        weight = _weight(count.reshape(n_stars, size), number.reshape(n_stars, size))
        mean = np.divide(total, number, out=np.zeros_like(total), where=number > 0)
        flux = np.where(weight > 0, mean.reshape(n_stars, size), 0).astype(np.float32)
    centroid = None
    if curves.centroid is not None:
        centroid = _centroids(curves.centroid.reshape(-1, 2)[sample], cell, weight, round(BREAK / cadence))
    scatter = np.full(n_stars, np.nan, np.float32)
    return EvenCurves(start, flux, weight, scatter, cadence, centroid)


def segments(weight: np.ndarray, gap: int) -> np.ndarray:
    """Return ``(n_stars, n_cadences)`` int, the segment of each cadence: 0 up to a star's first gap of more than
    ``gap`` empty cadences, then 1, and so on.

    ``weight`` is ``(n_stars, n_cadences)``. An empty cadence counts with the last filled one before it.
    """
    places = np.where(weight > 0, np.arange(weight.shape[1]), -1)
    last = np.maximum.accumulate(places, axis=1)
    before = np.pad(last[:, :-1], ((0, 0), (1, 0)), constant_values=-1)
    return np.cumsum((weight > 0) & (before >= 0) & (places - before > gap + 1), axis=1)


def sample_weights(curves: LightCurves, usable: np.ndarray) -> np.ndarray | None:
    """Return ``(n_stars, n)`` float32, inverse variance relative to the star's median error, by the file's errors.

    Returns None where no star's errors differ enough to matter: formal errors that are equal to a fifth tell nothing
    that a weight would use.

    Args:
        curves: light curves, with or without ``flux_err``.
        usable: ``(n_stars, n)`` bool, samples that count.
    """
    if curves.flux_err is None:
        return None
    weights = np.ones(usable.shape, np.float32)
    found = False
    for star, error in enumerate(curves.flux_err):
        with np.errstate(invalid="ignore"):
            known = usable[star] & np.isfinite(error) & (error > 0)
        if known.sum() < 2:
            continue
        low, typical, high = np.quantile(error[known], (EDGE, 0.5, 1 - EDGE))
        if high <= SAME_ERROR * low:
            continue
        found = True
        weights[star, known] = np.minimum((typical / error[known].astype(np.float64)) ** 2, MOST_WEIGHT)
    return weights if found else None


def _varies(curves: LightCurves) -> np.ndarray:
    low = np.where(curves.valid, curves.flux, np.inf).min(axis=1, initial=np.inf)
    high = np.where(curves.valid, curves.flux, -np.inf).max(axis=1, initial=-np.inf)
    return high > low


def _phase(elapsed: np.ndarray, star: np.ndarray, n_stars: int) -> np.ndarray:
    # The remainder after whole cadences is small enough for float32, which is several times as fast.
    angle = (2 * np.pi * (elapsed - np.rint(elapsed))).astype(np.float32)
    east = np.bincount(star, np.cos(angle), minlength=n_stars)
    north = np.bincount(star, np.sin(angle), minlength=n_stars)
    # Rounded, or samples that lie exactly between two cadences would be torn to either side.
    return np.round(np.arctan2(north, east) / (2 * np.pi), 6)


def _weight(count: np.ndarray, share: np.ndarray | None = None) -> np.ndarray:
    """Return 64ths of the number of samples in the cadence that a sample typically finds itself in.

    ``share`` is the sum of the samples' weights, where they have any: a cadence may then have none.
    """
    number = count.astype(np.float32)
    typical = np.rint(np.einsum("ij,ij->i", number, number) / np.maximum(number.sum(axis=1), 1))
    least = (number > 0) if share is None else np.zeros(number.shape, bool)
    held = number if share is None else share.astype(np.float32)
    weight = np.rint(held * (64 / np.maximum(typical, 1))[:, None])
    return np.minimum(np.maximum(weight, least), MOST_WEIGHT * 64) / np.float32(64)


def _centroids(centroid: np.ndarray, cell: np.ndarray, weight: np.ndarray, gap: int) -> np.ndarray:
    known = np.isfinite(centroid).all(axis=1)
    count = np.bincount(cell[known], minlength=weight.size)
    filled = np.flatnonzero(count)
    segment = segments(weight, gap)
    # One number for each star's each segment.
    segment = (segment + np.arange(len(weight))[:, None] * (segment.max(initial=0) + 1)).reshape(-1)[filled]
    edges = np.flatnonzero(np.diff(segment, prepend=-1))
    sizes = np.diff(edges, append=filled.size)
    found = np.zeros((weight.size, 2), np.float32)
    for axis in range(2):
        mean = np.bincount(cell[known], centroid[known, axis], minlength=weight.size)[filled] / count[filled]
        ordered = mean[np.lexsort((mean, segment))]
        median = (ordered[edges + (sizes - 1) // 2] + ordered[edges + sizes // 2]) / 2
        found[filled, axis] = mean - np.repeat(median, sizes)
    return found.reshape(*weight.shape, 2)
