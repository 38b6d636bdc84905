"""Compute the folds of a periodogram in loops that Numba compiles once per machine.

Arrays belong to one star and are contiguous, float32 by default. Times are in bins from the first of the curve. The
compiled code does not depend on the length, the cadence or the periods.

Four rules keep the loops fast. Maxima are computed from the bits of floats as integers, because a maximum of floats is
not vectorised. Offsets are unsigned, or slices taken before the loop, because a signed index is checked for wrap-around
at every step. Lengths are rounded up to whole vectors, because a remainder would be processed element by element. Two
rows are added at a time, because each addition waits until the previous one is stored.
"""

from __future__ import annotations

import math

import numpy as np
from numba import boolean, float32, float64, int64, njit

from exojax.loops.options import LOOSE

f4, u8 = np.float32, np.uint64

VECTOR = 16
"""floats; lengths of inner loops are multiples of it"""
_REALS = float32[::1]
SIGNATURES = {
    "search_bands": (
        *(_REALS, _REALS, float64, int64[:, ::1], int64[:, ::1], float64[::1]),
        *(int64[:, ::1], int64[:, ::1], boolean[::1], _REALS),
    )
}


@njit(**LOOSE)
def _put(into: np.ndarray, row: np.ndarray, n: int) -> None:
    for k in range(n):
        into[k] = row[k]


@njit(**LOOSE)
def _round_up(n: int) -> int:
    return (n + VECTOR - 1) // VECTOR * VECTOR


@njit(**LOOSE)
def _fold(into: np.ndarray, sums: np.ndarray, period: float, first: int, stop: int, shift: int, n: int) -> None:
    """Set ``into[k]`` to the sum over rows ``first`` to ``stop`` of ``sums[shift + round(row * period) + k]``."""
    at = shift + int(first * period + 0.5)
    _put(into, sums[at : at + n], n)
    row, end = first + 1, u8(n)
    while row + 2 <= stop:
        one, two = u8(shift + int(row * period + 0.5)), u8(shift + int((row + 1) * period + 0.5))
        for k in range(end):
            into[k] += sums[one + k] + sums[two + k]
        row += 2
    while row < stop:
        one = u8(shift + int(row * period + 0.5))
        for k in range(end):
            into[k] += sums[one + k]
        row += 1


@njit(**LOOSE)
def _lay(
    into: np.ndarray, laid: np.ndarray, blocks: int, block: int, period: float, middle: float, slack: int, n: int
) -> None:
    """Set ``into`` to the sum of the blocks ``laid`` over each other at the period ``middle``, each moved to where it
    is due.

    A block is moved by what its middle row is late; one rounding of the difference, not two of the places.
    """
    late = block * (period - middle)
    at = slack + 0.5 * late + 0.5
    _put(into, laid[0, int(at) : int(at) + n], n)
    b, end = 1, u8(n)
    while b + 2 <= blocks:
        row, next_row, one, two = u8(b), u8(b + 1), u8(int(at + b * late)), u8(int(at + (b + 1) * late))
        for k in range(end):
            into[k] += laid[row, one + k] + laid[next_row, two + k]
        b += 2
    while b < blocks:
        row, one = u8(b), u8(int(at + b * late))
        for k in range(end):
            into[k] += laid[row, one + k]
        b += 1


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
def _search_band(
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
    """Write what :func:`search_bands` does of one band.

    Within a group of neighbouring periods, ``block`` rows at a time are laid over each other once, at the middle
    period; there the rows of all of the group agree to half a bin. A trial then adds these sums, each moved by what its
    period asks for: some ``2 sqrt(rows)`` additions instead of ``rows``.
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
    for begin in range(0, n_trials, group):
        end = min(begin + group, n_trials)
        if not wanted[begin:end].any():
            continue
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


@njit(**LOOSE)
def search_bands(
    sums: np.ndarray,
    masses: np.ndarray,
    total: float,
    places: np.ndarray,
    bands: np.ndarray,
    periods: np.ndarray,
    durations: np.ndarray,
    cores: np.ndarray,
    wanted: np.ndarray,
    out: np.ndarray,
) -> None:
    """Write the highest SNR over epochs and durations at each wanted period of a pass, and at those of its group.

    Args:
        sums: cumulative sums of weighted flux, one a bin, at every width of bins one after the other; see
            ``exojax.detection.periodogram.Sums``.
        masses: of weight less one a cadence, likewise.
        total: sum of all weights.
        places: ``(n_widths, 5)``: where the sums of this width begin, how many they are, bins before the data, bins of
            data, cadences in a bin.
        bands: ``(n_bands, 6)``: number of its width, first trial, trials, periods in a group, rows in a block,
            durations.
        periods: ``(n_trials,)`` float64, bins, falling in each band.
        durations: ``(n_bands, ...)`` int64 bins.
        cores: of each duration, bins at full depth.
        wanted: ``(n_trials,)`` bool; of groups without one nothing is written.
        out: ``(n_trials,)``, the SNR.
    """
    for number in range(bands.shape[0]):
        width, first, count, group, block, several = bands[number]
        some = wanted[first : first + count]
        if some.any():
            begin, size, lead, n_bins, bin_size = places[width]
            _search_band(
                sums[begin : begin + size],
                masses[begin : begin + size],
                total,
                n_bins,
                bin_size,
                lead,
                periods[first : first + count],
                some,
                group,
                block,
                durations[number, :several],
                cores[number, :several],
                out[first : first + count],
            )
