"""Augment training series by changes that do not change their labels."""

from __future__ import annotations

from functools import lru_cache

import jax
import jax.numpy as jnp

from exojax.models.base import Augment, Inputs

LOWEST_SNR, HIGHEST_SNR = 7.0, 70.0
"""range of the white-noise SNR of injected transit signals"""


def shift(key: jax.Array, series: jax.Array) -> jax.Array:
    """Shift each of ``series (n, c)`` cyclically by a random number of cadences."""
    n, c = series.shape
    return jax.vmap(jnp.roll)(series, jax.random.randint(key, (n,), 0, c))


def reverse(key: jax.Array, series: jax.Array) -> jax.Array:
    """Reverse each of ``series (n, c)`` in time with a probability of one half; transits are symmetric."""
    return jnp.where(jax.random.bernoulli(key, 0.5, (len(series), 1)), series[:, ::-1], series)


def add_noise(key: jax.Array, series: jax.Array, scale: float) -> jax.Array:
    """Add white noise of ``scale`` times the star's own scatter to ``series (n, c)`` where it was measured."""
    noise = scale * jax.random.normal(key, series.shape, series.dtype)
    return jnp.where(series == 0, series, series + noise)


def inject(key: jax.Array, series: jax.Array, labels: jax.Array, *, cadence: float, share: float) -> jax.Array:
    """Replace a share of the hosts by non-hosts of the same batch with a simulated transit signal.

    A batch then contains the same star with and without transits, so that the network learns the difference, for which
    a few labelled hosts are not enough.

    Args:
        key: random key.
        series: ``(n, c)`` float32, flattened, in units of the star's scatter; 0 where not valid.
        labels: ``(n,)`` float32, 1 for hosts.
        cadence: days between samples.
        share: share of the hosts to replace, 0 to 1.

    Returns:
        ``(n, c)`` float32. Signals are trapezoids with periods log-uniform from 0.5 d to half the baseline, durations
        of a circular orbit around a dwarf of about solar density (0.0758 d times the cube root of the period in days,
        scattered by impact parameter and density), and a white-noise SNR log-uniform from 7 to 70.
    """
    n, c = series.shape
    keys = jax.random.split(key, 7)
    low, high = 0.5, max(c * cadence / 2, 1.0)
    period = low * (high / low) ** jax.random.uniform(keys[0], (n,))
    scatter = jnp.exp(0.3 * jax.random.normal(keys[1], (n,))) * jax.random.uniform(keys[2], (n,), minval=0.5)
    # An exposure smears transits that are shorter than itself.
    duration = jnp.clip(0.0758 * jnp.cbrt(period) * scatter, cadence, 0.2 * period)
    ingress = jnp.maximum(jax.random.uniform(keys[3], (n,), minval=0.05, maxval=0.5) * duration, 0.5 * cadence)
    # Half a day of float32 in 80 days is exact to 1e-5 d; this phase is random anyway.
    time = jnp.arange(c, dtype=jnp.float32)[None] * cadence
    epoch = jax.random.uniform(keys[4], (n,)) * period
    phase = jnp.mod(time - epoch[:, None] + 0.5 * period[:, None], period[:, None]) - 0.5 * period[:, None]
    shape = jnp.clip((0.5 * duration[:, None] - jnp.abs(phase)) / ingress[:, None] + 0.5, 0.0, 1.0)

    donors, donor_labels = jnp.roll(series, n // 2, axis=0), jnp.roll(labels, n // 2)
    shape = jnp.where(donors == 0, 0.0, shape)
    snr = LOWEST_SNR * (HIGHEST_SNR / LOWEST_SNR) ** jax.random.uniform(keys[5], (n,))
    depth = snr / jnp.sqrt(jnp.maximum(jnp.sum(shape**2, axis=1), 1.0))
    chosen = jax.random.bernoulli(keys[6], share, (n,)) & (labels > 0.5) & (donor_labels < 0.5)
    return jnp.where(chosen[:, None], donors - depth[:, None] * shape, series)


@lru_cache
def of_series(name: str, cadence: float, injected: float) -> Augment:
    """Return the augmentation of a series: injected transits, a cyclic shift, time reversal and weak noise.

    Args:
        name: name of a ``(b, c)`` float32 input in units of the star's scatter, 0 where not valid.
        cadence: days between samples.
        injected: share of the hosts to replace by injected transits, 0 to 1.
    """

    def apply(key: jax.Array, inputs: Inputs, labels: jax.Array) -> Inputs:
        keys = jax.random.split(key, 4)
        series = inject(keys[0], inputs[name], labels, cadence=cadence, share=injected)
        series = reverse(keys[1], shift(keys[2], series))
        return {name: add_noise(keys[3], series, 0.2)}

    return apply
