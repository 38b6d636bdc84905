"""Simulate the effects of the telescope: gaps, roll and thruster firings, drift, jumps, outliers, photon noise."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from exojax.config import KEPLER_CADENCE_MINUTES

CADENCE = KEPLER_CADENCE_MINUTES / 1440
# Rates a cadence of outliers; cosmic rays brighten, missed flags and cosmic-ray over-corrections darken.
UPWARD = 2e-3
DOWNWARD = 2e-4
JUMP_SLOTS = 3
JUMP_CHANCE = 0.12
LOST_CHUNK_CHANCE = 0.1


@dataclass(frozen=True, eq=False)
class Campaign:
    """The common properties of all stars of a campaign.

    Attributes:
        time: ``(n_cadences,)`` float64, days from the first cadence.
        valid: ``(n_cadences,)`` bool, false in the campaign's gaps.
        roll: ``(n_cadences,)`` float32, roll of the spacecraft about its mean, within about ±1.
    """

    time: np.ndarray
    valid: np.ndarray
    roll: np.ndarray


def draw_campaign(rng: np.random.Generator, n_cadences: int) -> Campaign:
    """Draw one campaign: a gap of 1-3 days near the middle (5 % of the time at most), short gaps, scattered losses, and
    the roll.

    Sunlight rolls the telescope until the thrusters fire, every 12 cadences (5.9 h) in K2, fewer where the
    torque is small; the torque changes sign in mid-campaign (Howell et al. 2014; Vanderburg & Johnson 2014).
    """
    time = np.arange(n_cadences) * CADENCE
    valid = rng.random(n_cadences) > 0.008
    length = int(min(rng.uniform(1.0, 3.0) / CADENCE, 0.05 * n_cadences))
    start = int(rng.uniform(0.4, 0.55) * n_cadences)
    valid[start : start + length] = False
    for _ in range(1 + n_cadences // 500):
        lost = rng.integers(n_cadences)
        valid[lost : lost + rng.integers(2, 14)] = False
    cadences = np.arange(n_cadences)
    torque = np.sin(0.5 * np.pi * (2 * cadences / n_cadences - 0.9))
    firings = cadences[::12]
    rest = np.select([np.abs(torque[firings]) < limit for limit in (0.15, 0.35)], [4, 2], 1)
    firings = firings[np.arange(firings.size) % rest == 0]
    fired = firings[np.searchsorted(firings, cadences, side="right") - 1]
    roll = torque * ((cadences - fired + 0.5) / 12 - 0.5)
    return Campaign(time, valid, roll.astype(np.float32))


def observed(key: jax.Array, shared: jax.Array) -> jax.Array:
    """Draw the cadences at which one star was measured: ``(n_cadences,)`` bool the campaign's -> ``(n_cadences,)``
    bool, fewer.

    A star loses up to 2 % of its cadences singly, and one in ten a stretch of up to 3 % besides. ``vmap``
    over keys.
    """
    u = jax.random.uniform(key, (shared.size + 3,))
    rate, start, chunk, single = 0.02 * u[0], 1.1 * u[1] - 0.1, u[2], u[3:]
    length = 0.03 * jnp.maximum(1.0 - chunk / LOST_CHUNK_CHANCE, 0.0)
    x = jnp.arange(shared.size, dtype=jnp.float32) / shared.size
    return shared & (single >= rate) & ~((x >= start) & (x < start + length))


def observe(key: jax.Array, signal: jax.Array, noise: jax.Array, roll: jax.Array) -> jax.Array:
    """Return the telescope's reading of one star: ``(n_cadences,)`` float32 relative signal -> the same, with its
    habits.

    Args:
        key: a typed key.
        signal: ``(n_cadences,)`` float32, relative flux of the star.
        noise: float32 scalar, white noise of a cadence.
        roll: ``(n_cadences,)`` float32, the campaign's.

    The sawtooth is linear and quadratic in roll, with the star's own sensitivity; drift is linear and
    quadratic in time; jumps are sudden drops in sensitivity that recover in part (Jenkins et al. 2010);
    outliers are exponential.
    """
    normals, uniforms = jax.random.split(key)
    z = jax.random.normal(normals, (signal.size + 6,))
    u = jax.random.uniform(uniforms, (signal.size + 6 * JUMP_SLOTS,), minval=jnp.finfo(jnp.float32).tiny)
    white, stray = z[6:], u[6 * JUMP_SLOTS :]
    x = jnp.linspace(-1.0, 1.0, signal.size, dtype=jnp.float32)
    saw = 3e-4 * jnp.exp(z[0]) * (z[1] * roll + 0.7 * z[2] * roll**2)
    drift = 4e-4 * jnp.exp(z[3]) * (z[4] * x + 0.6 * z[5] * x**2)
    jumps = noise * _jumps(u[: 6 * JUMP_SLOTS].reshape(6, JUMP_SLOTS, 1), signal.size)
    up = -8.0 * jnp.log(jnp.minimum(stray / UPWARD, 1.0))
    down = 5.0 * jnp.log(jnp.minimum((1.0 - stray) / DOWNWARD, 1.0))
    scatter = white + up + jnp.maximum(down, -30.0)
    return signal * (1.0 + saw + drift + jumps) + noise * scatter


def _jumps(uniforms: jax.Array, n: int) -> jax.Array:
    """Return ``(n,)`` float32 sum of sudden level changes in white noises, from ``(6, JUMP_SLOTS, 1)`` uniforms."""
    there, where, size, sign, kept, fade = uniforms
    since = jnp.arange(n, dtype=jnp.float32)[None, :] - n * where
    amplitude = jnp.where(there < JUMP_CHANCE, jnp.where(sign < 0.75, -2.0, 2.0) * 10.0**size, 0.0)
    shape = kept + (1.0 - kept) * jnp.exp(-jnp.maximum(since, 0.0) / (10.0 * 15.0**fade))
    return jnp.sum(jnp.where(since >= 0, amplitude * shape, 0.0), axis=0)
