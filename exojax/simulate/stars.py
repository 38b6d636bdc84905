"""Simulate dwarf stars: size, brightness, photon noise and variability (rotation, granulation, pulsation).

Properties are inverse cumulative distributions of uniform numbers, so that a star is a row of such numbers and does not
depend on the number of stars.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import ndtri
from tinygp import GaussianProcess
from tinygp.kernels.quasisep import SHO

N_STAR_UNIFORMS = 8
N_PULSATOR_UNIFORMS = 20
N_MODES = 6
# Rotation is sampled every fourth cadence: on a finer grid so smooth a process is singular in float32.
COARSE = 4
# Relative jitter that keeps the float32 Cholesky factor of a smooth process positive.
JITTER = 1e-5

# Kepler-band quadratic limb darkening of dwarfs by temperature, rounded from Claret & Bloemen (2011).
_TEMPERATURE = np.array([3500.0, 4500.0, 5800.0, 6500.0, 7500.0])
_U1 = np.array([0.45, 0.62, 0.40, 0.32, 0.28])
_U2 = np.array([0.27, 0.12, 0.26, 0.30, 0.32])


@dataclass(frozen=True, eq=False)
class SimulatedStars:
    """Arrays of ``(n_stars,)`` float64 unless stated otherwise.

    Attributes:
        magnitude: Kepler magnitude.
        radius: solar radii.
        density: mean density in solar units.
        limb_darkening: ``(n_stars, 2)``, quadratic coefficients.
        noise: white noise of one long cadence, fraction of the flux.
        rotation_period: days.
        rotation_sigma: standard deviation of the rotational modulation, fraction.
        granulation_sigma: standard deviation of the granulation, fraction.
        granulation_time: its characteristic time, days.
    """

    magnitude: np.ndarray
    radius: np.ndarray
    density: np.ndarray
    limb_darkening: np.ndarray
    noise: np.ndarray
    rotation_period: np.ndarray
    rotation_sigma: np.ndarray
    granulation_sigma: np.ndarray
    granulation_time: np.ndarray

    def take(self, rows: np.ndarray) -> SimulatedStars:
        """Return the stars at ``(k,)`` int ``rows``."""
        return SimulatedStars(*(getattr(self, field.name)[rows] for field in fields(self)))


def photon_noise(magnitude: np.ndarray) -> np.ndarray:
    """Return the white noise of a 29.4-minute cadence as a fraction of the flux; ``(n,)`` Kepler magnitudes ->
    ``(n,)``.

    Shot noise, a background and read-out term that grows twice as fast with magnitude, and a floor. Some 50
    ppm at Kp 11 and 1,100 ppm at Kp 16, shaped after Gilliland et al. (2011) and the K2 penalty of Howell et
    al. (2014).
    """
    shot = 70e-6 * 10 ** (0.2 * (magnitude - 12.0))
    background = 250e-6 * 10 ** (0.4 * (magnitude - 14.5))
    return np.sqrt(shot**2 + background**2 + 20e-6**2)


def draw_stars(uniforms: np.ndarray) -> SimulatedStars:
    """Draw stars from ``(n_stars, N_STAR_UNIFORMS)`` numbers in (0, 1).

    Masses are those of a magnitude-limited sample of dwarfs, radii follow the main sequence with a tail of
    evolved stars; rotation is faster in few and stronger in the fast (McQuillan et al. 2014); granulation
    grows as gravity falls (Kallinger et al. 2014).
    """
    u = uniforms.T
    grid = np.linspace(9.0, 17.0, 401)
    rising = np.where(grid < 14.5, 10 ** (0.25 * (grid - 14.5)), np.exp(-(((grid - 14.5) / 0.8) ** 2)))
    magnitude = np.interp(u[0], np.cumsum(rising) / rising.sum(), grid)
    mass = np.clip(0.85 + 0.25 * ndtri(u[1]), 0.2, 1.6)
    radius = mass**0.85 * np.exp(0.05 * ndtri(u[2]) - 0.12 * mass**2 * np.log(u[3]))
    temperature = 5780.0 * mass**0.55
    period = np.clip(14.0 * np.exp(0.7 * ndtri(u[4])), 0.8, 45.0)
    rotation = 7e-4 * (period / 14.0) ** -0.7 * np.exp(1.0 * ndtri(u[5]))
    gravity = mass / radius**2
    return SimulatedStars(
        magnitude=magnitude,
        radius=radius,
        density=mass / radius**3,
        limb_darkening=np.stack(
            [np.interp(temperature, _TEMPERATURE, _U1), np.interp(temperature, _TEMPERATURE, _U2)], axis=1
        ),
        noise=photon_noise(magnitude),
        rotation_period=period,
        rotation_sigma=np.clip(rotation, 2e-5, 0.02),
        granulation_sigma=40e-6 * gravity**-0.7 * np.exp(0.3 * ndtri(u[6])),
        granulation_time=0.04 * gravity**-0.8 * np.exp(0.2 * ndtri(u[7])),
    )


def variability(
    key: jax.Array,
    rotation_period: jax.Array,
    rotation_sigma: jax.Array,
    granulation_sigma: jax.Array,
    granulation_time: jax.Array,
    *,
    n_cadences: int,
    cadence: float,
) -> jax.Array:
    """Draw one star's rotation and granulation: scalars float32 (days, fractions) -> ``(n_cadences,)`` float32 about 0.

    Rotation is the two-oscillator process of Foreman-Mackey et al. (2017) and granulation their oscillator of
    quality 1/sqrt(2), both sampled by tinygp's quasiseparable solver. Batch it with ``vmap``.
    """
    spots, cells = jax.random.split(key)
    n_coarse = -(-n_cadences // COARSE) + 3
    # tinygp mixes Python floats, arrays and ranks freely.
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        turn = 2 * jnp.pi / rotation_period
        kernel = SHO(omega=turn, quality=8.0, sigma=0.85 * rotation_sigma)
        kernel += SHO(omega=2 * turn, quality=4.0, sigma=0.5 * rotation_sigma)
        coarse = jnp.arange(n_coarse, dtype=jnp.float32) * (COARSE * cadence)
        rotation = GaussianProcess(kernel, coarse, diag=JITTER * rotation_sigma**2).sample(spots)
        kernel = SHO(omega=2 * jnp.pi / granulation_time, quality=2**-0.5, sigma=granulation_sigma)
        fine = jnp.arange(n_cadences, dtype=jnp.float32) * cadence
        granulation = GaussianProcess(kernel, fine, diag=JITTER * granulation_sigma**2).sample(cells)
        return _smooth(rotation)[:n_cadences] + granulation


def _smooth(coarse: jax.Array) -> jax.Array:
    """Return, of ``(m,)`` values, ``((m - 3) * COARSE,)`` of the cubic B-spline whose coefficients they are."""
    x = np.arange(COARSE, dtype=np.float32) / COARSE
    weights = np.stack([(1 - x) ** 3, 3 * x**3 - 6 * x**2 + 4, -3 * x**3 + 3 * x**2 + 3 * x + 1, x**3]) / 6
    pieces = jnp.stack([coarse[i : coarse.size - 3 + i] for i in range(4)], axis=1)
    return (pieces @ jnp.asarray(weights)).reshape(-1)


def pulsation(uniforms: np.ndarray, time: np.ndarray, exposure: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw pulsating stars from ``(n, N_PULSATOR_UNIFORMS)`` numbers in (0, 1) and ``(n_cadences,)`` float64 days.

    Of a hundred 45 are delta Scuti stars (modes of 5-24 per day), 40 gamma Doradus stars (beating modes of
    0.3-3 per day) and 15 RR Lyrae stars (one period and its phase-locked harmonics). The exposure attenuates
    a mode by its sinc.

    Returns:
        ``(n, n_cadences)`` float64 relative flux about 0, and ``(n,)`` float64 days, the period of the
        strongest mode.
    """
    species = np.searchsorted([0.45, 0.85], uniforms[:, :1])
    size, modes, phases = uniforms[:, 1:2], uniforms[:, 2 : 2 + N_MODES], uniforms[:, 8 : 8 + N_MODES]
    strengths = uniforms[:, 14 : 14 + N_MODES]
    order = np.arange(1, N_MODES + 1)
    scuti = 5.0 * (24.0 / 5.0) ** modes
    doradus = 0.3 * 10.0 ** modes[:, :1] * np.exp(0.12 * ndtri(modes)) * np.where(order > 4, 2.0, 1.0)
    lyrae = order / (0.4 + 0.35 * modes[:, :1])
    frequency = np.choose(species, [scuti, doradus, lyrae])
    amplitude = np.choose(
        species,
        [
            1e-3 * 20.0**size * strengths**2,
            8e-4 * 12.0**size * strengths,
            0.25 * (0.4 + size) * 0.45 ** (order - 1.0),
        ],
    )
    # Phases so locked make the steep rise and slow fall of an RR Lyrae star, longer faint than bright.
    locked = phases[:, :1] * order + 0.12
    phase = np.where(species == 2, locked, phases)
    amplitude = amplitude * np.sinc(frequency * exposure)
    flux = np.zeros((len(uniforms), time.size))
    for mode in range(N_MODES):
        cycles = frequency[:, mode, None] * time + phase[:, mode, None]
        flux += amplitude[:, mode, None] * np.sin(2 * np.pi * cycles)
    strongest = np.argmax(np.abs(amplitude), axis=1)
    return flux, 1.0 / np.take_along_axis(frequency, strongest[:, None], axis=1)[:, 0]
