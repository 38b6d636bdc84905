"""A trained network's weights as plain named arrays: small enough to ship, readable without Flax or Orbax."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from exojax.errors import InputError
from exojax.training.state import TrainState


def weights_of(state: TrainState) -> dict[str, np.ndarray]:
    """The averaged weights and statistics of normalisations by their path, such as ``params/whole/Conv_0/kernel``."""
    params, batch_stats = state.average
    tree = {"params": params, "batch_stats": batch_stats}
    return {_name(path): np.asarray(leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}


def with_weights(state: TrainState, arrays: dict[str, np.ndarray], *, file: str) -> TrainState:
    """Return a fresh state of the same network with the weights of :func:`weights_of`.

    Args:
        state: of the network, at step 0.
        arrays: path to array.
        file: where they came from, for the message.

    Raises:
        InputError: a weight is missing, left over, of another shape, or not finite.
    """
    params, batch_stats = state.average
    wanted: dict[str, Any] = {"params": params, "batch_stats": batch_stats}
    names = [_name(path) for path, _ in jax.tree_util.tree_leaves_with_path(wanted)]
    leaves, structure = jax.tree.flatten(wanted)
    if strangers := sorted(set(names) ^ set(arrays)):
        raise InputError(f"{file}: holds the weights of another network ({strangers[0]} is in one of the two only)")
    for name, leaf in zip(names, leaves):
        if arrays[name].shape != leaf.shape or arrays[name].dtype != leaf.dtype:
            raise InputError(f"{file}: {name} is {arrays[name].dtype} {arrays[name].shape}, expected {leaf.shape}")
        if not np.isfinite(arrays[name]).all():
            raise InputError(f"{file}: {name} holds numbers that are not finite; train again with --fresh")
    # Together, and twice: a copy of each leaf by itself takes ten times as long.
    found, again = (jax.device_put(jax.tree.unflatten(structure, [arrays[name] for name in names])) for _ in range(2))
    return state.replace(
        params=found["params"],
        batch_stats=found["batch_stats"],
        average=(again["params"], again["batch_stats"]),
    )


def _name(path: tuple[Any, ...]) -> str:
    return "/".join(str(key.key) for key in path)
