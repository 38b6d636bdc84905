"""Compute the observations of many stars in batches of one size, so that a campaign needs one compilation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np

from exojax.simulate.stars import SimulatedStars, variability
from exojax.simulate.systematics import CADENCE, Campaign, observe, observed

BATCH = 256


def observed_cadences(root: jax.Array, host: np.ndarray, place: np.ndarray, campaign: Campaign) -> np.ndarray:
    """Draw the cadences at which each star was measured: ``(n_stars, n_cadences)`` bool.

    ``host`` ``(n_stars,)`` bool and ``place`` ``(n_stars,)`` int, a star's number among the hosts or in the
    field, make its random key together with the population's, ``root``; its neighbours do not matter.
    """
    return _batched(_observed, (host.astype(np.uint32), place.astype(np.uint32)), root, campaign.valid)


def measured_flux(
    root: jax.Array, host: np.ndarray, place: np.ndarray, signal: np.ndarray, stars: SimulatedStars, campaign: Campaign
) -> np.ndarray:
    """Return the telescope's reading of stars with their own variability: ``(n_stars, n_cadences)`` float32.

    ``signal`` is ``(n_stars, n_cadences)`` float32, 1 outside eclipses and pulsations; the keys are those of
    ``observed_cadences``. Cadences that were not observed hold flux as well.
    """
    looks = (
        stars.noise,
        stars.rotation_period,
        stars.rotation_sigma,
        stars.granulation_sigma,
        stars.granulation_time,
    )
    columns = (
        host.astype(np.uint32),
        place.astype(np.uint32),
        signal,
        *(c.astype(np.float32) for c in looks),
    )
    return _batched(_measured, columns, root, campaign.roll)


def _keys(root: jax.Array, host: jax.Array, place: jax.Array) -> jax.Array:
    """Return a star's three keys: for its losses, its variability and its systematics."""
    return jax.random.split(jax.random.fold_in(jax.random.fold_in(root, host), place), 3)


@jax.jit
@partial(jax.vmap, in_axes=(0, 0, None, None))
def _observed(host: jax.Array, place: jax.Array, root: jax.Array, shared: jax.Array) -> jax.Array:
    return observed(_keys(root, host, place)[0], shared)


@jax.jit
@partial(jax.vmap, in_axes=(0,) * 8 + (None, None))
def _measured(
    host: jax.Array, place: jax.Array, signal: jax.Array, noise: jax.Array, *looks_root_roll: jax.Array
) -> jax.Array:
    *looks, root, roll = looks_root_roll
    _, own, telescope = _keys(root, host, place)
    varying = 1.0 + variability(own, *looks, n_cadences=signal.size, cadence=CADENCE)
    return observe(telescope, signal * varying, noise, roll)


def _batched(function: Callable[..., jax.Array], columns: tuple[np.ndarray, ...], *shared: Any) -> np.ndarray:
    """Call ``function(*columns, *shared)`` in batches of one size, the last one filled up by repetition."""
    n = len(columns[0])
    pieces = []
    for start in range(0, n, BATCH):
        here = np.resize(np.arange(start, min(start + BATCH, n)), BATCH)
        pieces.append(np.asarray(function(*(column[here] for column in columns), *shared))[: n - start])
    return np.concatenate(pieces)
