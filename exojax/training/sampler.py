"""Which stars make up a batch: a pure function of the key and the step, so that a resume needs no data position."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from exojax.errors import InputError
from exojax.models.interface import Inputs
from exojax.training.step import Batch

BatchFn = Callable[[jax.Array, jax.Array], Batch]
"""``(key, step () int32) -> batch``, pure and traceable."""


def balanced_indices(
    key: jax.Array, step: jax.Array, positives: jax.Array, negatives: jax.Array, batch_size: int
) -> jax.Array:
    """``(batch_size,)`` int32 rows: the first half drawn from ``positives``, the rest from ``negatives``.

    Drawn with replacement. With 37 hosts against 5,050 others, an epoch has no meaning for the hosts anyway.

    Args:
        key: of the run.
        step: () int32.
        positives: ``(n_1,)`` int32 rows of hosts.
        negatives: ``(n_0,)`` int32 rows of the others.
        batch_size: even.
    """
    host_key, other_key = jax.random.split(jax.random.fold_in(key, step))
    half = batch_size // 2
    hosts = positives[jax.random.randint(host_key, (half,), 0, len(positives))]
    others = negatives[jax.random.randint(other_key, (batch_size - half,), 0, len(negatives))]
    return jnp.concatenate([hosts, others])


def balanced_batches(inputs: Inputs, labels: np.ndarray, batch_size: int) -> BatchFn:
    """Balanced batches of rows that stay on the device.

    Args:
        inputs: of n training stars.
        labels: ``(n,)`` int, 1 for hosts.
        batch_size: stars a batch.

    Returns:
        A :data:`BatchFn` that is a pytree (``jax.tree_util.Partial``): passed to a compiled function it brings its
        rows as arguments, not as constants. Its batches also carry ``row``: ``(batch_size,)`` int32, which they are.

    Raises:
        InputError: a class has no star.
    """
    positives, negatives = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    if not (len(positives) and len(negatives)):
        raise InputError(
            f"training rows: {len(positives)} hosts and {len(negatives)} others; add rows of the missing class"
        )
    hosts, others = jnp.asarray(positives, jnp.int32), jnp.asarray(negatives, jnp.int32)
    data = jax.tree.map(jnp.asarray, inputs)
    return Partial(partial(_draw, batch_size), data, jnp.asarray(labels, jnp.float32), hosts, others)


def _draw(
    batch_size: int,
    data: Inputs,
    target: jax.Array,
    hosts: jax.Array,
    others: jax.Array,
    key: jax.Array,
    step: jax.Array,
) -> Batch:
    row = balanced_indices(key, step, hosts, others, batch_size)
    return {"inputs": jax.tree.map(lambda x: x[row], data), "label": target[row], "row": row}
