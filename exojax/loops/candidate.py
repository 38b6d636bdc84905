"""Measure one candidate in loops that Numba compiles once per machine.

Times are in cadences from the curve's first; cadence ``i`` reaches from ``i - 0.5`` to ``i + 0.5``. Flux is in units of
the star's scatter. Running sums are float64, ``(n_cadences + 1,)``: entry ``i`` holds everything before cadence ``i``.
"""

from __future__ import annotations

import math

import numpy as np
from numba import float32, float64, int64, njit

from exojax.loops.options import LOOSE

f4 = np.float32

GAUSSIAN_MEDIAN = 0.67448976
"""median of the absolute value of a standard normal"""
PRIOR = 6.0
"""weight of the whole curve's scatter in the scatter of a block, in independent boxes"""
MEASURED = 0.5
"""smallest number of typical cadences in a transit that counts as observed"""
SUBS = 16
"""number of stretches of time that are folded separately, so that a change of period shifts them relatively"""
PER_DURATION = 16
"""bins of the fine fold in one duration"""
REACH = 2.5
"""durations on either side of the transit in the fine fold"""
DRIFT = 1.5
"""durations over the whole curve, the largest correction of a period"""
QUARTERS = 4
"""bins in one duration of the fold in which a secondary is looked for"""

_REALS, _DOUBLES, _INTEGERS, _TABLE = float32[::1], float64[::1], int64[::1], float64[:, ::1]
SIGNATURES = {
    "events": (_DOUBLES, _DOUBLES, float64, float64, float64, _DOUBLES, _DOUBLES),
    "pulse_scatter": (_DOUBLES, _DOUBLES, _INTEGERS, _TABLE),
    "locate": (_DOUBLES, _REALS, float64, float64, _INTEGERS, _INTEGERS),
    "refine": (_DOUBLES, _REALS, float64, int64, int64, *(float64,) * 5, _INTEGERS, _INTEGERS),
    "secondary": (_REALS, _REALS, *(float64,) * 4, int64, _DOUBLES),
}


# ---------------------------------------------------------------- medians and boxes


