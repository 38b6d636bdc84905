"""The folds of a periodogram, as plain loops that Numba compiles once for a machine.

Arrays are of one star, contiguous, float32 where nothing else is said. Times are in bins from the curve's first.
Nothing here depends on a length, a cadence or a plan.

Three habits keep the loops fast. A maximum of floats is not vectorised, a maximum of the same bits as integers is.
Offsets are slices taken before the loop: a signed index is checked for wrap-around at every step. Lengths are rounded
up to whole vectors: what is left over would be done one by one.
"""

from __future__ import annotations

import math

import numpy as np
from numba import boolean, float32, float64, int64, njit

from exojax.loops.options import LOOSE

f4 = np.float32

VECTOR = 32
"""floats that a compiled loop takes at once"""
_INTEGERS, _REALS = int64[::1], float32[::1]
SIGNATURES = {
    "search_band": (
        *(_REALS, _REALS, float64, int64, int64, int64, float64[::1], boolean[::1], int64, int64),
        *(_INTEGERS, _INTEGERS, _REALS),
    )
}


@njit(**LOOSE)
def _add(into: np.ndarray, row: np.ndarray, n: int) -> None:
    for k in range(n):
        into[k] += row[k]


@njit(**LOOSE)
def _put(into: np.ndarray, row: np.ndarray, n: int) -> None:
    for k in range(n):
        into[k] = row[k]


@njit(**LOOSE)
def _add_four(into: np.ndarray, a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray, n: int) -> None:
    for k in range(n):
        into[k] += (a[k] + b[k]) + (c[k] + d[k])


@njit(**LOOSE)
def _round_up(n: int) -> int:
    return (n + VECTOR - 1) // VECTOR * VECTOR


@njit(**LOOSE)
def _fold(into: np.ndarray, sums: np.ndarray, period: float, first: int, stop: int, shift: int, n: int) -> None:
    """``into[k]`` = sum over rows ``first`` to ``stop`` of ``sums[shift + round(row * period) + k]``."""
    at = shift + int(first * period + 0.5)
    _put(into, sums[at : at + n], n)
    row = first + 1
    while row + 4 <= stop:
        a, b = shift + int(row * period + 0.5), shift + int((row + 1) * period + 0.5)
        c, d = shift + int((row + 2) * period + 0.5), shift + int((row + 3) * period + 0.5)
        _add_four(into, sums[a : a + n], sums[b : b + n], sums[c : c + n], sums[d : d + n], n)
        row += 4
    while row < stop:
        at = shift + int(row * period + 0.5)
        _add(into, sums[at : at + n], n)
        row += 1


@njit(**LOOSE)
def _lay(
    into: np.ndarray, laid: np.ndarray, blocks: int, block: int, period: float, middle: float, slack: int, n: int
) -> None:
    """``into`` = sum of the blocks ``laid`` over each other at the period ``middle``, each moved to where it is due."""
    _put(into, laid[0, slack : slack + n], n)
    due, there = block * period, block * middle
    for b in range(1, blocks):
        at = slack + int(b * due + 0.5) - int(b * there + 0.5)
        _add(into, laid[b, at : at + n], n)


@njit(**LOOSE)
def _power(
    flux: np.ndarray,
    mass: np.ndarray,
    best: np.ndarray,
    n: int,
    total: float,
    row_weight: float,
    duration: int,
    core: int,
    first: bool,
) -> None:
    """Raise ``best[c]`` to ``s^2 / (a2 W - a1^2)`` of the window at column ``c``, where that is higher.

    Twice s, twice a1, four times a2: the template's halves cancel in the ratio.
    """
    out = (duration - core) // 2
    whole, inside = f4(duration * row_weight), f4(core * row_weight)
    f_end, f_in, f_out = flux[duration : duration + n], flux[out : out + n], flux[out + core : out + core + n]
    m_end, m_in, m_out = mass[duration : duration + n], mass[out : out + n], mass[out + core : out + core + n]
    if first:
        for c in range(n):
            s = min((f_end[c] - flux[c]) + (f_out[c] - f_in[c]), f4(0))
            full = m_out[c] - m_in[c] + inside
            a1 = m_end[c] - mass[c] + whole + full
            best[c] = s * s / max((a1 + f4(2) * full) * total - a1 * a1, f4(1))
    else:
        for c in range(n):
            s = min((f_end[c] - flux[c]) + (f_out[c] - f_in[c]), f4(0))
            full = m_out[c] - m_in[c] + inside
            a1 = m_end[c] - mass[c] + whole + full
            best[c] = max(best[c], s * s / max((a1 + f4(2) * full) * total - a1 * a1, f4(1)))


