"""Orbax checkpoints with a checksum of our own per leaf. The only module that imports Orbax.

Orbax restores a flipped byte without a word. Every save therefore carries the CRC-32 of each leaf beside it; what does
not match on the way back is refused and the step before is used, loudly.
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

# Two of each: when one is found damaged there is another to walk back to.
KEPT = 2


def arrays(state: TrainState) -> dict[str, Any]:
    """Return the state's arrays as a plain dictionary, without its functions; the key as its integer data."""
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
    """Return CRC-32 of every leaf's bytes, dtype and shape, by its path in the tree."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    sums = {}
    for path, leaf in leaves:
        value = np.asarray(leaf)
        head = zlib.crc32(f"{value.dtype.str}{value.shape}".encode())
        sums[jax.tree_util.keystr(path)] = zlib.crc32(np.ascontiguousarray(value).tobytes(), head)
    return sums


@contextmanager
def open_checkpoints(folder: Path) -> Iterator[Checkpoints]:
    """The checkpoints in ``folder`` (created if missing); on leaving, whatever is being written is finished."""
    options = ocp.CheckpointManagerOptions(
        preservation_policy=keep.AnyPreservationPolicy(
            [keep.LatestN(KEPT), keep.BestN(get_metric_fn=lambda metrics: metrics["score"], n=KEPT)]
        ),
        # A save blocks for some 50 ms; in exchange no exit can lose it.
        enable_async_checkpointing=False,
    )
    # Orbax reports every save at INFO level, warns of its own defaults, and prints what it raises.
    logging.getLogger("absl").setLevel(logging.CRITICAL)
    with ocp.CheckpointManager(folder.resolve(), options=options) as manager:
        yield Checkpoints(manager, folder)


class Checkpoints:
    """Saves and restores of one run. Open with :func:`open_checkpoints`."""

    def __init__(self, manager: ocp.CheckpointManager, folder: Path) -> None:
        self._manager = manager
        self._folder = folder

    def save(self, state: TrainState, meta: dict[str, Any], *, score: float) -> None:
        """Commit the state.

        Args:
            state: as it is; its step names the checkpoint.
            meta: JSON-ready facts of the training loop (best score, patience).
            score: higher is better; the best are kept beside the latest.

        Raises:
            OSError: nothing could be committed, for example on a full disk.
        """
        tree, step = arrays(state), int(state.step)
        meta = {**meta, "crc32": checksums(tree) | _checksum_of(meta)}
        args = ocp.args.Composite(state=ocp.args.StandardSave(tree), meta=ocp.args.JsonSave(meta))
        if step in self._manager.all_steps():
            # A step that was found damaged is written anew; Orbax would skip it.
            self._manager.delete(step)
        if not self._manager.save(step, args=args, metrics={"score": score}, force=True):
            raise OSError(f"{self._folder}: the checkpoint of step {step} was not written")
        self._manager.wait_until_finished()

    def restore(self, template: TrainState, *, step: int | None = None) -> tuple[TrainState, dict[str, Any]] | None:
        """Return the newest sound checkpoint, or the sound one nearest before ``step``; None if there is none at all.

        A damaged one is named in a warning and passed over.

        Args:
            template: a state of the same model and optimiser; its arrays' shapes, dtypes and devices are required.
            step: the step wanted.

        Raises:
            InputError: there are checkpoints but none is sound.
        """
        steps = sorted(self._manager.all_steps(), reverse=True)
        if step is not None:
            steps = [s for s in steps if s <= step] + [s for s in reversed(steps) if s > step]
        wanted = step
        for candidate in steps:
            try:
                found = self._read(candidate, template)
            except Exception as error:  # Orbax raises many kinds for a damaged folder; all mean the same here.
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
        """Delete what lies beyond ``step``: damaged, it would still count among the newest when others are cleared."""
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
    # The step of the best weights decides as much as a weight does.
    return {"meta": zlib.crc32(json.dumps(meta, sort_keys=True).encode())}
