"""Inject transits into raw light curves, and compute their signal-to-noise ratio."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from exojax.ephemeris import nearest_transit
from exojax.light_curves import LightCurves
from exojax.robust import scatter
from exojax.simulate.transits import TransitCadences


def transit_cadences(
    curves: LightCurves, period: np.ndarray, t0: np.ndarray, duration: np.ndarray, exposure: float
) -> TransitCadences:
    """Return the valid cadences whose exposure overlaps a transit.

    Args:
        curves: one planet each.
        period: ``(n_stars,)`` float64, days.
        t0: ``(n_stars,)`` float64, any mid-transit, days on the curves' own axis.
        duration: ``(n_stars,)`` float64, first to last contact, days.
        exposure: days.
    """
    # Times of padding are NaN, and never valid.
    time = np.where(curves.valid, curves.time, 0.0)
    since, epoch = nearest_transit(time, period[:, None], t0[:, None])
    row, column = np.nonzero(curves.valid & (np.abs(since) < 0.5 * (duration[:, None] + exposure)))
    return TransitCadences(row, column, since[row, column], epoch[row, column].astype(np.int64))


def inject(curves: LightCurves, where: TransitCadences, deficit: np.ndarray) -> LightCurves:
    """Return the light curves with transits in their flux; time and validity stay unchanged.

    Args:
        curves: raw light curves. The flux is multiplied by one minus the deficit; flux without an absolute scale has an
            unknown level, and the deficit is subtracted.
        where: cadences in transit, from :func:`transit_cadences`.
        deficit: ``(m,)`` float32, fraction of the flux lost, or in the file's units; averaged over the exposure.
    """
    flux = curves.flux.copy()
    flux[where.row, where.column] -= deficit * (flux[where.row, where.column] if curves.absolute else 1)
    return replace(curves, flux=flux)


def white_scatter(curves: LightCurves) -> np.ndarray:
    """Return ``(n_stars,)`` float64 robust standard deviation of one measurement, in units of flux, slow variation left
    out.

    From differences of neighbouring valid cadences, ``1.4826 MAD / sqrt(2)``; NaN where there are none.
    """
    step = np.diff(curves.flux, axis=1).astype(np.float64)
    step[~(curves.valid[:, 1:] & curves.valid[:, :-1])] = np.nan
    return np.array([scatter(row) for row in step]) / np.sqrt(2)


def white_snr(where: TransitCadences, deficit: np.ndarray, scatter: np.ndarray) -> np.ndarray:
    """Return ``(n_stars,)`` float64 matched-filter SNR in white noise: ``sqrt(sum(deficit^2)) / scatter``; 0
    unobserved.

    Args:
        where: the cadences in transit.
        deficit: ``(m,)`` of them, in units of flux.
        scatter: ``(n_stars,)`` of one measurement, in the same unit.
    """
    power = np.bincount(where.row, deficit.astype(np.float64) ** 2, len(scatter))
    return np.sqrt(power) / scatter
