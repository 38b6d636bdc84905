"""Simulate eclipsing binaries, the most frequent false positives: V shapes, secondaries, odd-even pairs, blends."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri

from exojax.simulate.stars import SimulatedStars
from exojax.simulate.transits import EclipsedCadences, Orbits, find_events, scaled_axis

N_BINARY_UNIFORMS = 8
# Closer pairs than this many summed radii are in contact and no longer eclipse like two discs.
DETACHED = 1.4


@dataclass(frozen=True, eq=False)
class Binaries:
    """Eclipsing pairs, one per row.

    Attributes:
        primary, secondary: orbits relative to the eclipsed star; the secondary eclipse is half a period later, and its
            lengths are in radii of the smaller star.
        primary_light, secondary_light: ``(n,)`` shares of the total flux.
        ellipsoidal: ``(n,)`` semi-amplitude of the tidal modulation, fraction of the flux.
    """

    primary: Orbits
    secondary: Orbits
    primary_light: np.ndarray
    secondary_light: np.ndarray
    ellipsoidal: np.ndarray


def draw_binaries(stars: SimulatedStars, uniforms: np.ndarray) -> Binaries:
    """Draw one eclipsing companion per star, from ``(n, N_BINARY_UNIFORMS)`` numbers in (0, 1).

    Periods are log-normal, already weighted by the chance of an eclipse; a third are near-equal pairs, whose
    eclipses look alike and double the apparent frequency; surface brightness falls with size as on the main
    sequence. In 4 of 10 a brighter star in the aperture dilutes the pair to 0.2-30 % of the flux, so that its
    eclipses are as shallow as a planet's. Orbits are circular. The tidal modulation follows Morris (1985).
    """
    u = uniforms.T
    is_equal = u[0] < 0.35
    ratio = np.where(is_equal, 0.85 + 0.15 * u[1], 0.12 + 0.73 * u[1])
    period = np.clip(1.8 * np.exp(1.3 * ndtri(u[2])), 0.3, 60.0)
    mass = stars.density * (1 + ratio)
    closest = DETACHED * (1 + ratio)
    period = np.maximum(period, (closest / scaled_axis(np.ones_like(period), mass)) ** 1.5)
    axis = scaled_axis(period, mass)
    impact = u[3] * (1 + ratio)
    brightness = np.minimum(ratio**2.5 * np.exp(0.15 * ndtri(u[4])), 1.0)
    blend = np.where(u[5] < 0.4, 0.002 * 150.0 ** u[6], 1.0)
    light = brightness * ratio**2
    primary = Orbits(period, u[7] * period, axis, impact, ratio, stars.limb_darkening)
    secondary = replace(
        primary,
        t0=primary.t0 + 0.5 * period,
        scaled_axis=axis / ratio,
        impact=impact / ratio,
        radius_ratio=1 / ratio,
    )
    inclined = 1 - (impact / axis) ** 2
    return Binaries(
        primary=primary,
        secondary=secondary,
        primary_light=blend / (1 + light),
        secondary_light=blend * light / (1 + light),
        ellipsoidal=1.2 * blend * ratio * axis**-3 * inclined,
    )


def find_eclipses(binaries: Binaries, time: np.ndarray, exposure: float) -> tuple[EclipsedCadences, EclipsedCadences]:
    """Find primary and secondary eclipses over ``(n_cadences,)`` float64 days, deficits as shares of all flux."""
    primary = find_events(binaries.primary, time, exposure)
    secondary = find_events(binaries.secondary, time, exposure)
    return (
        replace(primary, deficit=primary.deficit * binaries.primary_light[primary.row].astype(np.float32)),
        replace(secondary, deficit=secondary.deficit * binaries.secondary_light[secondary.row].astype(np.float32)),
    )


def tides(binaries: Binaries, time: np.ndarray) -> np.ndarray:
    """Return the ellipsoidal modulation, ``(n, n_cadences)`` float64 about 0, faintest in eclipse."""
    cycles = (time - binaries.primary.t0[:, None]) / binaries.primary.period[:, None]
    return -binaries.ellipsoidal[:, None] * np.cos(4 * np.pi * cycles)