@njit(**LOOSE)
def _highest(best: np.ndarray, n: int) -> np.int32:
    # Bits of floats that are not negative order as the floats do.
    bits = best[:n].view(np.int32)
    top = np.int32(0)
    for c in range(n):
        top = max(top, bits[c])
    return top


@njit(**LOOSE)
def search_band(
    sums: np.ndarray,
    masses: np.ndarray,
    total: float,
    n_bins: int,
    bin_size: int,
    lead: int,
    periods: np.ndarray,
    wanted: np.ndarray,
    group: int,
    block: int,
    durations: np.ndarray,
    cores: np.ndarray,
    out: np.ndarray,
) -> None:
    """Write the highest SNR over epochs and durations at each period of a band.

    Within a group of neighbouring periods, ``block`` rows at a time are laid over each other once, at the middle
    period; there the rows of all of the group agree to half a bin. A trial then adds these sums, each moved by what its
    period asks for: some ``2 sqrt(rows)`` additions instead of ``rows``.

    Args:
        sums: cumulative sums of weighted flux, one a bin, ``lead`` bins before the data and enough after them: see
            ``exojax.search.periodogram.Sums``.
        masses: of weight less ``bin_size`` a bin.
        total: sum of all weights.
        n_bins: bins of data.
        bin_size: cadences in a bin.
        lead: bins.
        periods: ``(n_trials,)`` float64, bins, falling.
        wanted: ``(n_groups,)`` bool; of other groups nothing is written.
        group: periods in a group.
        block: rows in a block; all rows where that is one block.
        durations: ``(n_durations,)`` int64 bins, at least one.
        cores: ``(n_durations,)`` int64 bins of each at full depth.
        out: ``(n_trials,)``, the SNR.
    """
    n_trials, longest = periods.shape[0], durations.max()
    slack = group // 2 + 2 if group > 1 else 0
    wide = int(periods[0]) + longest + 3 + 2 * slack + 3 * VECTOR
    fold, mass, best = np.zeros(wide, f4), np.zeros(wide, f4), np.zeros(wide, f4)
    most_rows = int((longest + n_bins) / periods[n_trials - 1]) + 1
    n_blocks = (most_rows + block - 1) // block if group > 1 else 1
    laid, laid_mass = np.empty((n_blocks, wide), f4), np.empty((n_blocks, wide), f4)
    whole = f4(total)
    bits = np.empty(1, np.int32)
    for number in range(wanted.shape[0]):
        if not wanted[number]:
            continue
        begin, end = number * group, min((number + 1) * group, n_trials)
        middle = periods[(begin + end) // 2]
        rows = math.ceil((longest + n_bins) / periods[end - 1])
        blocks = 1
        if group > 1:
            blocks = (rows + block - 1) // block
            width = _round_up(math.ceil(periods[begin]) + longest + 1 + 2 * slack)
            for b in range(blocks):
                low, high = b * block, min((b + 1) * block, rows)
                _fold(laid[b], sums, middle, low, high, lead - longest - slack, width)
                _fold(laid_mass[b], masses, middle, low, high, lead - longest - slack, width)
        for trial in range(begin, end):
            period = periods[trial]
            columns = math.ceil(period)
            held, wide_columns = _round_up(columns + longest + 1), _round_up(columns)
            if group > 1:
                _lay(fold, laid, blocks, block, period, middle, slack, held)
                _lay(mass, laid_mass, blocks, block, period, middle, slack, held)
            else:
                _fold(fold, sums, period, 0, rows, lead - longest, held)
                _fold(mass, masses, period, 0, rows, lead - longest, held)
            for d in range(durations.shape[0]):
                _power(fold, mass, best, wide_columns, whole, f4(rows * bin_size), durations[d], cores[d], d == 0)
            for c in range(columns, wide_columns):
                best[c] = f4(0)
            bits[0] = _highest(best, wide_columns)
            out[trial] = math.sqrt(bits.view(np.float32)[0] * whole)
