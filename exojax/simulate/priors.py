"""Draw the systems of a pre-training population from broad distributions, similar to Kepler's objects of interest.

The population covers a wide range of systems; their rates are not those of the sky. The medians of periods, durations
and depths are close to those of Kepler's confirmed planets and false positives, and the tails are wider.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from scipy.special import ndtr, ndtri

from exojax.simulate.binaries import DETACHED
from exojax.simulate.eccentric import secondary_phase, transit_distance, transit_speed
from exojax.simulate.stars import SimulatedStars
from exojax.simulate.transits import EARTH_PER_SOLAR_RADIUS, Orbits, scaled_axis

SHORTEST = 0.3
LEAST_SNR = 5.0
DILUTED_PLANETS = 0.12


@dataclass(frozen=True, eq=False)
class Systems:
    """Eclipsing systems, one per row.

    Attributes:
        star: ``(m,)`` int, the row of the star.
        front, behind: the orbits as seen by the body eclipsed at ``t0`` and at the other conjunction: those circular
            ones that look the same (``exojax.simulate.eccentric``).
        front_light, behind_light: ``(m,)`` shares of all flux of the body eclipsed each time.
        eccentricity, omega: ``(m,)``, omega in radians.
        dilution: ``(m,)`` share of all flux that the system has.
        ellipsoidal, reflection: ``(m,)`` semi-amplitudes at half the period and at the period, fractions of all flux.
    """

    star: np.ndarray
    front: Orbits
    behind: Orbits
    front_light: np.ndarray
    behind_light: np.ndarray
    eccentricity: np.ndarray
    omega: np.ndarray
    dilution: np.ndarray
    ellipsoidal: np.ndarray
    reflection: np.ndarray

    @property
    def phase(self) -> np.ndarray:
        """Phase of the other conjunction, ``(m,)``."""
        return secondary_phase(self.eccentricity, self.omega)


def join(parts: list[Systems]) -> Systems:
    """Join the systems of ``parts``, in their order."""

    def joined(values: list) -> np.ndarray | Orbits:
        if isinstance(values[0], Orbits):
            return Orbits(*(np.concatenate([getattr(v, f.name) for v in values]) for f in fields(Orbits)))
        return np.concatenate(values)

    return Systems(*(joined([getattr(part, f.name) for part in parts]) for f in fields(Systems)))  # type: ignore[arg-type]


def system(
    star: np.ndarray,
    stars: SimulatedStars,
    period: np.ndarray,
    t0: np.ndarray,
    impact: np.ndarray,
    ratio: np.ndarray,
    eccentricity: np.ndarray,
    omega: np.ndarray,
    light: np.ndarray,
    dilution: np.ndarray,
    mass_ratio: np.ndarray,
    reflection: np.ndarray,
) -> Systems:
    """Return systems of ``(m,)`` arrays, whose bodies' separation follows from ``stars`` (one a system) and the third
    law.

    ``impact`` is that at ``t0``, in radii of the star; ``light`` the companion's over the star's; ``mass_ratio``
    likewise. The tidal modulation follows Morris (1985), 1.2 q (R/a)^3 sin^2 i.
    """
    axis = scaled_axis(period, stars.density * (1 + mass_ratio))
    cosine = np.minimum(impact / (axis * transit_distance(eccentricity, omega)), 0.98)
    speed, back = transit_speed(eccentricity, omega), transit_speed(eccentricity, omega + np.pi)
    front = Orbits(period, t0, axis * speed, np.minimum(impact, 0.98 * axis * speed), ratio, stars.limb_darkening)
    behind = replace(
        front,
        t0=t0 + secondary_phase(eccentricity, omega) * period,
        scaled_axis=axis * back / ratio,
        # Far outside contact there is no eclipse.
        impact=np.minimum(axis * transit_distance(eccentricity, omega + np.pi) * cosine, 0.98 * axis * back) / ratio,
        radius_ratio=1 / ratio,
    )
    return Systems(
        star=star,
        front=front,
        behind=behind,
        front_light=dilution / (1 + light),
        behind_light=dilution * light / (1 + light),
        eccentricity=eccentricity,
        omega=omega,
        dilution=dilution,
        ellipsoidal=1.2 * dilution * mass_ratio * axis**-3 * (1 - cosine**2),
        reflection=dilution * reflection,
    )


def draw_periods(rng: np.random.Generator, n: int, median: float, width: float, longest: float) -> np.ndarray:
    """Draw ``(n,)`` days: three in four log-normal, one in four log-uniform, all from 0.3 days to ``longest``."""
    low, high = np.log(SHORTEST / median) / width, np.log(longest / median) / width
    bell = median * np.exp(width * ndtri(ndtr(low) + rng.random(n) * (ndtr(high) - ndtr(low))))
    flat = SHORTEST * (longest / SHORTEST) ** rng.random(n)
    return np.where(rng.random(n) < 0.75, bell, flat)


def draw_snr(rng: np.random.Generator, n: int, slope: float = 1.1) -> np.ndarray:
    """Draw ``(n,)`` white-noise SNR of all events: a power law from 5, its median 11 and a hundredth above 700."""
    return LEAST_SNR * (1.0 - rng.random(n)) ** -slope


def draw_planets(
    rng: np.random.Generator,
    rows: np.ndarray,
    stars: SimulatedStars,
    noise: np.ndarray,
    baseline: float,
    cadence: float,
) -> Systems:
    """Draw one to four planets for each of the stars ``rows``; ``stars`` and ``noise`` are those of all stars.

    Radii follow from the SNR that the first planet shall have, within 0.4 to 22 Earth radii; its siblings are alike
    (Weiss et al. 2018) and 1.3 or more times farther out in period. Lonely planets have eccentricities after Kipping
    (2013), less where tides act, siblings small ones. Giants close in shine by themselves and reflect.
    """
    number = 1 + np.searchsorted([0.66, 0.88, 0.96], rng.random(rows.size))
    star = np.repeat(rows, number)
    rank = np.concatenate([np.arange(k) for k in number]) if rows.size else np.zeros(0, int)
    own, m = stars.take(star), star.size
    first = np.repeat(draw_periods(rng, rows.size, min(11.0, 0.15 * baseline), 1.2, 0.75 * baseline), number)
    period = first * (1.3 + rng.exponential(0.7, m)) ** (rank * np.where(rng.random(m) < 0.7, 1.0, -0.6))
    period = np.clip(period, SHORTEST, 0.95 * baseline)
    single = np.repeat(number, number) == 1
    circular = np.minimum(period / 6.0, 1.0)
    e = np.where(single, circular * rng.beta(0.867, 3.03, m), np.minimum(rng.rayleigh(0.03, m), 0.2))
    axis = np.maximum(scaled_axis(period, own.density), 1.6)
    period = np.maximum(period, (1.6 / scaled_axis(np.ones(m), own.density)) ** 1.5)
    e = np.minimum(e, np.maximum(0.95 - 1.6 / axis, 0.0))
    omega = rng.uniform(0, 2 * np.pi, m)
    impact = np.where(rng.random(m) < 0.93, 0.95 * rng.random(m), 0.9 + 0.12 * rng.random(m))
    dilution = np.where(rng.random(m) < DILUTED_PLANETS, 0.4 + 0.6 * rng.random(m), 1.0)
    duration = period / (np.pi * axis * transit_speed(e, omega)) * np.sqrt(np.maximum(1 - impact**2, 0.05))
    points = np.maximum(0.95 * baseline * duration / (period * cadence), 1.0)
    depth = np.repeat(draw_snr(rng, rows.size), number) * np.exp(0.6 * rng.standard_normal(m) * (rank > 0))
    depth = depth * noise[star] / np.sqrt(points)
    ratio = np.sqrt(depth / dilution / _limb(own.limb_darkening, impact))
    size = np.clip(ratio * own.radius / EARTH_PER_SOLAR_RADIUS, 0.4, 22.0 * np.exp(-0.5 * rng.random(m)))
    ratio = np.minimum(size * EARTH_PER_SOLAR_RADIUS / own.radius, 0.3)
    impact = np.minimum(impact, 1 + 0.9 * ratio)
    shine = (ratio / axis) ** 2 * rng.uniform(0.0, 1.5, m) + ratio**2 * 2e-2 * np.exp(-axis / 3.0) * rng.random(m)
    mass_ratio = 1e-3 * np.minimum((size / 11.0) ** 2, 1.0) * np.exp(0.5 * rng.standard_normal(m))
    t0 = rng.random(m) * period
    return system(star, own, period, t0, impact, ratio, e, omega, shine, dilution, mass_ratio, 0.5 * shine)


def _limb(limb_darkening: np.ndarray, impact: np.ndarray) -> np.ndarray:
    """Return the surface brightness at ``impact`` over the mean of the disc."""
    u1, u2 = limb_darkening.T
    fallen = 1 - np.sqrt(np.maximum(1 - impact**2, 0.05))
    return (1 - u1 * fallen - u2 * fallen**2) / (1 - u1 / 3 - u2 / 6)


def draw_pairs(
    rng: np.random.Generator, star: np.ndarray, stars: SimulatedStars, baseline: float, dilution: np.ndarray
) -> Systems:
    """Draw an eclipsing companion for each of ``stars``, which are the rows ``star`` and have ``dilution`` of the flux.

    A third are pairs of nearly equal stars, which a search finds at half of their period. One in eight companions is a
    brown dwarf or a very small star, too faint for a secondary eclipse. Impact parameters are uniform, so that many
    eclipses are grazing. Orbits are circular below about 5 days and eccentric above. Surface brightness decreases with
    size as on the main sequence.
    """
    m = star.size
    period = draw_periods(rng, m, 4.0, 1.7, 1.5 * baseline)
    kind = rng.random(m)
    ratio = np.select([kind < 0.32, kind < 0.45], [1 - 0.12 * rng.random(m) ** 4, rng.uniform(0.08, 0.2, m)], 0.0)
    ratio = np.where(ratio == 0, rng.uniform(0.15, 0.95, m), ratio)
    closest = scaled_axis(np.ones(m), stars.density * (1 + ratio))
    period = np.maximum(period, (DETACHED * (1 + ratio) / closest) ** 1.5)
    axis = scaled_axis(period, stars.density * (1 + ratio))
    wide = np.clip((np.log(period) - np.log(3.0)) / np.log(4.0), 0, 1)
    e = np.where(rng.random(m) < 0.75, wide * rng.beta(1.2, 2.5, m), 0.0)
    e = np.minimum(e, np.maximum(0.95 - DETACHED * (1 + ratio) / axis, 0.0))
    omega = rng.uniform(0, 2 * np.pi, m)
    impact = rng.random(m) * (1 + ratio) * 0.99
    brightness = (
        np.where((kind >= 0.32) & (kind < 0.45), 0.01, 1.0) * ratio**2.5 * np.exp(0.15 * rng.standard_normal(m))
    )
    brightness = np.where(kind < 0.32, 1 - (1 - ratio) * rng.uniform(0, 3, m), np.minimum(brightness, 1.0))
    reflection = 0.3 * (ratio / axis) ** 2 * rng.random(m) * (1 - np.minimum(brightness, 1.0))
    t0 = rng.random(m) * period
    light = brightness * ratio**2
    return system(star, stars, period, t0, impact, ratio, e, omega, light, dilution, ratio, reflection)


def contact_light(rng: np.random.Generator, n: int, phase: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Simulate contact binaries over ``(n, n_cadences)`` phases from the deeper minimum: relative flux about 0, and
    ``(n, 2)`` depths of both minima below the maxima.

    cos 4 pi phi and cos 8 pi phi with a4 = a2 (0.125 - a2), the line of marginal contact (Rucinski 1997); the minima
    differ by up to a third, the maxima as spots make them.
    """
    a2 = -0.01 * 30.0 ** rng.random((n, 1))
    a4 = a2 * (0.125 - a2)
    a1 = a2 * 0.17 * rng.random((n, 1)) ** 2
    b1 = 0.03 * a2 * rng.standard_normal((n, 1))
    turn = 2 * np.pi * phase
    flux = a1 * np.cos(turn) + a2 * np.cos(2 * turn) + a4 * np.cos(4 * turn) + b1 * np.sin(turn)
    high = -a2 + a4
    depths = np.concatenate([high - (a1 + a2 + a4), high - (-a1 + a2 + a4)], axis=1)
    return flux, depths
