"""Derive the random keys of a training: the run's key is split into named streams, and each gives a key per step."""

from __future__ import annotations

import jax

STREAMS = ("weights", "batches", "augmentation", "dropout")
"""names of the streams of random numbers"""


def stream(key: jax.Array, name: str) -> jax.Array:
    """Return the key of a stream.

    Args:
        key: key of the run.
        name: one of :data:`STREAMS`.

    Raises:
        ValueError: there is no such stream.
    """
    return jax.random.split(key, len(STREAMS))[STREAMS.index(name)]


def step_key(key: jax.Array, name: str, step: jax.Array) -> jax.Array:
    """Return the key of a stream at a step.

    Args:
        key: key of the run.
        name: one of :data:`STREAMS`.
        step: () int32.

    Raises:
        ValueError: there is no such stream.
    """
    return jax.random.fold_in(stream(key, name), step)
