"""Simulate planets on circular orbits: their population, their transits (jaxoplanet) and their detectability."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxoplanet.core.limb_dark import light_curve
from scipy.special import ndtri

from exojax.ephemeris import nearest_transit
from exojax.simulate.stars import SimulatedStars

N_PLANET_UNIFORMS = 6
MIN_SNR = 7.1
MIN_TRANSITS = 2
# Midpoints that sample one exposure (Kipping 2010).
SAMPLES = 11
# Nodes of jaxoplanet's quadrature: good to 1e-6 of the depth.
ORDER = 20
# In-transit cadences are gathered from all stars and evaluated in pieces of one size: one compilation.
PIECE = 8192
EARTH_PER_SOLAR_RADIUS = 1 / 109.1
# Kepler's third law: a/R* of a one-day orbit around a star of solar density.
AXIS_OF_ONE_DAY = 4.2083


@dataclass(frozen=True, eq=False)
class Orbits:
    """Circular orbits, arrays of ``(n,)`` float64; ``limb_darkening`` is ``(n, 2)``, that of the body
    eclipsed.

    Lengths are in radii of the body eclipsed, times in days: ``period``, mid-transit epoch ``t0``,
    ``scaled_axis`` a/R, ``impact`` parameter, ``radius_ratio`` of the body in front.
    """

    period: np.ndarray
    t0: np.ndarray
    scaled_axis: np.ndarray
    impact: np.ndarray
    radius_ratio: np.ndarray
    limb_darkening: np.ndarray

    @property
    def duration(self) -> np.ndarray:
        """First to fourth contact T14, ``(n,)`` float64 days (Winn 2010, equation 14)."""
        chord = np.sqrt(np.maximum((1 + self.radius_ratio) ** 2 - self.impact**2, 0.0))
        sine = np.sqrt(1 - (self.impact / self.scaled_axis) ** 2)
        return self.period / np.pi * np.arcsin(np.minimum(chord / (self.scaled_axis * sine), 1.0))


@dataclass(frozen=True, eq=False)
class TransitCadences:
    """The cadences that a transit touches, as flat ``(m,)`` arrays.

    Attributes:
        row: int64, of the orbit or of the light curve.
        column: int64, of the cadence.
        since: float64, days from mid-transit to the middle of the exposure.
        epoch: int64, number of the transit, 0 at ``t0``.
    """

    row: np.ndarray
    column: np.ndarray
    since: np.ndarray
    epoch: np.ndarray


@dataclass(frozen=True, eq=False)
class EclipsedCadences(TransitCadences):
    """The same with the flux that is lost.

    Attributes:
        deficit: float32, fraction of the flux lost, averaged over the exposure.
    """

    deficit: np.ndarray


def scaled_axis(period: np.ndarray, density: np.ndarray) -> np.ndarray:
    """Return a/R* by Kepler's third law; period in days, density (of all the mass in the orbit) in solar units."""
    return AXIS_OF_ONE_DAY * density ** (1 / 3) * period ** (2 / 3)


def draw_planets(stars: SimulatedStars, uniforms: np.ndarray) -> tuple[Orbits, np.ndarray]:
    """Draw one planet a star, from ``(n_stars, N_PLANET_UNIFORMS)`` numbers in (0, 1), and ``(n_stars,)`` bool: it
    transits.

    Radii are a mixture of super-Earths, sub-Neptunes, sub-Saturns and giants (the valley of Fulton et al.
    2017); periods rise to about a week and go on as a shallow power law to 60 days (Howard et al. 2012,
    equation 8), giants with their pile-up near three days. ``transits`` is true with the geometric
    probability (1 + k) R*/a, and the impact parameter is then uniform below 1 + k.
    """
    u = uniforms.T
    family = np.searchsorted([0.42, 0.86, 0.95], u[0])
    centre, width = np.array([1.3, 2.4, 4.8, 12.0]), np.array([0.22, 0.20, 0.30, 0.18])
    size = centre[family] * np.exp(width[family] * ndtri(u[1]))
    ratio = np.minimum(size * EARTH_PER_SOLAR_RADIUS / stars.radius, 0.25)
    period = np.where(family == 3, _period(u[2], 0.37, 2.5, 4.1), _period(u[2], 0.27, 6.0, 2.6))
    axis = scaled_axis(period, stars.density)
    transits = (u[3] < (1 + ratio) / axis) & (axis > 2.0)
    orbits = Orbits(period, u[5] * period, axis, u[4] * (1 + ratio), ratio, stars.limb_darkening)
    return orbits, transits


