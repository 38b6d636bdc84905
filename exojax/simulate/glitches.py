"""Simulate single events that are no eclipses: drops of sensitivity, ramps, isolated dips, edges after a gap."""

from __future__ import annotations

import numpy as np

SHAPES = ("drop", "ramp", "dip", "edge")


def glitches(
    rng: np.random.Generator,
    time: np.ndarray,
    valid: np.ndarray,
    noise: np.ndarray,
    rate: np.ndarray,
    strongest: np.ndarray,
) -> np.ndarray:
    """Draw ``(n, n_cadences)`` float32 relative flux to add, mostly negative.

    ``time`` ``(n_cadences,)`` days, ``valid`` ``(n_cadences,)`` bool, ``noise`` ``(n,)`` white noise of a cadence,
    ``rate`` ``(n,)`` expected events a star, ``strongest`` ``(n,)`` in noises. An event is 2 to ``strongest`` noises
    deep, log-uniform, and of one of ``SHAPES`` with equal chance.
    """
    flux = np.zeros((noise.size, time.size), np.float32)
    starts = time[np.flatnonzero(np.diff(valid.astype(np.int8), prepend=0) == 1)]
    for row, number in enumerate(rng.poisson(rate)):
        for _ in range(number):
            shape = SHAPES[rng.integers(len(SHAPES))]
            when = rng.choice(starts) if shape == "edge" else rng.uniform(time[0], time[-1])
            size = noise[row] * 2.0 * (strongest[row] / 2.0) ** rng.random() * (-1.0 if rng.random() < 0.85 else 0.7)
            flux[row] += size * glitch_shape(shape, time - when, *rng.random(3))
    return flux


def glitch_shape(shape: str, since: np.ndarray, length: float, kept: float, slope: float) -> np.ndarray:
    """Return one event of size 1, ``since`` its beginning in days (``(n_cadences,)``); three numbers in (0, 1) form it.

    A drop of sensitivity falls at once and recovers, but for a part, within 0.1 to 5 days (Jenkins et al. 2010). A
    ramp builds up for 0.3 to 4 days and ends at once. A dip lasts 0.05 to 1.5 days, boxy or pointed, its two sides
    unlike. An edge is an exponential of 0.1 to 2 days after a gap.
    """
    after = np.maximum(since, 0.0)
    if shape == "drop":
        event = kept * (kept < 0.5) + (1 - kept * (kept < 0.5)) * np.exp(-after / (0.1 * 50.0**length))
    elif shape == "ramp":
        event = np.clip(after / (0.3 * 13.0**length), 0.0, 1.0) * (after < 0.3 * 13.0**length)
    elif shape == "dip":
        place = after / (0.05 * 30.0**length)
        # The deepest point lies anywhere, the bottom is flat for some.
        side = np.minimum(place / (0.02 + 0.9 * slope), (1 - place) / (0.08 + 0.9 * (1 - slope)))
        event = np.clip(side * (1 + 3 * kept), 0.0, 1.0)
    else:
        event = np.exp(-after / (0.1 * 20.0**length))
    return np.where(since >= 0, event, 0.0)
