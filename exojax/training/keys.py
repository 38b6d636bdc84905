"""The random keys of a training: one split of the run's key into named streams, and a key a step from each."""

from __future__ import annotations

import jax

STREAMS = ("weights", "batches", "augmentation", "dropout")
"""what a training draws"""


def stream(key: jax.Array, name: str) -> jax.Array:
    """Return the key of one stream of a run.

    Args:
        key: of the run.
        name: one of :data:`STREAMS`.

    Raises:
        ValueError: the name is none of these.
    """
    return jax.random.split(key, len(STREAMS))[STREAMS.index(name)]


def step_key(key: jax.Array, name: str, step: jax.Array) -> jax.Array:
    """Return the key with which a stream draws at a step.

    Args:
        key: of the run.
        name: one of :data:`STREAMS`.
        step: () int32.

    Raises:
        ValueError: the name is none of these.
    """
    return jax.random.fold_in(stream(key, name), step)
