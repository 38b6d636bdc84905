"""Simulated planets put into measured light curves, one a star: for injection and recovery, and to teach by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from exojax.injection.transits import inject, transit_cadences, white_scatter, white_snr
from exojax.light_curves import LightCurves
from exojax.simulate.transits import EARTH_PER_SOLAR_RADIUS, Orbits, deficit, scaled_axis

Quantity = Literal["radius", "depth", "snr"]
"""what a planet's size is: Earth radii, a fraction at mid-transit, SNR of the white-noise matched filter"""
LIMB_DARKENING = (0.4, 0.25)
DENSITY = (0.4, 6.0)
"""solar; dwarfs, log-uniform, where a star's density is not known"""
CLOSEST_ORBIT = 2.5
"""a/R of the closest orbit: a star of low density is made denser where a period would bring the planet closer"""


@dataclass(frozen=True, eq=False)
class InjectedPlanets:
    """Light curves with a planet each.

    Attributes:
        curves: n stars, as they would have been measured.
        orbits: of the planets.
        span: ``(n,)`` float64 days from the first to the last measurement.
        depth: ``(n,)`` float64 at mid-transit, not smeared by an exposure, of the unit of the flux.
        snr: ``(n,)`` float64 of the white-noise matched filter.
        n_transits: ``(n,)`` int, with a measurement between first and fourth contact.
    """

    curves: LightCurves
    orbits: Orbits
    span: np.ndarray
    depth: np.ndarray
    snr: np.ndarray
    n_transits: np.ndarray


def between(low: np.ndarray | float, high: np.ndarray | float, uniform: np.ndarray) -> np.ndarray:
    """Turn numbers in (0, 1) into log-uniform ones from ``low`` to ``high``."""
    return low * (high / low) ** uniform


def inject_planets(
    curves: LightCurves, period: np.ndarray, size: np.ndarray, quantity: Quantity, uniforms: np.ndarray
) -> InjectedPlanets:
    """Put one transiting planet into each light curve, before anything is cleaned.

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
            # Nothing observed has no SNR, whatever the depth.
            scale = np.nan_to_num(size / white_snr(where, lost, scatter), nan=0.0, posinf=0.0)
        lost = (lost * scale[where.row]).astype(np.float32)
        strength = white_snr(where, lost, scatter)
    inside = np.abs(where.since) < 0.5 * orbits.duration[where.row]
    events = np.unique(np.stack([where.row[inside], where.epoch[inside]]), axis=1)
    seen = np.bincount(events[0], minlength=n)
    return InjectedPlanets(inject(curves, where, lost), orbits, span, depth * scale, strength, seen)
