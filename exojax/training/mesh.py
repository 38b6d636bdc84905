"""Where arrays live: one mesh axis over the devices, batches split along it, everything else replicated."""

from __future__ import annotations

from typing import Any

import jax
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from exojax.errors import InputError

AXIS = "batch"


def make_mesh(devices: list[jax.Device] | None = None) -> Mesh:
    """Return a mesh of all devices, or of those given, with the one axis ``batch``.

    The axis is of type Auto: with Explicit axes, the default since JAX 0.10, BatchNorm and Dropout raise.
    """
    devices = devices or jax.devices()
    return jax.make_mesh((len(devices),), (AXIS,), axis_types=(AxisType.Auto,), devices=devices)


def replicate(tree: Any, mesh: Mesh) -> Any:
    """Return the tree's arrays, whole, on every device of the mesh."""
    return jax.device_put(tree, NamedSharding(mesh, PartitionSpec()))


def split_batch(batch: Any, mesh: Mesh) -> Any:
    """Return the batch's arrays, split over their first axis. Inside ``jit`` or outside.

    Raises:
        InputError: the batch does not divide by the number of devices.
    """
    n = len(jax.tree.leaves(batch)[0])
    if n % mesh.size:
        raise InputError(
            f"a batch of {n} stars does not divide by {mesh.size} devices; make --batch-size a multiple of {mesh.size}"
        )
    return jax.lax.with_sharding_constraint(batch, NamedSharding(mesh, PartitionSpec(AXIS)))
