"""Search for single transits; compiled by Numba once per machine.

Times are in cadences from the curve's first; cadence ``i`` reaches from ``i - 0.5`` to ``i + 0.5``. Running sums are
float64, ``(n_cadences + 1,)``: entry ``i`` holds everything before cadence ``i``.
"""

from __future__ import annotations

import math

import numpy as np
from numba import boolean, float64, int64, njit

from exojax.loops.options import LOOSE

COVERED = 0.5
"""share of a single transit and of either neighbour that was measured"""
CONTRAST = 0.5
"""share of the depth that a single transit must lie below either neighbour, or it is a step"""
OUTER = 0.35
"""share of the depth that the first and the last third of a single transit have, or it is an outlier"""
GAP, SIDE = 0.25, 1.0
"""durations between a single transit and its neighbour windows on either side, and length of those"""

_DOUBLES = float64[::1]
SIGNATURES = {
    "single_event": (_DOUBLES, _DOUBLES, int64[::1], float64[:, ::1], _DOUBLES),
    "first_allowed": (boolean[::1], float64, float64),
}


@njit(**LOOSE)
def _moved(running: np.ndarray, steps: float, out: np.ndarray) -> None:
    """Fill ``out`` with a running sum read ``steps`` cells further on, its ends continued."""
    size = running.shape[0]
    whole = math.floor(steps)
    share = steps - whole
    for i in range(size):
        a, b = min(max(i + whole, 0), size - 1), min(max(i + whole + 1, 0), size - 1)
        out[i] = running[a] + share * (running[b] - running[a])


@njit(**LOOSE)
def single_event(
    values: np.ndarray, weights: np.ndarray, durations: np.ndarray, scatter: np.ndarray, out: np.ndarray
) -> None:
    """Fill epoch, duration, depth, SNR and red-noise SNR of the most significant single dip; SNR 0 without a dip.

    The dip and the windows on both sides must be observed, the dip must lie below both sides, and its first and last
    third must be deep. A sudden drop of sensitivity that recovers within a day passes these tests.

    Args:
        values, weights: running sums.
        durations: ``(n_durations,)`` int64, cadences.
        scatter: ``(n_durations, n_blocks)`` from :func:`exojax.loops.candidate.pulse_scatter`.
        out: ``(5,)`` float64.
    """
    size, blocks = values.shape[0], scatter.shape[1]
    edges = np.empty(8)
    sums, masses = np.empty((8, size)), np.empty((8, size))
    out[:] = 0.0
    for d in range(durations.shape[0]):
        duration = float(durations[d])
        gap, side, third = GAP * duration, SIDE * duration, duration / 3.0
        edges[:] = np.array(
            (-gap - side, -gap, 0.0, third, duration - third, duration, duration + gap, duration + gap + side)
        )
        for e in range(8):
            _moved(values, edges[e], sums[e])
            _moved(weights, edges[e], masses[e])
        for i in range(size):
            measured = masses[5, i] - masses[2, i]
            lost = sums[2, i] - sums[5, i]
            if lost <= 0 or measured < COVERED * duration:
                continue
            # First check cheaply, without the shape, whether this dip could be the best.
            red = scatter[d, i * blocks // size]
            if lost <= out[4] * red * math.sqrt(measured):
                continue
            depth = lost / measured
            m_first, m_last = masses[3, i] - masses[2, i], masses[5, i] - masses[4, i]
            m_left, m_right = masses[1, i] - masses[0, i], masses[7, i] - masses[6, i]
            if min(m_first, m_last) < COVERED * third or min(m_left, m_right) < COVERED * side:
                continue
            left, right = (sums[0, i] - sums[1, i]) / m_left, (sums[6, i] - sums[7, i]) / m_right
            first, last = (sums[2, i] - sums[3, i]) / m_first, (sums[4, i] - sums[5, i]) / m_last
            if depth - max(left, right) > CONTRAST * depth and min(first, last) > OUTER * depth:
                out[0], out[1], out[2] = i - 0.5 + 0.5 * duration, duration, depth
                out[3] = depth * math.sqrt(measured)
                out[4] = out[3] / red


@njit(**LOOSE)
def first_allowed(watched: np.ndarray, shortest: float, drift: float) -> float:
    """Return the shortest period, cadences, no multiple of which is ``watched``; the length of the curve where all are.

    Args:
        watched: ``(n_cadences,)`` bool, whether an event would have been seen so many cadences before or after.
        shortest: cadences, the first that is tried; a multiple of a half.
        drift: cadences by which the multiples of neighbouring trials differ at the end of the curve, at least; trials
            are half a cadence apart at most.
    """
    size = watched.shape[0]
    period = shortest
    while period < size:
        allowed = True
        at = period
        turns = 1
        while at < size - 0.5:
            if watched[int(np.rint(at))]:
                allowed = False
                break
            turns += 1
            at = turns * period
        if allowed:
            return period
        period += min(0.5, drift * period / size)
    return float(size)
