"""Single transits: find one deep event in a curve, and the shortest period that the curve allows for it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from exojax.detection.curve import FlatCurve
from exojax.detection.red_noise import Noise
from exojax.loops import single as loops

COVERED = 0.5
"""smallest measured share of a box in which another transit can be excluded"""
LIKE = 0.5
"""smallest depth of a similar event, as a share of the depth of the single event"""


class SingleEvent(NamedTuple):
    """The best single event of a star; ``snr`` is 0 if no event is acceptable.

    Attributes:
        t0: middle of the event, exact to half a cadence, cadences.
        duration: one of the trial durations, cadences.
        depth: mean loss in units of the star's scatter.
        snr: SNR against white noise.
        snr_red: SNR against the scatter on the time scale of the event.
    """

    t0: float
    duration: float
    depth: float
    snr: float
    snr_red: float


def single_event(curve: FlatCurve, noise: Noise) -> SingleEvent:
    """Return the most significant box-like dip, without steps, edges of gaps, outliers and slow waves."""
    out = np.empty(5)
    loops.single_event(curve.values, curve.weights, noise.durations, noise.scatter, out)
    return SingleEvent(*out.tolist())


def shortest_period(
    curve: FlatCurve, t0: float, duration: float, depth: float, *, covered: np.ndarray | None = None
) -> float:
    """Return the shortest period, cadences, that the curve does not exclude for a single event.

    A period is excluded if one of its other transits falls on well measured data that show no similar dip.

    Args:
        curve: curve in which the event was found.
        t0, duration: cadences; periods below four durations are not considered.
        depth: mean loss in units of the star's scatter.
        covered: running sum of the measured cadences from ``seasons.coverage``, for a curve with long gaps; the step
            of its trial periods follows from its length. None for one season.

    Returns:
        Cadences, exact to half a cadence; the length of the curve if all shorter periods are excluded.
    """
    size, half = len(curve.flux), 0.5 * duration
    edges = np.arange(size + 1.0)

    def clear(middle: np.ndarray) -> np.ndarray:
        start, stop = (np.clip(middle + side * half + 0.5, 0.0, size) for side in (-1, 1))
        lost, measured, seen = (
            np.interp(stop, edges, sums) - np.interp(start, edges, sums)
            for sums in (-curve.values, curve.weights, curve.weights if covered is None else covered)
        )
        return (seen >= 2 * COVERED * half) & (lost < LIKE * depth * measured)

    offset = np.arange(size, dtype=np.float64)
    watched = clear(t0 + offset) | clear(t0 - offset)
    drift = np.inf if covered is None else 0.5 * duration
    return loops.first_allowed(watched, float(np.ceil(8 * duration)) / 2, drift)
