"""Inject one simulated planet into each measured light curve, for injection and recovery and for training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from exojax.injection.transits import inject, transit_cadences, white_scatter, white_snr
from exojax.light_curves import LightCurves
from exojax.simulate.transits import EARTH_PER_SOLAR_RADIUS, Orbits, deficit, scaled_axis

Quantity = Literal["radius", "depth", "snr"]
"""meaning of a planet's size: Earth radii, depth at mid-transit as a fraction, or SNR of the white-noise matched
filter"""
LIMB_DARKENING = (0.4, 0.25)
DENSITY = (0.4, 6.0)
"""solar units: range of the log-uniform density of dwarfs, for stars of unknown density"""
CLOSEST_ORBIT = 2.5
"""smallest a/R of an orbit; the density of the star is increased where the period would give a closer orbit"""


@dataclass(frozen=True, eq=False)
class InjectedPlanets:
    """Light curves with one injected planet each.

    Attributes:
        curves: n stars, with the transits in the raw flux.
        orbits: orbits of the planets.
        span: ``(n,)`` float64, days from the first to the last measurement.
        depth: ``(n,)`` float64, depth at mid-transit without smearing by the exposure, in the unit of the flux.
        snr: ``(n,)`` float64, SNR of the white-noise matched filter.
        n_transits: ``(n,)`` int, number of transits with a measurement between first and fourth contact.
    """

    curves: LightCurves
    orbits: Orbits
    span: np.ndarray
    depth: np.ndarray
    snr: np.ndarray
    n_transits: np.ndarray


def between(low: np.ndarray | float, high: np.ndarray | float, uniform: np.ndarray) -> np.ndarray:
    """Convert uniform numbers in (0, 1) to log-uniform numbers from ``low`` to ``high``."""
    return low * (high / low) ** uniform


def inject_planets(
    curves: LightCurves, period: np.ndarray, size: np.ndarray, quantity: Quantity, uniforms: np.ndarray
) -> InjectedPlanets:
    """Inject one transiting planet into each raw light curve.

    Orbits are circular, impact parameter and epoch uniform, densities as known or log-uniform over ``DENSITY``; the
    limb-darkened transit (jaxoplanet) is averaged over the exposure.

    Args:
        curves: as measured, n stars of one cadence.
        period: ``(n,)`` float64, days.
        size: ``(n,)`` float64, see ``quantity``.
        quantity: what ``size`` is; radii need stellar radii.
        uniforms: ``(3, n)`` numbers in (0, 1): impact parameter, epoch, density.
    """
    n = len(curves)
    time = np.where(curves.valid, curves.time, np.nan)
    first, span = np.nanmin(time, axis=1), np.nanmax(time, axis=1) - np.nanmin(time, axis=1)
    density = between(*DENSITY, uniforms[2])
    if curves.stars is not None:
        known = np.isfinite(curves.stars.density) & (curves.stars.density > 0)
        density = np.where(known, curves.stars.density, density)
    if quantity == "radius":
        assert curves.stars is not None
        ratio = size * EARTH_PER_SOLAR_RADIUS / curves.stars.radius
    else:
        ratio = np.sqrt(size) if quantity == "depth" else np.full(n, 0.02)
    axis = np.maximum(scaled_axis(period, density), CLOSEST_ORBIT)
    orbits = Orbits(period, first + uniforms[1] * period, axis, uniforms[0], ratio, np.tile(LIMB_DARKENING, (n, 1)))
    where = transit_cadences(curves, period, orbits.t0, orbits.duration, curves.cadence)
    lost = deficit(orbits, where.row, where.since, curves.cadence)
    scatter = white_scatter(curves)
    depth = deficit(orbits, np.arange(n), np.zeros(n), 0.0).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.ones(n)
        if quantity == "depth":
            scale = size / depth
        elif quantity == "snr":
            # Without an observed transit the SNR is 0 for any depth.
            scale = np.nan_to_num(size / white_snr(where, lost, scatter), nan=0.0, posinf=0.0)
        lost = (lost * scale[where.row]).astype(np.float32)
        strength = white_snr(where, lost, scatter)
    inside = np.abs(where.since) < 0.5 * orbits.duration[where.row]
    events = np.unique(np.stack([where.row[inside], where.epoch[inside]]), axis=1)
    seen = np.bincount(events[0], minlength=n)
    return InjectedPlanets(inject(curves, where, lost), orbits, span, depth * scale, strength, seen)
