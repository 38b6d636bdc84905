"""Average light curves of any sampling on an even grid of cadences, so that one compiled program can search them."""

from __future__ import annotations

import numpy as np

from exojax.errors import InputError
from exojax.light_curves import EvenCurves, LightCurves

BREAK = 0.75
"""longest gap within a segment, days; after a longer gap, star and spacecraft may have changed"""
BINS_PER_DURATION = 6
_LONGEST = 2**20
MOST_WEIGHT = 4
"""largest weight of a cadence; a typical cadence has weight 1"""
SAME_ERROR = 1.2
"""if the ratio of the largest to the smallest error of a star is below this, all its errors count as equal"""
EDGE = 0.02
"""share of the smallest and of the largest errors of a star that are left out of this ratio"""


def padded_size(n: int) -> int:
    """Return the smallest of 2^k x {8, 9, ..., 15}, 16 or more, that holds ``n`` cadences.

    There are eight sizes per octave: the padding is at most an eighth, and few programs are compiled.
    """
    step = 2 ** max((n - 1).bit_length() - 4, 1)
    return max(16, -(-n // step) * step)


def to_even(
    curves: LightCurves, *, cadence: float | None = None, n_cadences: int | None = None, shortest: float = 1 / 24
) -> EvenCurves:
    """Average the valid samples of each star in the nearest cadence of an even grid of that star.

    A cadence holds the mean of its samples. Its weight is the number of its samples over the star's typical number,
    rounded to 64ths and at most 4, so that float32 sums of weights are exact. If the errors of a star differ by more
    than a fifth, each sample is weighted by its inverse variance relative to the star's median error (which replaces
    unknown errors), and cadences with a weight below a 128th are left out. Otherwise all samples have equal weights.
    The phase of the grid is the circular mean of the phases of the samples. This minimises the shifts of times that
    drift from an even grid (barycentric correction: up to 0.3 of a 29-minute cadence in a year). Times may have any
    order.

    Args:
        curves: the light curves; a star without two different fluxes gets weight 0 everywhere.
        cadence: days; None is the cadence of the curves or, for a finer sampling, its longest whole multiple of which 6
            fit into ``shortest``.
        n_cadences: length of the grid; None is the length that the longest star needs.
        shortest: shortest transit of the search, days.

    Returns:
        Even curves of ``n_cadences``, not detrended. Centroids are relative to their median between two gaps of more
        than 0.75 days, because the star moves on the detector when the spacecraft turns; unknown centroids are 0.

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

    Returns None if the errors of no star differ by more than a fifth, because weights would then change little.

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
    # Rounded: otherwise samples exactly between two cadences would fall to either side at random.
    return np.round(np.arctan2(north, east) / (2 * np.pi), 6)


def _weight(count: np.ndarray, share: np.ndarray | None = None) -> np.ndarray:
    """Return the weight of each cadence: its number of samples over the typical number, in multiples of 1/64.

    ``share`` is the sum of the samples' weights in each cadence, or None for equal samples; with it, a cadence with
    samples may get weight 0.
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
    # One number for each segment of each star.
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
