"""Compute many eclipses of one orbit by interpolation in a table, for which its light curve is evaluated once."""

from __future__ import annotations

import numpy as np

from exojax.ephemeris import nearest_transit
from exojax.simulate.transits import EclipsedCadences, Orbits, deficit

# Nodes from mid-eclipse to beyond last contact; eclipses are symmetric.
NODES = 96


def tabulated_events(orbits: Orbits, time: np.ndarray, exposure: float) -> tuple[EclipsedCadences, np.ndarray]:
    """Find the events of ``find_events`` by linear interpolation: ``(n_cadences,)`` float64 days -> events, and the
    deficit at mid-eclipse, ``(n,)`` float32.

    The cost does not grow with the number of eclipses, as it does there. The error is below 1 % of the depth in the
    steepest part of an eclipse that lasts a day, and less in shorter ones, as the exposure smooths them.
    """
    n = orbits.period.size
    reach = 0.5 * (orbits.duration + exposure)
    nodes = np.linspace(0.0, 1.0, NODES)
    table = deficit(orbits, np.repeat(np.arange(n), NODES), (reach[:, None] * nodes).ravel(), exposure)
    table = np.concatenate([table.reshape(n, NODES), np.zeros((n, 1), np.float32)], axis=1)
    table[:, NODES - 1] = 0.0
    since, epoch = nearest_transit(time, orbits.period[:, None], orbits.t0[:, None])
    row, column = np.nonzero(np.abs(since) < reach[:, None])
    since = since[row, column]
    place = np.abs(since) / reach[row] * (NODES - 1)
    left = place.astype(np.int64)
    share = (place - left).astype(np.float32)
    value = (1 - share) * table[row, left] + share * table[row, left + 1]
    return EclipsedCadences(row, column, since, epoch[row, column].astype(np.int64), value), table[:, 0]
