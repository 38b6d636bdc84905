"""Run the training loop: compiled steps, validation, checkpoints, logs, and a stop without loss of steps."""

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
"""takes a state; returns the average precision of its averaged weights on the validation rows"""
ReportRecord = Callable[[dict[str, Any]], None]
"""takes each record of ``metrics.jsonl``, and ``{"step": n}`` between two records"""


@dataclass
class Progress:
    """Progress of the loop, which the checkpoints store beside the state.

    Attributes:
        best_score: highest validation average precision so far; -1 before the first validation.
        best_step: step of this score.
        stale: number of validations since then.
        done: true if the loop has ended, because of the number of steps or of patience.
    """

    best_score: float = -1.0
    best_step: int = 0
    stale: int = 0
    done: bool = False


def run_steps(
    state: TrainState, batch_fn: BatchFn, *, steps: int, mesh: Mesh | None = None, step_fn: TrainStep = train_step
) -> TrainState:
    """Run one or more training steps in one compiled call; return the new state.

    Args:
        state: the state, whose buffers are donated.
        batch_fn: a :data:`BatchFn` as a pytree, so that its rows are arguments of the compiled function.
        steps: number of steps. On a CPU give 1, because ``lax.conv`` is slower in a compiled loop than in a call.
        mesh: devices over which every batch is split; None for one device.
        step_fn: the training step.
    """
    if steps > 1 or mesh is not None:
        return _together(state, batch_fn, steps=steps, mesh=mesh, step_fn=step_fn)
    # This function does not depend on the number of rows, so that trainings on different folds share it.
    return _step(state, _draw(batch_fn, stream(state.key, "batches"), state.step), step_fn=step_fn)


@partial(jax.jit, static_argnames="step_fn", donate_argnums=0)
def _step(state: TrainState, batch: Batch, *, step_fn: TrainStep) -> TrainState:
    return step_fn(state, batch)[0]


@jax.jit
def _draw(batch_fn: Partial, key: jax.Array, step: jax.Array) -> Batch:
    return batch_fn(key, step)


# On several devices only one compiled function runs at a time, because two that wait for all devices can deadlock.
@partial(jax.jit, static_argnames=("steps", "mesh", "step_fn"), donate_argnums=0)
def _together(state: TrainState, batch_fn: BatchFn, *, steps: int, mesh: Mesh | None, step_fn: TrainStep) -> TrainState:
    def step(state: TrainState, _: None) -> tuple[TrainState, None]:
        batch = batch_fn(stream(state.key, "batches"), state.step)
        return step_fn(state, batch if mesh is None else split_batch(batch, mesh))[0], None

    return step(state, None)[0] if steps == 1 else jax.lax.scan(step, state, None, length=steps)[0]


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

    If a call is killed and repeated with the same arguments, it ends with bit-identical arrays and a byte-identical
    ``metrics.jsonl``, on the same machine with the same versions and number of devices.

    Args:
        state: the state at step 0; a checkpoint replaces its arrays.
        batch_fn: returns a batch as a pure function of key and step.
        config: settings of the training.
        folder: folder for ``checkpoints/``, ``metrics.jsonl`` and ``tensorboard/``; None stores nothing.
        validate: called every ``evaluate_every`` steps; the training then stops early and returns the best weights.
            None for no validation.
        report: receives the progress; see :data:`ReportRecord`.
        row_names: ``(n,)`` str, names of the training rows, for messages.
        devices: devices over which the batches are split; all by default.
        step_fn: the training step.

    Returns:
        The state at the end, or at the best validation.

    Raises:
        Interrupted: after Ctrl-C or SIGTERM; the state is saved.
        InputError: a loss is not finite; the message names the step and the stars of its batch.
    """

    from exojax.training.checkpoint import open_checkpoints

    report = report or _silent
    devices = devices or jax.devices()
    mesh = make_mesh(devices) if len(devices) > 1 else None
    fn = batch_fn if isinstance(batch_fn, Partial) else Partial(batch_fn)
    # A copy, because the steps donate their state and the caller may still use the given one.
    state = jax.tree.map(jnp.copy, state)
    # Place the arrays explicitly also on one device, because another placement would compile the step again.
    state, fn = (jax.device_put(tree, devices[0]) if mesh is None else replicate(tree, mesh) for tree in (state, fn))
    # On an accelerator, all steps between two validations are one compiled scan; on a CPU a scan is not faster.
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
            n_steps = min(chunk - step % chunk, config.steps - step)
            state = run_steps(state, fn, steps=n_steps, mesh=mesh, step_fn=step_fn)
            step += n_steps
            if mesh is not None and chunk == 1:
                # Virtual devices share the threads of a processor; concurrent steps may block each other until XLA
                # aborts.
                jax.block_until_ready(state.step)
            due = step % config.evaluate_every == 0 or step >= config.steps
            record: dict[str, Any] = {"step": step}
            if due:
                _check_finite(state, batch_fn, row_names)
                score = float(validate(state)) if validate else None
                progress = _advance(progress, score, step, config)
                record |= _means(state) | ({} if score is None else {"val_average_precision": score})
                state = state.replace(tally=jax.tree.map(_placed_like, empty_tally(), state.tally))
                if validate and saver is None and progress.best_step == step:
                    best = jax.tree.map(jnp.copy, state)
                if log is not None:
                    log.write(record)
                if saver is not None:
                    # The step serves as the score, because among equal scores Orbax may delete the first, the best.
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
            assert best is not None  # the best state was saved or copied
            state = best
        if signum := stopped():
            # The signal came during the last steps: the training has ended, but the caller must stop too.
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


def _silent(record: dict[str, Any]) -> None:
    """Report nothing."""


def _placed_like(value: jax.Array, model: jax.Array) -> jax.Array:
    """Return ``value`` with the sharding of ``model``, because another sharding would compile the step again."""
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
        "check their flux, or give a lower train.learning_rate in a --config file"
    )
