"""Draw batches as a pure function of key and step, so that a resumed training needs no position in the data."""

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
"""``(key, step () int32) -> batch``, pure and traceable; ``key`` is the key of the stream ``batches``, see
:mod:`exojax.training.keys`"""


PADDING = 512
"""the rows are padded to a multiple of this number, so that folds of similar sizes share one compiled step"""


def balanced_indices(key: jax.Array, step: jax.Array, n_hosts: jax.Array, n: jax.Array, batch_size: int) -> jax.Array:
    """Draw rows with replacement: half of the batch from ``[0, n_hosts)``, half from ``[n_hosts, n)``.

    Args:
        key: key of the stream ``batches``.
        step: () int32.
        n_hosts: () int32, number of hosts.
        n: () int32, number of rows; hosts come first.
        batch_size: number of rows per batch.

    Returns:
        ``(batch_size,)`` int32, row numbers, hosts first.
    """
    host_key, other_key = jax.random.split(jax.random.fold_in(key, step))
    half = batch_size // 2
    hosts = jax.random.randint(host_key, (half,), 0, n_hosts)
    others = jax.random.randint(other_key, (batch_size - half,), n_hosts, n)
    return jnp.concatenate([hosts, others])


def balanced_batches(inputs: Inputs, labels: np.ndarray, batch_size: int) -> BatchFn:
    """Return a function that draws balanced batches; the rows stay on the device.

    Args:
        inputs: inputs of n training rows.
        labels: ``(n,)`` int, 1 for hosts.
        batch_size: number of rows per batch.

    Returns:
        A :data:`BatchFn` as a pytree (``jax.tree_util.Partial``), whose rows are arguments and not constants of a
        compiled function. A batch also contains ``row``: ``(batch_size,)`` int32, the row numbers.

    Raises:
        InputError: a class has no row.
    """
    hosts_first = np.argsort(labels != 1, kind="stable")
    n_hosts, n = int(np.sum(labels == 1)), len(labels)
    if n_hosts in (0, n):
        raise InputError(f"there are {n_hosts} hosts and {n - n_hosts} other training rows; add the missing class")
    row = np.pad(hosts_first, (0, -n % PADDING))
    data = jax.tree.map(lambda x: jnp.asarray(np.asarray(x)[row]), inputs)
    counts = jnp.int32(n_hosts), jnp.int32(n)
    return Partial(
        _drawer(batch_size), data, jnp.asarray(labels[row], jnp.float32), jnp.asarray(row, jnp.int32), *counts
    )


@lru_cache
def _drawer(batch_size: int) -> Callable[..., Batch]:
    """Return the drawing function of a size; always the same object, so that the step is compiled once."""
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
