"""Fit a transit by least squares; compiled by Numba once per machine. Times are in cadences from the first."""

from __future__ import annotations

import math

import numpy as np
from numba import float32, float64, njit

from exojax.loops.options import LOOSE

WINDOW = 2.0
"""half width of the window of the fit, in durations from mid-transit"""
EDGE = 4.5
"""standard deviations of an edge beyond which it is flat to some millionths"""
STEPS = 12
"""largest number of steps of the fit"""
TIE = 0.5
"""inverse variance of the logarithm of an ingress's variance about its usual value"""

_REALS, _DOUBLES = float32[::1], float64[::1]
SIGNATURES = {"fit_transit": (_REALS, _REALS, *(float64,) * 6, _DOUBLES)}


@njit(**LOOSE)
def _solve(matrix: np.ndarray, right: np.ndarray, n: int) -> None:
    """Solve ``matrix x = right`` in place by elimination with pivots; ``right`` becomes ``x``."""
    for i in range(n):
        pivot = i
        for r in range(i + 1, n):
            if abs(matrix[r, i]) > abs(matrix[pivot, i]):
                pivot = r
        if pivot != i:
            for c in range(n):
                matrix[i, c], matrix[pivot, c] = matrix[pivot, c], matrix[i, c]
            right[i], right[pivot] = right[pivot], right[i]
        for r in range(i + 1, n):
            share = matrix[r, i] / matrix[i, i]
            for c in range(i, n):
                matrix[r, c] -= share * matrix[i, c]
            right[r] -= share * right[i]
    for i in range(n - 1, -1, -1):
        for c in range(i + 1, n):
            right[i] -= matrix[i, c] * right[c]
        right[i] /= matrix[i, i]


@njit(**LOOSE)
def _normal_integral(x: float, density: float) -> float:
    """Return Phi(x) to 7.5e-8, given the normal density there (Abramowitz & Stegun 1964, 26.2.17)."""
    t = 1.0 / (1.0 + 0.2316419 * abs(x))
    tail = t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
    return 1.0 - density * tail if x > 0 else density * tail


@njit(**LOOSE)
def _normal_equations(
    flux: np.ndarray,
    weight: np.ndarray,
    offset: np.ndarray,
    turn: np.ndarray,
    n: int,
    scale: float,
    p: np.ndarray,
    gradient: np.ndarray,
    hessian: np.ndarray,
) -> float:
    """Fill gradient and curvature of the misfit at ``p``, and return the misfit; see :func:`fit_transit`."""
    half, s = 0.5 * math.exp(p[2]), math.sqrt(1.0 / 12.0 + math.exp(p[3]))
    variance, depth, level = math.exp(p[3]), p[4], p[5]
    row, chi, reach = np.empty(6), 0.0, EDGE * s
    gradient[:] = 0.0
    hessian[:] = 0.0
    norm = 1.0 / math.sqrt(2.0 * math.pi)
    for i in range(n):
        x = offset[i] - p[0] - p[1] * turn[i] * scale
        if abs(x) > half + reach:
            residual = flux[i] - level
            chi += weight[i] * residual * residual
            gradient[5] += weight[i] * residual
            hessian[5, 5] += weight[i]
            continue
        if abs(x) < half - reach:
            residual = flux[i] - level + depth
            chi += weight[i] * residual * residual
            gradient[4] -= weight[i] * residual
            gradient[5] += weight[i] * residual
            hessian[4, 4] += weight[i]
            hessian[5, 4] -= weight[i]
            hessian[5, 5] += weight[i]
            continue
        a, b = (x + half) / s, (x - half) / s
        ga, gb = math.exp(-0.5 * a * a) * norm, math.exp(-0.5 * b * b) * norm
        f = _normal_integral(a, ga) - _normal_integral(b, gb)
        dx = (ga - gb) / s
        row[0] = depth * dx
        row[1] = depth * dx * turn[i] * scale
        row[2] = -depth * (ga + gb) / s * half
        row[3] = depth * (ga * a - gb * b) / s * variance / (2.0 * s)
        row[4] = -f
        row[5] = 1.0
        residual = flux[i] - level + depth * f
        chi += weight[i] * residual * residual
        for j in range(6):
            gradient[j] += weight[i] * row[j] * residual
            for k in range(j + 1):
                hessian[j, k] += weight[i] * row[j] * row[k]
    for j in range(6):
        for k in range(j):
            hessian[k, j] = hessian[j, k]
    return chi


@njit(**LOOSE)
def _near_transits(
    flux: np.ndarray, weight: np.ndarray, period: float, middle: float, reach: float, rows: np.ndarray
) -> tuple[int, float]:
    """Fill ``rows (4, n_cadences)`` with the cadences near a transit, and return their number and their weight.

    Args:
        flux, weight, period: as of :func:`fit_transit`.
        middle: cadences, a mid-transit.
        reach: cadences on either side of a mid-transit.
        rows: time since mid-transit, number of the transit (0 at ``middle``), flux, weight.
    """
    single, n, total = math.isinf(period), 0, 0.0
    for i in range(flux.shape[0]):
        k = 0.0 if single else math.floor((i - middle) / period + 0.5)
        away = i - middle - k * (0.0 if single else period)
        if weight[i] > 0 and abs(away) < reach:
            rows[0, n], rows[1, n], rows[2, n], rows[3, n] = away, k, flux[i], weight[i]
            total += weight[i]
            n += 1
    return n, total


