"""Save and restore Orbax checkpoints with a checksum for every array. The only module that imports Orbax.

Orbax restores a flipped byte without an error. Therefore every checkpoint contains the CRC-32 of each array. A
checkpoint that does not match is not used; a warning names it, and the previous one is restored.
"""

from __future__ import annotations

import json
import logging
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from orbax.checkpoint.checkpoint_managers import preservation_policy as keep

from exojax.errors import InputError
from exojax.training.state import TrainState

log = logging.getLogger("exojax")

KEPT = 2
"""number of the latest and of the best checkpoints to keep; if one is damaged, the other can be restored"""


def arrays(state: TrainState) -> dict[str, Any]:
    """Return the arrays of a state as a dictionary, without its functions, and with the random key as integers."""
    return {
        "step": state.step,
        "key": jax.random.key_data(state.key),
        "params": state.params,
        "batch_stats": state.batch_stats,
        "opt_state": state.opt_state,
        "average": state.average,
        "tally": state.tally,
    }


def with_arrays(state: TrainState, tree: dict[str, Any]) -> TrainState:
    """Return ``state`` with its arrays replaced by those of :func:`arrays`."""
    return state.replace(**{**tree, "key": jax.random.wrap_key_data(tree["key"])})


def checksums(tree: Any) -> dict[str, int]:
    """Return path of each leaf of a tree -> CRC-32 of its dtype, shape and bytes."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    sums = {}
    for path, leaf in leaves:
        value = np.asarray(leaf)
        head = zlib.crc32(f"{value.dtype.str}{value.shape}".encode())
        sums[jax.tree_util.keystr(path)] = zlib.crc32(np.ascontiguousarray(value).tobytes(), head)
    return sums


@contextmanager
def open_checkpoints(folder: Path) -> Iterator[Checkpoints]:
    """Open the checkpoints in ``folder``, which is created if missing; at the end, all writing is finished."""
    options = ocp.CheckpointManagerOptions(
        preservation_policy=keep.AnyPreservationPolicy(
            [keep.LatestN(KEPT), keep.BestN(get_metric_fn=lambda metrics: metrics["score"], n=KEPT)]
        ),
        # A synchronous save takes about 50 ms, and no exit of the process can lose it.
        enable_async_checkpointing=False,
    )
    # Orbax reports every save at INFO level, warns of its own defaults, and prints what it raises.
    logging.getLogger("absl").setLevel(logging.CRITICAL)
    with ocp.CheckpointManager(folder.resolve(), options=options) as manager:
        yield Checkpoints(manager, folder)


class Checkpoints:
    """The checkpoints of one run. Open them with :func:`open_checkpoints`."""

    def __init__(self, manager: ocp.CheckpointManager, folder: Path) -> None:
        self._manager = manager
        self._folder = folder

    def save(self, state: TrainState, meta: dict[str, Any], *, score: float) -> None:
        """Write a checkpoint.

        Args:
            state: the state; its step names the checkpoint.
            meta: progress of the training loop, as values for JSON.
            score: higher is better; the best checkpoints are kept beside the latest.

        Raises:
            OSError: the checkpoint could not be written, for example on a full disk.
        """
        tree, step = arrays(state), int(state.step)
        meta = {**meta, "crc32": checksums(tree) | _checksum_of(meta)}
        args = ocp.args.Composite(state=ocp.args.StandardSave(tree), meta=ocp.args.JsonSave(meta))
        if step in self._manager.all_steps():
            # Delete a damaged checkpoint of this step first, because Orbax skips existing steps.
            self._manager.delete(step)
        if not self._manager.save(step, args=args, metrics={"score": score}, force=True):
            raise OSError(f"{self._folder}: the checkpoint of step {step} was not written")
        self._manager.wait_until_finished()

    def restore(self, template: TrainState, *, step: int | None = None) -> tuple[TrainState, dict[str, Any]] | None:
        """Return a state and the progress of the loop from a checkpoint; None if there are no checkpoints.

        A warning names a damaged checkpoint, and the next one is tried.

        Args:
            template: a state of the same model and optimiser, with the shapes, dtypes and devices of the arrays.
            step: step of the checkpoint, or else the nearest sound one, earlier ones first; None for the newest.

        Raises:
            InputError: all checkpoints are damaged.
        """
        steps = sorted(self._manager.all_steps(), reverse=True)
        if step is not None:
            steps = [s for s in steps if s <= step] + [s for s in reversed(steps) if s > step]
        wanted = step
        for candidate in steps:
            try:
                found = self._read(candidate, template)
            except Exception as error:  # for a damaged folder, Orbax raises exceptions of many kinds
                reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
                log.warning("%s: checkpoint of step %d is damaged (%s)", self._folder, candidate, reason)
                wanted = candidate if wanted is None else wanted
                continue
            if wanted is not None and candidate != wanted:
                log.warning("%s: using the checkpoint of step %d instead", self._folder, candidate)
            return found
        if steps:
            raise InputError(f"{self._folder}: none of the {len(steps)} checkpoints is sound; train again with --fresh")
        return None

    def forget_after(self, step: int) -> None:
        """Delete the checkpoints after ``step``, because Orbax would keep damaged ones as the newest."""
        for later in [s for s in self._manager.all_steps() if s > step]:
            self._manager.delete(later)

    def _read(self, step: int, template: TrainState) -> tuple[TrainState, dict[str, Any]]:
        tree = arrays(template)
        restored = self._manager.restore(
            step, args=ocp.args.Composite(state=ocp.args.StandardRestore(tree), meta=ocp.args.JsonRestore())
        )
        meta = dict(restored["meta"])
        expected, found = meta.pop("crc32"), checksums(restored["state"]) | _checksum_of(meta)
        wrong = [name for name in found if found[name] != expected.get(name)]
        if wrong or len(found) != len(expected):
            raise ValueError(f"checksum of {', '.join(wrong) or 'the list of leaves'} does not match")
        return with_arrays(template, restored["state"]), meta


def _checksum_of(meta: dict[str, Any]) -> dict[str, int]:
    # The progress contains the step of the best weights and needs a checksum as the weights do.
    return {"meta": zlib.crc32(json.dumps(meta, sort_keys=True).encode())}
