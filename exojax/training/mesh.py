"""Place arrays on devices: batches are split along one mesh axis, all other arrays are replicated."""

from __future__ import annotations

from typing import Any

import jax
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from exojax.errors import InputError

AXIS = "batch"
"""name of the mesh axis"""


def make_mesh(devices: list[jax.Device] | None = None) -> Mesh:
    """Return a mesh of the given devices, by default of all, with one axis ``batch``.

    The axis is of type Auto: with Explicit axes, the default since JAX 0.10, BatchNorm and Dropout raise.
    """
    devices = devices or jax.devices()
    return jax.make_mesh((len(devices),), (AXIS,), axis_types=(AxisType.Auto,), devices=devices)


def replicate(tree: Any, mesh: Mesh) -> Any:
    """Return the arrays of a tree, each copied to every device of the mesh."""
    return jax.device_put(tree, NamedSharding(mesh, PartitionSpec()))


def split_batch(batch: Any, mesh: Mesh) -> Any:
    """Return the arrays of a batch, split over the devices along their first axis; usable inside and outside ``jit``.

    Raises:
        InputError: the size of the batch is no multiple of the number of devices.
    """
    n = len(jax.tree.leaves(batch)[0])
    if n % mesh.size:
        raise InputError(
            f"a batch of {n} stars cannot be split over {mesh.size} devices; give a train.batch_size in a --config "
            f"file that is a multiple of {mesh.size}"
        )
    return jax.lax.with_sharding_constraint(batch, NamedSharding(mesh, PartitionSpec(AXIS)))
