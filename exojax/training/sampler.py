"""Which stars make up a batch: a pure function of the key and the step, so that a resume needs no data position."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from exojax.errors import InputError
from exojax.models.base import Inputs
from exojax.training.step import Batch

BatchFn = Callable[[jax.Array, jax.Array], Batch]
"""``(key, step () int32) -> batch``, pure and traceable; ``key`` is the stream of batches of
:mod:`exojax.training.keys`."""


PADDING = 512
"""rows are padded to a multiple of this: folds of nearly the same size then share one compiled step"""


def balanced_indices(key: jax.Array, step: jax.Array, n_hosts: jax.Array, n: jax.Array, batch_size: int) -> jax.Array:
    """Return ``(batch_size,)`` int32: the first half drawn from ``[0, n_hosts)``, the rest from ``[n_hosts, n)``.

    Drawn with replacement. With 37 hosts against 5,050 others, an epoch has no meaning for the hosts anyway.

    Args:
        key: stream of batches.
        step: () int32.
        n_hosts: () int32 number of hosts.
        n: () int32 number of rows, hosts first.
        batch_size: stars a batch.
    """
    host_key, other_key = jax.random.split(jax.random.fold_in(key, step))
    half = batch_size // 2
    hosts = jax.random.randint(host_key, (half,), 0, n_hosts)
    others = jax.random.randint(other_key, (batch_size - half,), n_hosts, n)
    return jnp.concatenate([hosts, others])


def balanced_batches(inputs: Inputs, labels: np.ndarray, batch_size: int) -> BatchFn:
    """Return balanced batches of rows that stay on the device.

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
    hosts_first = np.argsort(labels != 1, kind="stable")
    n_hosts, n = int(np.sum(labels == 1)), len(labels)
    if n_hosts in (0, n):
        raise InputError(f"training rows: {n_hosts} hosts and {n - n_hosts} others; add rows of the missing class")
    row = np.pad(hosts_first, (0, -n % PADDING))
    data = jax.tree.map(lambda x: jnp.asarray(np.asarray(x)[row]), inputs)
    counts = jnp.int32(n_hosts), jnp.int32(n)
    return Partial(
        _drawer(batch_size), data, jnp.asarray(labels[row], jnp.float32), jnp.asarray(row, jnp.int32), *counts
    )


@lru_cache
def _drawer(batch_size: int) -> Callable[..., Batch]:
    """Return the same function object for the same size: a new one would compile the step again."""
    return partial(_draw, batch_size)


def _draw(
    batch_size: int,
    data: Inputs,
    label: jax.Array,
    row: jax.Array,
    n_hosts: jax.Array,
    n: jax.Array,
    key: jax.Array,
    step: jax.Array,
) -> Batch:
    at = balanced_indices(key, step, n_hosts, n, batch_size)
    return {"inputs": jax.tree.map(lambda x: x[at], data), "label": label[at], "row": row[at]}