@njit(**LOOSE)
def _hold_drift(system: np.ndarray, right: np.ndarray) -> None:
    """Take the drift out of the normal equations, whose solution for it is then 0 (``right`` is changed too)."""
    right[1] = 0.0
    for k in range(6):
        system[1, k] = system[k, 1] = 1.0 if k == 1 else 0.0


@njit(**LOOSE)
def _damped_step(
    p: np.ndarray,
    gradient: np.ndarray,
    hessian: np.ndarray,
    damping: float,
    usual: float,
    duration: float,
    single: bool,
    new: np.ndarray,
) -> None:
    """Fill ``new`` with the parameters after one step of Levenberg and Marquardt, no longer than is safe."""
    system, move = hessian.copy(), gradient.copy()
    move[3] -= TIE * (p[3] - usual)
    system[3, 3] += TIE
    for j in range(6):
        system[j, j] += damping * (hessian[j, j] + (TIE if j == 3 else 0.0)) + 1e-6
    if single:
        _hold_drift(system, move)
    _solve(system, move, 6)
    for j in range(6):
        most = 0.25 * duration if j < 2 else 0.2 if j == 2 else 1.0 if j == 3 else np.inf
        new[j] = p[j] + min(max(move[j], -most), most)


@njit(**LOOSE)
def _error(hessian: np.ndarray, j: int, single: bool) -> float:
    """Return the one-sigma error of parameter ``j`` from the curvature at the minimum."""
    system, right = hessian.copy(), np.zeros(6)
    right[j] = 1.0
    system[3, 3] += TIE
    for a in range(6):
        system[a, a] += 1e-6
    if single:
        _hold_drift(system, right)
    _solve(system, right, 6)
    return math.sqrt(max(right[j], 0.0))


@njit(**LOOSE)
def fit_transit(
    flux: np.ndarray,
    weight: np.ndarray,
    period: float,
    t0: float,
    duration: float,
    snr: float,
    shortest: float,
    longest: float,
    out: np.ndarray,
) -> None:
    """Fill period, epoch, duration, their errors and the depth by least squares (Levenberg-Marquardt).

    The model is a box with edges of a normal distribution's integral: ``Phi((x + h) / s) - Phi((x - h) / s)``, where
    ``s^2`` is the variance of an ingress of ``2 r`` cadences seen through exposures of one, ``r^2 / 3 + 1 / 12``.
    Parameters: epoch, drift a turn in units of 1 / (half the number of turns), log width, log variance, depth, level.

    Args:
        flux, weight: ``(n_cadences,)`` float32.
        period: cadences; infinite for a single transit, whose drift stays 0.
        t0, duration, snr: of the refined candidate.
        shortest, longest: cadences, durations allowed for the star.
        out: ``(6,)`` float64: period, epoch, duration, error of the period, error of the epoch, depth.
    """
    size, single = flux.shape[0], math.isinf(period)
    centre = 0.5 * (size - 1.0)
    middle = t0 if single else t0 + period * math.floor((centre - t0) / period + 0.5)
    rows = np.empty((4, size))
    n, total = _near_transits(flux, weight, period, middle, WINDOW * duration, rows)
    offset, turn, y, w = rows[0], rows[1], rows[2], rows[3]
    scale = 1.0 if single else 1.0 / max(0.5 * size / period, 1.0)
    # A weak pull towards a usual steepness, where the data do not constrain it.
    usual = math.log((0.1 * duration) ** 2 / 3 + 0.02)
    low = math.log(0.5 * max(0.6 * shortest, 0.5 * duration))
    high = math.log(max(1.25 * longest, 1.25 * duration))
    p, new, gradient, hessian = np.zeros(6), np.zeros(6), np.zeros(6), np.zeros((6, 6))
    p[2], p[3], p[4] = math.log(0.89 * duration), usual, snr / math.sqrt(1.0 + total / 6)
    new_gradient, new_hessian = np.zeros(6), np.zeros((6, 6))
    chi, damping = _normal_equations(y, w, offset, turn, n, scale, p, gradient, hessian), 1e-2
    for _ in range(STEPS):
        _damped_step(p, gradient, hessian, damping, usual, duration, single, new)
        new[2] = min(max(new[2], low), high)
        new[3] = min(max(new[3], -6.0), 2 * new[2] - 2.5)
        chi_new = _normal_equations(y, w, offset, turn, n, scale, new, new_gradient, new_hessian)
        gain = chi + TIE * (p[3] - usual) ** 2 - chi_new - TIE * (new[3] - usual) ** 2
        if gain > 0:
            p[:], gradient[:], hessian[:] = new, new_gradient, new_hessian
            chi, damping = chi_new, 0.3 * damping
            if gain < 1e-3:
                break
        else:
            damping *= 8.0
    error, slip = _error(hessian, 0, single), _error(hessian, 1, single) * scale
    sure = p[4] > 0 and abs(p[0]) < duration and abs(p[1]) < duration
    ramp = math.sqrt(3.0 * math.exp(p[3]))
    out[2] = min(math.exp(p[2]) + 2 * ramp, max(1.25 * longest, duration)) if sure else duration
    out[5] = p[4]
    if single:
        out[0], out[1], out[3], out[4] = period, middle + (p[0] if sure else 0.0), np.inf, error
        return
    out[0] = period + (p[1] * scale if sure else 0.0)
    epoch = middle + (p[0] if sure else 0.0)
    out[1] = epoch - out[0] * math.floor(epoch / out[0])
    turns = round((middle - out[1]) / out[0])
    out[3], out[4] = slip, math.sqrt(error**2 + (turns * slip) ** 2)