def _period(uniform: np.ndarray, slope: float, turn: float, sharpness: float) -> np.ndarray:
    """Draw periods of 0.5 to 60 days with dN/dlnP = P^slope (1 - exp(-(P/turn)^sharpness))."""
    grid = np.geomspace(0.5, 60.0, 400)
    cumulative = np.cumsum(grid**slope * -np.expm1(-((grid / turn) ** sharpness)))
    return np.interp(uniform, cumulative / cumulative[-1], grid)


@partial(jax.jit, static_argnames="samples")
def exposed_deficit(
    since: jax.Array,
    period: jax.Array,
    axis: jax.Array,
    impact: jax.Array,
    ratio: jax.Array,
    limb_darkening: jax.Array,
    exposure: jax.Array,
    *,
    samples: int = SAMPLES,
) -> jax.Array:
    """Return the relative flux lost, averaged over the exposure: ``(m,)`` days from mid-transit and orbits -> ``(m,)``,
    >= 0.

    All arguments are ``(m,)`` of one float dtype, ``limb_darkening`` is ``(m, 2)``, ``exposure`` a scalar in
    days. The separation is that of a circular orbit, the flux jaxoplanet's (Agol et al. 2020), the average
    the midpoint rule. Valid within a quarter of a period of mid-transit: the far side of the orbit is not
    distinguished.
    """
    offsets = (np.arange(samples) + 0.5) / samples - 0.5
    # jaxoplanet mixes ranks and Python floats.
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        moment = since[:, None] + exposure * jnp.asarray(offsets, since.dtype)
        angle = 2 * jnp.pi * moment / period[:, None]
        across = axis[:, None] * jnp.sin(angle)
        along = impact[:, None] * jnp.cos(angle)
        flux = jax.vmap(partial(light_curve, order=ORDER))(limb_darkening, jnp.hypot(across, along), ratio)
        return -jnp.mean(flux, axis=1)


def deficit(orbits: Orbits, row: np.ndarray, since: np.ndarray, exposure: float) -> np.ndarray:
    """Return the relative flux lost ``since`` mid-transit of the orbits ``row``, both ``(m,)`` -> ``(m,)`` float32."""
    columns = (orbits.period, orbits.scaled_axis, orbits.impact, orbits.radius_ratio, orbits.limb_darkening)
    pieces = []
    for start in range(0, len(row), PIECE):
        here = np.resize(np.arange(start, min(start + PIECE, len(row))), PIECE)
        inputs = [np.asarray(since[here], np.float32)] + [c[row[here]].astype(np.float32) for c in columns]
        pieces.append(np.asarray(exposed_deficit(*inputs, np.float32(exposure))))
    return np.concatenate(pieces)[: len(row)] if pieces else np.zeros(0, np.float32)


def find_events(orbits: Orbits, time: np.ndarray, exposure: float, chunk: int = 256) -> EclipsedCadences:
    """Find the cadences of ``(n_cadences,)`` float64 days whose exposure an eclipse touches, for every orbit."""
    parts = []
    for start in range(0, orbits.period.size, chunk):
        period, t0, duration = (a[start : start + chunk, None] for a in (orbits.period, orbits.t0, orbits.duration))
        since, epoch = nearest_transit(time, period, t0)
        row, column = np.nonzero(np.abs(since) < 0.5 * (duration + exposure))
        parts.append((row + start, column, since[row, column], epoch[row, column].astype(np.int64)))
    if not parts:
        parts.append((np.zeros(0, int), np.zeros(0, int), np.zeros(0), np.zeros(0, np.int64)))
    row, column, since, epoch = (np.concatenate(part) for part in zip(*parts))
    return EclipsedCadences(row, column, since, epoch, deficit(orbits, row, since, exposure))


def detectability(
    orbits: Orbits, events: EclipsedCadences, noise: np.ndarray, valid: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return white-noise SNR and number of transits observed, ``(n,)`` float64 and int64.

    ``noise`` is ``(n,)`` a cadence, ``valid`` ``(n, n_cadences)`` bool. The SNR is that of a matched filter,
    sqrt(sum of squared deficits over observed cadences) / noise; a transit counts when a valid cadence's
    middle lies between first and fourth contact.
    """
    n = orbits.period.size
    seen = valid[events.row, events.column]
    power = np.bincount(events.row[seen], events.deficit[seen].astype(np.float64) ** 2, n)
    inside = seen & (np.abs(events.since) < 0.5 * orbits.duration[events.row])
    pairs = np.unique(np.stack([events.row[inside], events.epoch[inside]]), axis=1)
    return np.sqrt(power) / noise, np.bincount(pairs[0], minlength=n)
