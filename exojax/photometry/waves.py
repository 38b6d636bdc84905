"""Find a star's periodic signals one by one, and subtract them as sinusoids with smoothly varying amplitudes.

Spots rotate with the star and change within weeks; pulsations keep their frequency. Both consist of a few frequencies
in narrow bands, while a transit covers a wide band. Therefore the fit removes little of a transit, and nothing if the
cadences of the transit are left out.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from exojax.light_curves import EvenCurves
from exojax.loops import compiled
from exojax.loops import harmonics as loops
from exojax.robust import MAD_TO_SIGMA
from exojax.robust import scatter as scatter_of

LEAST_DAYS = 8.0
"""shortest curve from which periodic signals are subtracted, days; in a shorter one slow variations do not repeat"""
KNOTS = 2.5
"""days between the knots of an amplitude"""
SLOW = (0.3, 0.6)
"""frequencies, cycles per day, that are fitted together with a constant to represent slow variations"""
LOWEST = 0.85
"""lowest frequency of a periodic signal, cycles per day; slower variations belong to the slow part of the fit"""
APART = 0.3
"""smallest difference of two frequencies, cycles per day; closer ones act as one wave with a varying amplitude"""
ROUNDS = 4
"""number of fits; each gives less weight to the outliers of the previous fit (Huber 1964, Ann. Math. Statist. 35,
73)"""
MOST_WAVES = 4
"""largest number of frequencies"""
LEAST_AMPLITUDE = 0.3
"""smallest amplitude of a sinusoid that is subtracted, in scatters"""
HOURS = 3.0
"""length of the means with which detrendings are compared, hours"""
ACTIVE = 1.35
"""amplitude of a sinusoid in a flat curve, in scatters from cadence to cadence, from which the window is not enough"""
HIGHEST = 0.4
"""highest frequency, cycles per cadence"""
CUT = 1.5
"""deviation from the fit, in standard deviations, from which a cadence gets less weight"""
PADDING = 2
"""length to which a curve is padded with zeros for a finer spectrum, in lengths of the curve"""


def point_scatter(flux: np.ndarray, weight: np.ndarray) -> float:
    """Return the standard deviation of a cadence of weight 1 from second differences, in which slow changes cancel.

    Args:
        flux, weight: ``(n_cadences,)``.

    Returns:
        NaN where no three neighbours were measured.
    """
    left, middle, right = weight[:-2], weight[1:-1], weight[2:]
    three = (left > 0) & (middle > 0) & (right > 0)
    if not three.any():
        return float("nan")
    bend = (flux[:-2] - 2 * flux[1:-1] + flux[2:])[three]
    return scatter_of(bend / np.sqrt(1 / left[three] + 4 / middle[three] + 1 / right[three]), about=0.0)


def transit_noise(flat: EvenCurves, in_transit: np.ndarray) -> float:
    """Return the robust scatter of the means of a flat curve over three hours, transits left out.

    Args:
        flat: one star.
        in_transit: ``(n_cadences,)`` bool.
    """
    weight = np.where(in_transit, 0.0, flat.weight[0].astype(np.float64))
    width = max(round(HOURS / 24 / flat.cadence), 1)
    total, mass = (np.concatenate([[0.0], np.cumsum(x)]) for x in (weight * flat.flux[0], weight))
    total, mass = total[width::width] - total[:-width:width], mass[width::width] - mass[:-width:width]
    full = mass >= 0.5 * width
    return scatter_of(total[full] / mass[full], about=0.0)


def is_active(flat: EvenCurves) -> bool:
    """Return whether a flat curve of one star still holds a sinusoid larger than its point-to-point scatter."""
    flux, weight = flat.flux[0], flat.weight[0]
    seen, scatter = np.flatnonzero(weight > 0), point_scatter(flux, weight)
    if not scatter > 0 or (seen[-1] - seen[0]) * flat.cadence < LEAST_DAYS:
        return False
    # Deep transits must not count as waves.
    bounded = np.clip(flux, -5 * scatter - 2 * flat.scatter[0], 5 * scatter + 2 * flat.scatter[0])
    return _strongest(bounded, weight, flat.cadence / LEAST_DAYS, [])[1] >= ACTIVE * scatter


def frequencies(even: EvenCurves) -> np.ndarray:
    """Return the frequencies of one star's periodic signals, cycles a cadence, the strongest first.

    The highest peak of the amplitude spectrum is fitted and subtracted, again and again (Lomb 1976, Ap&SS 39, 447;
    Scargle 1982, ApJ 263, 835), until it is below 0.3 scatters or there are four. Sinusoids closer than the inverse of
    the knots' distance are one whose amplitude varies.

    Args:
        even: one star, not detrended.
    """
    seen = np.flatnonzero(even.weight[0] > 0)
    weight = even.weight[0].astype(np.float64)
    scatter = point_scatter(even.flux[0], even.weight[0])
    found: list[float] = []
    if not scatter > 0 or (seen[-1] - seen[0]) * even.cadence < LEAST_DAYS:
        return np.zeros(0)
    rest = np.zeros(even.flux.shape[1])
    rest[seen] = even.flux[0, seen] - _fitted(even, np.zeros(0), weight > 0, scatter, n_fits=1)[seen]
    turns = 2 * np.pi * np.arange(len(rest))
    while len(found) < MOST_WAVES:
        frequency, amplitude = _strongest(rest, even.weight[0], LOWEST * even.cadence, found, APART * even.cadence)
        if amplitude < LEAST_AMPLITUDE * scatter:
            break
        found.append(frequency)
        waves = np.stack([np.cos(frequency * turns[seen]), np.sin(frequency * turns[seen])])
        system = (waves * weight[seen]) @ waves.T
        best = np.linalg.solve(system + 1e-9 * np.eye(2), (waves * weight[seen]) @ rest[seen])
        rest[seen] -= best @ waves
    return np.array(found)


def without_waves(even: EvenCurves, chosen: np.ndarray, *, absolute: bool, in_transit: np.ndarray) -> EvenCurves:
    """Return a star's curve without its periodic signals.

    Args:
        even: one star, not detrended.
        chosen: ``(n,)`` float64, of :func:`frequencies`.
        absolute: divide by the fit, relative to its mean; otherwise subtract it.
        in_transit: ``(n_cadences,)`` bool, left out of the fit.
    """
    weight = even.weight[0]
    scatter = point_scatter(even.flux[0], weight)
    if not scatter > 0:
        return even
    fit = _fitted(even, chosen, (weight > 0) & ~in_transit, scatter)
    level = float(np.median(fit[weight > 0]))
    if absolute and level > 0 and (fit[weight > 0] > 0.1 * level).all():
        flux = even.flux[0] * level / np.where(weight > 0, fit, level)
    else:
        flux = even.flux[0] - np.where(weight > 0, fit - level, 0)
    return replace(even, flux=np.where(weight > 0, flux, 0).astype(np.float32)[None])


def _fitted(even: EvenCurves, chosen: np.ndarray, kept: np.ndarray, scatter: float, n_fits: int = ROUNDS) -> np.ndarray:
    """Return the fit of slow changes and sinusoids, ``(n_cadences,)`` float64, 0 where nothing was measured."""
    compiled.ready()
    seen = np.flatnonzero(even.weight[0] > 0)
    flux, weight = (x[0, seen].astype(np.float64) for x in (even.flux, even.weight))
    level, place, spacing = float(np.mean(flux)), seen - seen[0], KNOTS / even.cadence
    flux -= level
    angle = 2 * np.pi * place[:, None] * np.concatenate([np.array(SLOW) * even.cadence, chosen])
    waves = np.concatenate([np.cos(angle), np.sin(angle)], axis=1)
    parts = waves.shape[1] + 1
    n = (int(place[-1] / spacing) + loops.BASIS) * parts
    matrix, right, out = np.zeros((n, loops.BASIS * parts)), np.zeros(n), np.zeros(len(seen))
    used, wanted = np.zeros(len(seen)), np.where(kept[seen], weight, 0.0)
    for _ in range(n_fits):
        loops.add_cadences(place, flux, wanted - used, waves, spacing, matrix, right)
        loops.solve_waves(place, waves, spacing, matrix.copy(), right.copy(), out)
        used = wanted
        away = np.abs(flux - out) * np.sqrt(weight)
        if not (used > 0).any():
            break
        cut = CUT * max(scatter, MAD_TO_SIGMA * float(np.median(away[used > 0])))
        # Huber's weights: if a badly fitted stretch had no weight at all, the fit could drift away there.
        wanted = np.where(kept[seen], weight * cut / np.maximum(away, cut), 0.0)
    fit = np.zeros(even.flux.shape[1])
    fit[seen] = out + level
    return fit


def _strongest(
    flux: np.ndarray, weight: np.ndarray, lowest: float, taken: list[float], near: float = 0.0
) -> tuple[float, float]:
    """Return frequency (cycles a cadence) and amplitude of the highest peak of the spectrum.

    Args:
        flux, weight: ``(n_cadences,)``, flux about 0.
        lowest: lowest frequency, cycles per cadence.
        taken, near: frequencies that were found before, and the distance from them that is left out.
    """
    n = len(flux)
    size = 1 << int(PADDING * n - 1).bit_length()
    amplitude = 2 * np.abs(np.fft.rfft(flux * weight, size)) / max(float(weight.sum()), 1e-12)
    frequency = np.arange(len(amplitude)) / size
    allowed = (frequency >= lowest) & (frequency <= HIGHEST)
    for one in taken:
        allowed &= np.abs(frequency - one) > near
    amplitude = np.where(allowed, amplitude, 0.0)
    top = int(np.argmax(amplitude))
    left, middle, right = (float(amplitude[min(max(k, 0), len(amplitude) - 1)]) for k in (top - 1, top, top + 1))
    bend = left - 2 * middle + right
    shift = 0.5 * (left - right) / bend if bend < 0 else 0.0
    return (top + shift) / size, middle
