"""Compute the running biweight of one star's flux in loops that Numba compiles once per machine."""

from __future__ import annotations

import math

import numpy as np
from numba import boolean, float32, int64, njit

from exojax.loops.options import LOOSE

f4 = np.float32

NODES = 12
"""nodes of the trend in one window"""
CUT = 5.0
"""median absolute deviations beyond which a cadence does not count for the trend"""
LEAST_SAMPLES = 3
"""cadences that a window needs for a trend"""
SIGNATURES = {"trend": (float32[::1], boolean[::1], float32[::1], int64, int64, float32[::1])}


@njit(**LOOSE)
def _count_below(values: np.ndarray, n: int, level: float) -> np.float32:
    count = f4(0)
    for i in range(n):
        count += f4(1) if values[i] <= level else f4(0)
    return count


@njit(**LOOSE)
def _count_between(values: np.ndarray, n: int, low: float, high: float) -> np.float32:
    count = f4(0)
    for i in range(n):
        count += f4(1) if (values[i] >= low) & (values[i] <= high) else f4(0)
    return count


@njit(**LOOSE)
def _biweight(values: np.ndarray, weights: np.ndarray, n: int) -> np.float32:
    """Return Tukey's biweight of ``n`` values, from the median in five steps."""
    mean, square, highest = f4(0), f4(0), f4(0)
    for i in range(n):
        mean += values[i]
        square += values[i] * values[i]
    for i in range(n):
        highest = max(highest, abs(values[i]))
    mean /= f4(n)
    square /= f4(n)
    least = f4(1e-7) * highest + f4(1e-15)
    # The median lies within one standard deviation of the mean, and the deviation's median within two.
    spread = math.sqrt(max(square - mean * mean, f4(0))) + f4(2e-3) * math.sqrt(square) + least
    half = f4(0.5) * f4(n)
    low, high = mean - spread, mean + spread
    for _ in range(12):
        middle = f4(0.5) * (low + high)
        if _count_below(values, n, middle) >= half:
            high = middle
        else:
            low = middle
    location = high
    low, high = f4(0), f4(2) * spread
    for _ in range(12):
        middle = f4(0.5) * (low + high)
        if _count_between(values, n, location - middle, location + middle) >= half:
            high = middle
        else:
            low = middle
    scale = f4(1) / (f4(CUT) * max(high, least)) ** 2
    for _ in range(5):
        moved, total = f4(0), f4(0)
        for i in range(n):
            distance = values[i] - location
            root = max(f4(1) - distance * distance * scale, f4(0))
            share = root * root * weights[i]
            moved += share * distance
            total += share
        location += moved / max(total, f4(1e-9))
    return location


@njit(**LOOSE)
def trend(flux: np.ndarray, filled: np.ndarray, weight: np.ndarray, half: int, gap: int, out: np.ndarray) -> None:
    """Fill ``out`` with the running biweight of ``flux``, NaN where it is unknown.

    Nodes lie a twelfth of the window apart and are joined to second differences (Bessel's formula). No window reaches
    over more than ``gap`` empty cadences.

    Args:
        flux: near zero on the scale of its scatter.
        filled: bool, cadences that were measured: they decide where a segment ends.
        weight: of a cadence in the trend; 0 leaves it out.
        half: cadences of half a window.
        gap: empty cadences that end a segment when there are more.
        out: of the same length.
    """
    size = flux.shape[0]
    stride = max(1, 2 * half // NODES)
    values, weights = np.empty(2 * half + 1, f4), np.empty(2 * half + 1, f4)
    nodes = np.empty(size // stride + 3, f4)
    known = np.empty(size // stride + 3, f4)
    for i in range(size):
        out[i] = f4(np.nan)
    first = 0
    while first < size:
        if not filled[first]:
            first += 1
            continue
        last, i = first, first + 1
        while i < size and i - last <= gap + 1:
            if filled[i]:
                last = i
            i += 1
        stop = last + 1
        n_nodes = (stop - first + stride - 1) // stride + 1
        for k in range(n_nodes):
            centre, n = first + k * stride, 0
            for j in range(max(first, centre - half), min(stop, centre + half + 1)):
                if weight[j] > 0:
                    values[n], weights[n] = flux[j], weight[j]
                    n += 1
            known[k] = f4(1) if n >= LEAST_SAMPLES else f4(0)
            nodes[k] = _biweight(values, weights, n) if n >= LEAST_SAMPLES else f4(0)
        for j in range(first, stop):
            k = (j - first) // stride
            part = f4(j - first - k * stride) / f4(stride)
            share = known[k] * (f4(1) - part) + known[k + 1] * part
            if share <= 0:
                continue
            bend = f4(0)
            if k > 0 and known[k - 1] * known[k] * known[k + 1] > 0:
                bend += nodes[k - 1] - f4(2) * nodes[k] + nodes[k + 1]
            if k + 2 < n_nodes and known[k] * known[k + 1] * known[k + 2] > 0:
                bend += nodes[k] - f4(2) * nodes[k + 1] + nodes[k + 2]
            line = (nodes[k] * known[k] * (f4(1) - part) + nodes[k + 1] * known[k + 1] * part) / share
            out[j] = line + part * (part - f4(1)) * f4(0.25) * bend
        first = stop
