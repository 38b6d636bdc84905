"""Convert the weights of a trained network to named arrays, which can be read without Flax and Orbax, and back."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from exojax.errors import InputError
from exojax.training.state import TrainState


def weights_of(state: TrainState) -> dict[str, np.ndarray]:
    """Return the averaged weights and statistics by their path, such as ``params/whole/Conv_0/kernel``."""
    params, batch_stats = state.average
    tree = {"params": params, "batch_stats": batch_stats}
    return {_name(path): np.asarray(leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}


def with_weights(state: TrainState, arrays: dict[str, np.ndarray], *, file: str) -> TrainState:
    """Return a state of the same network with the weights from :func:`weights_of`.

    Args:
        state: state of the network at step 0.
        arrays: path to array.
        file: the file of the arrays, for messages.

    Raises:
        InputError: a weight is missing or unknown, has another shape, or is not finite.
    """
    params, batch_stats = state.average
    tree: dict[str, Any] = {"params": params, "batch_stats": batch_stats}
    names = [_name(path) for path, _ in jax.tree_util.tree_leaves_with_path(tree)]
    leaves, structure = jax.tree.flatten(tree)
    if different := sorted(set(names) ^ set(arrays)):
        raise InputError(
            f"{file}: holds the weights of another network (only one of the two has {different[0]}); give a run of "
            "this model"
        )
    for name, leaf in zip(names, leaves):
        if arrays[name].shape != leaf.shape or arrays[name].dtype != leaf.dtype:
            raise InputError(f"{file}: {name} is {arrays[name].dtype} {arrays[name].shape}, expected {leaf.shape}")
        if not np.isfinite(arrays[name]).all():
            raise InputError(f"{file}: {name} holds numbers that are not finite; train again with --fresh")
    # All arrays are transferred together, and twice for two copies: one transfer per array takes ten times longer.
    found, again = (jax.device_put(jax.tree.unflatten(structure, [arrays[name] for name in names])) for _ in range(2))
    return state.replace(
        params=found["params"],
        batch_stats=found["batch_stats"],
        average=(again["params"], again["batch_stats"]),
    )


def _name(path: tuple[Any, ...]) -> str:
    return "/".join(str(key.key) for key in path)
