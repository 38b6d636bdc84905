"""The training loop: compiled steps, validation, checkpoints, logs, a stop that loses nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jax.tree_util import Partial

from exojax.config import TrainConfig
from exojax.errors import InputError
from exojax.storage import announce
from exojax.storage.stop_signal import Interrupted, stop_signal
from exojax.training.keys import stream
from exojax.training.log import open_log
from exojax.training.mesh import make_mesh, replicate, split_batch
from exojax.training.recipe import TrainStep
from exojax.training.sampler import BatchFn
from exojax.training.state import TrainState, empty_tally
from exojax.training.step import Batch, train_step

Validate = Callable[[TrainState], float]
"""Average precision of the averaged weights on the validation rows."""
ReportRecord = Callable[[dict[str, Any]], None]
"""Called with each record of ``metrics.jsonl`` as it is made, and with ``{"step": n}`` between them."""


@dataclass
class Progress:
    """What the loop knows beside the state; kept in the checkpoint.

    Attributes:
        best_score: highest validation average precision so far, -1 before the first.
        best_step: where that was.
        stale: validations since then.
        done: the loop has ended, by the number of steps or by patience.
    """

    best_score: float = -1.0
    best_step: int = 0
    stale: int = 0
    done: bool = False


def run_steps(
    state: TrainState, batch_fn: BatchFn, *, steps: int, mesh: Mesh | None = None, step_fn: TrainStep = train_step
) -> TrainState:
    """Return ``steps`` training steps: one, or more in one compiled call.

    Args:
        state: donated.
        batch_fn: a :data:`BatchFn` as a pytree, so that its rows are arguments of the compiled function.
        steps: more than one only where a loop body is as fast as a call, which on a CPU it is not for ``lax.conv``.
        mesh: splits every batch over its devices.
        step_fn: one training step.
    """
    if steps > 1 or mesh is not None:
        return _together(state, batch_fn, steps=steps, mesh=mesh, step_fn=step_fn)
    # A step by itself knows nothing of the number of rows: trainings on other rows, as of folds, share its program.
    return _step(state, _draw(batch_fn, stream(state.key, "batches"), state.step), step_fn=step_fn)


@partial(jax.jit, static_argnames="step_fn", donate_argnums=0)
def _step(state: TrainState, batch: Batch, *, step_fn: TrainStep) -> TrainState:
    return step_fn(state, batch)[0]


@jax.jit
def _draw(batch_fn: Partial, key: jax.Array, step: jax.Array) -> Batch:
    return batch_fn(key, step)


# Of several devices one program at a time is under way: two, both waiting for all devices, may block each other.
@partial(jax.jit, static_argnames=("steps", "mesh", "step_fn"), donate_argnums=0)
def _together(state: TrainState, batch_fn: BatchFn, *, steps: int, mesh: Mesh | None, step_fn: TrainStep) -> TrainState:
    def one(state: TrainState, _: None) -> tuple[TrainState, None]:
        batch = batch_fn(stream(state.key, "batches"), state.step)
        return step_fn(state, batch if mesh is None else split_batch(batch, mesh))[0], None

    return one(state, None)[0] if steps == 1 else jax.lax.scan(one, state, None, length=steps)[0]


def train(
    state: TrainState,
    batch_fn: BatchFn,
    config: TrainConfig,
    *,
    folder: Path | None = None,
    validate: Validate | None = None,
    report: ReportRecord | None = None,
    row_names: np.ndarray | None = None,
    devices: list[jax.Device] | None = None,
    step_fn: TrainStep = train_step,
) -> TrainState:
    """Train from ``state``, or from the newest checkpoint in ``folder``, to the end.

    Killed at any moment and called again with the same arguments it ends with bit-identical arrays and a byte-identical
    ``metrics.jsonl``, on the same machine, versions and number of devices.

    Args:
        state: at step 0; on resumption its arrays are replaced.
        batch_fn: batches as a pure function of key and step.
        config: number of steps, validation interval, patience.
        folder: gets ``checkpoints/``, ``metrics.jsonl`` and ``tensorboard/``; None keeps nothing.
        validate: called every ``evaluate_every`` steps; with it training stops early and returns the best weights.
        report: see :data:`ReportRecord`.
        row_names: ``(n,)`` str, names of the rows that batches are drawn from, for messages.
        devices: the devices to split batches over, all by default.
        step_fn: one training step.

    Returns:
        The state at the end, or at the best validation.

    Raises:
        Interrupted: by Ctrl-C or SIGTERM, after saving.
        InputError: a loss is not finite; it names the step and the batch's stars.
    """

    from exojax.training.checkpoint import open_checkpoints

    report = report or (lambda record: None)
    devices = devices or jax.devices()
    mesh = make_mesh(devices) if len(devices) > 1 else None
    fn = batch_fn if isinstance(batch_fn, Partial) else Partial(batch_fn)
    # The steps donate their state; the caller keeps his own.
    state = jax.tree.map(jnp.copy, state)
    # Placed by name even where there is one device: arrays placed in two ways would compile the step again.
    state, fn = (jax.device_put(tree, devices[0]) if mesh is None else replicate(tree, mesh) for tree in (state, fn))
    # On an accelerator whole intervals are one compiled scan; on a CPU a loop body gains nothing.
    chunk = 1 if devices[0].platform == "cpu" else config.evaluate_every
    progress, best = Progress(), None

    with ExitStack() as stack:
        saver = log = None
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            saver = stack.enter_context(open_checkpoints(folder / "checkpoints"))
            log = stack.enter_context(open_log(folder))
            if (found := saver.restore(state)) is not None:
                state, progress = found[0], Progress(**found[1])
                saver.forget_after(int(state.step))
            log.cut(int(state.step))
        stopped = stack.enter_context(stop_signal())
        step = int(state.step)
        report({"step": step})
        announce.phase("compiling the training step, or reading it from this machine's cache")
        while not progress.done:
            ahead = min(chunk - step % chunk, config.steps - step)
            state = run_steps(state, fn, steps=ahead, mesh=mesh, step_fn=step_fn)
            step += ahead
            if mesh is not None and chunk == 1:
                # Virtual devices share a processor's threads: steps in flight may starve each other until XLA gives up.
                jax.block_until_ready(state.step)
            due = step % config.evaluate_every == 0 or step >= config.steps
            record: dict[str, Any] = {"step": step}
            if due:
                _check_finite(state, batch_fn, row_names)
                score = float(validate(state)) if validate else None
                progress = _advance(progress, score, step, config)
                record |= _means(state) | ({} if score is None else {"val_average_precision": score})
                state = state.replace(tally=jax.tree.map(_alike, empty_tally(), state.tally))
                if validate and saver is None and progress.best_step == step:
                    best = jax.tree.map(jnp.copy, state)
                if log is not None:
                    log.write(record)
                if saver is not None:
                    # Not the score itself: of equal ones Orbax may clear away the first, which is the best.
                    saver.save(state, vars(progress), score=step if progress.best_step == step else -1.0)
            report(record)
            if (signum := stopped()) and not progress.done:
                if saver is not None and not due:
                    _check_finite(state, batch_fn, row_names)
                    saver.save(state, vars(progress), score=-1.0)
                raise Interrupted(signum, f"at step {step}")
        if validate and progress.best_step != step:
            if saver is not None and (found := saver.restore(state, step=progress.best_step)) is not None:
                best = found[0]
            assert best is not None  # saved, or copied, when it was the best
            state = best
        if signum := stopped():
            # It came during the last interval: this is done, but the work of which it is a part is not.
            raise Interrupted(signum, f"at step {step}")
    return state


def _advance(progress: Progress, score: float | None, step: int, config: TrainConfig) -> Progress:
    if score is None:
        return Progress(best_step=step, done=step >= config.steps)
    if score > progress.best_score:
        return Progress(best_score=score, best_step=step, done=step >= config.steps)
    stale = progress.stale + 1
    done = step >= config.steps or stale >= config.patience
    return Progress(progress.best_score, progress.best_step, stale, done)


def _means(state: TrainState) -> dict[str, float]:
    tally = jax.device_get(state.tally)
    return {name: float(tally[name]) / int(tally["steps"]) for name in ("loss", "grad_norm")}


def _alike(value: jax.Array, model: jax.Array) -> jax.Array:
    """Placed like ``model``: another sharding would compile the step again."""
    return jax.device_put(value, model.sharding)


def _check_finite(state: TrainState, batch_fn: BatchFn, row_names: np.ndarray | None) -> None:
    bad = int(state.tally["bad_step"])
    if bad < 0:
        return
    batch = batch_fn(stream(state.key, "batches"), jnp.int32(bad))
    rows = np.asarray(batch["row"]) if "row" in batch else np.arange(0)
    names = rows if row_names is None else row_names[rows]
    raise InputError(
        f"the loss of step {bad} is not finite; its stars: {', '.join(map(str, np.unique(names)))}; "
        "look at their flux, or lower train.learning_rate in a --config file"
    )