@njit(**LOOSE)
def _median(values: np.ndarray, n: int) -> float:
    """Return the lower median of ``values[:n]``, which are reordered."""
    k, low, high = (n - 1) // 2, 0, n - 1
    while low < high:
        pivot = values[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if k <= j:
            high = j
        elif k >= i:
            low = i
        else:
            break
    return values[k]


@njit(**LOOSE)
def _box(running: np.ndarray, start: int, stop: int) -> float:
    """Sum from time ``start`` to ``stop``; a cadence that is cut counts with the part inside."""
    last = running.shape[0] - 1
    a, b = min(max(start + 0.5, 0.0), float(last)), min(max(stop + 0.5, 0.0), float(last))
    i, j = min(int(a), last - 1), min(int(b), last - 1)
    low = running[i] + (a - i) * (running[i + 1] - running[i])
    return running[j] + (b - j) * (running[j + 1] - running[j]) - low


@njit(**LOOSE)
def events(
    values: np.ndarray,
    weights: np.ndarray,
    period: float,
    t0: float,
    duration: float,
    depth: np.ndarray,
    ivar: np.ndarray,
) -> None:
    """Fill the mean depth of each transit against zero, and its white-noise inverse variance; 0 where it was not seen.

    Args:
        values: running sum of weight times flux.
        weights: running sum of weight.
        period: cadences, of any length where there is one transit.
        t0, duration: cadences; transit 0 is at ``t0``.
        depth, ivar: ``(n_events,)`` float64.
    """
    for k in range(depth.shape[0]):
        middle = t0 + k * period
        measured = _box(weights, middle - 0.5 * duration, middle + 0.5 * duration)
        seen = measured >= MEASURED
        lost = -_box(values, middle - 0.5 * duration, middle + 0.5 * duration)
        depth[k] = lost / measured if seen else 0.0
        ivar[k] = measured if seen else 0.0


# ---------------------------------------------------------------- noise on the scale of a transit


@njit(**LOOSE)
def pulse_scatter(values: np.ndarray, weights: np.ndarray, durations: np.ndarray, out: np.ndarray) -> None:
    """Fill the scatter of a box's signal along the curve, ``(n_durations, n_blocks)``, in units of white noise.

    Args:
        values, weights: running sums.
        durations: int64 cadences.
        out: float64, 1 or more.
    """
    size, blocks = values.shape[0], out.shape[1]
    half = (size + 1) // 2
    statistic, some = np.empty(half, f4), np.empty(half, f4)
    length = -(-half // blocks)
    for d in range(durations.shape[0]):
        duration = durations[d]
        for k in range(half):
            # Neighbouring boxes share most of what they hold: every second one is enough.
            i = 2 * k
            j = min(i + duration, size - 1)
            total = weights[j] - weights[i]
            seen = total >= 0.5 * duration
            statistic[k] = f4(abs(values[j] - values[i]) / math.sqrt(total)) if seen else f4(-1)
        n = 0
        for k in range(half):
            if statistic[k] >= 0:
                some[n] = statistic[k]
                n += 1
        whole = max(_median(some, n) / GAUSSIAN_MEDIAN, 1.0) if n else 1.0
        for b in range(blocks):
            n = 0
            for k in range(b * length, min((b + 1) * length, half)):
                if statistic[k] >= 0:
                    some[n] = statistic[k]
                    n += 1
            local = _median(some, n) / GAUSSIAN_MEDIAN if n else 0.0
            boxes = 2.0 * n / duration
            out[d, b] = max(math.sqrt((boxes * local**2 + PRIOR * whole**2) / (boxes + PRIOR)), 1.0)


# ---------------------------------------------------------------- epoch, duration and period


@njit(**LOOSE)
def _window(flux: np.ndarray, mass: np.ndarray, start: int, total: float, duration: int, core: int) -> float:
    """Return ``(s < 0, squared SNR)`` of the template of ``duration`` bins from ``start``, of exclusive sums."""
    out = (duration - core) // 2
    s = 0.5 * (flux[start + duration] - flux[start] + flux[start + out + core] - flux[start + out])
    whole, middle = mass[start + duration] - mass[start], mass[start + out + core] - mass[start + out]
    a1, a2 = 0.5 * (whole + middle), 0.25 * whole + 0.75 * middle
    return s * s * total / max(a2 * total - a1 * a1, 1.0) if s < 0 else 0.0


@njit(**LOOSE)
def locate(
    centred: np.ndarray, weight: np.ndarray, total: float, period: float, durations: np.ndarray, cores: np.ndarray
) -> tuple[float, float, float]:
    """Return epoch, duration (cadences) and SNR of the best dip at a period, on a fold with bins of one cadence.

    Args:
        centred: ``(n_cadences,)`` weight times flux above its weighted mean.
        weight: ``(n_cadences,)``.
        total: sum of the weights.
        period: cadences.
        durations, cores: ``(n_durations,)`` int64, cadences.
    """
    columns, longest = math.ceil(period), durations[-1]
    flux, mass = np.zeros(columns + longest + 1), np.zeros(columns + longest + 1)
    phase, turns = 0.0, 0
    for i in range(centred.shape[0]):
        phase = i - turns * period
        if phase >= period:
            turns += 1
            phase = i - turns * period
        column = min(max(int(phase), 0), columns - 1)
        flux[column + 1] += centred[i]
        mass[column + 1] += weight[i]
    # The fold is continued by its own beginning, for windows across its end.
    for k in range(columns, columns + longest):
        flux[k + 1], mass[k + 1] = flux[k % columns + 1], mass[k % columns + 1]
    for k in range(columns + longest):
        flux[k + 1] += flux[k]
        mass[k + 1] += mass[k]
    best, start, which = -1.0, 0, 0
    for d in range(durations.shape[0]):
        for c in range(columns):
            power = _window(flux, mass, c, total, durations[d], cores[d])
            if power > best:
                best, start, which = power, c, d
    # Where the period is no whole number, cadences lie anywhere in a bin, half a bin after its start on average.
    return start + 0.5 * durations[which], float(durations[which]), math.sqrt(max(best, 0.0))


@njit(**LOOSE)
def _fold_stretches(
    centred: np.ndarray,
    weight: np.ndarray,
    first: int,
    last: int,
    period: float,
    t0: float,
    duration: float,
    flux: np.ndarray,
    mass: np.ndarray,
) -> None:
    """Add stretches of time, each folded finely around the transit, to ``flux`` and ``mass (SUBS, n_bins)``."""
    span, n_bins = max(float(last - first), 1.0), flux.shape[1]
    for i in range(first, last + 1):
        if weight[i] > 0:
            offset = i - t0 - period * math.floor((i - t0) / period + 0.5)
            place = math.floor((offset / duration + REACH) * PER_DURATION)
            if 0 <= place < n_bins:
                stretch = min(int((i - first) / span * SUBS), SUBS - 1)
                flux[stretch, place] += centred[i]
                mass[stretch, place] += weight[i]


@njit(**LOOSE)
def _sum_shifted(flux: np.ndarray, mass: np.ndarray, shift: int, sums: np.ndarray, sums_mass: np.ndarray) -> None:
    """Fill the running sums of the fold whose transits drift by ``shift`` bins over the whole curve."""
    n_bins = flux.shape[1]
    profile, profile_mass = np.zeros(n_bins), np.zeros(n_bins)
    for stretch in range(SUBS):
        moved = round(shift * ((stretch + 0.5) / SUBS - 0.5))
        for k in range(max(0, -moved), min(n_bins, n_bins - moved)):
            profile[k] += flux[stretch, k + moved]
            profile_mass[k] += mass[stretch, k + moved]
    for k in range(n_bins):
        sums[k + 1] = sums[k] + profile[k]
        sums_mass[k + 1] = sums_mass[k] + profile_mass[k]


@njit(**LOOSE)
def refine(
    centred: np.ndarray,
    weight: np.ndarray,
    total: float,
    first: int,
    last: int,
    period: float,
    t0: float,
    duration: float,
    shortest: float,
    longest: float,
    widths: np.ndarray,
    cores: np.ndarray,
) -> tuple[float, float, float, float]:
    """Return period, epoch, duration and SNR to a sixteenth of a duration over the whole curve.

    The curve is folded in 16 stretches of time, finely around the transit; a change of the period shifts them against
    each other, as when a pulsar is timed. The highest SNR over shifts, epochs and durations is taken.

    Args:
        centred, weight, total: as of :func:`locate`.
        first, last: the first and the last cadence that was measured.
        period, t0, duration: cadences; right to 1.5 durations over the whole curve.
        shortest, longest: cadences, durations allowed for the star.
        widths, cores: ``(n_widths,)`` int64, bins of the durations tried, of 16 a duration.
    """
    span = max(float(last - first), 1.0)
    n_bins = int(2 * REACH * PER_DURATION)
    flux, mass = np.zeros((SUBS, n_bins)), np.zeros((SUBS, n_bins))
    _fold_stretches(centred, weight, first, last, period, t0, duration, flux, mass)
    most = int(DRIFT * PER_DURATION)
    columns = n_bins - widths[-1]
    any_allowed = False
    for d in range(widths.shape[0]):
        new = widths[d] / PER_DURATION * duration
        any_allowed |= (new >= 0.8 * shortest) & (new <= 1.25 * longest)
    sums, sums_mass = np.zeros(n_bins + 1), np.zeros(n_bins + 1)
    best, wide, drift, column = 0.0, -1, 0, 0
    for shift in range(-most, most + 1):
        _sum_shifted(flux, mass, shift, sums, sums_mass)
        for d in range(widths.shape[0]):
            new = widths[d] / PER_DURATION * duration
            if any_allowed and not ((new >= 0.8 * shortest) & (new <= 1.25 * longest)):
                continue
            for c in range(columns):
                power = _window(sums, sums_mass, c, total, widths[d], cores[d])
                if power > best:
                    best, wide, drift, column = power, d, shift, c
    if wide < 0:
        return period, t0, duration, 0.0
    change = drift / PER_DURATION * duration
    late = ((column + 0.5 * widths[wide]) / PER_DURATION - REACH) * duration
    # The drift is about the middle of the curve, so that epoch and period are found nearly apart.
    centre = first + 0.5 * span
    turns = math.floor((centre - t0) / period + 0.5)
    found = period * (1 + change / span)
    at_centre = t0 + turns * period + late + (t0 + turns * period - centre) * change / span
    epoch = at_centre - turns * found
    epoch -= found * math.floor(epoch / found)
    return found, epoch, widths[wide] / PER_DURATION * duration, math.sqrt(best)


# ---------------------------------------------------------------- the rest of the fold


@njit(**LOOSE)
def secondary(
    flux: np.ndarray,
    weight: np.ndarray,
    period: float,
    t0: float,
    duration: float,
    red: float,
    most_bins: int,
    out: np.ndarray,
) -> None:
    """Fill depth, significance and phase of the deepest dip away from the transit, and the red noise of the fold.

    The fold is cut into bins of a quarter of a duration (of ``period / most_bins`` where that is longer) and a box of
    four slides over all phases that are a duration or more from mid-transit. The scatter of its SNR is red noise as
    the fold shows it: a variable star repeats at its own period, and single boxes do not show that (the model-shift
    test of Coughlin et al. 2016).

    Args:
        flux, weight: ``(n_cadences,)`` float32.
        period, t0, duration: cadences; the period is 4 durations or more.
        red: red noise over white of the candidate's transits.
        most_bins: the longest period in quarters of a duration that keeps the full resolution.
        out: ``(4,)`` float64; the first three NaN where no other phase was seen, the last ``red`` or more.
    """
    count = int(min(max(math.floor(QUARTERS * period / duration), 1.0), float(most_bins)))
    width = period / count
    loss, mass = np.zeros(count + QUARTERS), np.zeros(count + QUARTERS)
    total = 0.0
    for i in range(flux.shape[0]):
        if weight[i] > 0:
            cycles = (i - t0) / period
            place = min(int((cycles - math.floor(cycles)) * count), count - 1)
            loss[place] -= flux[i] * weight[i]
            mass[place] += weight[i]
            total += weight[i]
    expected = total * QUARTERS / count
    snr, deep, measured = np.full(count, -np.inf), np.zeros(count), np.zeros(count)
    best, at, n_valid = -np.inf, -1, 0
    for k in range(count):
        start = k * width
        if start < duration or start + QUARTERS * width > period - duration:
            continue
        m, s = 0.0, 0.0
        for j in range(QUARTERS):
            m += mass[k + j]
            s += loss[k + j]
        if m > 0.25 * expected:
            snr[k], deep[k], measured[k] = s / math.sqrt(m), s, m
            n_valid += 1
            if snr[k] > best:
                best, at = snr[k], k
    out[0] = out[1] = out[2] = np.nan
    out[3] = red
    if at < 0:
        return
    rest, n = np.empty(count, f4), 0
    for k in range(count):
        # The dip itself is no noise.
        if measured[k] > 0 and abs(k - at) * width > duration:
            rest[n] = abs(snr[k])
            n += 1
    spread = _median(rest, n) / GAUSSIAN_MEDIAN if n else 0.0
    # Few boxes fit into a short period; only what they show beyond their own uncertainty counts.
    scatter = max(spread / (1.0 + 1.0 / math.sqrt(max(n / QUARTERS, 0.1))), red)
    out[0], out[1] = deep[at] / max(measured[at], 1e-6), best / scatter
    out[2], out[3] = (at + 0.5 * QUARTERS) * width / period, scatter
