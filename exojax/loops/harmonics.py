"""Fit sinusoids with smoothly varying amplitudes by least squares; compiled by Numba once per machine."""

from __future__ import annotations

import math

import numpy as np
from numba import float64, int64, njit

from exojax.loops.options import LOOSE

_DOUBLES, _TABLE = float64[::1], float64[:, ::1]
SIGNATURES = {
    "add_cadences": (int64[::1], _DOUBLES, _DOUBLES, _TABLE, float64, _TABLE, _DOUBLES),
    "solve_waves": (int64[::1], _TABLE, float64, _TABLE, _DOUBLES, _DOUBLES),
}

BASIS = 4
"""cubic B-splines that overlap at any time"""
RIDGE, SMOOTH = 1e-3, 2e-3
"""weights, in cadences, that pull an amplitude to zero and to the line through its neighbours in gaps"""


@njit(**LOOSE)
def _design(place: float, waves: np.ndarray, spacing: float, row: np.ndarray) -> int:
    """Fill the values of all functions that are not zero at a time, and return the number of the first spline."""
    at = place / spacing
    first = int(at)
    x = at - first
    splines = (
        (1 - x) ** 3 / 6,
        (3 * x**3 - 6 * x**2 + 4) / 6,
        (-3 * x**3 + 3 * x**2 + 3 * x + 1) / 6,
        x**3 / 6,
    )
    n = waves.shape[0] + 1
    for b in range(BASIS):
        row[b * n] = splines[b]
        for j in range(n - 1):
            row[b * n + j + 1] = splines[b] * waves[j]
    return first


@njit(**LOOSE)
def _solve_banded(matrix: np.ndarray, right: np.ndarray) -> None:
    """Solve a symmetric positive system in place by Cholesky; ``matrix`` is as of :func:`add_cadences`."""
    n, wide = matrix.shape
    last = wide - 1
    for i in range(n):
        low = max(0, i - last)
        for j in range(low, i + 1):
            begin = max(low, j - last)
            of_i, of_j = matrix[i, last - i + begin : last - i + j], matrix[j, last - j + begin : last]
            total = 0.0
            for k in range(j - begin):
                total += of_i[k] * of_j[k]
            total = matrix[i, last - i + j] - total
            matrix[i, last - i + j] = math.sqrt(max(total, 1e-12)) if i == j else total / matrix[j, last]
    for i in range(n):
        for k in range(max(0, i - last), i):
            right[i] -= matrix[i, last - i + k] * right[k]
        right[i] /= matrix[i, last]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, min(n, i + wide)):
            right[i] -= matrix[k, last - k + i] * right[k]
        right[i] /= matrix[i, last]


@njit(**LOOSE)
def add_cadences(
    place: np.ndarray,
    flux: np.ndarray,
    weight: np.ndarray,
    waves: np.ndarray,
    spacing: float,
    matrix: np.ndarray,
    right: np.ndarray,
) -> None:
    """Add cadences to the normal equations of a slow curve and of sinusoids, the amplitudes of all cubic splines.

    Args:
        place: ``(m,)`` int64, cadences from the first knot.
        flux, weight: ``(m,)`` float64; a negative weight takes a cadence away, 0 leaves it as it is.
        waves: ``(m, 2 n)`` float64, cosines and sines of n frequencies at the cadences.
        spacing: cadences between the knots of the splines.
        matrix: ``(n_parameters, 4 (2 n + 1))``: a row holds its entries up to the diagonal, which is the last.
        right: ``(n_parameters,)``.
    """
    parts = waves.shape[1] + 1
    wide = BASIS * parts
    row = np.empty(wide)
    for i in range(place.shape[0]):
        if weight[i] != 0:
            first = _design(float(place[i]), waves[i], spacing, row) * parts
            for a in range(wide):
                value = weight[i] * row[a]
                right[first + a] += value * flux[i]
                into = matrix[first + a, wide - 1 - a :]
                for b in range(a + 1):
                    into[b] += value * row[b]


@njit(**LOOSE)
def solve_waves(
    place: np.ndarray,
    waves: np.ndarray,
    spacing: float,
    matrix: np.ndarray,
    right: np.ndarray,
    out: np.ndarray,
) -> None:
    """Fill the fit at each cadence; arguments are as of :func:`add_cadences`, ``matrix`` and ``right`` are used up."""
    parts = waves.shape[1] + 1
    wide = BASIS * parts
    row = np.empty(wide)
    size, last = matrix.shape[0], wide - 1
    for i in range(size):
        matrix[i, last] += RIDGE
    for i in range(size - 2 * parts):
        # The square of a second difference, 1, -2, 1, of one function's amplitudes at three knots.
        matrix[i, last] += SMOOTH
        matrix[i + parts, last] += 4 * SMOOTH
        matrix[i + 2 * parts, last] += SMOOTH
        matrix[i + parts, last - parts] -= 2 * SMOOTH
        matrix[i + 2 * parts, last - parts] -= 2 * SMOOTH
        matrix[i + 2 * parts, last - 2 * parts] += SMOOTH
    _solve_banded(matrix, right)
    for i in range(place.shape[0]):
        first = _design(float(place[i]), waves[i], spacing, row) * parts
        value = 0.0
        for a in range(wide):
            value += row[a] * right[first + a]
        out[i] = value
