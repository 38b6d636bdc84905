"""Single transits: one deep event in a curve, and how short its period can be."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from exojax.detection.curve import FlatCurve
from exojax.detection.red_noise import Noise
from exojax.loops import single as loops

COVERED = 0.5
"""share of a box that has to be measured for another transit to be excluded there"""
LIKE = 0.5
"""share of the depth at which another dip counts as a like event"""


class SingleEvent(NamedTuple):
    """The best single event of a star; ``snr`` 0 where none is acceptable.

    Attributes:
        t0: cadences, middle, to half a cadence.
        duration: cadences, one of those tried.
        depth: mean loss in units of the star's scatter.
        snr: against white noise.
        snr_red: against the scatter on this time scale.
    """

    t0: float
    duration: float
    depth: float
    snr: float
    snr_red: float


def single_event(curve: FlatCurve, noise: Noise) -> SingleEvent:
    """Return the most significant single box-like dip that is no step, edge, outlier or slow wave."""
    out = np.empty(5)
    loops.single_event(curve.values, curve.weights, noise.durations, noise.scatter, out)
    return SingleEvent(*out.tolist())


def shortest_period(
    curve: FlatCurve, t0: float, duration: float, depth: float, *, covered: np.ndarray | None = None
) -> float:
    """Return the shortest period, cadences, that the curve does not exclude for a single event.

    A period is excluded when any of its other transits would have fallen on well measured data that show no like dip.

    Args:
        curve: that was searched.
        t0, duration: cadences; periods below four durations are not considered.
        depth: mean loss in units of the star's scatter.
        covered: running sum of the measured cadences of a curve with long gaps, as of ``seasons.coverage``, whose
            periods are tried as finely as its length asks for; None for one season.

    Returns:
        Cadences, to half a cadence; the length of the curve where all are excluded.
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
